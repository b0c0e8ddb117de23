//! What Terrace reads of Terraform's states and of the locks on them. Owns the reading of both formats; keeps nothing of resources but
//! their addresses, and never says in an error what is in a state: there are secrets in it.

mod facts;
mod lock;

pub use facts::{Output, STATE_BYTES_MAX, StateError, StateFacts};
pub use lock::{LockInfo, LockInfoError};

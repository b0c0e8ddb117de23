//! What Terrace reads of Terraform's states and of the locks on them: facts, and what an import needs to make a lost state again. Owns the
//! reading of both formats; keeps nothing of resources but addresses and the ids by which providers know them, and never says in an error what
//! is in a state: there are secrets in it.

mod address;
mod facts;
pub mod import;
mod lock;

pub use address::{hcl_string, resource_type, without_keys};
pub use facts::{Output, STATE_BYTES_MAX, StateError, StateFacts};
pub use lock::{LockInfo, LockInfoError};

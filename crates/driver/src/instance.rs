//! One instance at work: its folder, its inputs and backend, and the Terraform commands of each step. Every function does one step
//! and says how it went; which step comes next is not decided here.

mod backend;
mod cover;
mod folder;
mod halt;
mod init;
mod inputs;
mod outputs;
mod place;
mod raw_state;
mod spoken;
mod steps;
mod teller;
mod trace;

pub use backend::{BackendError, backend_of};
pub use folder::InstanceFolder;
pub use halt::{Halt, StepResult};
pub use outputs::{OutputBook, PlannedOutputs};
pub use raw_state::{OpenState, open_state, state_of};
pub use steps::{Applied, Planned, Prepared, apply, clean, clean_up, discard, plan, prepare, settle};
pub use teller::{Noted, Teller, Watcher};

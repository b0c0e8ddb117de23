//! One instance at work: its folder, its inputs and backend, and the Terraform commands of each step. Every function does one step
//! and says how it went; which step comes next is not decided here.

mod apply;
mod backend;
mod clean;
mod command;
mod conclude;
mod cover;
mod folder;
mod halt;
mod import_file;
mod init;
mod inputs;
mod lay_out;
mod locked;
mod outputs;
mod place;
mod plan;
mod prepare;
mod private_file;
mod raw_state;
mod recover;
mod settle;
mod show;
mod spoken;
mod take_over;
mod teller;
mod trace;
mod upstream;
mod verify;

pub use apply::{Applied, apply};
pub use backend::{BackendError, backend_of};
pub use clean::{clean, clean_up, discard};
pub use folder::{InstanceFolder, errors_in};
pub use halt::{Halt, StepResult};
pub use outputs::{OutputBook, PlannedOutputs};
pub use place::place_in_words;
pub use plan::{Planned, plan};
pub use prepare::{Prepared, prepare};
pub use raw_state::{OpenState, open_state, state_of};
pub use recover::{Lost, Recovered, Refused, recover_state};
pub use settle::settle;
pub use teller::{CheckNews, Noted, Teller, Watcher};
pub use verify::verify;

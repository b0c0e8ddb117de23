//! Terraform (or OpenTofu) as processes: finding the program, the environment that its processes see, running them, and reading
//! their machine-readable output. Decides nothing about runs.

pub mod environment;
pub mod message;
pub mod process;
pub mod program;

pub use environment::Environment;
pub use message::Message;
pub use process::{Exit, Invocation, ProcessError};
pub use program::{Product, ProgramError, Terraform};

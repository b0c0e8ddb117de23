//! Rehearsals: makes an ephemeral environment, does the phases that `terrace_domain::rehearsal` asks for, cleans up, and reports. Which phase
//! comes next, and what a rehearsal came to, is the domain's to decide.

mod baseline;
mod evidence;
mod ground;
mod look;
mod phases;
mod recovery;
mod request;
mod sweep;

pub use baseline::{Baseline, Batch, baseline_of};
pub use evidence::{needed, prove};
pub use phases::rehearse;
pub use recovery::{Rebuilt, differing, rebuild_states};
pub use request::{Candidate, Request};
pub use sweep::{Swept, due, sweep};

//! The domain of Terrace: what an estate is, how its stacks depend on each other, what a change affects, and what a run does
//! next. Everything here is pure: no clock, no files, no processes, no environment (this crate's `clippy.toml` denies them).

pub mod affected;
pub mod blast;
pub mod check;
pub mod code;
pub mod diagnostic;
pub mod digest;
pub mod estate;
pub mod expression;
pub mod graph;
pub mod history;
pub mod key;
pub mod ledger;
pub mod map;
pub mod moves;
pub mod name;
pub mod path;
pub mod plan;
pub mod policy;
pub mod rehearsal;
pub mod release;
pub mod run;
pub mod settings;
pub mod slice;
pub mod state;
pub mod timeline;
pub mod value;
pub mod version;
pub mod window;

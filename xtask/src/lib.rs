//! Work on the repository itself that is more than a line of shell: its habits, generated estates, and figures of whole commands.
//! Never a part of the product.
#![allow(clippy::disallowed_methods, reason = "a tool of this repository reads its own environment")]

pub mod bench_commands;
pub mod estate;
pub mod tidy;

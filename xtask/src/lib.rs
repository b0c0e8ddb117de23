//! Work on the repository itself that is more than a line of shell: its habits, generated estates, and figures of whole commands.
//! Never a part of the product.

pub mod bench_commands;
pub mod estate;
pub mod tidy;

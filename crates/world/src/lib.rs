//! What Terrace does in the world: git, files, locks, processes and servers. This crate decides nothing: it reads, writes and starts what it
//! is told to, and says clearly what went wrong.

pub mod command;
pub mod git;
pub mod http;
pub mod lock;
pub mod terraform;
pub mod tree;
pub mod workspace;

//! What Terrace does in the world: git, files, locks and processes. This crate decides nothing: it reads, writes and starts what it
//! is told to, and says clearly what went wrong.

pub mod git;
pub mod lock;
pub mod terraform;
pub mod tree;
pub mod workspace;

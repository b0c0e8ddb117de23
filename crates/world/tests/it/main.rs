//! Tests of the world crate against the real git and real files.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod git;
mod history;
mod tree;
mod workspace;

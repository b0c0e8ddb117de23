//! Tests of the world crate against the real git and real files.

mod git;

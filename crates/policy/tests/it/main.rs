//! Policies from the outside: files go in, and what they say of an input comes out, or what is wrong with them.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod bad;
mod checked;
mod conftest;
mod document;
mod gate;
mod harbour;
mod limits;
mod tests_of_policies;

//! Releases from the outside: built from commits of real repositories into real layouts, and read from there again.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod build;
mod damage;
mod layout;
mod restore;
mod shop;
mod vendor;

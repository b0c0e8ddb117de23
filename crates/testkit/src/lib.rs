//! Fixtures that the tests of several crates share. For tests alone: what fails here panics.

pub mod fixture;
pub mod registry;
pub mod repository;
pub mod tools;

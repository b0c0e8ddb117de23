//! Tests of `advance`: whole runs under a simulated driver, single events, the sequence in which instances start.

mod chain;
mod event;
mod expectation;
mod gate;
mod outcome;
mod property;
mod scenario;
mod simulation;
mod start;
mod timeline;
mod verdict;

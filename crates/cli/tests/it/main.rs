//! `terrace` from the outside: exit codes, what it says, what it prints, and what is on the clouds then. Terraform is real.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod affected;
mod aws;
mod bad_command;
mod bad_estate;
mod bad_store;
mod bad_terraform;
mod blocked;
mod checks;
mod concurrent;
mod crash;
mod deliver;
mod desk;
mod disk;
mod failure;
mod graph;
mod harbour;
mod init;
mod interrupt;
mod key;
mod ledger;
mod left_behind;
mod outlived;
mod pipeline;
mod plan;
mod rehearse;
mod release;
mod release_registry;
mod sandbox;
mod small;
mod state;
mod state_lock;
mod state_server;
mod surroundings;
mod unsaved;
mod warnings;

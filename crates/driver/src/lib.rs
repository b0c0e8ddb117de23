//! Performs what runs ask for, on this machine: keeps the journal, lays out work folders, starts Terraform, and feeds what happened
//! back into the domain's `advance`. Chooses nothing itself.

pub mod assess;
pub mod attached;
pub mod context;
pub mod database;
pub mod digest_key;
pub mod facts;
pub mod home;
pub mod instance;
pub mod ledger;
pub mod local;

pub mod orphan;
pub mod rehearsals;
pub mod snapshots;
pub mod store;
pub mod witness;

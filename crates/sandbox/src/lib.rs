//! The sandbox: a small simulated cloud for practice, and the Terraform provider through which it is used.
//!
//! A [`Cloud`] is one `SQLite` file. A [`Server`] serves the provider for it on unix sockets, one [`Attachment`] for each identity;
//! Terraform finds an attachment through the environment variable `TF_REATTACH_PROVIDERS`, so there is no provider to install.
//! Never starts Terraform, and reads no environment.

mod cloud;
mod kind;
mod protocol;
mod provider;
mod server;

pub use cloud::{
    Call, CallFilter, CallWire, Cloud, CloudError, CloudInventory, Contained, Effect, Fault, FaultWire, Inventory,
    InventoryWire, Operation, Outcome, Refusal, RegionInventory, Resource, StoreError, StoredFault, TAMPER_IDENTITY,
    Tampered,
};
pub use kind::Vendor;
pub use server::{Attachment, PROVIDER_SOURCE, Server, ServerError};

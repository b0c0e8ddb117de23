//! The simulated cloud: what exists, what may be done with it, and what was done. Owns one `SQLite` file, which any number of
//! processes use at once. Never speaks Terraform's protocol, and never waits: how long something takes is for the caller to keep.

mod call;
mod compute;
mod fault;
mod inventory;
mod operate;
mod place;
mod refusal;
mod region;
mod resource;
mod settings;
mod store;
mod tamper;
#[cfg(test)]
mod tests;

use std::fmt;
use std::path::Path;
use std::sync::Arc;

pub use call::{Call, CallFilter, CallWire, Outcome};
pub use fault::{Effect, Fault, FaultWire, StoredFault};
pub use inventory::{CloudInventory, Contained, Inventory, InventoryWire, RegionInventory};
pub(crate) use operate::{Admission, Request};
pub use refusal::Refusal;
pub use resource::Resource;
pub use store::StoreError;
pub use tamper::Tampered;

use store::Store;

/// The identity under which things are done behind Terraform's back.
pub const TAMPER_IDENTITY: &str = "tamper";

/// What a call does to a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// Makes a resource.
    Create,
    /// Looks at a resource.
    Read,
    /// Changes a resource in place.
    Update,
    /// Removes a resource.
    Delete,
    /// Loses a region with all that is in it.
    Lose,
    /// Brings a lost region back, empty.
    Restore,
}

impl Operation {
    /// All operations.
    pub const ALL: [Self; 6] = [Self::Create, Self::Read, Self::Update, Self::Delete, Self::Lose, Self::Restore];

    /// The operation's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Read => "read",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::Lose => "lose",
            Self::Restore => "restore",
        }
    }

    /// The operation of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|operation| operation.as_str() == name)
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Why the cloud did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum CloudError {
    /// The cloud's file could not be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The cloud said no, in its own words.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// A fault's or filter's pattern is not a glob.
    #[error("`{pattern}` is not a pattern: {reason}")]
    Pattern {
        /// The pattern.
        pattern: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A setting or a request of a person is out of range or makes no sense.
    #[error("{0}")]
    Invalid(String),
    /// The one who asked went away before the cloud was done; nothing was changed.
    #[error("the caller went away")]
    Abandoned,
}

impl From<rusqlite::Error> for CloudError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(error.into())
    }
}

/// The simulated cloud in one file. Cloning gives another handle to the same.
#[derive(Debug, Clone)]
pub struct Cloud {
    store: Arc<Store>,
}

impl Cloud {
    /// Opens the cloud in that file, and makes it (readable by its owner alone) when there is none.
    ///
    /// Fails when the file cannot be used, is not a sandbox cloud, or was written by a newer version.
    pub fn open(path: &Path) -> Result<Self, CloudError> {
        Ok(Self { store: Arc::new(Store::open(path)?) })
    }

    /// The cloud's file.
    pub fn path(&self) -> &Path {
        self.store.path()
    }

    /// Empties the cloud: resources, faults, lost regions, recorded calls and settings.
    pub fn reset(&self) -> Result<(), CloudError> {
        self.store.write(|tx| {
            tx.execute_batch(
                "DELETE FROM reference; DELETE FROM resource; DELETE FROM fault; DELETE FROM lost_region;
                 DELETE FROM call; DELETE FROM setting;",
            )?;
            Ok(())
        })
    }
}

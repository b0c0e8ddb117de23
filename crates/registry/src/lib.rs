//! Releases between an image layout on disk and an OCI registry (distribution specification 1.1). Owns the order in which things are
//! pushed and pulled, so that nothing half done is ever referenced, and what is tried again. Never makes contents of its own but the
//! index of a fallback tag, and never reads the environment: credentials come from the folder that it is given.

mod blobs;
mod content;
mod credentials;
mod error;
mod layout;
mod pull;
mod push;
mod referrers;
mod session;
mod target;

pub use blobs::{Blobs, Reference};
pub use content::{BLOB_BYTES_MAX, Descriptor, MANIFEST_BYTES_MAX};
pub use credentials::{Credentials, CredentialsError};
pub use error::RegistryError;
pub use layout::ImageLayout;
pub use pull::{Pulled, pull};
pub use push::{Pushed, push};
pub use session::{Options, Progress, install_tls};
pub use target::{Target, TargetError};

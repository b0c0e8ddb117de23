//! Secrets at rest: bytes are compressed (zstd, RFC 8878), encrypted (age, <https://age-encryption.org/v1>, X25519 recipients) and stored
//! under the digest of what they were. Owns the identity file, the sealed files and their place. Never decides what is kept or for how
//! long, and never writes a secret in the clear but where it is asked to. What it seals, `age -d -i identity.txt FILE | zstd -d` opens.

mod error;
pub mod identity;
mod seal;
mod store;

pub use error::VaultError;
pub use identity::{Identity, IdentityError, Recipient, RecipientError};
pub use store::Vault;
pub use terrace_domain::digest::Digest;

/// The most bytes that are sealed or opened at once. States are far below; the limit keeps a damaged or hostile file from filling the
/// memory or the disk.
pub const BYTES_MAX: u64 = 1 << 30;

/// What was sealed or opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sealed {
    /// The digest of the bytes in the clear.
    pub digest: Digest,
    /// How many there are.
    pub size: u64,
}

//! What can be wrong with sealed files, each told apart.

use std::io;
use std::path::{Path, PathBuf};

use crate::{BYTES_MAX, Digest};

/// Something cannot be sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// There is no such file.
    #[error("{} is not there", .0.display())]
    Missing(PathBuf),
    /// None of the identities opens it.
    #[error("{} was sealed for others: none of the identities here opens it", .0.display())]
    NotOurs(PathBuf),
    /// It is no age file.
    #[error("{} is not a sealed file", .0.display())]
    NotSealed(PathBuf),
    /// Its end is missing.
    #[error("{} is cut off: its end is missing", .0.display())]
    CutOff(PathBuf),
    /// Its end is not as it was written. Whether more was there cannot be told.
    #[error("{} is damaged: its end was changed, or is missing", .0.display())]
    EndDamaged(PathBuf),
    /// It is not as it was written.
    #[error("{} is damaged: it was changed after it was sealed", .0.display())]
    Changed(PathBuf),
    /// It is sound, and holds something else than its name says.
    #[error("{} holds {found} instead of {expected}: it was exchanged for another", path.display())]
    Exchanged {
        /// The file.
        path: PathBuf,
        /// What its name says.
        expected: Digest,
        /// What is in it.
        found: Digest,
    },
    /// It holds more than is taken.
    #[error("{} holds more than {BYTES_MAX} bytes in the clear, which is the most that is taken", .0.display())]
    TooLarge(PathBuf),
    /// Nobody could open what would be sealed.
    #[error("nothing can be sealed without a recipient")]
    NoRecipient,
    /// A file or folder cannot be used.
    #[error("cannot use {}: {source}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl VaultError {
    /// An error of the system, with the path that it is about.
    pub(crate) fn io(path: &Path) -> impl Fn(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path: path.clone(), source }
    }
}

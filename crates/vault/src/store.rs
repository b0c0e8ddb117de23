//! The folder of sealed bytes, `sha256/HEX.age`, and single sealed files. A file is whole or not there: written under another name, brought
//! to the disk, renamed.

use std::fs::{self, DirBuilder, File, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::seal::{open, seal};
use crate::{BYTES_MAX, Digest, Identity, Recipient, Sealed, VaultError};

/// The folder below the vault's, named after the digests.
const ALGORITHM: &str = "sha256";

/// A folder of sealed bytes.
#[derive(Debug)]
pub struct Vault {
    folder: PathBuf,
    identities: Vec<Identity>,
    recipients: Vec<Recipient>,
}

impl Vault {
    /// Opens the vault in this folder, which is made where there is none. What is put into it can be opened by the identities and by the
    /// recipients.
    pub fn open(folder: &Path, identities: Vec<Identity>, recipients: Vec<Recipient>) -> Result<Self, VaultError> {
        let mut all: Vec<_> = identities.iter().map(Identity::recipient).collect();
        for recipient in recipients {
            if !all.contains(&recipient) {
                all.push(recipient);
            }
        }
        if all.is_empty() {
            return Err(VaultError::NoRecipient);
        }
        let vault = Self { folder: folder.to_owned(), identities, recipients: all };
        make_private(&vault.folder)?;
        make_private(&vault.folder.join(ALGORITHM))?;
        Ok(vault)
    }

    /// Where the bytes with this digest are, or would be.
    pub fn path(&self, digest: Digest) -> PathBuf {
        self.folder.join(ALGORITHM).join(format!("{}.age", digest.hex()))
    }

    /// Seals bytes. Where the same are there already, whole and to be opened here, nothing is written.
    pub fn put(&self, bytes: &[u8]) -> Result<Sealed, VaultError> {
        let sealed = Sealed { digest: Digest::of(bytes), size: bytes.len() as u64 };
        let path = self.path(sealed.digest);
        if sealed.size > BYTES_MAX {
            return Err(VaultError::TooLarge(path));
        }
        // A damaged file would be found when it is too late: it is written anew.
        if !path.exists() || self.get(sealed.digest).is_err() {
            self.write((&mut &*bytes, &path), &path)?;
        }
        Ok(sealed)
    }

    /// The bytes with this digest.
    pub fn get(&self, digest: Digest) -> Result<Vec<u8>, VaultError> {
        let path = self.path(digest);
        let mut bytes = Vec::new();
        let sealed = open(&path, (&mut bytes, &path), &self.identities)?;
        if sealed.digest == digest {
            Ok(bytes)
        } else {
            Err(VaultError::Exchanged { path, expected: digest, found: sealed.digest })
        }
    }

    /// Seals the file `from` into the file `to`, which may be anywhere, then removes `from`. Its blocks may stay on the disk for some time.
    pub fn seal_file(&self, from: &Path, to: &Path) -> Result<Sealed, VaultError> {
        let mut file = File::open(from).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => VaultError::Missing(from.to_owned()),
            _ => VaultError::io(from)(error),
        })?;
        let sealed = self.write((&mut file, from), to)?;
        fs::remove_file(from).map_err(VaultError::io(from))?;
        Ok(sealed)
    }

    /// Opens the sealed file `from` into the file `to`, which its owner alone can read. Hold the digest that comes back against the one that
    /// was kept when it was sealed.
    pub fn open_file(&self, from: &Path, to: &Path) -> Result<Sealed, VaultError> {
        let mut file = temporary(to)?;
        let sealed = open(from, (file.as_file_mut(), to), &self.identities)?;
        keep(file, to)?;
        Ok(sealed)
    }

    fn write(&self, from: (&mut dyn io::Read, &Path), to: &Path) -> Result<Sealed, VaultError> {
        let mut file = temporary(to)?;
        let sealed = seal(from, (file.as_file_mut(), to), &self.recipients)?;
        keep(file, to)?;
        Ok(sealed)
    }
}

/// The folder that a file is in.
fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn temporary(path: &Path) -> Result<NamedTempFile, VaultError> {
    let made = tempfile::Builder::new()
        .prefix(".sealing")
        .permissions(Permissions::from_mode(0o600))
        .tempfile_in(folder_of(path));
    made.map_err(VaultError::io(folder_of(path)))
}

/// Gives a written file its name, in such a way that a crash leaves all of it or nothing.
fn keep(file: NamedTempFile, path: &Path) -> Result<(), VaultError> {
    let named = || {
        file.as_file().sync_all()?;
        file.persist(path).map_err(|error| error.error)?;
        File::open(folder_of(path))?.sync_all()
    };
    named().map_err(VaultError::io(path))
}

/// Makes a folder that its owner alone can look into; one that is there is made so.
fn make_private(folder: &Path) -> Result<(), VaultError> {
    let made = || {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        if fs::metadata(folder)?.permissions().mode() & 0o077 != 0 {
            fs::set_permissions(folder, Permissions::from_mode(0o700))?;
        }
        Ok(())
    };
    made().map_err(VaultError::io(folder))
}

#[cfg(test)]
mod tests;

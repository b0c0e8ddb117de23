//! The key by which digests of values are made: without it nobody can find a secret by trying values until a digest fits. Owns one file of
//! the `.terrace` folder, which never leaves the machine: digests of values are compared on the machine that made them.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use terrace_domain::digest::Digest;

/// The key's length in bytes: that of the digest (RFC 2104, section 3).
const KEY_BYTES: usize = 32;

/// A key for digests of values.
#[derive(Clone)]
pub struct DigestKey([u8; KEY_BYTES]);

/// The key cannot be had.
#[derive(Debug, thiserror::Error)]
#[error("cannot use {}: {source}", path.display())]
pub struct DigestKeyError {
    /// The file.
    pub path: PathBuf,
    /// Why.
    pub source: io::Error,
}

impl DigestKey {
    /// The key in a file; made where there is none. Of two processes that make it at once, one's stays.
    pub fn open(path: &Path) -> Result<Self, DigestKeyError> {
        let failed = |source| DigestKeyError { path: path.to_owned(), source };
        if !path.exists() {
            let mut key = [0; KEY_BYTES];
            getrandom::fill(&mut key).map_err(|error| failed(io::Error::other(error.to_string())))?;
            let made = path.with_extension(format!("{}", std::process::id()));
            let mut file =
                OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&made).map_err(failed)?;
            file.write_all(&key).and_then(|()| file.sync_all()).map_err(failed)?;
            // Not replaced where it has appeared meanwhile.
            let linked = fs::hard_link(&made, path);
            fs::remove_file(&made).map_err(failed)?;
            linked.or_else(|error| if path.exists() { Ok(()) } else { Err(error) }).map_err(failed)?;
        }
        let bytes = fs::read(path).map_err(failed)?;
        let wrong = || failed(io::Error::other("it is damaged: remove it, and plans that wait are approved anew"));
        bytes.try_into().map(Self).map_err(|_| wrong())
    }

    /// The keyed digest of these bytes (HMAC-SHA-256).
    ///
    /// # Panics
    /// Never: the key has the right length.
    pub fn digest(&self, bytes: &[u8]) -> Digest {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("any length of key is taken");
        mac.update(bytes);
        Digest(mac.finalize().into_bytes().into())
    }
}

impl std::fmt::Debug for DigestKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DigestKey")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_makes_other_digests_than_another() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("digest.key");
        let key = DigestKey::open(&path).unwrap();
        assert_eq!(DigestKey::open(&path).unwrap().digest(b"x"), key.digest(b"x"));
        let other = DigestKey::open(&folder.path().join("other.key")).unwrap();
        assert_ne!(other.digest(b"x"), key.digest(b"x"));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
        fs::write(&path, "short").unwrap();
        assert!(DigestKey::open(&path).unwrap_err().to_string().contains("it is damaged"));
    }
}

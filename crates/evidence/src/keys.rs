//! The signing key and its file: PKCS#8 in PEM (RFC 5958, RFC 7468, RFC 8410), readable by its owner alone. Owns how keys are made,
//! written, read and called. Never overwrites a key, never prints one.

use std::fmt;
use std::fs::{self, DirBuilder, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use ed25519_dalek::Signer;
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{DecodePrivateKey, EncodePrivateKey, KeypairBytes};
use terrace_domain::digest::Digest;
use terrace_domain::key::PublicKey;

/// The largest key file in bytes: a key has 119, and a wrong path may lead to anything.
const FILE_BYTES_MAX: u64 = 16 * 1024;
/// What of a file's mode lets others than its owner at it.
const OTHERS: u32 = 0o077;
/// The mode of a folder that is made for keys.
const FOLDER_MODE: u32 = 0o700;

/// A key that signs.
pub struct SigningKey(ed25519_dalek::SigningKey);

/// The name of a key: the SHA-256 of its 32 bytes, in hexadecimal digits.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(String);

/// Why a key cannot be made, written or read.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// There is none at this path.
    #[error("there is no signing key at {}", .0.display())]
    Missing(PathBuf),
    /// There is one already.
    #[error("there is a file at {} already, and a key is never overwritten", .0.display())]
    Exists(PathBuf),
    /// Others than the owner can use it.
    #[error("others than its owner can use the signing key at {} (mode {mode:o})", path.display())]
    Exposed {
        /// The key's file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// The file holds something else.
    #[error("{} is not an ed25519 key in PKCS#8 PEM: {why}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        why: String,
    },
    /// The file or its folder cannot be used.
    #[error("the signing key at {} cannot be used", path.display())]
    File {
        /// The key's file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The system gives no random numbers.
    #[error("the operating system gives no random numbers: {0}")]
    Random(String),
}

impl KeyError {
    /// What to do next.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Missing(_) => Some("Make one: `terrace key new`.".to_owned()),
            Self::Exists(_) => Some(
                "`terrace key show` prints its public half. To replace it, move it away first; what it has signed counts as long as it is \
                 trusted in terrace.hcl."
                    .to_owned(),
            ),
            Self::Exposed { path, .. } => Some(format!(
                "Run `chmod 600 {}`. If others had access to it, make a new key and take the old one's `trust` block away.",
                path.display()
            )),
            Self::Format { .. } | Self::File { .. } | Self::Random(_) => None,
        }
    }
}

impl SigningKey {
    /// A new key, from the operating system's random numbers.
    pub fn generate() -> Result<Self, KeyError> {
        let mut secret = [0; 32];
        getrandom::fill(&mut secret).map_err(|error| KeyError::Random(error.to_string()))?;
        Ok(Self::from_secret(&secret))
    }

    /// The key with this secret (RFC 8032, section 5.1.5).
    pub fn from_secret(secret: &[u8; 32]) -> Self {
        Self(ed25519_dalek::SigningKey::from_bytes(secret))
    }

    /// Writes the key where there is no file yet, complete or not at all, for its owner alone. Makes the folder.
    pub fn save_new(&self, path: &Path) -> Result<(), KeyError> {
        let failed = |source| KeyError::File { path: path.to_owned(), source };
        // Looked at before anything is made: a link that leads nowhere counts too.
        if path.symlink_metadata().is_ok() {
            return Err(KeyError::Exists(path.to_owned()));
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(folder).map_err(failed)?;
        let text = self.to_pem().map_err(|why| KeyError::Format { path: path.to_owned(), why })?;
        // A temporary file of this crate has mode 600 from its first moment on.
        let mut file = tempfile::Builder::new().prefix(".key-").tempfile_in(folder).map_err(failed)?;
        file.write_all(text.as_bytes()).and_then(|()| file.as_file().sync_all()).map_err(failed)?;
        file.persist_noclobber(path).map_err(|error| match error.error.kind() {
            io::ErrorKind::AlreadyExists => KeyError::Exists(path.to_owned()),
            _ => failed(error.error),
        })?;
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)
    }

    /// Reads a key, which nobody but its owner may be able to read or change.
    pub fn load(path: &Path) -> Result<Self, KeyError> {
        let failed = |source| KeyError::File { path: path.to_owned(), source };
        let mut file = File::open(path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => KeyError::Missing(path.to_owned()),
            _ => failed(error),
        })?;
        let metadata = file.metadata().map_err(failed)?;
        let format = |why: String| KeyError::Format { path: path.to_owned(), why };
        if !metadata.is_file() {
            return Err(format("it is not a file".to_owned()));
        }
        let mode = metadata.permissions().mode() & 0o7777;
        if mode & OTHERS != 0 {
            return Err(KeyError::Exposed { path: path.to_owned(), mode });
        }
        if metadata.len() > FILE_BYTES_MAX {
            return Err(format(format!("it has {} bytes", metadata.len())));
        }
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(|error| match error.kind() {
            io::ErrorKind::InvalidData => format("it is not text".to_owned()),
            _ => failed(error),
        })?;
        Self::from_pem(&text).map_err(format)
    }

    /// Without the public key (version 1 of RFC 5958): not every OpenSSL reads version 2.
    fn to_pem(&self) -> Result<String, String> {
        let pair = KeypairBytes { secret_key: self.0.to_bytes(), public_key: None };
        let pem = pair.to_pkcs8_pem(LineEnding::LF).map_err(|error| error.to_string())?;
        Ok(pem.to_string())
    }

    fn from_pem(text: &str) -> Result<Self, String> {
        ed25519_dalek::SigningKey::from_pkcs8_pem(text).map(Self).map_err(|error| error.to_string())
    }

    /// Its public half.
    pub fn public_key(&self) -> PublicKey {
        PublicKey::from_bytes(self.0.verifying_key().to_bytes())
    }

    /// Its name.
    pub fn id(&self) -> KeyId {
        KeyId::of(&self.public_key())
    }

    /// Signs (ed25519, RFC 8032).
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.id())
    }
}

/// How many digits of a key's name people are shown.
const SHORT_DIGITS: usize = 16;

impl KeyId {
    /// The name of a public key.
    pub fn of(key: &PublicKey) -> Self {
        Self(Digest::of(key.as_bytes()).hex())
    }

    /// All digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first 16 digits, for people.
    pub fn short(&self) -> &str {
        &self.0[..SHORT_DIGITS]
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The mode of a key's file, for those who show it.
pub fn mode_of(path: &Path) -> io::Result<u32> {
    Ok(fs::metadata(path)?.permissions().mode() & 0o7777)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().unwrap()
    }

    #[test]
    fn a_key_is_written_once_for_its_owner_alone_and_read_again() {
        let folder = folder();
        let path = folder.path().join("config/terrace/signing.pem");
        let key = SigningKey::generate().unwrap();
        key.save_new(&path).unwrap();
        assert_eq!(mode_of(&path).unwrap(), 0o600);
        assert_eq!(mode_of(path.parent().unwrap()).unwrap(), 0o700);
        assert_eq!(SigningKey::load(&path).unwrap().id(), key.id());
        let before = fs::read(&path).unwrap();
        let error = SigningKey::generate().unwrap().save_new(&path).unwrap_err();
        assert!(matches!(error, KeyError::Exists(_)), "{error}");
        assert_eq!(fs::read(&path).unwrap(), before);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn a_key_that_others_can_read_is_refused() {
        let folder = folder();
        let path = folder.path().join("signing.pem");
        SigningKey::generate().unwrap().save_new(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let error = SigningKey::load(&path).unwrap_err();
        assert!(matches!(error, KeyError::Exposed { mode: 0o640, .. }), "{error}");
        assert!(error.help().unwrap().contains("chmod 600"));
    }

    #[test]
    fn what_is_no_key_is_named() {
        let folder = folder();
        let path = folder.path().join("signing.pem");
        assert!(matches!(SigningKey::load(&path), Err(KeyError::Missing(_))));
        let rsa = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VuBCIEIAAA\n-----END PRIVATE KEY-----\n";
        for content in [&b""[..], b"nonsense", b"\xff\xfe", rsa.as_bytes(), &vec![b'x'; 20_000]] {
            fs::write(&path, content).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
            assert!(matches!(SigningKey::load(&path), Err(KeyError::Format { .. })));
        }
    }

    /// RFC 8410, section 10.3: the example of a private key, and section 10.1 its public key.
    #[test]
    fn keys_of_other_programs_are_read() {
        let text = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n";
        let key = SigningKey::from_pem(text).unwrap();
        assert_eq!(key.public_key().to_string(), "ed25519:Gb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=");
        assert_eq!(key.to_pem().unwrap(), text);
    }
}

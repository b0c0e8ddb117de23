//! The identity of this place: the secret key that opens what was sealed for it, in a file that the `age` tool reads. Made when it is
//! first needed; never shown. Recipients are the public halves of identities.

use std::fmt;
use std::fs::{self, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use age::secrecy::ExposeSecret;

/// The file's name.
pub const FILE: &str = "identity.txt";
/// The largest file: some hundred identities.
const FILE_BYTES_MAX: u64 = 16 << 10;
/// What others may do with a file, in its mode.
const OTHERS: u32 = 0o077;

/// Opens what was sealed for it.
#[derive(Clone)]
pub struct Identity(pub(crate) age::x25519::Identity);

/// Whom things are sealed for: `age1…`.
#[derive(Clone, PartialEq, Eq)]
pub struct Recipient(pub(crate) age::x25519::Recipient);

/// The identity cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The file cannot be used.
    #[error("cannot use the identity {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Others may read it or write to it.
    #[error("the identity {} can be read by others (its mode is {mode:03o}); it must be its owner's alone", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// It has no identity.
    #[error("the identity {} has no key in it", .0.display())]
    Empty(PathBuf),
    /// It is far larger than identities are.
    #[error("the identity {} has more than {FILE_BYTES_MAX} bytes", .0.display())]
    TooLarge(PathBuf),
    /// A line is none. What it is is not told: it may be a damaged secret.
    #[error("the identity {}: line {line} is no key (`AGE-SECRET-KEY-1…`)", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
}

/// A text is no recipient.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no recipient: {why}")]
pub struct RecipientError {
    /// The text; left out where it may be a secret.
    text: String,
    why: &'static str,
}

/// The identities in the file in this folder; the file is made with one where there is none. The folder must be there.
pub fn load_or_create(folder: &Path) -> Result<Vec<Identity>, IdentityError> {
    let path = folder.join(FILE);
    if !path.exists() {
        create(folder, &path).map_err(|source| IdentityError::Io { path: path.clone(), source })?;
    }
    load(&path)
}

/// The identities in a file, at least one.
pub fn load(path: &Path) -> Result<Vec<Identity>, IdentityError> {
    let failed = |source| IdentityError::Io { path: path.to_owned(), source };
    let metadata = fs::metadata(path).map_err(failed)?;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & OTHERS != 0 {
        return Err(IdentityError::Open { path: path.to_owned(), mode });
    }
    if metadata.len() > FILE_BYTES_MAX {
        return Err(IdentityError::TooLarge(path.to_owned()));
    }
    let text = fs::read_to_string(path).map_err(failed)?;
    let mut identities = Vec::new();
    for (text, line) in text.lines().map(str::trim).zip(1..) {
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        let identity = text.parse().map_err(|_| IdentityError::Line { path: path.to_owned(), line })?;
        identities.push(Identity(identity));
    }
    if identities.is_empty() { Err(IdentityError::Empty(path.to_owned())) } else { Ok(identities) }
}

/// Writes a new identity. Where another process is faster, that one's stays.
fn create(folder: &Path, path: &Path) -> io::Result<()> {
    let identity = age::x25519::Identity::generate();
    let mut file =
        tempfile::Builder::new().prefix(".identity").permissions(Permissions::from_mode(0o600)).tempfile_in(folder)?;
    writeln!(
        file,
        "# Opens what Terrace has sealed here: snapshots of states, saved plans. Keep a copy in a safe place.\n\
         # public key: {}\n{}",
        identity.to_public(),
        identity.to_string().expose_secret()
    )?;
    file.as_file().sync_all()?;
    match file.persist_noclobber(path) {
        Err(error) if error.error.kind() != io::ErrorKind::AlreadyExists => Err(error.error),
        _ => fs::File::open(folder)?.sync_all(),
    }
}

impl Identity {
    /// A new identity, kept in memory alone.
    pub fn generate() -> Self {
        Self(age::x25519::Identity::generate())
    }

    /// Its public half.
    pub fn recipient(&self) -> Recipient {
        Recipient(self.0.to_public())
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity of {}", self.recipient())
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::str::FromStr for Recipient {
    type Err = RecipientError;
    fn from_str(text: &str) -> Result<Self, RecipientError> {
        if text.to_ascii_uppercase().starts_with("AGE-SECRET-KEY-") {
            return Err(RecipientError { text: "AGE-SECRET-KEY-…".to_owned(), why: "it is a secret key" });
        }
        text.trim().parse().map(Self).map_err(|why| RecipientError { text: text.to_owned(), why })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_is_made_once_and_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let made = load_or_create(folder.path()).unwrap();
        let read = load_or_create(folder.path()).unwrap();
        assert_eq!(made[0].recipient(), read[0].recipient());
        let path = folder.path().join(FILE);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(&format!("# public key: {}\n", made[0].recipient())), "{text}");
        assert!(!format!("{made:?}").contains("SECRET"));
        // The age crate's own reader of such files takes it, as the tool does.
        let file = age::IdentityFile::from_buffer(text.as_bytes()).unwrap();
        assert_eq!(file.into_identities().unwrap().len(), 1);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn many_that_begin_at_once_have_the_same_identity() {
        let folder = tempfile::tempdir().unwrap();
        let made = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| load_or_create(folder.path()).unwrap())).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()[0].recipient().to_string()).collect::<Vec<_>>()
        });
        assert!(made.windows(2).all(|pair| pair[0] == pair[1]), "{made:?}");
    }

    #[test]
    fn a_bad_file_is_refused_and_its_secret_not_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        let problem = |text: &str, mode| {
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            load_or_create(folder.path()).unwrap_err().to_string()
        };
        let secret = Identity::generate().0.to_string().expose_secret().to_owned();
        assert!(problem(&secret, 0o640).contains("can be read by others (its mode is 640)"));
        assert!(problem("# nothing\n\n", 0o600).contains("no key"));
        let cut = problem(&format!("# x\n{}\n", &secret[..40]), 0o600);
        assert!(cut.contains("line 2 is no key") && !cut.contains(&secret[..40]), "{cut}");
        assert!(problem(&"#".repeat(20 << 10), 0o600).contains("more than"));
    }

    #[test]
    fn recipients_are_checked() {
        let recipient = Identity::generate().recipient();
        assert_eq!(recipient.to_string().parse(), Ok(recipient));
        assert!("age1nothing".parse::<Recipient>().unwrap_err().to_string().contains("age1nothing"));
        let secret = Identity::generate().0.to_string().expose_secret().to_owned();
        let error = secret.parse::<Recipient>().unwrap_err().to_string();
        assert!(error.contains("it is a secret key") && !error.contains(&secret), "{error}");
    }
}

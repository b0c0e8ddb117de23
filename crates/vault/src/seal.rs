//! Seals and opens streams: zstd inside of age. Owns what an error while reading one means.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::Path;
use std::rc::Rc;

use age::{DecryptError, Decryptor, Encryptor};
use sha2::{Digest as _, Sha256};

use crate::{BYTES_MAX, Digest, Identity, Recipient, Sealed, VaultError};

/// zstd's own default: states shrink to a tenth, at some 300 MB a second.
const LEVEL: i32 = 3;
/// How much is read at once.
const PIECE: usize = 64 << 10;

/// Seals what `from` gives into `to`, which is at `path`.
pub(crate) fn seal(
    (from, from_path): (&mut dyn Read, &Path),
    (to, path): (&mut File, &Path),
    recipients: &[Recipient],
) -> Result<Sealed, VaultError> {
    let failed = VaultError::io(path);
    let recipients = recipients.iter().map(|recipient| &recipient.0 as &dyn age::Recipient);
    let encryptor = Encryptor::with_recipients(recipients).map_err(|_| VaultError::NoRecipient)?;
    let encrypted = encryptor.wrap_output(BufWriter::new(&mut *to)).map_err(&failed)?;
    let mut compressed = zstd::Encoder::new(encrypted, LEVEL).map_err(&failed)?;
    let sealed = copy((from, &|source| VaultError::io(from_path)(source)), (&mut compressed, path), from_path)?;
    let end = || compressed.finish()?.finish()?.into_inner().map_err(io::IntoInnerError::into_error).map(drop);
    end().map_err(&failed)?;
    to.sync_all().map_err(&failed)?;
    Ok(sealed)
}

/// Opens the sealed file at `path` into `to`, which is at `to_path`. What has been written when an error ends it is not to be trusted.
pub(crate) fn open(
    path: &Path,
    (to, to_path): (&mut dyn Write, &Path),
    identities: &[Identity],
) -> Result<Sealed, VaultError> {
    let file = File::open(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => VaultError::Missing(path.to_owned()),
        _ => VaultError::io(path)(error),
    })?;
    let ended = Rc::new(Cell::new(false));
    let watched = Watched { inner: BufReader::new(file), ended: Rc::clone(&ended) };
    let decryptor = Decryptor::new(watched).map_err(|error| header_error(error, path))?;
    let identities = identities.iter().map(|identity| &identity.0 as &dyn age::Identity);
    let decrypted = decryptor.decrypt(identities).map_err(|error| header_error(error, path))?;
    let mut plain = zstd::Decoder::new(decrypted).map_err(VaultError::io(path))?;
    let wrong = |error: io::Error| match error.kind() {
        io::ErrorKind::UnexpectedEof => VaultError::CutOff(path.to_owned()),
        // A piece in the middle is as long as it should be, and one at the end may be the rest of a longer one.
        io::ErrorKind::InvalidData if ended.get() => VaultError::EndDamaged(path.to_owned()),
        io::ErrorKind::InvalidData => VaultError::Changed(path.to_owned()),
        _ => VaultError::io(path)(error),
    };
    copy((&mut plain, &wrong), (to, to_path), path)
}

fn header_error(error: DecryptError, path: &Path) -> VaultError {
    let path = path.to_owned();
    match error {
        DecryptError::NoMatchingKeys => VaultError::NotOurs(path),
        DecryptError::InvalidMac | DecryptError::DecryptionFailed => VaultError::Changed(path),
        DecryptError::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => VaultError::CutOff(path),
        DecryptError::Io(source) => VaultError::Io { path, source },
        _ => VaultError::NotSealed(path),
    }
}

/// Copies everything and finds its digest; more than the limit is refused.
fn copy(
    (from, wrong): (&mut dyn Read, &dyn Fn(io::Error) -> VaultError),
    (to, to_path): (&mut dyn Write, &Path),
    large: &Path,
) -> Result<Sealed, VaultError> {
    let mut hasher = Sha256::new();
    let mut size = 0;
    let mut piece = vec![0; PIECE];
    loop {
        let count = match from.read(&mut piece) {
            Ok(0) => return Ok(Sealed { digest: Digest(hasher.finalize().into()), size }),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(wrong(error)),
        };
        size += count as u64;
        if size > BYTES_MAX {
            return Err(VaultError::TooLarge(large.to_owned()));
        }
        hasher.update(&piece[..count]);
        to.write_all(&piece[..count]).map_err(VaultError::io(to_path))?;
    }
}

/// Notes when its end was seen.
struct Watched {
    inner: BufReader<File>,
    ended: Rc<Cell<bool>>,
}

impl Read for Watched {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        if count == 0 && !buffer.is_empty() {
            self.ended.set(true);
        }
        Ok(count)
    }
}

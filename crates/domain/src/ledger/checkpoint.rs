//! Checkpoints: signed statements of how far the ledger reached, and what its last hash was. A chain alone cannot show that its end was
//! cut off, or that all of it was written anew; a checkpoint that was signed before can. Owns what is signed; never signs: signatures and
//! trust come from whoever has keys.

use super::Hash;
use crate::run::Moment;

/// A checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The last entry at that time.
    pub seq: u64,
    /// Its hash.
    pub hash: Hash,
    /// When it was signed.
    pub at: Moment,
    /// The id of the key that signed it.
    pub key: String,
    /// The signature over [`Checkpoint::message`].
    pub signature: Vec<u8>,
}

/// What is thought of a checkpoint's signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// It holds, and the key is trusted.
    Trusted,
    /// The key is not known here.
    Unknown,
    /// The key is known, and the signature is not of it.
    Forged,
}

impl Checkpoint {
    /// Signs a checkpoint: `sign` gets the message and gives the signature.
    ///
    /// # Errors
    /// Those of `sign`.
    pub fn sign<E>(
        (seq, hash): (u64, Hash),
        at: Moment,
        key: &str,
        sign: impl FnOnce(&[u8]) -> Result<Vec<u8>, E>,
    ) -> Result<Self, E> {
        let mut checkpoint = Self { seq, hash, at, key: key.to_owned(), signature: Vec::new() };
        checkpoint.signature = sign(&checkpoint.message())?;
        Ok(checkpoint)
    }

    /// The bytes that are signed: the JSON Canonicalization Scheme (RFC 8785) of
    /// `{"at":…,"hash":"…","key":"…","schema":"terrace.checkpoint/1","seq":…}`.
    pub fn message(&self) -> Vec<u8> {
        let key = serde_json::Value::from(self.key.as_str());
        let Self { seq, hash, at: Moment(at), .. } = self;
        format!(r#"{{"at":{at},"hash":"{hash}","key":{key},"schema":"terrace.checkpoint/1","seq":{seq}}}"#).into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_is_this_one() {
        let signed = Checkpoint::sign((3, Hash::ZERO), Moment(5), "k\"1", |message| {
            Ok::<_, ()>(message.iter().rev().copied().collect())
        });
        let checkpoint = signed.unwrap();
        let message = String::from_utf8(checkpoint.message()).unwrap();
        let zeros = "0".repeat(64);
        assert_eq!(
            message,
            format!(r#"{{"at":5,"hash":"{zeros}","key":"k\"1","schema":"terrace.checkpoint/1","seq":3}}"#)
        );
        assert_eq!(checkpoint.signature, message.bytes().rev().collect::<Vec<_>>());
    }
}

//! Keys as an estate names them: whose signatures count, and who else can open what is encrypted. Owns how they are written and what a
//! slip of the pen looks like. Never signs, verifies or encrypts.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// What a public key begins with.
const ALGORITHM: &str = "ed25519:";
/// The prefix of a secret key in the file format of age, which people paste by mistake.
const AGE_SECRET: &str = "AGE-SECRET-KEY-";
/// The human-readable part of an age recipient (age-encryption.org/v1, "The X25519 recipient type").
const AGE_PREFIX: &str = "age";
/// A recipient's 32 bytes in groups of five bits, and the checksum of six characters.
const AGE_DATA_CHARACTERS: usize = 52 + BECH32_CHECKSUM_CHARACTERS;
/// BIP 173, "Bech32".
const BECH32_CHECKSUM_CHARACTERS: usize = 6;
const BECH32_CHARACTERS: &str = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
const BECH32_GENERATOR: [u32; 5] = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3];

/// A public key for signatures, as text `ed25519:BASE64` (the 32 bytes of RFC 8032 in the padded alphabet of RFC 4648, section 4).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey([u8; Self::BYTES]);

/// Why a text is not a public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PublicKeyError {
    /// It does not name the algorithm.
    #[error("a public key begins with `{ALGORITHM}`")]
    Algorithm,
    /// It is not base64.
    #[error("after `{ALGORITHM}` comes base64 with its padding")]
    Base64,
    /// It has another length than a key.
    #[error("a public key has {bytes} bytes, this one has {0}", bytes = PublicKey::BYTES)]
    Length(usize),
}

impl PublicKey {
    /// The length of a key.
    pub const BYTES: usize = 32;

    /// A key of these bytes.
    pub fn from_bytes(bytes: [u8; Self::BYTES]) -> Self {
        Self(bytes)
    }

    /// Its bytes. Whether they are a point of the curve is known to whoever verifies with them.
    pub fn as_bytes(&self) -> &[u8; Self::BYTES] {
        &self.0
    }
}

impl FromStr for PublicKey {
    type Err = PublicKeyError;

    fn from_str(text: &str) -> Result<Self, PublicKeyError> {
        let encoded = text.strip_prefix(ALGORITHM).ok_or(PublicKeyError::Algorithm)?;
        let bytes = STANDARD.decode(encoded).map_err(|_| PublicKeyError::Base64)?;
        let length = bytes.len();
        bytes.try_into().map(Self).map_err(|_| PublicKeyError::Length(length))
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{ALGORITHM}{}", STANDARD.encode(self.0))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Why a text is not an age recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RecipientError {
    /// It is a secret.
    #[error("this is a secret key, and must not be here")]
    Secret,
    /// It does not begin as recipients do.
    #[error("a recipient begins with `age1`")]
    Prefix,
    /// It has a character that recipients do not have.
    #[error("a recipient has no `{0}`")]
    Character(char),
    /// It is longer or shorter than a recipient.
    #[error("a recipient has {AGE_DATA_CHARACTERS} characters after `age1`, this one has {0}")]
    Length(usize),
    /// It has the right form, and is not what somebody's age printed.
    #[error("the recipient's checksum is wrong")]
    Checksum,
}

/// Checks that a text is an age recipient of the type X25519 (age-encryption.org/v1), its checksum with it.
pub fn check_recipient(text: &str) -> Result<(), RecipientError> {
    if text.to_ascii_uppercase().starts_with(AGE_SECRET) {
        return Err(RecipientError::Secret);
    }
    let data = text.strip_prefix(AGE_PREFIX).and_then(|rest| rest.strip_prefix('1')).ok_or(RecipientError::Prefix)?;
    let values = data.chars().map(|c| BECH32_CHARACTERS.find(c).ok_or(RecipientError::Character(c)));
    let values: Vec<usize> = values.collect::<Result<_, _>>()?;
    if values.len() != AGE_DATA_CHARACTERS {
        return Err(RecipientError::Length(values.len()));
    }
    let high = AGE_PREFIX.bytes().map(|b| u32::from(b >> 5));
    let low = AGE_PREFIX.bytes().map(|b| u32::from(b & 31));
    let values = values.into_iter().filter_map(|value| u32::try_from(value).ok());
    if bech32_checksum(high.chain([0]).chain(low).chain(values)) == 1 { Ok(()) } else { Err(RecipientError::Checksum) }
}

/// BIP 173, `bech32_polymod`: 1 over a text with its right checksum.
fn bech32_checksum(values: impl Iterator<Item = u32>) -> u32 {
    values.fold(1, |checksum, value| {
        let top = checksum >> 25;
        let shifted = ((checksum & 0x01ff_ffff) << 5) ^ value;
        let picked = BECH32_GENERATOR.iter().enumerate().filter(|(bit, _)| (top >> bit) & 1 == 1);
        picked.fold(shifted, |sum, (_, generator)| sum ^ generator)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From the README of age.
    const RECIPIENT: &str = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";

    #[test]
    fn public_keys_are_read_and_written() {
        let text = "ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
        assert_eq!(text.parse::<PublicKey>().unwrap().to_string(), text);
        let wrong = |text: &str| text.parse::<PublicKey>().unwrap_err();
        assert_eq!(wrong("11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="), PublicKeyError::Algorithm);
        assert_eq!(wrong("ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo"), PublicKeyError::Base64);
        assert_eq!(wrong("ed25519:AAAA"), PublicKeyError::Length(3));
    }

    #[test]
    fn recipients_are_checked_to_the_last_character() {
        assert_eq!(check_recipient(RECIPIENT), Ok(()));
        assert_eq!(check_recipient(&RECIPIENT.replace("ql3z", "ql3x")), Err(RecipientError::Checksum));
        assert_eq!(check_recipient(&RECIPIENT[..60]), Err(RecipientError::Length(56)));
        assert_eq!(check_recipient(&RECIPIENT.replace("ql3z", "qb3z")), Err(RecipientError::Character('b')));
        assert_eq!(check_recipient("ssh-ed25519 AAAA"), Err(RecipientError::Prefix));
        assert_eq!(check_recipient("AGE-SECRET-KEY-1XYZ"), Err(RecipientError::Secret));
    }
}

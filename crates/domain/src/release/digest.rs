//! Digests: the names of everything that a release consists of.

use std::fmt;
use std::str::FromStr;

/// A SHA-256 digest, written `sha256:` and 64 digits in lower case (OCI image specification, "Digests").
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

/// The text is not a digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a digest: `sha256:` and 64 hexadecimal digits in lower case")]
pub struct NotADigest(pub String);

/// The only algorithm that is read and written.
const PREFIX: &str = "sha256:";
/// The digits that [`Digest::short`] has: a hundred thousand releases do not meet in them.
const SHORT_LENGTH: usize = 12;
/// How much of a text that is no digest an error shows.
const SHOWN_MAX: usize = 80;

impl Digest {
    /// The digest with these bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Its 64 digits, without the algorithm.
    pub fn hex(&self) -> String {
        hex(&self.0)
    }

    /// Its first 12 digits, for people.
    pub fn short(&self) -> String {
        let mut digits = self.hex();
        digits.truncate(SHORT_LENGTH);
        digits
    }
}

/// Bytes as digits in lower case.
pub(super) fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or('0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 0xf)]).collect()
}

/// The bytes that exactly this many digits in lower case stand for.
pub(super) fn from_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digit = |c: &u8| match c {
        b'0'..=b'9' => Some(c - b'0'),
        b'a'..=b'f' => Some(c - b'a' + 10),
        _ => None,
    };
    let digits = text.as_bytes();
    if digits.len() != N * 2 {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = digit(&pair[0])? << 4 | digit(&pair[1])?;
    }
    Some(bytes)
}

impl FromStr for Digest {
    type Err = NotADigest;

    fn from_str(text: &str) -> Result<Self, NotADigest> {
        let bytes = text.strip_prefix(PREFIX).and_then(from_hex);
        bytes.map(Self).ok_or_else(|| NotADigest(text.chars().take(SHOWN_MAX).collect()))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{PREFIX}{}", self.hex()))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn digests_are_read_as_they_are_written(bytes: [u8; 32]) {
            let digest = Digest::from_bytes(bytes);
            prop_assert_eq!(digest.to_string().parse(), Ok(digest));
            prop_assert!(digest.hex().starts_with(&digest.short()));
            prop_assert_eq!(digest.short().len(), SHORT_LENGTH);
        }

        #[test]
        fn no_text_makes_it_panic(text: String) {
            let _ = text.parse::<Digest>();
        }
    }

    #[test]
    fn other_forms_are_refused() {
        let digits = "0a".repeat(32);
        assert!(format!("sha256:{digits}").parse::<Digest>().is_ok());
        for text in [
            digits.clone(),
            format!("sha512:{digits}"),
            format!("sha256:{}", digits.to_uppercase()),
            format!("sha256:{}", &digits[2..]),
            format!("sha256:{digits}00"),
            "sha256:../../../../etc/passwd".to_owned(),
        ] {
            assert!(text.parse::<Digest>().is_err(), "{text}");
        }
    }
}

//! The kinds of the ledger's entries: words whose form is checked. Which words there are is known where they are written.

use std::borrow::Cow;
use std::fmt;

/// A kind of entry: a stable word such as `run_created`. Words of lower-case letters and digits, joined by `_`, beginning with a letter.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kind(Cow<'static, str>);

/// A text is not the word of a kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no kind of entry: lower-case words of letters and digits joined by `_`, at most {KIND_LENGTH_MAX} characters"
)]
pub struct KindError(String);

/// The longest word, in characters: it stands in a column of `ledger log`.
pub const KIND_LENGTH_MAX: usize = 60;

impl Kind {
    /// Checks the word.
    pub fn new(word: &str) -> Result<Self, KindError> {
        if is_kind(word.as_bytes()) { Ok(Self(Cow::Owned(word.to_owned()))) } else { Err(KindError(word.to_owned())) }
    }

    /// A word of the program's own: `static DONE: Kind = Kind::known("run_done");`.
    ///
    /// # Panics
    /// When it is no such word; in a static, so that the program does not build.
    pub const fn known(word: &'static str) -> Self {
        assert!(is_kind(word.as_bytes()), "not the word of a kind");
        Self(Cow::Borrowed(word))
    }

    /// The word.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

const fn is_kind(word: &[u8]) -> bool {
    if word.is_empty() || word.len() > KIND_LENGTH_MAX || !word[0].is_ascii_lowercase() {
        return false;
    }
    let mut at = 1;
    while at < word.len() {
        let is_joint = word[at] == b'_' && word[at - 1] != b'_' && at + 1 < word.len();
        if !(word[at].is_ascii_lowercase() || word[at].is_ascii_digit() || is_joint) {
            return false;
        }
        at += 1;
    }
    true
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

impl std::str::FromStr for Kind {
    type Err = KindError;
    fn from_str(text: &str) -> Result<Self, KindError> {
        Self::new(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_checked() {
        const KNOWN: Kind = Kind::known("run_created");
        assert_eq!(KNOWN.as_str(), "run_created");
        for sound in ["a", "run_event", "v2_done", "state_snapshot"] {
            assert!(Kind::new(sound).is_ok(), "{sound}");
        }
        let long = "a".repeat(KIND_LENGTH_MAX + 1);
        for wrong in ["", "_a", "a_", "a__b", "2a", "runEvent", "run-event", "run event", "é", &long] {
            assert!(Kind::new(wrong).is_err(), "{wrong}");
        }
    }
}

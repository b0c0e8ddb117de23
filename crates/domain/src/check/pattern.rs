//! Regular expressions of checks, as they are written. They are few and seldom used, so only their text is kept.

use regex::{Regex, RegexBuilder};

/// How large a compiled pattern may be, in bytes: what people write has some kilobytes.
const SIZE_MAX: usize = 1 << 20;

/// A regular expression (the syntax of the `regex` crate, which takes linear time).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern(String);

/// A text is no regular expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PatternError(String);

impl Pattern {
    /// Checks the text.
    pub fn new(text: &str) -> Result<Self, PatternError> {
        compile(text).map(|_| Self(text.to_owned()))
    }

    /// The pattern as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is found in a text.
    pub fn is_in(&self, text: &str) -> bool {
        compile(&self.0).is_ok_and(|pattern| pattern.is_match(text))
    }
}

fn compile(text: &str) -> Result<Regex, PatternError> {
    RegexBuilder::new(text).size_limit(SIZE_MAX).build().map_err(|error| {
        let text = error.to_string();
        // The crate draws the place over several lines; the last one says what is wrong.
        let last = text.lines().rfind(|line| !line.trim().is_empty()).unwrap_or(&text);
        PatternError(last.trim().trim_start_matches("error: ").to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_found_anywhere() {
        let pattern = Pattern::new("^ok|\"status\": *\"up\"").unwrap();
        assert!(pattern.is_in("ok, all of it"));
        assert!(pattern.is_in("{\"status\":\"up\"}"));
        assert!(!pattern.is_in("not ok"));
    }

    #[test]
    fn what_is_wrong_is_said_in_a_line() {
        assert_eq!(Pattern::new("(a").unwrap_err().to_string(), "unclosed group");
        let huge = Pattern::new("(a{1000}){1000}").unwrap_err().to_string();
        assert!(huge.contains("size limit"), "{huge}");
    }
}

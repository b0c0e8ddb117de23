//! Diagnostics: what is wrong with an input, where, and what to do about it. Collected, never thrown: one bad file does not hide
//! twenty good ones. Rendering belongs to the views.

use std::ops::Range;

use crate::path::RepoPath;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing; the work goes on.
    Warning,
    /// The estate cannot be used as it is.
    Error,
}

/// A place in a file: a range of bytes in its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub path: RepoPath,
    /// Byte offsets into the file's text; empty ranges point between two bytes.
    pub range: Range<usize>,
}

/// A place with a word about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// Where.
    pub place: Place,
    /// What to say there, a lowercase fragment; may be empty.
    pub text: String,
}

/// One thing that is wrong with an input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// A stable short code in kebab case, such as `unknown-stack`, for tools.
    pub code: &'static str,
    /// One line, without a full stop.
    pub summary: String,
    /// The place that is to be mended; `None` when no single place is.
    pub primary: Option<Label>,
    /// Other places that explain it, such as the first definition of a duplicate.
    pub secondary: Vec<Label>,
    /// What to do next, a sentence.
    pub help: Option<String>,
}

impl Diagnostic {
    /// An error without a place yet.
    pub fn error(code: &'static str, summary: impl Into<String>) -> Self {
        Self::new(Severity::Error, code, summary.into())
    }

    /// A warning without a place yet.
    pub fn warning(code: &'static str, summary: impl Into<String>) -> Self {
        Self::new(Severity::Warning, code, summary.into())
    }

    fn new(severity: Severity, code: &'static str, summary: String) -> Self {
        Self { severity, code, summary, primary: None, secondary: Vec::new(), help: None }
    }

    /// Points at the place to mend.
    #[must_use]
    pub fn at(mut self, place: Place, text: impl Into<String>) -> Self {
        self.primary = Some(Label { place, text: text.into() });
        self
    }

    /// Adds a place that explains.
    #[must_use]
    pub fn also(mut self, place: Place, text: impl Into<String>) -> Self {
        self.secondary.push(Label { place, text: text.into() });
        self
    }

    /// Says what to do next.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// The name among `known` that is nearest to `wrong`, when one is near enough to be a slip of the keyboard.
pub fn nearest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // A name whose length differs by more than the slips allowed is far away, and need not be measured.
    let slips_max = |name: &str| 1 + name.len().min(wrong.len()) / 4;
    known
        .into_iter()
        .filter(|name| name.len().abs_diff(wrong.len()) <= 4 * slips_max(name))
        .map(|name| (strsim::damerau_levenshtein(wrong, name), name))
        .filter(|(distance, name)| *distance <= slips_max(name))
        .min()
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_slip_is_recognised_and_a_stranger_is_not() {
        assert_eq!(nearest("netwrok", ["network", "cluster"]), Some("network"));
        assert_eq!(nearest("vault", ["network", "cluster"]), None);
    }
}

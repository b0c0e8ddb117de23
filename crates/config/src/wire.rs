//! Diagnostics for programs: the form of `--json`. Its fields are kept stable.

use serde::Serialize;
use terrace_domain::diagnostic::{Diagnostic, Place, Severity};

use crate::load::Sources;
use crate::render::{Lines, boundary, line_of};

/// A diagnostic as programs read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WireDiagnostic {
    /// `error` or `warning`.
    pub severity: &'static str,
    /// The stable code, such as `unknown-stack`.
    pub code: &'static str,
    /// What is wrong, one line.
    pub summary: String,
    /// The place to mend.
    #[serde(flatten)]
    pub place: WirePlace,
    /// What to do about it.
    pub help: Option<String>,
    /// Other places that explain it.
    pub related: Vec<WireLabel>,
}

/// A place as programs read it. Lines and columns count from 1, columns in characters; the end is the place after the last
/// character. They are absent where there is no place, or its file cannot be shown.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct WirePlace {
    /// The file, relative to the repository's root.
    pub file: Option<String>,
    /// The first line.
    pub line: Option<usize>,
    /// The first column.
    pub column: Option<usize>,
    /// The last line.
    pub end_line: Option<usize>,
    /// The column after the last.
    pub end_column: Option<usize>,
}

/// A place with a word about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WireLabel {
    /// Where.
    #[serde(flatten)]
    pub place: WirePlace,
    /// What there is to say.
    pub label: String,
}

/// All diagnostics in the form for programs.
pub fn wire(diagnostics: &[Diagnostic], sources: &Sources) -> Vec<WireDiagnostic> {
    let mut lines = Lines::of(sources);
    diagnostics.iter().map(|diagnostic| one(diagnostic, &mut lines)).collect()
}

fn one(diagnostic: &Diagnostic, lines: &mut Lines<'_>) -> WireDiagnostic {
    let place = diagnostic.primary.as_ref().map(|label| wire_place(&label.place, lines)).unwrap_or_default();
    let related = diagnostic.secondary.iter();
    let related = related.map(|label| WireLabel { place: wire_place(&label.place, lines), label: label.text.clone() });
    WireDiagnostic {
        severity: match diagnostic.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        },
        code: diagnostic.code,
        summary: diagnostic.summary.clone(),
        place,
        help: diagnostic.help.clone(),
        related: related.collect(),
    }
}

fn wire_place(place: &Place, lines: &mut Lines<'_>) -> WirePlace {
    let mut position = |at: usize| {
        let (text, starts) = lines.get(&place.path)?;
        let at = boundary(text, at);
        let line = line_of(starts, at);
        Some((line + 1, text[starts[line]..at].chars().count() + 1))
    };
    let (start, end) = (position(place.range.start), position(place.range.end));
    WirePlace {
        file: Some(place.path.as_str().to_owned()),
        line: start.map(|(line, _)| line),
        column: start.map(|(_, column)| column),
        end_line: end.map(|(line, _)| line),
        end_column: end.map(|(_, column)| column),
    }
}

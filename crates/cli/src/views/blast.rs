//! The blast radius: as a tree, Markdown, JSON and SVG, all over one report. Owns how changes and names are put in words; weighs nothing.

mod json;
mod markdown;
mod svg;
mod text;

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod worked;

use terrace_domain::blast::{Counts, Radius, Share, Touched};
use terrace_domain::estate::Estate;
use terrace_domain::name::StackName;
use terrace_domain::plan::Action;

use super::count;
use super::drawing::legible;

/// A radius, and what has to be said of how it was found.
#[derive(Debug)]
pub struct Report<'a> {
    /// The estate.
    pub estate: &'a Estate,
    /// The radius.
    pub radius: &'a Radius,
    /// What is not known or was taken for granted: whole sentences.
    pub notes: Vec<String>,
    /// Whether lists are whole, however long they are.
    pub all: bool,
}

impl Report<'_> {
    /// Whose a stack is.
    fn owner(&self, stack: &StackName) -> Option<&str> {
        self.estate.stacks.get(stack).and_then(|stack| self.estate.owner_of(stack))
    }

    /// The stacks whose plans these are, in words.
    fn subject(&self) -> String {
        let actual = &self.radius.actual;
        let planned: Vec<&StackName> = actual.changed.keys().chain(&actual.unchanged).chain(&actual.blocked).collect();
        match planned[..] {
            [only] => only.to_string(),
            _ => count(planned.len(), "stack"),
        }
    }
}

/// Terraform's signs for actions.
fn sign(action: Action) -> &'static str {
    match action {
        Action::Keep => "->",
        Action::Create => "+",
        Action::Update => "~",
        Action::Forget => "x",
        Action::Replace { creates_first: true } => "+/-",
        Action::Replace { creates_first: false } => "-/+",
        Action::Delete => "-",
    }
}

/// The actions in the sequence in which they are told, the gravest first.
const ACTIONS: [(Action, &str); 6] = [
    (Action::Delete, "destroyed"),
    (Action::Replace { creates_first: false }, "replaced"),
    (Action::Forget, "forgotten"),
    (Action::Update, "changed"),
    (Action::Create, "made"),
    (Action::Keep, "moved or imported"),
];

/// `1 replaced, 2 changed`; `no resource` where there is none.
fn counts_in_words(counts: Counts) -> String {
    let some = ACTIONS.iter().map(|(action, word)| (counts.of(*action), word)).filter(|(number, _)| *number > 0);
    let parts: Vec<String> = some.map(|(number, word)| format!("{number} {word}")).collect();
    if parts.is_empty() { "no resource".to_owned() } else { parts.join(", ") }
}

/// `3 of 40 resources (7 %)`.
fn share_in_words(share: Share) -> String {
    format!("{} of {} resources ({} %)", share.touched, share.total, percent(share))
}

/// In hundredths; what is there at all is not told as nothing.
fn percent(share: Share) -> u64 {
    match share.total {
        0 => 0,
        total => (share.touched * 100 / total).max(u64::from(share.touched > 0)),
    }
}

/// What makes a resource worth its name: `holds data, cannot be had again`.
fn traits_in_words(touched: &Touched) -> Vec<&'static str> {
    let words = [
        (touched.traits.is_stateful, "holds data"),
        (touched.traits.is_irreversible, "cannot be had again"),
        (touched.is_protected, "must not be destroyed, its code says"),
        (touched.deposed.is_some(), "left over from a replacement"),
    ];
    words.into_iter().filter(|(is_so, _)| *is_so).map(|(_, word)| word).collect()
}

/// A text of anybody's on one line, without characters that would change how the rest of the line is read.
fn plain(text: &str) -> String {
    legible(text).chars().map(|c| if turns_lines_around(c) { '\u{fffd}' } else { c }).collect()
}

/// The characters that embed, override or isolate a direction of writing (Unicode Bidirectional Algorithm, "Explicit Directional Formatting"),
/// and those that end a line without being control characters.
fn turns_lines_around(character: char) -> bool {
    matches!(character, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

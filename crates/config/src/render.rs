//! Shows diagnostics to people: in the terminal with the source underlined, as a rust compiler does.

mod excerpt;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{Annotation, AnnotationKind, Element, Group, Level, Origin, Renderer, Snippet};
use terrace_domain::diagnostic::{Diagnostic, Label, Severity};

use crate::load::Sources;
use excerpt::{Excerpt, excerpts};

pub(crate) use excerpt::{Lines, boundary, line_of};

/// How many diagnostics are shown: more scroll away anyhow.
pub const SHOWN_MAX: usize = 100;

/// The longest message that is shown, in characters: a name can be as long as its file.
const MESSAGE_MAX: usize = 600;

/// How many places one diagnostic shows: a circle may go through thousands of files.
const LABELS_MAX: usize = 20;

/// Diagnostics as text for a terminal, with ANSI colours or without; at most [`SHOWN_MAX`], and then how many more there are.
pub fn render(diagnostics: &[Diagnostic], sources: &Sources, colour: bool) -> String {
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    let renderer = renderer.decor_style(DecorStyle::Ascii);
    let mut lines = Lines::of(sources);
    let mut text = String::new();
    for diagnostic in diagnostics.iter().take(SHOWN_MAX) {
        text.push_str(&render_one(&renderer, diagnostic, &mut lines));
        text.push_str("\n\n");
    }
    if let Some(more) = diagnostics.get(SHOWN_MAX..).filter(|more| !more.is_empty()) {
        let errors = more.iter().filter(|diagnostic| diagnostic.severity == Severity::Error).count();
        let (errors, warnings) = (count(errors, "error"), count(more.len() - errors, "warning"));
        let rest = [&format!("and {} more: ", more.len()), &errors, ", ", &warnings, "\n"];
        text.extend(rest);
    }
    text
}

/// `1 error`, `2 errors`.
fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

fn render_one(renderer: &Renderer, diagnostic: &Diagnostic, lines: &mut Lines<'_>) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let mut group = Group::with_title(level.primary_title(shown(&diagnostic.summary)).id(diagnostic.code));
    let primary = diagnostic.primary.iter().map(|label| (label, AnnotationKind::Primary));
    let labels: Vec<(&Label, AnnotationKind)> = primary
        .chain(diagnostic.secondary.iter().map(|label| (label, AnnotationKind::Context)))
        .take(LABELS_MAX)
        .collect();
    for excerpt in excerpts(&labels, lines) {
        group = group.element(element(excerpt));
    }
    let labels_more = diagnostic.secondary.len() + usize::from(diagnostic.primary.is_some()) - labels.len();
    if labels_more > 0 {
        group = group.element(Level::NOTE.message(format!("and {}", count(labels_more, "more place"))));
    }
    if let Some(help) = &diagnostic.help {
        group = group.element(Level::HELP.message(shown(help)));
    }
    renderer.render(&[group])
}

fn element(excerpt: Excerpt) -> Element<'static> {
    if excerpt.text.is_empty() {
        return Origin::path(shown(&excerpt.path)).into();
    }
    let annotations = excerpt.labels.into_iter().map(|(range, kind, text)| {
        let annotation: Annotation<'static> = kind.span(range);
        if text.is_empty() { annotation } else { annotation.label(shown(&text)) }
    });
    Snippet::source(excerpt.text)
        .line_start(excerpt.line)
        .path(shown(&excerpt.path))
        .annotations(annotations.collect::<Vec<_>>())
        .into()
}

/// A message without what could disturb a terminal, and not too long.
fn shown(message: &str) -> String {
    let mut text: String = message
        .chars()
        .take(MESSAGE_MAX)
        .map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c })
        .collect();
    if message.chars().nth(MESSAGE_MAX).is_some() {
        text.push('…');
    }
    text
}

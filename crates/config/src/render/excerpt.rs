//! Cuts out of a file the lines that a diagnostic points at, so that neither a long file nor a long line reaches the terminal.

use std::collections::HashMap;
use std::ops::Range;

use annotate_snippets::AnnotationKind;
use terrace_domain::diagnostic::Label;
use terrace_domain::path::RepoPath;

use crate::load::Sources;

/// The longest line that is shown whole, in bytes; of a longer one, a part around the place.
const LINE_MAX: usize = 240;

/// How much of a long line is shown before the place, in bytes.
const BEFORE_MAX: usize = 60;

/// Places of one file that are further apart, in lines, are shown in separate excerpts.
const GAP_MAX: usize = 40;

/// A part of a file with places in it.
pub(super) struct Excerpt {
    pub path: String,
    /// The number of the first line, from 1.
    pub line: usize,
    /// The lines; empty when the file cannot be shown.
    pub text: String,
    pub labels: Vec<(Range<usize>, AnnotationKind, String)>,
}

/// Where the lines of files begin; found once for each file.
pub(crate) struct Lines<'s> {
    sources: &'s Sources,
    starts: HashMap<&'s RepoPath, Vec<usize>>,
}

impl<'s> Lines<'s> {
    pub(crate) fn of(sources: &'s Sources) -> Self {
        Self { sources, starts: HashMap::new() }
    }

    /// A file's text and the beginnings of its lines.
    pub(crate) fn get(&mut self, path: &RepoPath) -> Option<(&'s str, &[usize])> {
        let (path, text) = self.sources.get_key_value(path)?;
        let starts = self
            .starts
            .entry(path)
            .or_insert_with(|| std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect());
        Some((text, starts))
    }
}

/// The line, from 0, that holds a byte.
pub(crate) fn line_of(starts: &[usize], at: usize) -> usize {
    starts.partition_point(|start| *start <= at).saturating_sub(1)
}

/// The next character's boundary at or before a byte.
pub(crate) fn boundary(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

/// The excerpts that show all labels: the first label's file first.
pub(super) fn excerpts(labels: &[(&Label, AnnotationKind)], lines: &mut Lines<'_>) -> Vec<Excerpt> {
    let mut files: Vec<&RepoPath> = Vec::new();
    for (label, _) in labels {
        if !files.contains(&&label.place.path) {
            files.push(&label.place.path);
        }
    }
    let mut made = Vec::new();
    for path in files {
        let own: Vec<_> = labels.iter().filter(|(label, _)| label.place.path == *path).copied().collect();
        match lines.get(path) {
            Some((text, starts)) if !text.is_empty() => of_file(path, text, starts, own, &mut made),
            _ => made.push(Excerpt { path: path.to_string(), line: 1, text: String::new(), labels: Vec::new() }),
        }
    }
    made
}

fn of_file(
    path: &RepoPath,
    text: &str,
    starts: &[usize],
    mut labels: Vec<(&Label, AnnotationKind)>,
    made: &mut Vec<Excerpt>,
) {
    let line = |label: &Label| line_of(starts, label.place.range.start.min(text.len()));
    let primary_line = labels.first().map_or(0, |(label, _)| line(label));
    labels.sort_by_key(|(label, _)| label.place.range.start);
    let mut groups: Vec<Vec<(&Label, AnnotationKind)>> = Vec::new();
    for entry in labels {
        match groups.last_mut() {
            Some(group) if group.last().is_some_and(|(last, _)| line(entry.0) - line(last) <= GAP_MAX) => {
                group.push(entry);
            }
            _ => groups.push(vec![entry]),
        }
    }
    // The excerpt with the place to mend comes first.
    groups.sort_by_key(|group| !group.iter().any(|(label, _)| line(label) == primary_line));
    made.extend(groups.into_iter().map(|group| one(path, text, starts, &group)));
}

fn one(path: &RepoPath, text: &str, starts: &[usize], labels: &[(&Label, AnnotationKind)]) -> Excerpt {
    let line = |at: usize| line_of(starts, at.min(text.len()));
    let first = labels.iter().map(|(label, _)| line(label.place.range.start)).min().unwrap_or(0);
    let last = labels.iter().map(|(label, _)| line(end_of(label, text, starts))).max().unwrap_or(first);
    let mut excerpt = Excerpt { path: path.to_string(), line: first + 1, text: String::new(), labels: Vec::new() };
    // Where each shown line comes from: its range in the file and where that begins in the excerpt.
    let mut shown: Vec<(Range<usize>, usize)> = Vec::new();
    for number in first..=last {
        let whole = starts[number]..starts.get(number + 1).copied().unwrap_or(text.len());
        let content = whole.start..whole.start + text[whole.clone()].trim_end_matches(['\n', '\r']).len();
        let focus = labels.iter().map(|(label, _)| label.place.range.start).find(|at| content.contains(at));
        let part = part_of_line(text, content, focus);
        shown.push((part.clone(), excerpt.text.len()));
        excerpt.text.push_str(&text[part]);
        excerpt.text.push('\n');
    }
    let to_excerpt = |at: usize| {
        let (part, begins) = &shown[line(at).clamp(first, last) - first];
        begins + boundary(text, at).clamp(part.start, part.end) - part.start
    };
    for (label, kind) in labels {
        let start = to_excerpt(label.place.range.start);
        let end = to_excerpt(end_of(label, text, starts)).max(start);
        excerpt.labels.push((start..end, *kind, label.text.clone()));
    }
    excerpt
}

/// The end of a label; one that goes over many lines ends with its first.
fn end_of(label: &Label, text: &str, starts: &[usize]) -> usize {
    let range = &label.place.range;
    let (from, to) = (line_of(starts, range.start), line_of(starts, range.end));
    if to - from.min(to) <= GAP_MAX {
        return range.end.min(text.len());
    }
    starts.get(from + 1).map_or(text.len(), |next| next - 1)
}

fn part_of_line(text: &str, line: Range<usize>, focus: Option<usize>) -> Range<usize> {
    if line.len() <= LINE_MAX {
        return line;
    }
    let start = focus.map_or(line.start, |at| boundary(text, at.saturating_sub(BEFORE_MAX)).max(line.start));
    start..boundary(text, (start + LINE_MAX).min(line.end)).max(start)
}

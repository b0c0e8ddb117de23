//! Timelines: in the terminal, as SVG, HTML and JSON, all over one value. Owns what is shown of one; never prints or writes it.

mod html;
mod json;
mod svg;
mod text;

#[cfg(test)]
mod fixture;

use terrace_domain::timeline::{Lane, SpanKind, SpanOutcome, Timeline};

use super::drawing::legible;
use super::{count, time};

pub use text::Paper;

/// A timeline with what is said of it.
#[derive(Debug, Clone)]
pub struct Picture<'a> {
    /// What it is of.
    pub heading: String,
    /// More of that, in a line.
    pub about: String,
    /// The run, where it is of one.
    pub run: Option<u64>,
    /// What it came to, in a word.
    pub outcome: &'a str,
    /// The timeline.
    pub timeline: &'a Timeline,
}

impl Picture<'_> {
    /// The lane's name, without the group's where that is its beginning.
    fn label(&self, lane: &Lane) -> String {
        let group = &self.timeline.groups[lane.group].name;
        let rest = lane.name.strip_prefix(group.as_str()).and_then(|rest| rest.strip_prefix('/'));
        legible(rest.unwrap_or(&lane.name))
    }

    /// `12.3s`, or `12.3s so far`.
    fn took(&self) -> String {
        let so_far = if self.timeline.is_open() { " so far" } else { "" };
        format!("{}{so_far}", time::duration(self.timeline.millis()))
    }

    /// `4 lanes in 2 groups, 12.3s`: what there is.
    fn extent(&self) -> String {
        let begun = self.timeline.lanes.iter().filter(|lane| !lane.bars.is_empty()).count();
        let all = count(self.timeline.lanes.len(), "instance");
        let begun = if begun == self.timeline.lanes.len() { String::new() } else { format!(", {begun} of them begun") };
        format!("{all}{begun}, {}", self.took())
    }

    /// `10.2s of 12.3s (83%)`: how much of the whole the critical path is.
    fn critical_share(&self) -> String {
        let (path, whole) = (self.timeline.critical_millis(), self.timeline.millis());
        format!("{} of {} ({})", time::duration(path), time::duration(whole), percent(path, whole))
    }
}

/// A part of a whole, `83%`.
fn percent(part: u64, whole: u64) -> String {
    let (part, whole) = (u128::from(part), u128::from(whole));
    (part * 100 + whole / 2).checked_div(whole).map_or("-".to_owned(), |share| format!("{share}%"))
}

/// What was done in these bars: `prepare 0.2s, plan 1.1s, apply 2.0s`; one kind of several bars is one part.
fn parts(lane: &Lane, bars: std::ops::Range<usize>) -> String {
    let bars = &lane.bars[bars];
    let part = |kind: SpanKind| {
        let mut of_kind = bars.iter().filter(|bar| bar.kind == kind).peekable();
        of_kind.peek()?;
        let millis = of_kind.map(terrace_domain::timeline::Bar::millis).sum();
        Some(format!("{} {}", word(kind), time::duration(millis)))
    };
    SpanKind::ALL.into_iter().filter_map(part).collect::<Vec<_>>().join(", ")
}

/// The kind for people.
fn word(kind: SpanKind) -> &'static str {
    match kind {
        SpanKind::People => "wait for people",
        other => other.as_str(),
    }
}

/// The kinds that the timeline has.
fn kinds(timeline: &Timeline) -> Vec<SpanKind> {
    let has = |kind: &SpanKind| timeline.lanes.iter().flat_map(|lane| &lane.bars).any(|bar| bar.kind == *kind);
    SpanKind::ALL.into_iter().filter(has).collect()
}

/// How a lane ended, where that is to be said: in the words of what recorded it.
fn state(lane: &Lane) -> &str {
    match lane.outcome {
        SpanOutcome::Succeeded if !lane.bars.is_empty() => "",
        outcome if lane.state.is_empty() => outcome.as_str(),
        _ => &lane.state,
    }
}

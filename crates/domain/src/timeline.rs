//! A timeline: what was done when, and which chain of things done one after the other decided when all of it was over. Owns the order of
//! lanes, their waits and the critical path. Knows no run and no clock: what happened comes as a [`Recording`], from one run or from several.

mod critical;
mod recording;
mod run;
mod ticks;

use std::ops::Range;

pub use critical::{After, Link};
pub use recording::{LaneId, Recording, Span, SpanKind, SpanOutcome};
pub use run::RunSpans;
pub use ticks::ticks;

use crate::run::Moment;

/// What was done when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timeline {
    /// Where it begins.
    pub begin: Moment,
    /// Where it ends: at the last end, or at the moment at which it was looked at, where something is not over.
    pub end: Moment,
    /// In the sequence in which they were recorded.
    pub groups: Vec<Group>,
    /// Group by group, in each by when they began; those that never began last.
    pub lanes: Vec<Lane>,
    /// The chain that decided the end, the first link first. No two links overlap.
    pub critical: Vec<Link>,
}

/// Lanes that belong together: a stage, or a phase of a rehearsal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// Its lanes, as positions in [`Timeline::lanes`].
    pub lanes: Range<usize>,
}

/// What happened to one thing, an instance for example. It does one thing at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lane {
    /// Its name.
    pub name: String,
    /// The position of its group.
    pub group: usize,
    /// How it ended.
    pub outcome: SpanOutcome,
    /// How it ended, in the words of what recorded it.
    pub state: String,
    /// What was done, one after the other; empty where it never began.
    pub bars: Vec<Bar>,
    /// When it could have gone on and did not: from when all that it depends on was done to its first bar, and between bars.
    pub waits: Vec<Wait>,
    /// The positions of the lanes that it depends on.
    pub upstream: Vec<usize>,
    /// Whether a link of the critical path is in it.
    pub is_critical: bool,
}

/// One thing that was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bar {
    /// Its name.
    pub name: String,
    /// What kind of thing it is.
    pub kind: SpanKind,
    /// When it began.
    pub begin: Moment,
    /// When it ended; where it has not, when it was looked at.
    pub end: Moment,
    /// How it ended.
    pub outcome: SpanOutcome,
    /// Whether it is a part of the critical path.
    pub is_critical: bool,
}

/// A time in which nothing was done, and something could have been.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wait {
    /// From when.
    pub begin: Moment,
    /// Until when.
    pub end: Moment,
}

impl Timeline {
    /// The timeline of what was recorded. What has no end was still going on at the moment `seen`.
    pub fn of(recording: &Recording, seen: Moment) -> Self {
        let mut lanes: Vec<Lane> = recording.lanes.iter().map(|lane| lane.straightened(seen)).collect();
        let bars = || lanes.iter().flat_map(|lane| &lane.bars);
        let reached = || recording.reached.iter().copied();
        let begin = bars().map(|bar| bar.begin).chain(reached()).min().unwrap_or(seen);
        let end = bars().map(|bar| bar.end).chain(reached()).max().unwrap_or(seen);
        critical::note_waits(recording, &mut lanes, begin);
        let critical = critical::path(recording, &mut lanes, begin);
        let mut timeline = Self { begin, end, groups: Vec::new(), lanes, critical };
        timeline.put_in_order(recording);
        timeline
    }

    /// How long all of it took, in milliseconds.
    pub fn millis(&self) -> u64 {
        self.end.millis_since(self.begin)
    }

    /// How long the links of the critical path took together, in milliseconds; never more than the whole.
    pub fn critical_millis(&self) -> u64 {
        self.critical.iter().map(Link::millis).sum()
    }

    /// Whether something is not over.
    pub fn is_open(&self) -> bool {
        self.lanes.iter().any(|lane| lane.outcome == SpanOutcome::Open)
    }

    /// The positions of at most so many lanes, in their order: those of the critical path before others, and of both the longest.
    pub fn excerpt(&self, most: usize) -> Vec<usize> {
        let mut chosen: Vec<usize> = (0..self.lanes.len()).collect();
        if chosen.len() > most {
            let weight = |at: &usize| {
                let lane = &self.lanes[*at];
                std::cmp::Reverse((lane.is_critical, !lane.bars.is_empty(), lane.millis()))
            };
            chosen.sort_by_key(weight);
            chosen.truncate(most);
            chosen.sort_unstable();
        }
        chosen
    }

    /// Sorts the lanes, and says the new positions wherever the old ones stand.
    fn put_in_order(&mut self, recording: &Recording) {
        let mut order: Vec<usize> = (0..self.lanes.len()).collect();
        order.sort_by_key(|at| {
            let lane = &self.lanes[*at];
            (lane.group, lane.begin().is_none(), lane.begin())
        });
        let mut place = vec![0; order.len()];
        for (new, old) in order.iter().enumerate() {
            place[*old] = new;
        }
        let mut unsorted: Vec<_> = std::mem::take(&mut self.lanes).into_iter().zip(&place).collect();
        unsorted.sort_unstable_by_key(|(_, place)| **place);
        self.lanes = unsorted.into_iter().map(|(lane, _)| lane).collect();
        for lane in &mut self.lanes {
            lane.upstream.iter_mut().for_each(|at| *at = place[*at]);
            lane.upstream.sort_unstable();
        }
        self.critical.iter_mut().for_each(|link| link.lane = place[link.lane]);
        let mut first = 0;
        for (at, name) in recording.groups.iter().enumerate() {
            let count = self.lanes[first..].iter().take_while(|lane| lane.group == at).count();
            self.groups.push(Group { name: name.clone(), lanes: first..first + count });
            first += count;
        }
    }
}

impl Group {
    /// From its first beginning to its last end; `None` where nothing in it began.
    pub fn extent(&self, timeline: &Timeline) -> Option<(Moment, Moment)> {
        let lanes = &timeline.lanes[self.lanes.clone()];
        let begin = lanes.iter().filter_map(Lane::begin).min()?;
        let end = lanes.iter().filter_map(Lane::end).max()?;
        Some((begin, end))
    }
}

impl Lane {
    /// When it began; `None` where it never did.
    pub fn begin(&self) -> Option<Moment> {
        self.bars.first().map(|bar| bar.begin)
    }

    /// When it ended, or was looked at; `None` where it never began.
    pub fn end(&self) -> Option<Moment> {
        self.bars.last().map(|bar| bar.end)
    }

    /// From its beginning to its end, in milliseconds.
    pub fn millis(&self) -> u64 {
        self.begin().zip(self.end()).map_or(0, |(begin, end)| end.millis_since(begin))
    }

    /// How long it did things of this kind, in milliseconds.
    pub fn millis_of(&self, kind: SpanKind) -> u64 {
        self.bars.iter().filter(|bar| bar.kind == kind).map(Bar::millis).sum()
    }

    /// How long it could have gone on and did not, in milliseconds.
    pub fn waited_millis(&self) -> u64 {
        self.waits.iter().map(|wait| wait.end.millis_since(wait.begin)).sum()
    }
}

impl Bar {
    /// How long it took, in milliseconds.
    pub fn millis(&self) -> u64 {
        self.end.millis_since(self.begin)
    }
}

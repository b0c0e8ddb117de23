//! Which chain decided the end: walks back from what ended last to what it went on after, each time. Works on lanes in the sequence in which
//! they were recorded, each after all that it depends on.

use super::recording::Recording;
use super::{Lane, Wait};
use crate::run::Moment;

/// Within so many milliseconds one thing makes room for the next. A driver that writes an end and the next beginning down in one entry
/// needs none; one that writes two has them a few milliseconds apart.
const HANDOVER_MILLIS_MAX: u64 = 50;

/// A link of the critical path: bars of one lane, one after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The position of the lane.
    pub lane: usize,
    /// When its first bar began.
    pub begin: Moment,
    /// When its last bar ended.
    pub end: Moment,
    /// Its bars, as positions in the lane.
    pub bars: std::ops::Range<usize>,
    /// What it went on after.
    pub after: After,
    /// How long nothing of the path was at work before it, in milliseconds.
    pub waited_millis: u64,
}

/// What a link of the critical path went on after.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum After {
    /// Nothing: it is the first.
    Start,
    /// The link before it, which made room for it: only so much is at work at once.
    Place,
    /// The phase before.
    Phase,
    /// The link before it, which it depends on.
    Upstream,
    /// What its own lane did before.
    Itself,
}

impl After {
    /// A word for it, stable for JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Place => "place",
            Self::Phase => "phase",
            Self::Upstream => "upstream",
            Self::Itself => "itself",
        }
    }
}

impl Link {
    /// How long it took, in milliseconds.
    pub fn millis(&self) -> u64 {
        self.end.millis_since(self.begin)
    }
}

/// A bar's place: when it ended and began, its lane, and its position there. Each bar goes on only after one with a lower key.
type Key = (Moment, Moment, usize, usize);

/// Notes in each lane when it could have gone on and did not.
pub(super) fn note_waits(recording: &Recording, lanes: &mut [Lane], begin: Moment) {
    let ends = Ends::of(recording, lanes);
    for (at, lane) in lanes.iter_mut().enumerate() {
        let Some(first) = lane.begin() else { continue };
        let before = [ends.upstream[at], ends.phase[recording.lanes[at].phase]];
        let free = before.into_iter().flatten().map(|key| key.0).max().unwrap_or(begin);
        let gaps = lane.bars.windows(2).map(|pair| Wait { begin: pair[0].end, end: pair[1].begin });
        let waits = std::iter::once(Wait { begin: free, end: first }).chain(gaps);
        lane.waits = waits.filter(|wait| wait.begin < wait.end).collect();
    }
}

/// The critical path; its lanes and bars are marked.
pub(super) fn path(recording: &Recording, lanes: &mut [Lane], begin: Moment) -> Vec<Link> {
    let walk = Walk { recording, ends: Ends::of(recording, lanes), sorted: sorted_keys(lanes), lanes };
    let mut found: Vec<(Key, After)> = Vec::new();
    let mut next = walk.last();
    while let Some(key) = next {
        let before = walk.before(key);
        found.push((key, before.map_or(After::Start, |(_, after)| after)));
        next = before.map(|(key, _)| key);
    }
    let mut links: Vec<Link> = Vec::new();
    for ((end, start, lane, bar), after) in found.into_iter().rev() {
        lanes[lane].is_critical = true;
        lanes[lane].bars[bar].is_critical = true;
        match links.last_mut() {
            Some(link) if after == After::Itself => (link.end, link.bars.end) = (end, bar + 1),
            last => {
                let free = last.map_or(begin, |link| link.end);
                let waited_millis = start.millis_since(free);
                links.push(Link { lane, begin: start, end, bars: bar..bar + 1, after, waited_millis });
            }
        }
    }
    links
}

fn key_of(lanes: &[Lane], lane: usize, bar: usize) -> Key {
    let found = &lanes[lane].bars[bar];
    (found.end, found.begin, lane, bar)
}

fn sorted_keys(lanes: &[Lane]) -> Vec<Key> {
    let all = lanes.iter().enumerate().flat_map(|(lane, of)| (0..of.bars.len()).map(move |bar| (lane, bar)));
    let mut keys: Vec<Key> = all.map(|(lane, bar)| key_of(lanes, lane, bar)).collect();
    keys.sort_unstable();
    keys
}

/// The last bars of what lanes depend on.
struct Ends {
    /// Of each lane, the last bar of all that it depends on; through lanes that never began.
    upstream: Vec<Option<Key>>,
    /// For each phase, the last bar of all phases before.
    phase: Vec<Option<Key>>,
}

impl Ends {
    fn of(recording: &Recording, lanes: &[Lane]) -> Self {
        let mut upstream: Vec<Option<Key>> = Vec::with_capacity(lanes.len());
        let mut own: Vec<Option<Key>> = Vec::with_capacity(lanes.len());
        let mut phase: Vec<Option<Key>> = vec![None];
        for (at, recorded) in recording.lanes.iter().enumerate() {
            let before = recorded.upstream.iter().filter_map(|id| own[id.0]).max();
            upstream.push(before);
            let last = lanes[at].bars.len().checked_sub(1).map(|bar| key_of(lanes, at, bar));
            own.push(last.or(before));
            while phase.len() < recorded.phase + 2 {
                phase.push(phase.last().copied().flatten());
            }
            let after = &mut phase[recorded.phase + 1];
            *after = (*after).max(last);
        }
        Self { upstream, phase }
    }
}

struct Walk<'a> {
    recording: &'a Recording,
    lanes: &'a [Lane],
    ends: Ends,
    /// All bars, in order of their keys.
    sorted: Vec<Key>,
}

impl Walk<'_> {
    /// The bar that ended last; of several, the one that began first.
    fn last(&self) -> Option<Key> {
        let end = self.sorted.last()?.0;
        self.sorted.get(self.sorted.partition_point(|key| key.0 < end)).copied()
    }

    /// What a bar went on after, and why.
    fn before(&self, key: Key) -> Option<(Key, After)> {
        let (_, begin, lane, bar) = key;
        let own = bar.checked_sub(1).map(|bar| (key_of(self.lanes, lane, bar), After::Itself));
        let is_first = own.is_none();
        let upstream = self.ends.upstream[lane].filter(|_| is_first).map(|key| (key, After::Upstream));
        let phase = self.ends.phase[self.recording.lanes[lane].phase].filter(|_| is_first);
        let phase = phase.map(|key| (key, After::Phase));
        let lower = (begin, begin, lane, bar);
        let could = [own, upstream, phase].into_iter().flatten().filter(|(key, _)| *key < lower);
        let known = could.max_by_key(|(key, after)| (key.0, *after));
        let is_handover = |(end, ..): &Key| begin.millis_since(*end) <= HANDOVER_MILLIS_MAX;
        if known.is_some_and(|(key, _)| is_handover(&key)) {
            return known;
        }
        let place = self.sorted[..self.sorted.partition_point(|key| *key < lower)].last();
        place.filter(|key| is_handover(key)).map(|key| (*key, After::Place)).or(known)
    }
}

//! What happened, as it is recorded: lanes with what each depends on, and spans in them. One recording takes in as much as is wanted, one
//! run after another.

use crate::run::Moment;
use crate::timeline::{Bar, Lane};

/// What kind of thing a span is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SpanKind {
    /// A work folder is made, inputs are evaluated, Terraform is initialised.
    Prepare,
    /// Terraform plans.
    Plan,
    /// People are waited for.
    People,
    /// Terraform applies.
    Apply,
    /// It is looked whether what was applied works.
    Verify,
    /// It is found out what came of an apply that nobody saw the end of.
    Settle,
    /// What exists is destroyed.
    Destroy,
    /// Anything else.
    Other,
}

impl SpanKind {
    /// All kinds, in the sequence in which they are shown.
    pub const ALL: [Self; 8] =
        [Self::Prepare, Self::Plan, Self::People, Self::Apply, Self::Verify, Self::Settle, Self::Destroy, Self::Other];

    /// The kind's word, stable for JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Prepare => "prepare",
            Self::Plan => "plan",
            Self::People => "people",
            Self::Apply => "apply",
            Self::Verify => "verify",
            Self::Settle => "settle",
            Self::Destroy => "destroy",
            Self::Other => "other",
        }
    }
}

/// How a span or a lane ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SpanOutcome {
    /// As it should.
    Succeeded,
    /// It did not.
    Failed,
    /// There was nothing to do, or what was to be done was not begun.
    Skipped,
    /// It was cut off.
    Interrupted,
    /// It has not ended.
    Open,
}

impl SpanOutcome {
    /// The outcome's word, stable for JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::Interrupted => "interrupted",
            Self::Open => "open",
        }
    }
}

/// Something that was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// Its name.
    pub name: String,
    /// What kind of thing it is.
    pub kind: SpanKind,
    /// When it began.
    pub begin: Moment,
    /// When it ended; `None` while it goes on.
    pub end: Option<Moment>,
    /// How it ended.
    pub outcome: SpanOutcome,
}

/// A lane of a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LaneId(pub(super) usize);

/// What happened.
#[derive(Debug, Clone, Default)]
pub struct Recording {
    pub(super) lanes: Vec<RecordedLane>,
    pub(super) groups: Vec<String>,
    /// Moments that the timeline reaches to, also where nothing was done.
    pub(super) reached: Vec<Moment>,
    phase: usize,
}

#[derive(Debug, Clone)]
pub(super) struct RecordedLane {
    name: String,
    group: usize,
    /// How many [`Recording::then`] were before it.
    pub(super) phase: usize,
    /// All recorded before it.
    pub(super) upstream: Vec<LaneId>,
    spans: Vec<Span>,
    outcome: SpanOutcome,
    state: String,
}

impl Recording {
    /// A recording of nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a lane to a group, which is made where there is none of that name. It depends on lanes that are recorded already.
    pub fn lane(&mut self, name: &str, group: &str, upstream: impl IntoIterator<Item = LaneId>) -> LaneId {
        // The group is one of the last ones, as a rule.
        let known = self.groups.iter().rposition(|known| known == group);
        let group = known.unwrap_or_else(|| {
            self.groups.push(group.to_owned());
            self.groups.len() - 1
        });
        let upstream = upstream.into_iter().collect();
        let (name, state) = (name.to_owned(), String::new());
        let (phase, outcome) = (self.phase, SpanOutcome::Open);
        self.lanes.push(RecordedLane { name, group, phase, upstream, spans: Vec::new(), outcome, state });
        LaneId(self.lanes.len() - 1)
    }

    /// Adds what was done in a lane.
    pub fn span(&mut self, lane: LaneId, span: Span) {
        self.lanes[lane.0].spans.push(span);
    }

    /// Says how a lane ended, and in which words that is told. A lane that nothing was said of has not ended.
    pub fn outcome(&mut self, lane: LaneId, outcome: SpanOutcome, state: &str) {
        let lane = &mut self.lanes[lane.0];
        lane.outcome = outcome;
        state.clone_into(&mut lane.state);
    }

    /// The timeline reaches to this moment, also where nothing was done then.
    pub fn reach(&mut self, at: Moment) {
        self.reached.push(at);
    }

    /// What is recorded from now on came after all that was recorded before: the next phase of a rehearsal.
    pub fn then(&mut self) {
        self.phase += 1;
    }
}

impl RecordedLane {
    /// The lane, its bars one after the other. A clock that was set back makes spans that end before they begin, or that overlap: they lose
    /// what cannot have been.
    pub(super) fn straightened(&self, seen: Moment) -> Lane {
        let mut spans: Vec<&Span> = self.spans.iter().collect();
        spans.sort_by_key(|span| span.begin);
        let mut free = Moment(i64::MIN);
        let bars = spans.into_iter().map(|span| {
            let begin = span.begin.max(free);
            free = begin.max(span.end.unwrap_or(seen));
            let Span { name, kind, outcome, .. } = span.clone();
            Bar { name, kind, begin, end: free, outcome, is_critical: false }
        });
        Lane {
            bars: bars.collect(),
            name: self.name.clone(),
            group: self.group,
            outcome: self.outcome,
            state: self.state.clone(),
            waits: Vec::new(),
            upstream: self.upstream.iter().map(|id| id.0).collect(),
            is_critical: false,
        }
    }
}

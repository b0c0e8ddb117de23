//! What a run came to: its outcome and its numbers.

use super::{InstanceState, Run, SkipReason};

/// What a run came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It goes on.
    Running,
    /// It goes on when somebody has decided something.
    Waiting,
    /// Every instance succeeded, had nothing to do or, in a run that only plans, is blocked.
    Succeeded,
    /// An instance failed.
    Failed,
    /// A gate refused an instance, somebody rejected one, or one has no evidence from the stage before; and nothing failed.
    Refused,
    /// It was stopped before its end, or an instance was, and nothing failed.
    Interrupted,
    /// Somebody called it off.
    Cancelled,
    /// A newer run delivers what was left of it.
    Superseded,
    /// Its process is gone without a word.
    Abandoned,
}

impl Outcome {
    /// All outcomes.
    pub const ALL: [Self; 9] = [
        Self::Running,
        Self::Waiting,
        Self::Succeeded,
        Self::Failed,
        Self::Refused,
        Self::Interrupted,
        Self::Cancelled,
        Self::Superseded,
        Self::Abandoned,
    ];

    /// The outcome's word, stable for JSON and the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Refused => "refused",
            Self::Interrupted => "interrupted",
            Self::Cancelled => "cancelled",
            Self::Superseded => "superseded",
            Self::Abandoned => "abandoned",
        }
    }

    /// The outcome of a word; `None` for a stranger.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == word)
    }
}

/// How many instances ended how, and what they changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Applied.
    pub applied: usize,
    /// Nothing to change.
    pub unchanged: usize,
    /// Planned, in a run that only plans.
    pub planned: usize,
    /// Failed.
    pub failed: usize,
    /// Interrupted in the middle, or abandoned.
    pub interrupted: usize,
    /// Inputs known only after an apply.
    pub blocked: usize,
    /// Not started because of an upstream, of a stop, or for want of evidence from the stage before.
    pub skipped: usize,
    /// Not started because nothing that they read changed.
    pub untouched: usize,
    /// Not started because the same release runs there already with the same inputs.
    pub current: usize,
    /// Refused by a gate, or rejected by a person.
    pub refused: usize,
    /// Left to a newer run.
    pub superseded: usize,
    /// Waiting for people.
    pub awaiting: usize,
    /// Waiting for the time at which a gate lets through.
    pub held: usize,
    /// Waiting for anything else.
    pub waiting: usize,
    /// Resources added by what was applied (or is planned).
    pub add: u64,
    /// Resources changed.
    pub change: u64,
    /// Resources destroyed.
    pub destroy: u64,
    /// Resources imported.
    pub import: u64,
}

impl Run {
    /// What it came to.
    pub fn outcome(&self) -> Outcome {
        if self.finished.is_none() {
            let is_at_rest = self.active == 0 && (self.awaiting().next().is_some() || self.held().next().is_some());
            return if is_at_rest { Outcome::Waiting } else { Outcome::Running };
        }
        if let Some(outcome) = self.ending {
            return outcome;
        }
        let any = |test: fn(&InstanceState) -> bool| self.instances.iter().any(|instance| test(&instance.state));
        if any(|state| matches!(state, InstanceState::Failed(_))) {
            Outcome::Failed
        } else if any(InstanceState::is_stopped) {
            Outcome::Interrupted
        } else if any(InstanceState::is_refused) {
            Outcome::Refused
        } else if any(|state| matches!(state, InstanceState::Skipped(SkipReason::Superseded(_)))) {
            Outcome::Superseded
        } else {
            Outcome::Succeeded
        }
    }

    /// Its numbers.
    pub fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        for instance in &self.instances {
            match &instance.state {
                InstanceState::Applied => tally.applied += 1,
                InstanceState::Unchanged => tally.unchanged += 1,
                InstanceState::Planned => tally.planned += 1,
                InstanceState::Failed(_) => tally.failed += 1,
                InstanceState::Interrupted(_) | InstanceState::Abandoned(_) => tally.interrupted += 1,
                InstanceState::Blocked(_) => tally.blocked += 1,
                InstanceState::Skipped(SkipReason::NothingChanged) => tally.untouched += 1,
                InstanceState::Skipped(SkipReason::Current) => tally.current += 1,
                InstanceState::Skipped(SkipReason::Superseded(_)) => tally.superseded += 1,
                InstanceState::Refused(_) | InstanceState::Rejected { .. } => tally.refused += 1,
                InstanceState::Skipped(_) => tally.skipped += 1,
                state if state.hold().is_some() => tally.held += 1,
                InstanceState::Awaiting(_) => tally.awaiting += 1,
                InstanceState::Waiting | InstanceState::Unsettled => tally.waiting += 1,
                _ => {}
            }
            let counts = instance.state.is_applied() || instance.state == InstanceState::Planned;
            if let Some(changes) = instance.changes.as_ref().filter(|_| counts) {
                tally.add = tally.add.saturating_add(changes.add);
                tally.change = tally.change.saturating_add(changes.change);
                tally.destroy = tally.destroy.saturating_add(changes.destroy);
                tally.import = tally.import.saturating_add(changes.import);
            }
        }
        tally
    }
}

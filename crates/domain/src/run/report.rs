//! What a run came to: its outcome and its numbers.

use super::{InstanceState, Run, SkipReason};

/// What a run came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It goes on.
    Running,
    /// Every instance succeeded, had nothing to do or, in a run that only plans, is blocked.
    Succeeded,
    /// An instance failed.
    Failed,
    /// It was stopped before its end, or an instance was, and nothing failed.
    Interrupted,
    /// Its process is gone without a word.
    Abandoned,
}

impl Outcome {
    /// The outcome's word, stable for JSON and the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
            Self::Abandoned => "abandoned",
        }
    }

    /// The outcome of a word; `None` for a stranger.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Running, Self::Succeeded, Self::Failed, Self::Interrupted, Self::Abandoned]
            .into_iter()
            .find(|outcome| outcome.as_str() == word)
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
    /// Not started because of an upstream or of a stop.
    pub skipped: usize,
    /// Not started because nothing that they read changed.
    pub untouched: usize,
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
            return Outcome::Running;
        }
        if self.abandoned {
            return Outcome::Abandoned;
        }
        let states = || self.instances.iter().map(|instance| &instance.state);
        if states().any(|state| matches!(state, InstanceState::Failed(_))) {
            Outcome::Failed
        } else if states().any(InstanceState::is_stopped) {
            Outcome::Interrupted
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
                InstanceState::Skipped(_) => tally.skipped += 1,
                InstanceState::Waiting
                | InstanceState::Preparing
                | InstanceState::Planning
                | InstanceState::Applying => {}
            }
            let counts = matches!(instance.state, InstanceState::Applied | InstanceState::Planned);
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

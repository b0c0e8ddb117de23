//! What a rehearsal came to.

use std::collections::BTreeMap;

use super::{Ephemeral, Outcome, Phase, Practice};
use crate::digest::Digest;
use crate::name::StackName;
use crate::plan::{Difference, Loss};
use crate::run::{Changes, Moment};

/// What a rehearsal came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// Where it was.
    pub environment: Ephemeral,
    /// The estate release that was rehearsed.
    pub release: Option<Digest>,
    /// The estate release that was there before, in an upgrade or a recovery.
    pub baseline: Option<Digest>,
    /// The stacks, each with what was seen of it.
    pub stacks: BTreeMap<StackName, StackReport>,
    /// The phases, in their sequence.
    pub phases: Vec<TimedPhase>,
    /// What is not as it should be.
    pub findings: Vec<Finding>,
    /// The chain of stacks that decided how long the measured phase took.
    pub critical_path: Vec<StackName>,
    /// What was to be kept, in milliseconds.
    pub rto_ms: Option<u64>,
    /// What could not be destroyed, by stack.
    pub left: BTreeMap<StackName, Vec<String>>,
    /// Where backends keep states that have nothing in them any more: Terraform empties a state and removes none.
    pub empty_states: Vec<String>,
    /// What it came to.
    pub verdict: Verdict,
}

/// What a rehearsal came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// All was as it should be.
    Passed,
    /// Something was not.
    Failed,
    /// Somebody asked to stop.
    Interrupted,
}

/// A phase, with when it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimedPhase {
    /// Which.
    pub phase: Phase,
    /// When it began.
    pub began: Moment,
    /// When it ended.
    pub ended: Moment,
    /// How it went.
    pub outcome: Outcome,
}

/// How a stack took part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// It was rehearsed.
    Rehearsed,
    /// It was deployed because others rest on it.
    Upstream,
    /// A fixture stood in for it: `outputs`, or a folder.
    StoodIn(String),
}

/// How many resources a plan touched.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PlanCount {
    /// Made.
    pub add: u64,
    /// Changed in place.
    pub change: u64,
    /// Destroyed.
    pub destroy: u64,
}

impl PlanCount {
    /// What a plan counts.
    pub fn of(changes: &Changes) -> Self {
        Self { add: changes.add, change: changes.change, destroy: changes.destroy }
    }
}

/// What was seen of a stack.
#[derive(Debug, Clone, PartialEq)]
pub struct StackReport {
    /// How it took part.
    pub role: Role,
    /// Its release, where one was rehearsed.
    pub release: Option<Digest>,
    /// Its release that was there before.
    pub baseline: Option<Digest>,
    /// The plans that were applied: from nothing, and over what was there.
    pub from_zero: Option<PlanCount>,
    /// The second, in an upgrade.
    pub upgrade: Option<PlanCount>,
    /// What the upgrade would take away.
    pub losses: Vec<Loss>,
    /// What a second plan would change still.
    pub differences: Vec<Difference>,
    /// How long it took to deploy, in milliseconds.
    pub took_ms: Option<u64>,
}

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The phase in which it was seen.
    pub phase: Phase,
    /// The stack, where it is one's.
    pub stack: Option<StackName>,
    /// One line.
    pub summary: String,
    /// More, a line each.
    pub details: Vec<String>,
}

impl Verdict {
    /// In a word, stable for JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
        }
    }
}

impl Report {
    /// How long a recovery took, in milliseconds.
    pub fn recovery_ms(&self) -> Option<u64> {
        let recover = self.phases.iter().find(|timed| timed.phase == Phase::Recover)?;
        (recover.outcome == Outcome::Passed).then(|| recover.ended.millis_since(recover.began))
    }

    /// Whether the recovery kept its objective; `None` where there is none, or nothing was recovered.
    pub fn keeps_objective(&self) -> Option<bool> {
        Some(self.recovery_ms()? <= self.rto_ms?)
    }

    /// What was practised.
    pub fn practice(&self) -> Practice {
        self.environment.practice
    }
}

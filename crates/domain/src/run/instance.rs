//! An instance in its run: where it is, and why.

use std::collections::BTreeSet;
use std::fmt;

use super::approval::Approval;
use super::cover::{CoverPart, PlanCover};
use super::gate::{Assessment, Hold, Refusal};
use super::{Changes, Failure, Moment, RunId, Step};
use crate::name::{EnvironmentName, StackName};
use crate::plan::Loss;

/// Names an instance: a stack in an environment.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InstanceId {
    /// The environment.
    pub environment: EnvironmentName,
    /// The stack.
    pub stack: StackName,
}

impl fmt::Display for InstanceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}/{}", self.environment, self.stack))
    }
}

/// Where an instance is in its run.
#[derive(Debug, Clone, PartialEq)]
pub enum InstanceState {
    /// It waits for its upstream, for the stage before, for its environment, or for a place.
    Waiting,
    /// Its work folder is made, its inputs are evaluated, Terraform is initialised.
    Preparing,
    /// Terraform plans.
    Planning,
    /// A gate holds it until time has passed.
    Held(Hold),
    /// It is planned, and people are to approve that.
    Awaiting(Box<Awaiting>),
    /// Terraform applies the saved plan.
    Applying,
    /// Terrace died while it was applied: what came of that must be found out before it goes on.
    Unsettled,
    /// It is being found out what came of an apply that Terrace did not see the end of.
    Settling,
    /// It is looked whether what runs does what it should.
    Verifying,
    /// Done: nothing was to be changed.
    Unchanged,
    /// Done, in a run that only plans.
    Planned,
    /// Done: the plan was applied.
    Applied,
    /// A step failed.
    Failed(Failure),
    /// It was stopped in the middle of a step because somebody asked for it.
    Interrupted(Step),
    /// It could not be planned: inputs are known only after the named upstream stacks are applied.
    Blocked(BTreeSet<StackName>),
    /// It was not started.
    Skipped(SkipReason),
    /// A gate refuses.
    Refused(Refusal),
    /// Somebody rejected its plan.
    Rejected {
        /// Who.
        by: String,
        /// Why, in their words; may be empty.
        reason: String,
    },
    /// The run ended without a word while the instance was in this step: Terrace was killed.
    Abandoned(Option<Step>),
}

/// An instance that waits for people.
#[derive(Debug, Clone, PartialEq)]
pub struct Awaiting {
    /// What an approval covers.
    pub cover: PlanCover,
    /// Who approved so far.
    pub approvals: Vec<Approval>,
    /// By what the plan differs from one that was approved before; the approvals of that one do not count any more.
    pub differs: BTreeSet<CoverPart>,
    /// Who is asked, and why.
    pub asked: Asked,
    /// What holds it up though it is approved.
    pub held: Option<Hold>,
}

/// Who is asked to approve a plan, and why.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// The people, by name; `None`: everybody.
    pub people: Option<BTreeSet<String>>,
    /// Them in the configuration's words: teams and people; empty: everybody.
    pub by: Vec<String>,
    /// How many different people must.
    pub count: u32,
    /// Why, in words.
    pub why: Vec<String>,
}

/// A gate that somebody broke the glass of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overridden {
    /// Its kind.
    pub gate: String,
    /// What it said, in words.
    pub said: String,
}

/// Why an instance was not started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SkipReason {
    /// This upstream instance did not succeed.
    Upstream(StackName),
    /// The run was stopped before.
    Stopped,
    /// No output that it reads has changed.
    NothingChanged,
    /// The same release already runs there with the same inputs.
    Current,
    /// There is no evidence that the release succeeded in the environment of the stage before.
    NotProven(EnvironmentName),
    /// A newer run delivers the stack.
    Superseded(RunId),
}

impl InstanceState {
    /// The step that is being done, if one is.
    pub fn step(&self) -> Option<Step> {
        match self {
            Self::Preparing => Some(Step::Prepare),
            Self::Planning => Some(Step::Plan),
            Self::Applying => Some(Step::Apply),
            Self::Settling => Some(Step::Settle),
            Self::Verifying => Some(Step::Verify),
            _ => None,
        }
    }

    /// Whether nothing more will happen to the instance in this run.
    pub fn is_final(&self) -> bool {
        !matches!(
            self,
            Self::Waiting
                | Self::Preparing
                | Self::Planning
                | Self::Held(_)
                | Self::Awaiting(_)
                | Self::Applying
                | Self::Unsettled
                | Self::Settling
                | Self::Verifying
        )
    }

    /// Whether downstream instances may go on: it is delivered (or planned) as it should be, or it had nothing to do.
    pub fn is_success(&self) -> bool {
        matches!(
            self,
            Self::Unchanged
                | Self::Planned
                | Self::Applied
                | Self::Skipped(SkipReason::NothingChanged | SkipReason::Current)
        )
    }

    /// Whether this is evidence that the ordered release runs there as it should.
    pub fn is_evidence(&self) -> bool {
        matches!(self, Self::Unchanged | Self::Applied | Self::Skipped(SkipReason::Current))
    }

    /// Whether all that its plan had to apply is applied, whatever was found out after that.
    pub fn is_applied(&self) -> bool {
        let during = match self {
            Self::Applied | Self::Verifying => return true,
            Self::Failed(failure) => Some(failure.step),
            Self::Interrupted(step) => Some(*step),
            Self::Abandoned(step) => *step,
            _ => None,
        };
        during == Some(Step::Verify)
    }

    /// Whether a step after its plan is, or was, being done.
    fn is_past_plan(&self) -> bool {
        let step = match self {
            Self::Unsettled | Self::Applied => return true,
            Self::Failed(failure) => Some(failure.step),
            Self::Interrupted(step) => Some(*step),
            Self::Abandoned(step) => *step,
            other => other.step(),
        };
        matches!(step, Some(Step::Apply | Step::Settle | Step::Verify))
    }

    /// Whether it was kept from going on by a gate, by a person, or for want of evidence.
    pub fn is_refused(&self) -> bool {
        matches!(self, Self::Refused(_) | Self::Rejected { .. } | Self::Skipped(SkipReason::NotProven(_)))
    }

    /// Whether a stop kept the instance from coming to its end.
    pub fn is_stopped(&self) -> bool {
        matches!(self, Self::Interrupted(_) | Self::Skipped(SkipReason::Stopped))
    }

    /// What time holds the instance up with, also where people have approved it.
    pub fn hold(&self) -> Option<&Hold> {
        match self {
            Self::Held(hold) => Some(hold),
            Self::Awaiting(awaiting) => awaiting.held.as_ref(),
            _ => None,
        }
    }

    /// The state in a word, stable for JSON and the store.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Preparing => "preparing",
            Self::Planning => "planning",
            Self::Held(_) => "held",
            Self::Awaiting(_) => "awaiting",
            Self::Applying => "applying",
            Self::Unsettled => "unsettled",
            Self::Settling => "settling",
            Self::Verifying => "verifying",
            Self::Unchanged => "unchanged",
            Self::Planned => "planned",
            Self::Applied => "applied",
            Self::Failed(_) => "failed",
            Self::Interrupted(_) => "interrupted",
            Self::Blocked(_) => "blocked",
            Self::Skipped(_) => "skipped",
            Self::Refused(_) => "refused",
            Self::Rejected { .. } => "rejected",
            Self::Abandoned(_) => "abandoned",
        }
    }
}

/// An instance in its run.
#[derive(Debug, Clone)]
pub struct Instance {
    /// Which.
    pub id: InstanceId,
    /// Where it is.
    pub state: InstanceState,
    /// What the plan is to change, once there is one.
    pub changes: Option<Changes>,
    /// Whether the plan was made on planned, not yet applied, outputs of an upstream.
    pub provisional: bool,
    /// What the plan would take away, where that was asked for.
    pub losses: Vec<Loss>,
    /// What was found out of the plan, where a gate asks for that.
    pub assessment: Option<Box<Assessment>>,
    /// The gates that somebody broke the glass of.
    pub overridden: Vec<Overridden>,
    /// When its first step began.
    pub started: Option<Moment>,
    /// When it came to its end.
    pub finished: Option<Moment>,
    /// What was approved, and by whom; kept when the plan must be made again.
    pub(super) approved: Option<(PlanCover, Vec<Approval>)>,
    /// Whether an apply of it was begun in this run: what its plans say from then on is what is left of that.
    pub(super) apply_begun: bool,
}

impl Instance {
    pub(super) fn waiting(id: InstanceId) -> Self {
        Self {
            id,
            state: InstanceState::Waiting,
            changes: None,
            provisional: false,
            losses: Vec::new(),
            assessment: None,
            overridden: Vec::new(),
            started: None,
            finished: None,
            approved: None,
            apply_begun: false,
        }
    }

    /// Notes gates that somebody broke the glass of, each once with what it said last.
    pub(super) fn override_gates(&mut self, gates: Vec<Overridden>) {
        for new in gates {
            match self.overridden.iter_mut().find(|known| known.gate == new.gate) {
                Some(known) => *known = new,
                None => self.overridden.push(new),
            }
        }
    }

    /// The stack.
    pub fn stack(&self) -> &StackName {
        &self.id.stack
    }

    /// Whether an apply of it may have been begun in this run, whatever came of it.
    pub fn may_have_applied(&self) -> bool {
        self.apply_begun || self.state.is_past_plan()
    }

    /// What was approved, and by whom.
    pub fn approved(&self) -> Option<(&PlanCover, &[Approval])> {
        self.approved.as_ref().map(|(cover, approvals)| (cover, approvals.as_slice()))
    }
}

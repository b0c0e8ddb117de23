//! What happens in a run (events), and what a run asks its driver to do (effects).

use std::collections::{BTreeMap, BTreeSet};

use super::gate::Assessment;
use super::{CoverPart, InstanceId, Moment, PlanCover, RunId, Standing};
use crate::name::{EnvironmentName, StackName};
use crate::path::RepoPath;
use crate::plan::Loss;
use crate::rehearsal::Lost;

/// A step of an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// Make the work folder, evaluate the inputs, initialise Terraform.
    Prepare,
    /// `terraform plan`, saved.
    Plan,
    /// `terraform apply` of the saved plan.
    Apply,
    /// Find out what came of an apply that Terrace did not see the end of.
    Settle,
    /// Look whether what runs does what it should.
    Verify,
}

impl Step {
    /// The step's word, stable for JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Prepare => "prepare",
            Self::Plan => "plan",
            Self::Apply => "apply",
            Self::Settle => "settle",
            Self::Verify => "verify",
        }
    }
}

/// What a plan is to change, as Terraform counts it (`change_summary` of its machine-readable output).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// Resources to create.
    pub add: u64,
    /// Resources to update in place.
    pub change: u64,
    /// Resources to destroy (a replacement counts here and in `add`).
    pub destroy: u64,
    /// Resources to import.
    pub import: u64,
    /// Resources whose address moves, that are forgotten, and the like: changes of the state alone.
    pub state_only: u64,
    /// The outputs whose values change, or may change when the plan is applied.
    pub outputs: BTreeSet<String>,
}

impl Changes {
    /// Whether there is nothing to apply.
    pub fn is_empty(&self) -> bool {
        self.resources() == 0 && self.state_only == 0 && self.outputs.is_empty()
    }

    /// How many resources are touched.
    pub fn resources(&self) -> u64 {
        [self.change, self.destroy, self.import].into_iter().fold(self.add, u64::saturating_add)
    }
}

/// Why a step failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The step.
    pub step: Step,
    /// One line.
    pub summary: String,
    /// What Terraform reported, errors first.
    pub diagnostics: Vec<TerraformDiagnostic>,
    /// What to do next.
    pub help: Option<String>,
}

/// A diagnostic of Terraform (its JSON "diagnostic" object).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TerraformDiagnostic {
    /// Whether it is an error; a warning otherwise.
    pub is_error: bool,
    /// One line.
    pub summary: String,
    /// More, several lines perhaps; may be empty.
    pub detail: String,
    /// The resource, where Terraform names one.
    pub address: Option<String>,
    /// The file, relative to the repository's root where it lies in it.
    pub file: Option<String>,
    /// The line in the file, from 1.
    pub line: Option<u64>,
    /// The line's text.
    pub code: Option<String>,
}

impl TerraformDiagnostic {
    /// The file as a path of the repository. Terraform names files relative to the stack's folder; a path that leads out of the repository, or
    /// is absolute, stays as it is.
    pub fn file_in_repository(&self, stack: &RepoPath) -> Option<String> {
        let file = self.file.as_ref()?;
        let path = stack.join(file).ok().filter(|_| !file.starts_with('/'));
        Some(path.map_or_else(|| file.clone(), |path| path.to_string()))
    }
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The run begins.
    Started,
    /// The run has an environment to itself from now on, and knows what is there.
    Entered {
        /// The environment.
        environment: EnvironmentName,
        /// What earlier runs left of the order's stacks, and of those that they read. What is not named is not there.
        standings: BTreeMap<StackName, Standing>,
        /// When a recovery from each loss was last practised with success.
        recovered: BTreeMap<Lost, Moment>,
    },
    /// An instance is prepared.
    Prepared {
        /// The instance.
        instance: InstanceId,
        /// Whether an input rests on an output that is planned and not applied (in a run that only plans).
        provisional: bool,
    },
    /// An instance's inputs are not known before these upstream stacks are applied (in a run that only plans).
    InputsUnknown {
        /// The instance.
        instance: InstanceId,
        /// The upstream stacks.
        upstream: BTreeSet<StackName>,
    },
    /// An instance is planned and its plan saved.
    Planned {
        /// The instance.
        instance: InstanceId,
        /// What the plan is to change.
        changes: Changes,
        /// What an approval of it covers; there where a gate asks people.
        cover: Option<Box<PlanCover>>,
        /// What it would take away; there where a gate limits that.
        losses: Vec<Loss>,
        /// What else was found out of it; there where a gate asks for that.
        assessment: Option<Box<Assessment>>,
    },
    /// Somebody approved an instance's plan.
    Approved {
        /// The instance.
        instance: InstanceId,
        /// Who.
        by: String,
        /// Why, in their words; may be empty.
        reason: String,
        /// The plan that was looked at.
        cover: Box<PlanCover>,
    },
    /// Somebody rejected an instance's plan.
    Rejected {
        /// The instance.
        instance: InstanceId,
        /// Who.
        by: String,
        /// Why, in their words; may be empty.
        reason: String,
    },
    /// The saved plan of an instance cannot be applied any more, and nothing of it was: it must be made again.
    Stale {
        /// The instance.
        instance: InstanceId,
        /// What is not as it was; empty where the plan itself is not there any more.
        differs: BTreeSet<CoverPart>,
    },
    /// An instance's plan is applied.
    Applied {
        /// The instance.
        instance: InstanceId,
    },
    /// What runs does what it should: every check of an instance holds.
    Verified {
        /// The instance.
        instance: InstanceId,
    },
    /// What an apply that Terrace did not see the end of left behind is put in order: no process is at work on the instance, and its state is
    /// not locked by one that died.
    Settled {
        /// The instance.
        instance: InstanceId,
    },
    /// A step of an instance failed.
    Failed {
        /// The instance.
        instance: InstanceId,
        /// Why.
        failure: Failure,
    },
    /// A step of an instance ended early because the run is being stopped.
    Interrupted {
        /// The instance.
        instance: InstanceId,
    },
    /// Another process takes the run up: the one that had it is gone. What was at work is looked into.
    Resumed,
    /// A newer run delivers these stacks: what has not begun here does not begin.
    Superseded {
        /// The newer run.
        by: RunId,
        /// The stacks.
        stacks: BTreeSet<StackName>,
        /// The environments that it delivers them to: what waits for another is left alone.
        environments: BTreeSet<EnvironmentName>,
    },
    /// The time that instances were held up for has come.
    Due,
    /// Somebody asked the run to stop.
    StopRequested,
    /// Somebody called the run off.
    Cancelled {
        /// Who.
        by: String,
        /// Why, in their words; may be empty.
        reason: String,
    },
    /// The run's process is gone: found out by a later one, which does not go on with it.
    Abandoned,
}

impl Event {
    /// The instance that it happened to; `None` for what happens to the run as a whole.
    pub fn instance(&self) -> Option<&InstanceId> {
        match self {
            Self::Prepared { instance, .. }
            | Self::InputsUnknown { instance, .. }
            | Self::Planned { instance, .. }
            | Self::Approved { instance, .. }
            | Self::Rejected { instance, .. }
            | Self::Stale { instance, .. }
            | Self::Applied { instance }
            | Self::Verified { instance }
            | Self::Settled { instance }
            | Self::Failed { instance, .. }
            | Self::Interrupted { instance } => Some(instance),
            Self::Started
            | Self::Entered { .. }
            | Self::Resumed
            | Self::Superseded { .. }
            | Self::Due
            | Self::StopRequested
            | Self::Cancelled { .. }
            | Self::Abandoned => None,
        }
    }

    /// Its name, for errors and logs.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Started => "Started",
            Self::Entered { .. } => "Entered",
            Self::Prepared { .. } => "Prepared",
            Self::InputsUnknown { .. } => "InputsUnknown",
            Self::Planned { .. } => "Planned",
            Self::Approved { .. } => "Approved",
            Self::Rejected { .. } => "Rejected",
            Self::Stale { .. } => "Stale",
            Self::Applied { .. } => "Applied",
            Self::Verified { .. } => "Verified",
            Self::Settled { .. } => "Settled",
            Self::Failed { .. } => "Failed",
            Self::Interrupted { .. } => "Interrupted",
            Self::Resumed => "Resumed",
            Self::Superseded { .. } => "Superseded",
            Self::Due => "Due",
            Self::StopRequested => "StopRequested",
            Self::Cancelled { .. } => "Cancelled",
            Self::Abandoned => "Abandoned",
        }
    }
}

/// Something that a driver is to do. It answers with an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Take the environment for this run, so that nobody else works there, and look what is there. Answer: `Entered`.
    Enter(EnvironmentName),
    /// Let go of the environment: the run is done there. No answer.
    Leave(EnvironmentName),
    /// Make the work folder, evaluate the inputs, initialise. Answer: `Prepared`, `InputsUnknown`, `Failed` or `Interrupted`.
    Prepare(InstanceId),
    /// Plan and save the plan. Answer: `Planned`, `Failed` or `Interrupted`.
    Plan(InstanceId),
    /// Apply the saved plan. Answer: `Applied`, `Stale`, `Failed` or `Interrupted`.
    Apply(InstanceId),
    /// Find out what came of an apply that nobody saw the end of: wait for a Terraform that is still at work, release the lock of one that
    /// died. Answer: `Settled`, `Failed` or `Interrupted`.
    Settle(InstanceId),
    /// Look whether what runs does what it should, and then sign evidence of the delivery. Answer: `Verified`, `Failed` or `Interrupted`.
    Verify(InstanceId),
    /// Ask the instance's process to stop, once, gently. No answer of its own.
    Interrupt(InstanceId),
    /// The run is over.
    Finish,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_become_those_of_the_repository() {
        let stack = RepoPath::new("stacks/aws/network").unwrap();
        let place = |file: &str| {
            let diagnostic = TerraformDiagnostic {
                is_error: true,
                summary: String::new(),
                detail: String::new(),
                address: None,
                file: Some(file.to_owned()),
                line: None,
                code: None,
            };
            diagnostic.file_in_repository(&stack).unwrap()
        };
        assert_eq!(place("main.tf"), "stacks/aws/network/main.tf");
        assert_eq!(place("../../../modules/x/main.tf"), "modules/x/main.tf");
        assert_eq!(place("../../../../x.tf"), "../../../../x.tf");
        assert_eq!(place("/etc/x.tf"), "/etc/x.tf");
    }
}

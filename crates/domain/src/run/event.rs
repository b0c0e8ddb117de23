//! What happens in a run (events), and what a run asks its driver to do (effects).

use std::collections::BTreeSet;

use crate::name::StackName;
use crate::path::RepoPath;

/// A step of an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// Make the work folder, evaluate the inputs, initialise Terraform.
    Prepare,
    /// `terraform plan`, saved.
    Plan,
    /// `terraform apply` of the saved plan.
    Apply,
}

impl Step {
    /// The step's word, stable for JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Prepare => "prepare",
            Self::Plan => "plan",
            Self::Apply => "apply",
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
    /// An instance is prepared.
    Prepared {
        /// The instance.
        stack: StackName,
        /// Whether an input rests on an output that is planned and not applied (in a run that only plans).
        provisional: bool,
    },
    /// An instance's inputs are not known before these upstream stacks are applied (in a run that only plans).
    InputsUnknown {
        /// The instance.
        stack: StackName,
        /// The upstream stacks.
        upstream: BTreeSet<StackName>,
    },
    /// An instance is planned and its plan saved.
    Planned {
        /// The instance.
        stack: StackName,
        /// What the plan is to change.
        changes: Changes,
    },
    /// An instance's plan is applied.
    Applied {
        /// The instance.
        stack: StackName,
    },
    /// A step of an instance failed.
    Failed {
        /// The instance.
        stack: StackName,
        /// Why.
        failure: Failure,
    },
    /// A step of an instance ended early because the run is being stopped.
    Interrupted {
        /// The instance.
        stack: StackName,
    },
    /// Somebody asked the run to stop.
    StopRequested,
    /// The run's process is gone: found out by a later one.
    Abandoned,
}

impl Event {
    /// The instance that it happened to; `None` for what happens to the run as a whole.
    pub fn stack(&self) -> Option<&StackName> {
        match self {
            Self::Prepared { stack, .. }
            | Self::InputsUnknown { stack, .. }
            | Self::Planned { stack, .. }
            | Self::Applied { stack }
            | Self::Failed { stack, .. }
            | Self::Interrupted { stack } => Some(stack),
            Self::Started | Self::StopRequested | Self::Abandoned => None,
        }
    }
}

/// Something that a driver is to do. It answers with an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Make the work folder, evaluate the inputs, initialise. Answer: `Prepared`, `InputsUnknown`, `Failed` or `Interrupted`.
    Prepare(StackName),
    /// Plan and save the plan. Answer: `Planned`, `Failed` or `Interrupted`.
    Plan(StackName),
    /// Apply the saved plan. Answer: `Applied`, `Failed` or `Interrupted`.
    Apply(StackName),
    /// Ask the instance's process to stop, once, gently. No answer of its own.
    Interrupt(StackName),
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

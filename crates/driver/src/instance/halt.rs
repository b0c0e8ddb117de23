//! Why a step does not come to its end: failures that people can act on, made from what Terraform and the world say; interrupts; and
//! inputs that are not known yet.

use std::collections::BTreeSet;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use terrace_domain::name::StackName;
use terrace_domain::path::RepoPath;
use terrace_domain::run::{Failure, Step, TerraformDiagnostic};

use super::folder::INPUTS_FILE;
use super::spoken::read_diagnostics;

/// Why a step did not come to its end.
#[derive(Debug, Clone)]
pub enum Halt {
    /// It failed.
    Failed(Failure),
    /// It was stopped, because somebody asked for it.
    Interrupted,
    /// The inputs are known only after these stacks are applied.
    InputsUnknown(BTreeSet<StackName>),
}

/// How a step ended.
pub type StepResult<T> = Result<T, Halt>;

impl From<Failure> for Halt {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// Makes any error the failure of a step.
pub(super) fn failed<E: std::fmt::Display>(step: Step) -> impl Fn(E) -> Halt {
    move |error| Halt::Failed(failure(step, error.to_string()))
}

/// How many lines of an error output without structure are shown.
const LINES_MAX: usize = 40;

/// What to do when an apply was killed.
const KILLED: &str =
    "What it had finished is in the state. Deliver again: Terraform plans anew and goes on from there.";
/// The same where a backend keeps the state: Terraform writes there every 20 seconds and at its end (source: `internal/backend/local`,
/// `StateHook`), and a lock is an object that stays.
pub(super) const KILLED_REMOTE: &str = "What it had finished is in the state, save perhaps for its last 20 seconds: Terraform saves to a backend at such intervals. Look \
     whether something was made that the state does not have; then deliver again: the lock that it left is released, and Terraform plans \
     anew and goes on from there.";

/// A failure outside of Terraform.
pub(super) fn failure(step: Step, summary: impl Into<String>) -> Failure {
    Failure { step, summary: summary.into(), diagnostics: Vec::new(), help: None }
}

/// A failure of a Terraform command: by its diagnostics where it gave some, by its error output otherwise.
pub(super) fn terraform_failure(
    step: Step,
    command: &str,
    status: ExitStatus,
    mut diagnostics: Vec<TerraformDiagnostic>,
    errors: &str,
    stack: &RepoPath,
) -> Failure {
    if let Some(signal) = status.signal() {
        let mut failure = failure(step, format!("terraform {command} was killed by signal {signal}"));
        failure.diagnostics = diagnostics;
        if step == Step::Apply {
            failure.help = Some(KILLED.to_owned());
        }
        return failure;
    }
    let has_errors = |found: &[TerraformDiagnostic]| found.iter().any(|diagnostic| diagnostic.is_error);
    if !has_errors(&diagnostics) {
        diagnostics.extend(read_diagnostics(errors));
    }
    if !has_errors(&diagnostics) {
        diagnostics.push(from_text(command, status, errors));
    }
    diagnostics.sort_by_key(|diagnostic| !diagnostic.is_error);
    for diagnostic in &mut diagnostics {
        if diagnostic.file.as_ref().is_some_and(|file| file.ends_with(INPUTS_FILE)) {
            // The line that Terraform quotes there has the inputs' values, which may be secrets.
            (diagnostic.file, diagnostic.line, diagnostic.code) = (None, None, None);
        }
        diagnostic.file = diagnostic.file_in_repository(stack);
    }
    let count = diagnostics.iter().filter(|diagnostic| diagnostic.is_error).count();
    let summary =
        if count == 1 { diagnostics[0].summary.clone() } else { format!("terraform {command}: {count} errors") };
    let help = help_for(&diagnostics);
    Failure { step, summary, diagnostics, help }
}

fn help_for(diagnostics: &[TerraformDiagnostic]) -> Option<String> {
    let is_locked = diagnostics.iter().any(|diagnostic| diagnostic.summary.contains("acquiring the state lock"));
    is_locked.then(|| {
        "Somebody else works on this state, or a process that died has left its lock. Wait for it; if nobody does, remove the lock \
         with `terraform force-unlock` in the instance's work folder."
            .to_owned()
    })
}

fn from_text(command: &str, status: ExitStatus, errors: &str) -> TerraformDiagnostic {
    let lines: Vec<_> = errors.lines().filter(|line| !line.trim().is_empty()).collect();
    let shown = &lines[lines.len().saturating_sub(LINES_MAX)..];
    TerraformDiagnostic {
        is_error: true,
        summary: match status.code() {
            Some(code) => format!("terraform {command} ended with exit code {code}"),
            None => format!("terraform {command} did not end as it should"),
        },
        detail: shown.join("\n"),
        address: None,
        file: None,
        line: None,
        code: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kill_is_named() {
        let stack = RepoPath::root();
        let failure = terraform_failure(Step::Apply, "apply", ExitStatus::from_raw(9), vec![], "", &stack);
        assert_eq!(failure.summary, "terraform apply was killed by signal 9");
        assert!(failure.help.is_some());
    }

    #[test]
    fn an_error_without_structure_is_quoted() {
        let status = ExitStatus::from_raw(256);
        let failure = terraform_failure(Step::Plan, "plan", status, vec![], "\npanic: oh\n", &RepoPath::root());
        assert_eq!(failure.summary, "terraform plan ended with exit code 1");
        assert_eq!(failure.diagnostics[0].detail, "panic: oh");
    }
}

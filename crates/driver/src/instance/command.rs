//! Runs a Terraform command that speaks in messages, and keeps what it said.

use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;

use terrace_domain::run::{Changes, CoverPart, Failure, InstanceId, Moment, Step, TerraformDiagnostic};
use terrace_domain::state::LockInfo;
use terrace_world::terraform::{Exit, Invocation, Message, ProcessError};
use tokio::sync::watch;

use super::backend_of;
use super::halt::{Halt, KILLED_REMOTE, terraform_failure};
use super::prepare::Prepared;
use super::spoken::read_diagnostics;
use super::teller::Teller;
use crate::context::Context;

/// What a Terraform command said.
pub(super) struct Told {
    pub(super) exit: Exit,
    pub(super) changes: Changes,
    pub(super) diagnostics: Vec<TerraformDiagnostic>,
    /// The runs of a test that did not pass, each with its file.
    pub(super) failed_runs: Vec<String>,
}

impl Told {
    pub(super) fn needs_init(&self) -> bool {
        const SIGNS: [&str; 5] = [
            "initialization required",
            "Required plugins are not installed",
            "Inconsistent dependency lock file",
            "Module not installed",
            "Module source has changed",
        ];
        let is_sign = |diagnostic: &TerraformDiagnostic| SIGNS.iter().any(|sign| diagnostic.summary.contains(sign));
        self.diagnostics.iter().any(is_sign)
    }

    /// Why the command did not succeed: it was stopped, or it failed. One that was stopped has failed, too, when it reports more than
    /// that: a state that could not be saved must not go unheard.
    pub(super) fn halt(mut self, ctx: &Context, id: &InstanceId, step: Step, command: &str) -> Halt {
        if self.exit.interrupted {
            self.diagnostics.retain(|diagnostic| !STOPPED.contains(&diagnostic.summary.as_str()));
            if !self.diagnostics.iter().any(|diagnostic| diagnostic.is_error) {
                return Halt::Interrupted;
            }
        }
        Halt::Failed(self.failure(ctx, id, step, command))
    }

    /// Why the command failed, by what it reported.
    pub(super) fn failure(self, ctx: &Context, id: &InstanceId, step: Step, command: &str) -> Failure {
        let folder = &ctx.stack(id).folder;
        let status = self.exit.status;
        let mut failure = terraform_failure(step, command, status, self.diagnostics, &self.exit.errors, folder);
        let is_local =
            || backend_of(&ctx.estate, ctx.environment(id), ctx.stack(id)).is_ok_and(|(kind, _)| kind == "local");
        if status.signal().is_some() && step == Step::Apply && !is_local() {
            failure.help = Some(KILLED_REMOTE.to_owned());
        }
        failure
    }

    /// The lock on the state that kept the command, which was started at `began`, from its work.
    pub(super) fn lock(&self, began: Moment) -> Option<LockInfo> {
        let is_lock = |diagnostic: &&TerraformDiagnostic| diagnostic.summary.contains("acquiring the state lock");
        let found = self.diagnostics.iter().filter(|_| !self.exit.status.success()).find(is_lock)?;
        Some(LockInfo::from_text(&found.detail)?.of_holder(&found.detail, began))
    }

    /// Why a saved plan was not applied at all, where the state is not the one that it was made on.
    pub(super) fn stale(&self) -> Option<CoverPart> {
        let has = |sign: &str| self.diagnostics.iter().any(|diagnostic| diagnostic.summary.contains(sign));
        if has("Saved plan is stale") {
            Some(CoverPart::Serial)
        } else if has("Saved plan does not match the given state") {
            Some(CoverPart::Lineage)
        } else {
            None
        }
    }

    fn note(&mut self, message: &Message) {
        match message {
            Message::Summary { add, change, remove, import, .. } => {
                (self.changes.add, self.changes.change) = (*add, *change);
                (self.changes.destroy, self.changes.import) = (*remove, *import);
            }
            Message::PlannedChange { action, .. } if matches!(action.as_str(), "move" | "remove") => {
                self.changes.state_only += 1;
            }
            Message::Outputs(outputs) => {
                let changed =
                    outputs.iter().filter(|(_, action)| action.as_deref().is_some_and(|action| action != "noop"));
                self.changes.outputs = changed.map(|(name, _)| name.clone()).collect();
            }
            Message::TestRun { file, run, status } if matches!(status.as_str(), "fail" | "error") => {
                self.failed_runs.push(format!("`{run}` of {file}"));
            }
            Message::Diagnostic(diagnostic) => self.diagnostics.push(diagnostic.clone()),
            Message::PlannedChange { .. } | Message::Resource { .. } | Message::TestRun { .. } | Message::Note(_) => {}
        }
    }
}

pub(super) async fn run_terraform(
    ctx: &Context,
    id: &InstanceId,
    prepared: &Prepared,
    command: &str,
    arguments: Vec<OsString>,
    stop: watch::Receiver<bool>,
    teller: &Teller,
) -> Result<Told, ProcessError> {
    let work = ctx.folder(id).work();
    let invocation = Invocation {
        program: &ctx.terraform.program,
        arguments,
        folder: &work,
        environment: prepared.place().environment(),
        log: ctx.log(id, &format!("{command}.jsonl")),
        errors: ctx.folder(id).errors(),
    };
    let nothing = Exit { status: std::process::ExitStatus::default(), errors: String::new(), interrupted: false };
    let mut told =
        Told { exit: nothing, changes: Changes::default(), diagnostics: Vec::new(), failed_runs: Vec::new() };
    let mut strange = String::new();
    let exit = invocation.run(stop, |line| match Message::parse(line) {
        Ok(Some(message)) => {
            told.note(&message);
            teller.say(&message);
        }
        Ok(None) => {}
        // Not the format: a crash report, most likely. Its beginning is kept, for the case that the command fails.
        Err(_) => {
            if strange.len() < STRANGE_BYTES_MAX {
                strange.push_str(&String::from_utf8_lossy(line));
                strange.push('\n');
            }
        }
    });
    told.exit = exit.await?;
    told.exit.errors = format!("{strange}{}", told.exit.errors);
    if told.diagnostics.is_empty() && !told.exit.status.success() {
        // `terraform import` speaks in plain text alone.
        told.diagnostics = read_diagnostics(&told.exit.errors);
    }
    Ok(told)
}

/// What Terraform reports of a command that was asked to stop.
const STOPPED: [&str; 2] = ["execution halted", "Operation cancelled"];
/// How much of an output that is not in Terraform's format is kept.
const STRANGE_BYTES_MAX: usize = 16 << 10;

/// An argument that ends with a path, which need not be UTF-8.
pub(super) fn with_path(option: &str, path: &Path) -> OsString {
    let mut argument = OsString::from(option);
    argument.push(path);
    argument
}

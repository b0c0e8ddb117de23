//! Verifies an instance that is as ordered: Terraform's own `check` blocks, and the checks of its stack. When all hold, that is evidence of
//! its delivery.

mod assertions;
mod attempts;
mod command;
mod mask;
mod own;
mod request;
mod terraform_test;

use terrace_domain::check::Check;
use terrace_domain::run::{Failure, InstanceId, Step, TerraformDiagnostic};
use tokio::sync::watch;

use super::conclude::attest;
use super::halt::{Halt, StepResult};
use super::prepare::Prepared;
use super::teller::Teller;
use crate::context::Context;

pub(super) use assertions::refuse_unforeseen;

/// Verifies an instance, and signs evidence of its delivery when all holds.
pub async fn verify(
    ctx: &Context,
    id: &InstanceId,
    prepared: &Prepared,
    stop: watch::Receiver<bool>,
    teller: &Teller,
) -> StepResult<()> {
    let mut failed = assertions::failed(ctx, id, prepared, teller, stop.clone()).await?;
    failed.extend(own::failed(ctx, id, prepared, teller, stop.clone()).await?);
    if failed.is_empty() {
        return attest(ctx, id, prepared, Step::Verify);
    }
    // What failed while somebody asked to stop may have failed for that.
    Err(if *stop.borrow() { Halt::Interrupted } else { failure(failed).into() })
}

/// A check that failed.
struct Failed {
    /// What is told of it, itself first.
    diagnostics: Vec<TerraformDiagnostic>,
}

/// The failure of a verification.
fn failure(failed: Vec<Failed>) -> Failure {
    let summary = match &failed[..] {
        [one] => one.diagnostics[0].summary.clone(),
        several => format!("{} checks failed", several.len()),
    };
    Failure {
        step: Step::Verify,
        summary,
        diagnostics: failed.into_iter().flat_map(|check| check.diagnostics).collect(),
        help: Some(
            "What was applied stays applied. Mend the cause and deliver again: this instance is planned and verified anew."
                .to_owned(),
        ),
    }
}

/// An error with nothing but words.
fn error(summary: String, detail: String) -> TerraformDiagnostic {
    TerraformDiagnostic { is_error: true, summary, detail, address: None, file: None, line: None, code: None }
}

/// An error of a check, with its place.
fn error_at(ctx: &Context, id: &InstanceId, check: &Check, summary: String, detail: String) -> TerraformDiagnostic {
    let path = ctx.stack(id).file();
    let text = ctx.tree.find(&path).and_then(|entry| ctx.tree.read(entry).ok()).unwrap_or_default();
    let before = text.get(..check.span.start as usize);
    let line = before.map(|before| before.split(|byte| *byte == b'\n').count() as u64);
    TerraformDiagnostic { file: Some(path.to_string()), line, ..error(summary, detail) }
}

//! Terraform's own `check` blocks: what came of their assertions (Terraform internals, "JSON Output Format", "Checks Representation"). An
//! assertion that fails is only a warning to Terraform.

use std::ffi::OsStr;

use serde::Deserialize;
use terrace_domain::run::{InstanceId, Step, TerraformDiagnostic};
use tokio::sync::watch;

use super::{Failed, error, failure};
use crate::context::Context;
use crate::instance::command::Told;
use crate::instance::halt::{StepResult, failed as failed_step};
use crate::instance::outputs::terraform_answer;
use crate::instance::prepare::Prepared;
use crate::instance::teller::{CheckNews, Teller};

#[derive(Deserialize)]
struct Shown {
    #[serde(default)]
    checks: Vec<CheckLine>,
}

#[derive(Deserialize)]
struct CheckLine {
    address: Address,
    status: String,
    #[serde(default)]
    instances: Vec<InstanceLine>,
}

#[derive(Deserialize)]
struct Address {
    kind: String,
    to_display: String,
}

#[derive(Deserialize)]
struct InstanceLine {
    #[serde(default)]
    problems: Vec<Problem>,
}

#[derive(Deserialize)]
struct Problem {
    #[serde(default)]
    message: String,
}

/// The `check` blocks that do not hold: by the state after an apply, by the plan where nothing was to be changed.
pub(super) async fn failed(
    ctx: &Context,
    id: &InstanceId,
    prepared: &Prepared,
    teller: &Teller,
    stop: watch::Receiver<bool>,
) -> StepResult<Vec<Failed>> {
    if ctx.source(id).modules.iter().all(|(_, facts)| facts.checks.is_empty()) {
        return Ok(Vec::new());
    }
    let plan = ctx.folder(id).plan();
    let mut arguments = vec![OsStr::new("show"), OsStr::new("-json"), OsStr::new("-no-color")];
    if !prepared.applied {
        arguments.push(plan.as_os_str());
    }
    let answer = terraform_answer(ctx, id, prepared.place().environment(), Step::Verify, &arguments, stop).await?;
    let shown: Shown = serde_json::from_slice(&answer).map_err(|error| {
        failed_step(Step::Verify)(format!("what Terraform tells of the checks of {} cannot be read: {error}", id.stack))
    })?;
    let blocks = shown.checks.iter().filter(|check| check.address.kind == "check");
    let mut failed = Vec::new();
    for check in blocks {
        match check.status.as_str() {
            "fail" | "error" => failed.push(Failed { diagnostics: vec![in_words(check)] }),
            "unknown" => teller.check(&check.address.to_display, &CheckNews::Unknown),
            _ => {}
        }
    }
    Ok(failed)
}

fn in_words(check: &CheckLine) -> TerraformDiagnostic {
    let name = &check.address.to_display;
    let messages: Vec<_> = check.instances.iter().flat_map(|one| &one.problems).map(|one| one.message.trim()).collect();
    let (summary, otherwise) = if check.status == "fail" {
        (format!("{name} failed"), "")
    } else {
        (format!("{name} cannot be evaluated"), "Terraform warns of the reason when it plans or applies.")
    };
    error(summary, if messages.is_empty() { otherwise.to_owned() } else { messages.join("\n") })
}

/// How Terraform names an assertion of a `check` block that does not hold, in a warning.
const FAILED_ASSERTION: &str = "Check block assertion failed";

/// Looks for assertions that do not hold among Terraform's warnings, where the order knows of nothing to verify: modules from elsewhere have
/// `check` blocks, too.
pub(in crate::instance) fn refuse_unforeseen(ctx: &Context, id: &InstanceId, told: &Told) -> StepResult<()> {
    if ctx.verifies(id) {
        return Ok(());
    }
    let folder = &ctx.stack(id).folder;
    let warnings = told.diagnostics.iter().filter(|diagnostic| diagnostic.summary == FAILED_ASSERTION);
    let failed: Vec<_> = warnings
        .map(|warning| {
            let file = warning.file_in_repository(folder);
            Failed { diagnostics: vec![TerraformDiagnostic { is_error: true, file, ..warning.clone() }] }
        })
        .collect();
    if failed.is_empty() { Ok(()) } else { Err(failure(failed).into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(json: serde_json::Value) -> CheckLine {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn a_check_is_named_with_its_messages() {
        let check = line(serde_json::json!({
            "address": { "kind": "check", "name": "health", "to_display": "check.health" },
            "status": "fail",
            "instances": [{ "status": "fail", "problems": [{ "message": "It is down." }, { "message": "And slow." }] }],
        }));
        let found = in_words(&check);
        assert_eq!((found.summary.as_str(), found.detail.as_str()), ("check.health failed", "It is down.\nAnd slow."));
        let check = line(serde_json::json!({
            "address": { "kind": "check", "to_display": "module.a.check.b" },
            "status": "error",
        }));
        assert_eq!(in_words(&check).summary, "module.a.check.b cannot be evaluated");
    }
}

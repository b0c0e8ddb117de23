//! Applies the saved plan of an instance.

use std::collections::BTreeSet;
use std::ffi::OsString;

use terrace_domain::run::{CoverPart, InstanceId, PlanCover, Step};
use tokio::sync::watch;

use super::command::{Told, with_path};
use super::conclude::{conclude, keep_state};
use super::cover::moved_ground;
use super::halt::{StepResult, failed};
use super::locked::run_unlocked;
use super::outputs::OutputBook;
use super::prepare::{Prepared, write_inputs};
use super::teller::Teller;
use super::upstream::read_ahead;
use crate::context::Context;

/// What applying came to.
pub enum Applied {
    /// The plan is applied.
    Done,
    /// The saved plan does not serve any more, and nothing of it was applied: it is not there, or these parts are not as they were.
    Stale(BTreeSet<CoverPart>),
}

/// Applies the saved plan. `approved`: what was approved of it, where people were asked: if anything else was changed since, it is not applied.
pub async fn apply(
    ctx: &Context,
    id: &InstanceId,
    prepared: &mut Prepared,
    approved: Option<&PlanCover>,
    book: &OutputBook,
    stop: watch::Receiver<bool>,
    teller: &Teller,
) -> StepResult<Applied> {
    let folder = ctx.folder(id);
    if let Some(approved) = approved {
        let differs = moved_ground(ctx, id, prepared, approved).map_err(failed(Step::Apply))?;
        if !differs.is_empty() || !folder.sealed_plan().exists() {
            return Ok(Applied::Stale(differs.into_iter().collect()));
        }
    }
    // Where people may be asked about plans it is sealed, also if in the end nobody was.
    if approved.is_some() || !folder.plan().exists() {
        let opened = tokio::task::block_in_place(|| ctx.vault.open_file(&folder.sealed_plan(), &folder.plan()));
        if opened.is_err() {
            // Whatever is the matter with it: a new one is made, and held against what was approved.
            return Ok(Applied::Stale(BTreeSet::new()));
        }
    }
    let told = apply_saved(ctx, id, prepared, stop.clone(), teller).await?;
    if !told.exit.status.success() {
        if let Some(part) = told.stale() {
            return Ok(Applied::Stale([part].into()));
        }
        // What it did until then is in the state: that is kept, too.
        keep_state(ctx, id, prepared, teller, stop).await?;
        return Err(told.halt(ctx, id, Step::Apply, "apply"));
    }
    book.note_current(id);
    prepared.applied = true;
    conclude(ctx, id, prepared, teller, stop.clone(), &told).await?;
    read_ahead(ctx, id, prepared, book, stop).await;
    Ok(Applied::Done)
}

/// Has Terraform apply the saved plan, and says what it said.
pub(super) async fn apply_saved(
    ctx: &Context,
    id: &InstanceId,
    prepared: &Prepared,
    stop: watch::Receiver<bool>,
    teller: &Teller,
) -> StepResult<Told> {
    let folder = ctx.folder(id);
    let mut arguments: Vec<OsString> = vec!["apply".into(), "-input=false".into(), "-json".into()];
    let ephemeral = prepared.ephemeral_inputs(ctx, id);
    if !ephemeral.is_empty() {
        // No plan keeps them, so they are told again.
        write_inputs(&folder, &ephemeral).map_err(failed(Step::Apply))?;
        arguments.push(with_path("-var-file=", &folder.inputs()));
    }
    arguments.push(folder.plan().into());
    let told = run_unlocked(ctx, id, prepared, "apply", &arguments, stop, teller).await;
    told.map_err(failed(Step::Apply))
}

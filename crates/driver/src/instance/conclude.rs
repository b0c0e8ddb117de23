//! What follows a delivery: a snapshot of the state, and evidence of its success.

use terrace_domain::run::{InstanceId, Step};
use tokio::sync::watch;

use super::command::Told;
use super::halt::{StepResult, failed, failure};
use super::prepare::Prepared;
use super::raw_state::state_of;
use super::teller::{Noted, Teller};
use super::verify::refuse_unforeseen;
use crate::context::Context;
use crate::snapshots::{self, Taken};
use crate::witness::Delivered;

/// What follows when an instance is as ordered: the state is kept, and unless it is to be verified first, that is evidence.
pub(super) async fn conclude(
    ctx: &Context,
    id: &InstanceId,
    prepared: &mut Prepared,
    teller: &Teller,
    stop: watch::Receiver<bool>,
    told: &Told,
) -> StepResult<()> {
    prepared.kept = keep_state(ctx, id, prepared, teller, stop).await?;
    refuse_unforeseen(ctx, id, told)?;
    if ctx.verifies(id) { Ok(()) } else { attest(ctx, id, prepared, teller.step) }
}

/// What ends a delivery with success: evidence attached to the release.
pub(super) fn attest(ctx: &Context, id: &InstanceId, prepared: &Prepared, step: Step) -> StepResult<()> {
    let (Some(witness), Some(release)) = (&ctx.witness, ctx.releases.get(&id.stack)) else { return Ok(()) };
    let (settings, state) = (prepared.settings, prepared.kept.clone());
    let delivered = Delivered { id, release, settings, terraform: &ctx.terraform.named(), state };
    tokio::task::block_in_place(|| witness.attest(&delivered)).map_err(failed(step))
}

/// Takes a snapshot of the state as it is now.
pub(super) async fn keep_state(
    ctx: &Context,
    id: &InstanceId,
    prepared: &Prepared,
    teller: &Teller,
    stop: watch::Receiver<bool>,
) -> StepResult<Option<Taken>> {
    // A stop must not keep a snapshot from being taken of what was just applied.
    let _ = stop;
    let (_keep, going_on) = watch::channel(false);
    let Some(bytes) = state_of(ctx, id, prepared, going_on).await? else { return Ok(None) };
    let taken = tokio::task::block_in_place(|| snapshots::take(&ctx.vault, &bytes));
    let taken =
        taken.map_err(|error| failure(Step::Apply, format!("the state of {} cannot be kept: {error}", id.stack)))?;
    teller.note(Noted::Snapshot { instance: id.clone(), taken: taken.clone() });
    Ok(Some(taken))
}

//! What follows a delivery: a snapshot of the state, and evidence of its success.

use terrace_domain::run::{InstanceId, Step};
use tokio::sync::watch;

use super::halt::{StepResult, failed, failure};
use super::prepare::Prepared;
use super::raw_state::state_of;
use super::teller::{Noted, Teller};
use crate::context::Context;
use crate::snapshots::{self, Taken};
use crate::witness::Delivered;

/// What ends a delivery with success: a snapshot of the state, and evidence attached to the release.
pub(super) async fn conclude(
    ctx: &Context,
    id: &InstanceId,
    prepared: &Prepared,
    teller: &Teller,
    stop: watch::Receiver<bool>,
) -> StepResult<()> {
    let taken = keep_state(ctx, id, prepared, teller, stop).await?;
    let (Some(witness), Some(release)) = (&ctx.witness, ctx.releases.get(&id.stack)) else { return Ok(()) };
    let delivered =
        Delivered { id, release, settings: prepared.settings, terraform: &ctx.terraform.named(), state: taken };
    tokio::task::block_in_place(|| witness.attest(&delivered)).map_err(failed(Step::Apply))
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

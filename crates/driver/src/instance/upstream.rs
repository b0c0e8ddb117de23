//! Reads the outputs that inputs are made of: of the stacks that an instance reads, and of its own once it is applied.

use std::collections::BTreeMap;

use terrace_domain::run::{InstanceId, Step};
use terrace_domain::value::Value;
use terrace_world::terraform::Environment;
use terrace_world::tree::SourceDigest;
use tokio::sync::watch;

use super::halt::{Halt, StepResult, failed};
use super::inputs::Outputs;
use super::lay_out::lay_out;
use super::outputs::{OutputBook, add_nulls, read_state};
use super::prepare::Prepared;
use crate::context::Context;

/// The outputs of all direct upstream stacks, and whether some of them are only planned.
pub(super) async fn upstream_outputs(
    ctx: &Context,
    id: &InstanceId,
    book: &OutputBook,
    stop: &watch::Receiver<bool>,
) -> StepResult<(Outputs, bool)> {
    let mut outputs = BTreeMap::new();
    let mut provisional = false;
    for (upstream, why) in ctx.graph.upstream_of(id.stack.as_str()) {
        if why.outputs.is_empty() {
            continue;
        }
        let stand_in =
            ctx.practice.as_ref().and_then(|practice| practice.stand_ins.get(&(id.stack.clone(), upstream.clone())));
        if let Some(values) = stand_in {
            outputs.insert(upstream.clone(), values.clone());
            continue;
        }
        let of = InstanceId { environment: id.environment.clone(), stack: upstream.clone() };
        if let Some(planned) = book.planned(&of) {
            provisional = true;
            outputs.insert(upstream.clone(), (*planned).clone());
            continue;
        }
        let read = async || {
            let place = lay_out(ctx, &of)?;
            place.initialise(ctx, &of, false, stop.clone()).await?;
            read_applied(ctx, &of, place.environment(), book, stop.clone()).await
        };
        let values = book.applied(&of, read).await.map_err(|halt| match halt {
            Halt::Failed(mut failure) => {
                failure.summary = format!("the outputs of {upstream} cannot be read: {}", failure.summary);
                Halt::Failed(failure)
            }
            other => other,
        })?;
        outputs.insert(upstream.clone(), (*values).clone());
    }
    Ok((outputs, provisional))
}

/// Whether what a stack's code says now is known to be applied: in this run, or by an earlier one with the same source.
fn is_applied(ctx: &Context, id: &InstanceId, book: &OutputBook) -> StepResult<bool> {
    if book.is_current(id) {
        return Ok(true);
    }
    let Some(delivered) = ctx.delivered.get(id) else { return Ok(false) };
    let source = SourceDigest::of(&*ctx.tree, &ctx.source(id).files).map_err(failed(Step::Prepare))?;
    Ok(source.to_string() == *delivered)
}

/// Reads the outputs of a stack that is done, if they are sure to be read in this run. What goes wrong is told to those who read them.
pub(super) async fn read_ahead(
    ctx: &Context,
    id: &InstanceId,
    prepared: &Prepared,
    book: &OutputBook,
    stop: watch::Receiver<bool>,
) {
    if ctx.read.contains(&id.stack) && !*stop.borrow() {
        let environment = prepared.place().environment();
        let _ = book.applied(id, async || read_applied(ctx, id, environment, book, stop).await).await;
    }
}

/// The outputs in a stack's state, with those that are null.
async fn read_applied(
    ctx: &Context,
    id: &InstanceId,
    environment: &Environment,
    book: &OutputBook,
    stop: watch::Receiver<bool>,
) -> StepResult<BTreeMap<String, Value>> {
    let mut outputs = read_state(ctx, id, environment, stop).await?;
    if is_applied(ctx, id, book)? {
        add_nulls(ctx, id, &mut outputs);
    }
    Ok(outputs)
}

//! Prepares an instance: evaluates its inputs, has its work folder laid out and Terraform initialised there.

use serde_json::{Map, Value as Json};
use terrace_domain::digest::Digest;
use terrace_domain::run::{InstanceId, Mode, Step};
use terrace_domain::settings::settings_digest;
use terrace_domain::value::Value;
use terrace_world::tree::SourceDigest;
use tokio::sync::watch;

use super::folder::InstanceFolder;
use super::halt::{Halt, StepResult, failed, failure};
use super::inputs::{Inputs, Outputs, evaluate_inputs};
use super::lay_out::{Place, lay_out};
use super::outputs::OutputBook;
use super::private_file::write_private;
use super::upstream::upstream_outputs;
use crate::context::Context;
use crate::snapshots::Taken;

/// An instance that is ready to be planned.
pub struct Prepared {
    /// The digest of its source.
    pub source: SourceDigest,
    /// Whether its inputs rest on planned outputs.
    pub provisional: bool,
    /// The keyed digest of the upstream outputs that its inputs read.
    pub(super) outputs: Digest,
    /// The digest of its settings.
    pub settings: Digest,
    pub(super) inputs: Map<String, Json>,
    /// Why the inputs are not known, of an instance that is to be destroyed.
    pub(super) missing: Option<Halt>,
    pub(super) place: Place,
    pub(super) initialised_now: bool,
    /// The state that was kept after its apply, or after a plan that found nothing to change.
    pub(super) kept: Option<Taken>,
    /// Whether its plan was applied; nothing was to be changed otherwise.
    pub(super) applied: bool,
}

/// Lays out the work folder, evaluates the inputs and initialises Terraform.
pub async fn prepare(
    ctx: &Context,
    id: &InstanceId,
    book: &OutputBook,
    stop: watch::Receiver<bool>,
) -> StepResult<Prepared> {
    let (outputs, provisional) = upstream_outputs(ctx, id, book, &stop).await?;
    let mut missing = None;
    let inputs = match evaluate_inputs(&ctx.estate, ctx.environment(id), ctx.stack(id), &outputs) {
        Ok(Inputs::Known(inputs)) => inputs,
        Ok(Inputs::Unknown(stacks)) if ctx.mode == Mode::Destroy => {
            missing = Some(Halt::InputsUnknown(stacks));
            Map::new()
        }
        Ok(Inputs::Unknown(stacks)) => return Err(Halt::InputsUnknown(stacks)),
        Err(error) if ctx.mode == Mode::Plan && !error.missing.is_empty() => {
            return Err(Halt::InputsUnknown(error.missing.into_iter().map(|(stack, _)| stack).collect()));
        }
        // Where there is nothing to destroy, nothing need be known.
        Err(error) if ctx.mode == Mode::Destroy => {
            missing = Some(failure(Step::Prepare, error.to_string()).into());
            Map::new()
        }
        Err(error) => {
            let mut failure = failure(Step::Prepare, error.to_string());
            failure.help = match error.missing.first() {
                Some((upstream, _)) => Some(format!(
                    "Deliver `{upstream}` to {} first, or let it take part: `--upstream`.",
                    id.environment
                )),
                None => error.source.help(),
            };
            return Err(failure.into());
        }
    };
    let place = lay_out(ctx, id)?;
    let source = SourceDigest::of(&*ctx.tree, &ctx.source(id).files).map_err(failed(Step::Prepare))?;
    let initialised_now = place.initialise(ctx, id, false, stop).await?;
    let settings = settings_digest(&ctx.estate, ctx.environment(id), ctx.stack(id));
    let outputs = digest_of_outputs(ctx, id, &outputs);
    let (kept, applied) = (None, false);
    Ok(Prepared { source, provisional, outputs, settings, inputs, missing, place, initialised_now, kept, applied })
}

/// The keyed digest of the outputs that the inputs read, and of no others.
fn digest_of_outputs(ctx: &Context, id: &InstanceId, outputs: &Outputs) -> Digest {
    let mut read = Map::new();
    for (upstream, why) in ctx.graph.upstream_of(id.stack.as_str()) {
        for name in &why.outputs {
            let value = outputs.get(upstream).and_then(|outputs| outputs.get(name)).and_then(Value::to_json);
            read.insert(format!("{upstream}.{name}"), value.unwrap_or(Json::Null));
        }
    }
    ctx.digest_key.digest(Json::Object(read).to_string().as_bytes())
}

impl Prepared {
    /// Where Terraform runs.
    pub(super) fn place(&self) -> &Place {
        &self.place
    }

    /// The inputs for variables that are marked `ephemeral`. One that is null counts as not set, and must not be set at the apply either.
    pub(super) fn ephemeral_inputs(&self, ctx: &Context, id: &InstanceId) -> Map<String, Json> {
        let variables = ctx.source(id).modules.first().map(|(_, facts)| &facts.variables);
        let is_ephemeral = |name: &str| variables.and_then(|all| all.get(name)).is_some_and(|found| found.ephemeral);
        let inputs = self.inputs.iter().filter(|(name, value)| is_ephemeral(name) && !value.is_null());
        inputs.map(|(name, value)| (name.clone(), value.clone())).collect()
    }
}

pub(super) fn write_inputs(folder: &InstanceFolder, inputs: &Map<String, Json>) -> std::io::Result<()> {
    write_private(&folder.inputs(), &serde_json::to_vec(inputs).expect("JSON becomes text"))
}

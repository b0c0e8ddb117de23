//! What is asked of a saved plan: read in one pass over what `terraform show -json` prints, while it prints it.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::io::Read;
use std::sync::Arc;

use terrace_domain::estate::Estate;
use terrace_domain::plan::{
    ChangeRecords, Difference, Differences, FactsGatherer, Loss, Losses, PlanError, PlanFacts, PlanSink, read_plan,
};
use terrace_domain::policy::PLAN_BYTES_MAX;
use terrace_domain::run::{ChangeRecord, InstanceId, Mode, Step};
use terrace_world::terraform::{Environment, process};
use tokio::sync::watch;

use super::halt::{Halt, StepResult, failure, terraform_failure};
use super::outputs::{OutputSink, PlannedOutputs};
use crate::context::Context;
use crate::digest_key::DigestKey;

/// What somebody wants to know of a plan.
pub(super) struct Wanted {
    estate: Arc<Estate>,
    protected: BTreeSet<String>,
    parts: BTreeSet<Part>,
    /// The key of the records' digests.
    key: DigestKey,
}

/// What can be wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Outputs,
    Records,
    Losses,
    Differences,
    Facts,
    /// The plan as a whole, for policies.
    Whole,
}

/// What the plan says; each where it is wanted.
#[derive(Default)]
pub(super) struct Shown {
    /// The outputs that it leads to.
    pub(super) outputs: Option<PlannedOutputs>,
    /// What an approval of it covers.
    pub(super) records: Option<BTreeMap<String, ChangeRecord>>,
    /// What it would take away.
    pub(super) losses: Vec<Loss>,
    /// What it would change, attribute by attribute.
    pub(super) differences: Vec<Difference>,
    /// All that it does.
    pub(super) facts: Option<PlanFacts>,
    /// All of it as it was printed, unless it is too large for policies.
    pub(super) whole: Option<Vec<u8>>,
}

impl Wanted {
    /// What is wanted of an instance's plan that changes something.
    pub(super) fn of(ctx: &Context, id: &InstanceId) -> Self {
        let parts = [
            (Part::Outputs, ctx.mode == Mode::Plan && is_read_downstream(ctx, id)),
            (Part::Records, ctx.mode == Mode::Deliver && ctx.asks_people(id)),
            (Part::Losses, ctx.weighs(id)),
            (Part::Differences, ctx.practice.as_ref().is_some_and(|practice| practice.compares)),
            (Part::Facts, ctx.tells_facts || ctx.assessing.asks(id)),
            (Part::Whole, ctx.assessing.asks_policies(id)),
        ];
        Self {
            estate: Arc::clone(&ctx.estate),
            protected: ctx.protected_of(&id.stack),
            parts: parts.into_iter().filter(|(_, is_wanted)| *is_wanted).map(|(part, _)| part).collect(),
            key: ctx.digest_key.clone(),
        }
    }

    fn read(&self, reader: &mut dyn Read) -> Result<Shown, PlanError> {
        let types = &self.estate.resource_types;
        let wants = |part| self.parts.contains(&part);
        let mut outputs = wants(Part::Outputs).then(OutputSink::default);
        let digest = |bytes: &[u8]| self.key.digest(bytes);
        let mut records = wants(Part::Records).then(|| ChangeRecords::new(digest));
        let mut losses = wants(Part::Losses).then(|| Losses::new(types, &self.protected));
        let mut differences = wants(Part::Differences).then(Differences::default);
        let mut facts = wants(Part::Facts).then(|| FactsGatherer::new(types, &self.protected));
        let mut sinks =
            [sink(&mut outputs), sink(&mut records), sink(&mut losses), sink(&mut differences), sink(&mut facts)]
                .into_iter()
                .flatten()
                .collect::<Vec<_>>();
        let mut kept = Kept { reader, bytes: wants(Part::Whole).then(Vec::new) };
        read_plan(&mut kept, &mut sinks)?;
        let whole = kept.bytes;
        Ok(Shown {
            outputs: outputs.map(OutputSink::into_outputs),
            records: records.map(ChangeRecords::into_records),
            losses: losses.map(Losses::into_losses).unwrap_or_default(),
            differences: differences.map(Differences::into_differences).unwrap_or_default(),
            facts: facts.map(FactsGatherer::into_facts),
            whole,
        })
    }
}

/// Keeps what is read, up to a limit.
struct Kept<'a> {
    reader: &'a mut dyn Read,
    /// What was read; `None` once that is too much.
    bytes: Option<Vec<u8>>,
}

impl Read for Kept<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.reader.read(buffer)?;
        if let Some(bytes) = &mut self.bytes {
            if bytes.len() + read > PLAN_BYTES_MAX {
                self.bytes = None;
            } else {
                bytes.extend_from_slice(&buffer[..read]);
            }
        }
        Ok(read)
    }
}

fn sink<S: PlanSink>(sink: &mut Option<S>) -> Option<&mut dyn PlanSink> {
    sink.as_mut().map(|sink| sink as &mut dyn PlanSink)
}

fn is_read_downstream(ctx: &Context, id: &InstanceId) -> bool {
    ctx.graph.downstream_of(id.stack.as_str()).values().any(|why| !why.outputs.is_empty())
}

/// What is wanted of an instance's saved plan. Where that is nothing, Terraform is not asked.
pub(super) async fn look_into(
    ctx: &Context,
    id: &InstanceId,
    environment: &Environment,
    wanted: Wanted,
    stop: watch::Receiver<bool>,
) -> StepResult<Shown> {
    if wanted.parts.is_empty() {
        return Ok(Shown::default());
    }
    show_plan(ctx, id, environment, stop, move |reader| wanted.read(reader)).await
}

/// Has Terraform show an instance's saved plan, which `read` reads meanwhile: it is never in memory as a whole.
pub(super) async fn show_plan<T: Send + 'static>(
    ctx: &Context,
    id: &InstanceId,
    environment: &Environment,
    stop: watch::Receiver<bool>,
    read: impl FnOnce(&mut dyn Read) -> Result<T, PlanError> + Send + 'static,
) -> StepResult<T> {
    let folder = ctx.folder(id);
    let plan = folder.plan();
    let arguments = [OsStr::new("show"), OsStr::new("-json"), OsStr::new("-no-color"), plan.as_os_str()];
    let done = process::stream(&ctx.terraform.program, &arguments, &folder.work(), environment, stop, read)
        .await
        .map_err(|error| failure(Step::Plan, error.to_string()))?;
    if done.interrupted && !done.status.success() {
        return Err(Halt::Interrupted);
    }
    if !done.status.success() {
        let stack_folder = &ctx.stack(id).folder;
        return Err(terraform_failure(Step::Plan, "show", done.status, Vec::new(), &done.errors, stack_folder).into());
    }
    // Also where Terraform says that it succeeded: it may have come to its end without showing all.
    done.read.map_err(|error| failure(Step::Plan, format!("the plan of {}: {error}", id.stack)).into())
}

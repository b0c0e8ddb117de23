//! Outputs of upstream stacks: read from their states once a run, or, in a run that only plans, from their plans.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ffi::OsStr;
use std::sync::{Arc, Mutex};

use serde::Deserialize;
use serde_json::Value as Json;
use terrace_domain::plan::{PlanError, PlanSink, PlannedChange, PlannedResource};
use terrace_domain::run::{InstanceId, Step};
use terrace_domain::value::Value;
use terrace_world::terraform::{Environment, process};
use tokio::sync::{OnceCell, watch};

use super::halt::{Halt, StepResult, failure, terraform_failure};
use crate::context::Context;

type OutputValues = Arc<BTreeMap<String, Value>>;

/// Outputs by instance; each one's are read at most once.
#[derive(Default)]
pub struct OutputBook {
    read: Mutex<HashMap<InstanceId, Arc<OnceCell<StepResult<OutputValues>>>>>,
    planned: Mutex<HashMap<InstanceId, OutputValues>>,
    current: Mutex<HashSet<InstanceId>>,
}

/// The outputs that a stack will have once its plan is applied; unknown where only the apply can tell.
pub type PlannedOutputs = BTreeMap<String, Value>;

impl OutputBook {
    /// Notes what a plan says of outputs; it is preferred to what the state says.
    pub fn note_planned(&self, id: &InstanceId, outputs: PlannedOutputs) {
        self.planned.lock().expect("no panic while held").insert(id.clone(), Arc::new(outputs));
    }

    /// Notes that a stack's state is what its code says: its plan was empty, or was applied.
    pub fn note_current(&self, id: &InstanceId) {
        self.current.lock().expect("no panic while held").insert(id.clone());
    }

    /// Whether a stack's state is known to be what its code says.
    pub(super) fn is_current(&self, id: &InstanceId) -> bool {
        self.current.lock().expect("no panic while held").contains(id)
    }

    /// The planned outputs, where there are some.
    pub(super) fn planned(&self, id: &InstanceId) -> Option<OutputValues> {
        self.planned.lock().expect("no panic while held").get(id).cloned()
    }

    /// The outputs in a stack's state; `read` is asked the first time.
    pub(super) async fn applied<F>(&self, id: &InstanceId, read: F) -> StepResult<OutputValues>
    where
        F: AsyncFnOnce() -> StepResult<BTreeMap<String, Value>>,
    {
        let cell = Arc::clone(self.read.lock().expect("no panic while held").entry(id.clone()).or_default());
        cell.get_or_init(async || read().await.map(Arc::new)).await.clone()
    }
}

#[derive(Deserialize)]
struct OutputLine {
    value: Json,
    #[serde(default)]
    sensitive: bool,
}

/// Asks Terraform for the outputs in an initialised instance's state. They are held in memory only: some are secrets.
pub(super) async fn read_state(
    ctx: &Context,
    id: &InstanceId,
    environment: &Environment,
    stop: watch::Receiver<bool>,
) -> StepResult<BTreeMap<String, Value>> {
    let outputs = read_lines(ctx, id, environment, Step::Prepare, stop).await?;
    Ok(outputs.into_iter().map(|(name, output)| (name, output.value.into())).collect())
}

/// The outputs of an instance that was delivered, for its checks.
pub(super) struct OwnOutputs {
    values: BTreeMap<String, Value>,
    sensitive: BTreeSet<String>,
}

impl OwnOutputs {
    /// By name.
    pub(super) fn values(&self) -> &BTreeMap<String, Value> {
        &self.values
    }

    /// Those that must not be shown.
    pub(super) fn sensitive(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.values.iter().filter(|(name, _)| self.sensitive.contains(*name))
    }

    /// As a line of JSON: an object with each output's value.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let values = self.values.iter().map(|(name, value)| (name.clone(), value.to_json().unwrap_or(Json::Null)));
        format!("{}\n", Json::Object(values.collect())).into_bytes()
    }

    fn of(lines: BTreeMap<String, OutputLine>) -> Self {
        let sensitive = lines.iter().filter(|(_, line)| line.sensitive).map(|(name, _)| name.clone()).collect();
        Self { values: lines.into_iter().map(|(name, line)| (name, line.value.into())).collect(), sensitive }
    }

    #[cfg(test)]
    pub(super) fn from_json(json: Json) -> Self {
        Self::of(serde_json::from_value(json).expect("outputs as Terraform writes them"))
    }
}

/// The outputs of an instance whose state is as its code says, with those that are null.
pub(super) async fn read_own(
    ctx: &Context,
    id: &InstanceId,
    environment: &Environment,
    stop: watch::Receiver<bool>,
) -> StepResult<OwnOutputs> {
    let mut outputs = OwnOutputs::of(read_lines(ctx, id, environment, Step::Verify, stop).await?);
    add_nulls(ctx, id, &mut outputs.values);
    Ok(outputs)
}

async fn read_lines(
    ctx: &Context,
    id: &InstanceId,
    environment: &Environment,
    step: Step,
    stop: watch::Receiver<bool>,
) -> StepResult<BTreeMap<String, OutputLine>> {
    let arguments = ["output", "-json", "-no-color"].map(OsStr::new);
    let output = terraform_answer(ctx, id, environment, step, &arguments, stop).await?;
    serde_json::from_slice(&output)
        .map_err(|error| failure(step, format!("terraform output of {} cannot be read: {error}", id.stack)).into())
}

/// Gathers the outputs that a plan leads to.
#[derive(Default)]
pub(super) struct OutputSink(PlannedOutputs);

impl OutputSink {
    /// The outputs, once the plan was read.
    pub(super) fn into_outputs(self) -> PlannedOutputs {
        self.0
    }
}

impl PlanSink for OutputSink {
    fn resource(&mut self, _resource: &PlannedResource) -> Result<(), PlanError> {
        Ok(())
    }

    fn output(&mut self, name: &str, change: &PlannedChange) -> Result<(), PlanError> {
        if change.actions != ["delete"] {
            self.0.insert(name.to_owned(), with_unknowns(change.after.clone(), &change.after_unknown));
        }
        Ok(())
    }
}

/// An instance's saved plan as Terraform renders it for people, without colours.
pub(super) async fn render_plan(
    ctx: &Context,
    id: &InstanceId,
    environment: &Environment,
    stop: watch::Receiver<bool>,
) -> StepResult<String> {
    let plan = ctx.folder(id).plan();
    let arguments = [OsStr::new("show"), OsStr::new("-no-color"), plan.as_os_str()];
    let output = terraform_answer(ctx, id, environment, Step::Plan, &arguments, stop).await?;
    Ok(String::from_utf8_lossy(&output).into_owned())
}

/// Adds outputs that the code declares and Terraform does not mention: it leaves out those that are null. Only for a stack whose present
/// code is known to be applied; of any other the output may just not be there yet.
pub(super) fn add_nulls(ctx: &Context, id: &InstanceId, outputs: &mut BTreeMap<String, Value>) {
    let declared = ctx.source(id).modules.first().map(|(_, facts)| &facts.outputs);
    for name in declared.into_iter().flatten().map(|(name, _)| name) {
        outputs.entry(name.clone()).or_insert(Value::Null);
    }
}

/// Puts *unknown* where the plan's second tree says `true`.
fn with_unknowns(after: Json, unknown: &Json) -> Value {
    match (after, unknown) {
        (_, Json::Bool(true)) => Value::Unknown,
        (Json::Object(mut entries), Json::Object(unknowns)) => {
            for name in unknowns.keys() {
                entries.entry(name.clone()).or_insert(Json::Null);
            }
            let nothing = Json::Bool(false);
            let value = |(name, value)| {
                let unknown = unknowns.get(&name).unwrap_or(&nothing);
                let value = with_unknowns(value, unknown);
                (name, value)
            };
            Value::Object(entries.into_iter().map(value).collect())
        }
        (Json::Array(items), Json::Array(unknowns)) => {
            let length = items.len().max(unknowns.len());
            let items = items.into_iter().chain(std::iter::repeat(Json::Null)).take(length);
            let unknowns = unknowns.iter().chain(std::iter::repeat(&Json::Null));
            Value::List(items.zip(unknowns).map(|(item, unknown)| with_unknowns(item, unknown)).collect())
        }
        (after, _) => after.into(),
    }
}

/// The answer of a Terraform command, which is kept in memory only.
pub(super) async fn terraform_answer(
    ctx: &Context,
    id: &InstanceId,
    environment: &Environment,
    step: Step,
    arguments: &[&OsStr],
    stop: watch::Receiver<bool>,
) -> StepResult<Vec<u8>> {
    let work = ctx.folder(id).work();
    let captured = process::capture(&ctx.terraform.program, arguments, &work, environment, stop)
        .await
        .map_err(|error| failure(step, error.to_string()))?;
    if captured.status.success() {
        return Ok(captured.output);
    }
    if captured.interrupted {
        return Err(Halt::Interrupted);
    }
    let stack_folder = &ctx.stack(id).folder;
    let command = arguments[0].to_string_lossy();
    Err(terraform_failure(step, &command, captured.status, Vec::new(), &captured.errors, stack_folder).into())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn unknown_parts_of_planned_outputs_stay_unknown() {
        assert_eq!(with_unknowns(json!(null), &json!(true)), Value::Unknown);
        assert_eq!(with_unknowns(json!("a"), &json!(false)), Value::from("a"));
        let value = with_unknowns(json!({"a": 1}), &json!({"b": true}));
        assert_eq!(value, Value::Object([("a".into(), json!(1).into()), ("b".into(), Value::Unknown)].into()));
        let value = with_unknowns(json!(["x"]), &json!([false, true]));
        assert_eq!(value, Value::List(vec!["x".into(), Value::Unknown]));
    }
}

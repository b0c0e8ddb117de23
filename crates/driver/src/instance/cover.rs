//! Determines what an approval of a saved plan covers. Reads the state in the plan; keeps no value of it.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use serde::Deserialize;
use terrace_domain::digest::Digest;
use terrace_domain::run::{ChangeRecord, CoverPart, InstanceId, PlanCover, Step};
use terrace_domain::settings::settings_digest;
use terrace_domain::state::{StateError, StateFacts};

use super::halt::{StepResult, failed};
use super::prepare::Prepared;
use crate::context::Context;

/// The entry of a saved plan (a zip archive) that holds the state on which it rests.
const STATE_ENTRY: &str = "tfstate";
/// The largest state that is read out of a plan, in bytes; more is no state that anybody works with.
const STATE_BYTES_MAX: u64 = 1 << 30;

/// What an approval of the saved plan covers, of which it is known what it changes.
pub(super) fn cover_of(
    ctx: &Context,
    id: &InstanceId,
    prepared: &Prepared,
    changes: BTreeMap<String, ChangeRecord>,
) -> StepResult<PlanCover> {
    let state = state_of_plan(&ctx.folder(id).plan()).map_err(failed(Step::Plan))?;
    let rest = Ground::of(ctx, id, prepared).map_err(failed(Step::Plan))?;
    Ok(PlanCover {
        release: ctx.releases.get(&id.stack).copied(),
        inputs: rest.inputs,
        outputs: rest.outputs,
        lineage: state.lineage.filter(|lineage| !lineage.is_empty()),
        serial: state.serial,
        terraform: rest.terraform,
        provider_lock: rest.provider_lock,
        changes,
    })
}

/// What a plan rests on, of what can be known without making it anew.
struct Ground {
    inputs: Digest,
    outputs: Digest,
    terraform: String,
    provider_lock: Option<Digest>,
}

impl Ground {
    fn of(ctx: &Context, id: &InstanceId, prepared: &Prepared) -> std::io::Result<Self> {
        let provider_lock = match fs::read(ctx.folder(id).provider_lock()) {
            Ok(bytes) => Some(Digest::of(&bytes)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        Ok(Self {
            inputs: settings_digest(&ctx.estate, ctx.environment(id), ctx.stack(id)),
            outputs: prepared.outputs,
            terraform: ctx.terraform.named(),
            provider_lock,
        })
    }
}

/// By what the ground of an approved plan has changed since.
pub(super) fn moved_ground(
    ctx: &Context,
    id: &InstanceId,
    prepared: &Prepared,
    approved: &PlanCover,
) -> std::io::Result<Vec<CoverPart>> {
    let now = Ground::of(ctx, id, prepared)?;
    let parts = [
        (CoverPart::Release, ctx.releases.get(&id.stack).copied() != approved.release),
        (CoverPart::Inputs, now.inputs != approved.inputs),
        (CoverPart::Outputs, now.outputs != approved.outputs),
        (CoverPart::Terraform, now.terraform != approved.terraform),
        (CoverPart::ProviderLock, now.provider_lock != approved.provider_lock),
    ];
    Ok(parts.into_iter().filter(|(_, differs)| *differs).map(|(part, _)| part).collect())
}

#[derive(Debug, Default, Deserialize, PartialEq, Eq)]
struct PlannedState {
    #[serde(default)]
    lineage: Option<String>,
    #[serde(default)]
    serial: Option<u64>,
}

/// A saved plan cannot be looked into.
#[derive(Debug, thiserror::Error)]
pub(super) enum SavedPlanError {
    #[error("the saved plan cannot be read: {0}")]
    Io(#[from] std::io::Error),
    #[error("the saved plan is not an archive: {0}")]
    Archive(#[from] zip::result::ZipError),
    #[error("the state in the saved plan cannot be read: {0}")]
    State(#[from] serde_json::Error),
    #[error("the state in the saved plan cannot be read: {0}")]
    Facts(#[from] StateError),
}

/// Lineage and serial of the state that a saved plan was made on.
fn state_of_plan(path: &Path) -> Result<PlannedState, SavedPlanError> {
    Ok(state_text(path)?.map(|text| serde_json::from_slice(&text)).transpose()?.unwrap_or_default())
}

/// The addresses of the resources in the state that a saved plan was made on; what it imports is among them.
pub(super) fn resources_of_plan(path: &Path) -> Result<Vec<String>, SavedPlanError> {
    let Some(text) = state_text(path)? else { return Ok(Vec::new()) };
    match StateFacts::read(&text) {
        Ok(facts) => Ok(facts.resources),
        Err(StateError::Empty) => Ok(Vec::new()),
        Err(error) => Err(error.into()),
    }
}

/// The state that a saved plan was made on.
fn state_text(path: &Path) -> Result<Option<Vec<u8>>, SavedPlanError> {
    let mut archive = zip::ZipArchive::new(File::open(path)?)?;
    let entry = match archive.by_name(STATE_ENTRY) {
        Ok(entry) => entry,
        Err(zip::result::ZipError::FileNotFound) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let mut text = Vec::new();
    entry.take(STATE_BYTES_MAX).read_to_end(&mut text)?;
    Ok(Some(text))
}

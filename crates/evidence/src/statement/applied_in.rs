//! That a release was applied in an environment, and what state came of it. The predicate is Terrace's own.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use terrace_domain::digest::Digest;
use terrace_domain::name::{EnvironmentName, StageName};

use super::wire::{filled, from_value, parsed, to_value};

/// The predicate's type.
pub(super) const URI: &str = "https://terrace.dev/applied-in/v1";

/// That a release was applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppliedIn {
    /// Where.
    pub environment: EnvironmentName,
    /// In which stage of the pipeline.
    pub stage: StageName,
    /// The run that did it.
    pub run: String,
    /// When the apply had ended.
    pub at: Timestamp,
    /// The digest of the environment's settings that it was applied with.
    pub settings: Digest,
    /// The version of the Terraform or `OpenTofu` that applied it.
    pub terraform: String,
    /// The state that came of it.
    pub state: StateVersion,
    /// Who started the run.
    pub actor: String,
}

/// A version of a Terraform state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateVersion {
    /// The state's `lineage`.
    pub lineage: String,
    /// Its `serial`.
    pub serial: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    environment: String,
    stage: String,
    run: String,
    at: String,
    settings_digest: String,
    terraform_version: String,
    state: StateVersion,
    actor: String,
}

impl AppliedIn {
    pub(super) fn to_value(&self) -> Value {
        to_value(&Wire {
            environment: self.environment.to_string(),
            stage: self.stage.to_string(),
            run: self.run.clone(),
            at: self.at.to_string(),
            settings_digest: self.settings.to_string(),
            terraform_version: self.terraform.clone(),
            state: self.state.clone(),
            actor: self.actor.clone(),
        })
    }

    pub(super) fn read(value: Value) -> Result<Self, String> {
        let wire: Wire = from_value(value)?;
        filled("state.lineage", wire.state.lineage.clone())?;
        Ok(Self {
            environment: parsed("environment", &wire.environment)?,
            stage: parsed("stage", &wire.stage)?,
            run: filled("run", wire.run)?,
            at: parsed("at", &wire.at)?,
            settings: parsed("settingsDigest", &wire.settings_digest)?,
            terraform: filled("terraformVersion", wire.terraform_version)?,
            state: wire.state,
            actor: filled("actor", wire.actor)?,
        })
    }
}

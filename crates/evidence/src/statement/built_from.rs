//! What a release was built from: SLSA provenance v1 (slsa.dev/spec/v1.0/provenance), with Terrace's own build type.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use terrace_domain::digest::Digest;
use terrace_domain::name::{EstateName, StackName};

use super::wire::{DigestSet, digest_set, filled, from_value, parsed, sha256_of, to_value};

/// The predicate's type.
pub(super) const URI: &str = "https://slsa.dev/provenance/v1";
/// How Terrace builds: a commit's tree of the stack and its modules, packed as a release.
const BUILD_TYPE: &str = "https://terrace.dev/build/v1";
/// A commit's id in a digest set (`spec/v1/digest_set.md`).
const GIT_COMMIT: &str = "gitCommit";
/// The digits of a commit's id: SHA-1, or SHA-256.
const COMMIT_DIGITS: [usize; 2] = [40, 64];

/// What a release was built from, by whom, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuiltFrom {
    /// The estate.
    pub estate: EstateName,
    /// The stack; `None` for an estate release.
    pub stack: Option<StackName>,
    /// The stack's folder, or the estate's root, relative to the repository's root.
    pub folder: String,
    /// The commit's id, in hexadecimal digits.
    pub commit: String,
    /// Where the repository is, as a URI, where it has such a place.
    pub repository: Option<String>,
    /// Modules from elsewhere whose files were packed too.
    pub modules: Vec<VendoredModule>,
    /// What built it, as a URI: whoever trusts the release trusts this.
    pub builder: String,
    /// The version of Terrace.
    pub terrace: String,
    /// The name of this build in the ledger, or wherever its log is.
    pub invocation: String,
    /// When it began.
    pub started_at: Timestamp,
}

/// A module from elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VendoredModule {
    /// Where it comes from, as a URI.
    pub uri: String,
    /// The digest of what was packed.
    pub digest: Digest,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    build_definition: Definition,
    run_details: Details,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Definition {
    build_type: String,
    external_parameters: Parameters,
    #[serde(default)]
    resolved_dependencies: Vec<Resource>,
}

#[derive(Serialize, Deserialize)]
struct Parameters {
    estate: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stack: Option<String>,
    folder: String,
}

/// A resource descriptor (`spec/v1/resource_descriptor.md`).
#[derive(Serialize, Deserialize)]
struct Resource {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    uri: Option<String>,
    digest: DigestSet,
}

#[derive(Serialize, Deserialize)]
struct Details {
    builder: Builder,
    metadata: Metadata,
}

#[derive(Serialize, Deserialize)]
struct Builder {
    id: String,
    #[serde(default)]
    version: BTreeMap<String, String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    invocation_id: String,
    started_on: String,
}

impl BuiltFrom {
    pub(super) fn to_value(&self) -> Value {
        let commit =
            Resource { uri: self.repository.clone(), digest: [(GIT_COMMIT.to_owned(), self.commit.clone())].into() };
        let module =
            |module: &VendoredModule| Resource { uri: Some(module.uri.clone()), digest: digest_set(&module.digest) };
        to_value(&Wire {
            build_definition: Definition {
                build_type: BUILD_TYPE.to_owned(),
                external_parameters: Parameters {
                    estate: self.estate.to_string(),
                    stack: self.stack.as_ref().map(ToString::to_string),
                    folder: self.folder.clone(),
                },
                resolved_dependencies: std::iter::once(commit).chain(self.modules.iter().map(module)).collect(),
            },
            run_details: Details {
                builder: Builder {
                    id: self.builder.clone(),
                    version: [("terrace".to_owned(), self.terrace.clone())].into(),
                },
                metadata: Metadata { invocation_id: self.invocation.clone(), started_on: self.started_at.to_string() },
            },
        })
    }

    pub(super) fn read(value: Value) -> Result<Self, String> {
        let Wire { build_definition: definition, run_details: details } = from_value(value)?;
        if definition.build_type != BUILD_TYPE {
            return Err(format!("it was not built by Terrace: `buildType` is not `{BUILD_TYPE}`"));
        }
        let parameters = definition.external_parameters;
        let (commits, others): (Vec<_>, Vec<_>) =
            definition.resolved_dependencies.into_iter().partition(|resource| resource.digest.contains_key(GIT_COMMIT));
        let [commit] = &commits[..] else {
            return Err(format!("`resolvedDependencies` has {} git commits, not one", commits.len()));
        };
        let mut version = details.builder.version;
        Ok(Self {
            estate: parsed("externalParameters.estate", &parameters.estate)?,
            stack: parameters.stack.map(|stack| parsed("externalParameters.stack", &stack)).transpose()?,
            folder: parameters.folder,
            commit: commit_id(&commit.digest[GIT_COMMIT])?,
            repository: commit.uri.clone(),
            modules: others.into_iter().map(module).collect::<Result<_, _>>()?,
            builder: filled("builder.id", details.builder.id)?,
            terrace: version.remove("terrace").unwrap_or_default(),
            invocation: details.metadata.invocation_id,
            started_at: parsed("metadata.startedOn", &details.metadata.started_on)?,
        })
    }
}

fn module(resource: Resource) -> Result<VendoredModule, String> {
    let uri = resource.uri.ok_or("a module has no `uri`")?;
    let digest = sha256_of(&resource.digest).ok_or_else(|| format!("the module {uri} has no sha256 digest"))?;
    Ok(VendoredModule { uri, digest })
}

fn commit_id(text: &str) -> Result<String, String> {
    let is_id = COMMIT_DIGITS.contains(&text.len()) && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    if is_id { Ok(text.to_owned()) } else { Err("`gitCommit` is not the id of a commit".to_owned()) }
}

//! The facts of a state. The format is version 4 of Terraform's state files, the only one since Terraform 0.12 (source:
//! `internal/states/statefile/version4.go`); `OpenTofu` writes the same.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value as Json;
use serde_json::error::Category;

use super::address::{self, Key};
use crate::value::Value;

/// The largest state, in bytes: ten times the largest that are told of. It is in memory while it is read.
pub const STATE_BYTES_MAX: usize = 1 << 30;
/// The only version of the format that is read.
pub(super) const VERSION: u64 = 4;

/// What is known of a state.
#[derive(Debug, Clone, PartialEq)]
pub struct StateFacts {
    /// Counts up with each change.
    pub serial: u64,
    /// Made when the state was; two states of different lineages are of different things.
    pub lineage: String,
    /// Who wrote it last; empty where it does not say.
    pub terraform_version: String,
    /// The outputs, by name.
    pub outputs: BTreeMap<String, Output>,
    /// The addresses of the instances of managed resources, as Terraform writes them, sorted.
    pub resources: Vec<String>,
}

/// An output as a state has it.
#[derive(Clone, PartialEq)]
pub struct Output {
    /// Its value, which may be a secret.
    pub value: Value,
    /// Its type, as Terraform's JSON has it: `"string"`, `["list","string"]`.
    pub kind: String,
    /// Whether it is marked as sensitive.
    pub sensitive: bool,
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Output of {}{}", self.kind, if self.sensitive { ", sensitive" } else { "" })
    }
}

/// A state cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// There is nothing in it: Terraform takes that for no state.
    #[error("the state is empty")]
    Empty,
    /// It is larger than any state.
    #[error("the state has {0} bytes, and at most {STATE_BYTES_MAX} are read")]
    TooLarge(usize),
    /// It ends too early.
    #[error("the state is cut off at line {line}, column {column}")]
    CutOff {
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
    },
    /// It is not JSON, or not as states are.
    #[error("the state is damaged at line {line}, column {column}: {what}")]
    Damaged {
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
        /// What is wrong.
        what: &'static str,
    },
    /// It is of another version of the format.
    #[error("the state is in version {0} of its format, and only version {VERSION} is known")]
    Version(u64),
    /// `OpenTofu` has encrypted it.
    #[error("the state is encrypted by OpenTofu, and only OpenTofu can read it")]
    Encrypted,
    /// It lacks what every state has.
    #[error("this is JSON and no state: it has no `{0}`")]
    NoState(&'static str),
}

#[derive(Deserialize)]
struct File<'a> {
    version: Option<u64>,
    serial: Option<u64>,
    #[serde(borrow)]
    lineage: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    terraform_version: Cow<'a, str>,
    #[serde(default)]
    outputs: BTreeMap<String, OutputField>,
    #[serde(borrow, default)]
    resources: Vec<Resource<'a>>,
    encrypted_data: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct OutputField {
    #[serde(default)]
    value: Json,
    #[serde(default, rename = "type")]
    kind: Json,
    #[serde(default)]
    sensitive: bool,
}

#[derive(Deserialize)]
struct Resource<'a> {
    #[serde(borrow)]
    module: Option<Cow<'a, str>>,
    #[serde(borrow)]
    mode: Cow<'a, str>,
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow, default)]
    instances: Vec<Instance<'a>>,
}

/// An instance; its attributes are passed over.
#[derive(Deserialize)]
struct Instance<'a> {
    #[serde(borrow)]
    index_key: Option<Key<'a>>,
    deposed: Option<IgnoredAny>,
}

impl StateFacts {
    /// Reads a state. Beside its bytes it takes memory for the outputs and for the addresses alone.
    pub fn read(bytes: &[u8]) -> Result<Self, StateError> {
        if bytes.len() > STATE_BYTES_MAX {
            return Err(StateError::TooLarge(bytes.len()));
        }
        if bytes.trim_ascii().is_empty() {
            return Err(StateError::Empty);
        }
        let file: File<'_> = serde_json::from_slice(bytes).map_err(|error| damage(&error))?;
        if file.encrypted_data.is_some() {
            return Err(StateError::Encrypted);
        }
        match file.version {
            None => return Err(StateError::NoState("version")),
            Some(VERSION) => {}
            Some(other) => return Err(StateError::Version(other)),
        }
        let mut resources: Vec<_> = file.resources.iter().flat_map(addresses).collect();
        resources.sort_unstable();
        Ok(Self {
            serial: file.serial.ok_or(StateError::NoState("serial"))?,
            lineage: file.lineage.ok_or(StateError::NoState("lineage"))?.into_owned(),
            terraform_version: file.terraform_version.into_owned(),
            outputs: file.outputs.into_iter().map(|(name, output)| (name, output.into())).collect(),
            resources,
        })
    }
}

impl From<OutputField> for Output {
    fn from(field: OutputField) -> Self {
        Self { value: field.value.into(), kind: field.kind.to_string(), sensitive: field.sensitive }
    }
}

/// What the parser says may quote a value, so its words are not used.
pub(super) fn damage(error: &serde_json::Error) -> StateError {
    let (line, column) = (error.line(), error.column());
    match error.classify() {
        Category::Eof => StateError::CutOff { line, column },
        Category::Data => StateError::Damaged { line, column, what: "a field is not what states have there" },
        Category::Syntax | Category::Io => StateError::Damaged { line, column, what: "it is not JSON" },
    }
}

/// The addresses of a managed resource's instances. What is read from elsewhere (`data`) is not of the state's making, and a deposed
/// object stands beside the one that replaces it.
fn addresses(resource: &Resource<'_>) -> Vec<String> {
    if resource.mode != "managed" {
        return Vec::new();
    }
    let base = address::of_resource(resource.module.as_deref(), &resource.kind, &resource.name);
    let current = resource.instances.iter().filter(|instance| instance.deposed.is_none());
    current.map(|instance| address::of_instance(&base, instance.index_key.as_ref())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Terraform 1.11.4 has written it, with what it does not show added: a deposed object, and keys that are hard to write.
    const STATE: &str = include_str!("fixtures/state.json");

    #[test]
    fn a_state_is_read() {
        let facts = StateFacts::read(STATE.as_bytes()).unwrap();
        assert_eq!((facts.serial, facts.terraform_version.as_str()), (5, "1.11.4"));
        assert_eq!(facts.lineage, "37c71e54-a823-93cf-4b2e-8c12f4aa58ff");
        assert_eq!(
            facts.resources,
            [
                r#"module.m["a b\"c"].terraform_data.inner"#,
                r#"module.m["d"].terraform_data.inner"#,
                "terraform_data.slow[0]",
                "terraform_data.slow[1]",
                r#"terraform_data.strange["$${x}\\\""]"#,
            ]
        );
        let secret = &facts.outputs["secret"];
        assert_eq!((&secret.value, secret.kind.as_str(), secret.sensitive), (&"s3cr3t".into(), r#""string""#, true));
        assert_eq!(facts.outputs["name"].kind, r#"["object",{"a":["tuple",["number","string"]]}]"#);
        assert!(!facts.outputs["name"].sensitive);
        assert!(!format!("{facts:?}").contains("s3cr3t"));
    }

    #[test]
    fn what_is_no_state_is_told_and_no_value_of_it() {
        let problem = |text: &str| StateFacts::read(text.as_bytes()).unwrap_err().to_string();
        assert_eq!(problem(""), "the state is empty");
        assert_eq!(problem(" \n"), "the state is empty");
        assert_eq!(problem("{}"), "this is JSON and no state: it has no `version`");
        assert_eq!(problem(r#"{"version":4}"#), "this is JSON and no state: it has no `serial`");
        assert_eq!(problem(r#"{"version":4,"serial":1}"#), "this is JSON and no state: it has no `lineage`");
        assert_eq!(problem(r#"{"version":3}"#), "the state is in version 3 of its format, and only version 4 is known");
        let encrypted = r#"{"serial":1,"lineage":"x","meta":{},"encrypted_data":"abc","encryption_version":"v0"}"#;
        assert!(problem(encrypted).contains("encrypted by OpenTofu"));
        assert_eq!(problem("[1]"), "the state is damaged at line 1, column 3: a field is not what states have there");
        assert_eq!(problem("<html>"), "the state is damaged at line 1, column 1: it is not JSON");
        let wrong = problem(r#"{"version":4,"serial":"hunter2"}"#);
        assert!(wrong.contains("damaged at line 1") && !wrong.contains("hunter2"), "{wrong}");
        for cut in (1..STATE.trim_end().len()).step_by(7).filter(|cut| STATE.is_char_boundary(*cut)) {
            let error = StateFacts::read(&STATE.as_bytes()[..cut]).unwrap_err();
            assert!(matches!(error, StateError::CutOff { .. }), "{cut}: {error}");
        }
        let deep = format!(r#"{{"version":4,"check_results":{}"#, "[".repeat(100_000));
        assert!(problem(&deep).starts_with("the state is cut off"), "no overflow of the stack");
        let deep = format!(r#"{{"version":4,"outputs":{{"a":{{"value":{}"#, "[".repeat(100_000));
        assert!(problem(&deep).starts_with("the state is damaged"), "nor here");
    }
}

//! The backend of an instance: the estate's `state` block, evaluated for it.

use serde_json::{Map, Value as Json, json};
use terrace_domain::estate::{Environment, Estate, Stack};
use terrace_domain::expression::{EvaluateError, InstanceScope, ResolveError, evaluate};
use terrace_domain::name::StackName;

/// The state's settings cannot be evaluated for an instance.
#[derive(Debug, thiserror::Error)]
pub enum BackendError {
    /// An expression fails.
    #[error("`{key}` of the state block: {source}")]
    Evaluate {
        /// The setting.
        key: String,
        /// Why.
        source: EvaluateError,
    },
    /// A setting has a value that is not known.
    #[error("`{0}` of the state block is not known before something is applied")]
    Unknown(String),
}

/// The folder of local states below `.terrace`, where the estate names no other place.
const LOCAL_STATES: &str = ".terrace/state";

/// The backend's type and its settings, as Terraform takes them in a `backend` block. Paths of local states are relative to the
/// estate's root.
pub fn backend_of(
    estate: &Estate,
    environment: &Environment,
    stack: &Stack,
) -> Result<(String, Map<String, Json>), BackendError> {
    let no_outputs = |_: &StackName, _: &str| Err(ResolveError::new("the state block cannot read outputs of stacks"));
    let scope = InstanceScope { estate, environment, stack: Some(stack), outputs: &no_outputs };
    let mut settings = Map::new();
    for (key, expression) in &estate.state.settings {
        let value =
            evaluate(expression, &scope).map_err(|source| BackendError::Evaluate { key: key.clone(), source })?;
        settings.insert(key.clone(), value.to_json().ok_or_else(|| BackendError::Unknown(key.clone()))?);
    }
    if estate.state.kind == "local" && !settings.contains_key("path") {
        let path = format!("{LOCAL_STATES}/{}/{}.tfstate", environment.name, stack.name);
        settings.insert("path".to_owned(), path.into());
    }
    Ok((estate.state.kind.clone(), settings))
}

/// The text of the override file. A local state's relative path is led from the work folder (`depth` folders below the instance's
/// folder, which lies at `.terrace/work/ENVIRONMENT/STACK`) up to the estate's root.
pub(super) fn override_text(kind: &str, settings: &Map<String, Json>, depth: usize) -> String {
    let mut settings = settings.clone();
    if kind == "local"
        && let Some(Json::String(path)) = settings.get_mut("path")
        && !path.starts_with('/')
    {
        *path = format!("{}{path}", "../".repeat(depth + 4));
    }
    let mut text =
        serde_json::to_string_pretty(&json!({ "terraform": { "backend": { kind: settings } } })).expect("is JSON");
    text.push('\n');
    text
}

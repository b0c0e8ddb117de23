//! What an environment gives to a stack's instance beside its release: the values that its inputs read. Owns the digest by which two
//! deliveries are compared. Knows nothing of upstream outputs, which are compared by when they changed.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value as Json, json};

use crate::digest::Digest;
use crate::estate::{Environment, Estate, Stack};
use crate::expression::ReferenceTarget;

/// The digest of the settings of a stack's instance: the estate's name, the environment's name, and the values of the environment that the
/// stack's inputs and checks read. The expressions themselves are part of the release. The SHA-256 of compact JSON with sorted keys.
pub fn settings_digest(estate: &Estate, environment: &Environment, stack: &Stack) -> Digest {
    let mut read: BTreeSet<&str> = BTreeSet::new();
    for reference in &stack.references {
        match &reference.target {
            ReferenceTarget::Environment(Some(key)) => drop(read.insert(key)),
            // The whole of it: every value counts.
            ReferenceTarget::Environment(None) => read.extend(environment.vars.keys().map(String::as_str)),
            _ => {}
        }
    }
    let value = |key: &str| environment.vars.get(key).and_then(crate::value::Value::to_json);
    let values: BTreeMap<&str, Option<Json>> = read.into_iter().map(|key| (key, value(key))).collect();
    let settings = json!({ "env": values, "environment": environment.name.as_str(), "estate": estate.name.as_str() });
    Digest::of(settings.to_string().as_bytes())
}

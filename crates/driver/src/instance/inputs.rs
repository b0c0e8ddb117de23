//! The inputs of an instance: the expressions of its `stack.hcl`, evaluated.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value as Json};
use terrace_domain::estate::{Environment, Estate, Stack};
use terrace_domain::expression::{EvaluateError, InstanceScope, ResolveError, evaluate};
use terrace_domain::name::StackName;
use terrace_domain::value::Value;

/// Outputs of upstream stacks by stack and name.
pub(super) type Outputs = BTreeMap<StackName, BTreeMap<String, Value>>;

/// What the inputs came to.
pub(super) enum Inputs {
    /// All are known: the content of a variable file.
    Known(Map<String, Json>),
    /// Some are known only after these stacks are applied.
    Unknown(BTreeSet<StackName>),
}

/// An input cannot be evaluated.
#[derive(Debug, thiserror::Error)]
#[error("input `{name}`: {source}")]
pub(super) struct InputError {
    name: String,
    pub(super) source: EvaluateError,
    /// The upstream stacks whose outputs were asked for and are not there.
    pub(super) missing: Vec<(StackName, String)>,
}

/// Evaluates all inputs.
pub(super) fn evaluate_inputs(
    estate: &Estate,
    environment: &Environment,
    stack: &Stack,
    outputs: &Outputs,
) -> Result<Inputs, InputError> {
    let unknown: RefCell<BTreeSet<StackName>> = RefCell::default();
    let missing: RefCell<Vec<(StackName, String)>> = RefCell::default();
    let output = |upstream: &StackName, name: &str| {
        let Some(value) = outputs.get(upstream).and_then(|outputs| outputs.get(name)) else {
            missing.borrow_mut().push((upstream.clone(), name.to_owned()));
            return Err(ResolveError::new(format!(
                "`{upstream}` has no output `{name}` in `{}` yet",
                environment.name
            )));
        };
        if !value.is_wholly_known() {
            unknown.borrow_mut().insert(upstream.clone());
        }
        Ok(value.clone())
    };
    let scope = InstanceScope { estate, environment, stack: Some(stack), outputs: &output };
    let mut known = Map::new();
    let mut is_known = true;
    for (name, input) in &stack.inputs {
        let value = evaluate(&input.expression, &scope).map_err(|source| InputError {
            name: name.clone(),
            source,
            missing: missing.take(),
        })?;
        match value.to_json() {
            Some(json) => {
                known.insert(name.clone(), json);
            }
            None => is_known = false,
        }
    }
    Ok(if is_known { Inputs::Known(known) } else { Inputs::Unknown(unknown.into_inner()) })
}

//! What policies are given as `input`: Terraform's plan representation with sensitive values masked, so that policies written for conftest work
//! unchanged, and `input.terrace` with what Terrace knows beside it. Owns the form of both; `docs/policies.md` describes it.

mod mask;
mod own;

use serde_json::Value as Json;

pub use mask::MASK;
pub use own::{Own, SCHEMA};

pub use terrace_domain::policy::PLAN_BYTES_MAX;
/// The key of what Terrace knows.
const OWN_KEY: &str = "terrace";

/// A plan cannot be given to policies.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InputError {
    /// It is too large.
    #[error("the plan has {} MiB as JSON; policies are asked about plans of at most {} MiB", .0 >> 20, PLAN_BYTES_MAX >> 20)]
    TooLarge(usize),
    /// It is not JSON.
    #[error("the plan is not JSON: {0}")]
    NotJson(String),
    /// It is JSON, and something else than a plan.
    #[error("it is no plan as `terraform show -json PLAN` prints it: {0}")]
    NotAPlan(&'static str),
    /// Its format is not known.
    #[error("the plan has the format version {0}, and this Terrace reads versions 1.x")]
    Format(String),
}

/// Reads a plan (`terraform show -json PLAN`) and makes what policies are given.
pub fn read(plan: &[u8], own: &Own<'_>) -> Result<Json, InputError> {
    if plan.len() > PLAN_BYTES_MAX {
        return Err(InputError::TooLarge(plan.len()));
    }
    let json: Json = match serde_json::from_slice(plan) {
        Ok(json) => json,
        // One object after another: what `terraform plan -json` tells while it works.
        Err(_) if is_log(plan) => return Err(InputError::NotAPlan("it is the log that `terraform plan -json` writes")),
        Err(error) => return Err(InputError::NotJson(error.to_string())),
    };
    document(json, own)
}

/// Makes what policies are given of a plan that is JSON already.
pub fn document(plan: Json, own: &Own<'_>) -> Result<Json, InputError> {
    check(&plan)?;
    let mut document = mask::masked(plan);
    document[OWN_KEY] = own.to_json();
    Ok(document)
}

fn check(plan: &Json) -> Result<(), InputError> {
    if !plan.is_object() {
        return Err(InputError::NotAPlan("it is not an object"));
    }
    let is_state = plan.get("lineage").is_some() || plan.get("values").is_some();
    if is_state && plan.get("resource_changes").is_none() {
        return Err(InputError::NotAPlan("it is a state"));
    }
    if plan.get("@level").is_some() {
        return Err(InputError::NotAPlan("it is the log that `terraform plan -json` writes"));
    }
    let version = plan["format_version"].as_str().ok_or(InputError::NotAPlan("it has no `format_version`"))?;
    match version.split('.').next() {
        Some("1") => {}
        _ => return Err(InputError::Format(version.to_owned())),
    }
    if plan.get("resource_changes").is_none() && plan.get("planned_values").is_none() {
        return Err(InputError::NotAPlan("it has neither `resource_changes` nor `planned_values`"));
    }
    Ok(())
}

fn is_log(text: &[u8]) -> bool {
    let first = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    serde_json::from_slice::<Json>(first).is_ok_and(|line| line.get("@level").is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        read(text.as_bytes(), &Own::default()).unwrap_err().to_string()
    }

    #[test]
    fn what_is_no_plan_is_named() {
        for (text, says) in [
            ("{", "the plan is not JSON: EOF while parsing an object at line 1 column 1"),
            ("[]", "it is not an object"),
            ("{}", "it has no `format_version`"),
            (r#"{"format_version":"1.2"}"#, "it has neither `resource_changes` nor `planned_values`"),
            (
                r#"{"format_version":"2.0","resource_changes":[]}"#,
                "format version 2.0, and this Terrace reads versions 1.x",
            ),
            (r#"{"format_version":"0.1","resource_changes":[]}"#, "format version 0.1"),
            (r#"{"version":4,"lineage":"x","resources":[]}"#, "it is a state"),
            (r#"{"format_version":"1.0","values":{}}"#, "it is a state"),
            ("{\"@level\":\"info\"}\n{\"@level\":\"info\"}\n", "it is the log that `terraform plan -json` writes"),
        ] {
            assert!(error(text).contains(says), "{text}: {}", error(text));
        }
    }

    #[test]
    fn a_plan_that_is_too_large_is_not_parsed() {
        let large = vec![b' '; PLAN_BYTES_MAX + 1];
        assert_eq!(read(&large, &Own::default()), Err(InputError::TooLarge(PLAN_BYTES_MAX + 1)));
    }
}

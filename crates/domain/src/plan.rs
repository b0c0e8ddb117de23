//! What a plan changes, in a form in which two plans can be compared: without their order, their time, and what is known only after the
//! apply. Reads Terraform's plan representation (Terraform internals, "JSON Output Format", format version 1.x). Owns that normalisation.

mod difference;
mod facts;
mod loss;

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};

pub use difference::{AttributeDifference, Difference, differences};
pub use facts::{Action, OutputChange, PlanFacts, ResourceChange, Traits};
pub use loss::{Loss, LossKind, losses};

use crate::digest::Digest;
use crate::run::ChangeRecord;

/// A plan cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// A format that this Terrace does not know.
    #[error("the plan has the format version {0}, and this Terrace reads versions 1.x")]
    Format(String),
    /// A part that must be there is not.
    #[error("the plan has no `{0}`")]
    Missing(&'static str),
}

/// The major version of the format that is read.
const FORMAT_MAJOR: &str = "1";
/// Stands where a value is known only after the apply.
const UNKNOWN: &str = "\u{0}unknown";
/// Stands where a text holds the plan's own time (`plantimestamp()`).
const PLAN_TIME: &str = "\u{0}plan time";
/// What counts as no change.
const NO_CHANGE: [&str; 2] = ["no-op", "read"];

/// The changes of a plan by address (`output.NAME` for an output). `digest` names the values before and after: with a key, where they may
/// be secret.
pub fn change_records(
    plan: &Json,
    digest: &dyn Fn(&[u8]) -> Digest,
) -> Result<BTreeMap<String, ChangeRecord>, PlanError> {
    check_format(plan)?;
    let time = plan["timestamp"].as_str();
    let mut records = BTreeMap::new();
    for resource in plan["resource_changes"].as_array().into_iter().flatten() {
        let address = resource["address"].as_str().ok_or(PlanError::Missing("address"))?;
        let address = match resource["deposed"].as_str() {
            Some(key) => format!("{address} (deposed {key})"),
            None => address.to_owned(),
        };
        let moved = json!({ "from": resource["previous_address"], "import": resource["change"]["importing"] });
        let is_moved = moved.as_object().is_some_and(|moved| moved.values().any(|value| !value.is_null()));
        if let Some(record) = record(&resource["change"], &moved, is_moved, time, digest) {
            records.insert(address, record);
        }
    }
    for (name, change) in plan["output_changes"].as_object().into_iter().flatten() {
        if let Some(record) = record(change, &Json::Null, false, time, digest) {
            records.insert(format!("output.{name}"), record);
        }
    }
    Ok(records)
}

/// Refuses a plan in a format that is not read here.
pub(crate) fn check_format(plan: &Json) -> Result<(), PlanError> {
    let version = plan["format_version"].as_str().ok_or(PlanError::Missing("format_version"))?;
    if version.split('.').next() == Some(FORMAT_MAJOR) { Ok(()) } else { Err(PlanError::Format(version.to_owned())) }
}

fn record(
    change: &Json,
    moved: &Json,
    is_moved: bool,
    time: Option<&str>,
    digest: &dyn Fn(&[u8]) -> Digest,
) -> Option<ChangeRecord> {
    let actions: Vec<&str> = change["actions"].as_array()?.iter().filter_map(Json::as_str).collect();
    let is_nothing = actions.iter().all(|action| NO_CHANGE.contains(action));
    if is_nothing && !is_moved {
        return None;
    }
    let after = known(&change["after"], &change["after_unknown"], time);
    let mut values = json!({ "actions": actions, "before": change["before"], "after": after, "moved": moved });
    if let Json::Array(paths) = &change["replace_paths"] {
        let mut paths: Vec<String> = paths.iter().map(Json::to_string).collect();
        paths.sort();
        values["replace_paths"] = paths.into();
    }
    let action = if is_nothing { "move".to_owned() } else { actions.join(",") };
    Some(ChangeRecord { action, digest: digest(values.to_string().as_bytes()) })
}

/// The value with a mark where it is unknown, or is the time of the plan.
fn known(after: &Json, unknown: &Json, time: Option<&str>) -> Json {
    match (after, unknown) {
        (_, Json::Bool(true)) => UNKNOWN.into(),
        (Json::Object(entries), unknown) => {
            let mut all: Map<String, Json> = Map::new();
            let names = entries.keys().chain(unknown.as_object().into_iter().flat_map(Map::keys));
            for name in names {
                let value = entries.get(name).unwrap_or(&Json::Null);
                all.insert(name.clone(), known(value, &unknown[name.as_str()], time));
            }
            all.into()
        }
        (Json::Array(items), unknown) => {
            items.iter().enumerate().map(|(at, item)| known(item, &unknown[at], time)).collect::<Vec<_>>().into()
        }
        (Json::Null, Json::Object(unknowns)) => unknowns
            .iter()
            .map(|(name, unknown)| (name.clone(), known(&Json::Null, unknown, time)))
            .collect::<Map<_, _>>()
            .into(),
        (Json::String(text), _) => match time {
            Some(time) if !time.is_empty() && text.contains(time) => text.replace(time, PLAN_TIME).into(),
            _ => after.clone(),
        },
        _ => after.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(time: &str, changes: &[Json]) -> Json {
        json!({ "format_version": "1.2", "timestamp": time, "resource_changes": changes })
    }

    fn change(address: &str, actions: &[&str], after: &Json, unknown: &Json) -> Json {
        json!({ "address": address, "change":
            { "actions": actions, "before": null, "after": after, "after_unknown": unknown } })
    }

    fn records(plan: &Json) -> BTreeMap<String, ChangeRecord> {
        change_records(plan, &Digest::of).unwrap()
    }

    #[test]
    fn order_time_and_what_is_not_known_make_no_other_plan() {
        let a =
            change("a.x", &["create"], &json!({ "name": "x", "at": "2026-01-01T00:00:00Z!" }), &json!({ "id": true }));
        let b = change("b.y", &["update"], &json!({ "size": 2 }), &json!({}));
        let later = change(
            "a.x",
            &["create"],
            &json!({ "at": "2026-02-02T00:00:00Z!", "name": "x", "id": null }),
            &json!({ "id": true }),
        );
        let one = records(&plan("2026-01-01T00:00:00Z", &[a, b.clone()]));
        let other = records(&plan("2026-02-02T00:00:00Z", &[b, later]));
        assert_eq!(one, other);
        assert_eq!(one.keys().collect::<Vec<_>>(), ["a.x", "b.y"]);
    }

    #[test]
    fn another_value_action_or_address_makes_another_plan() {
        let base = |value: i64, action: &str| {
            records(&plan("t", &[change("a.x", &[action], &json!({ "n": value }), &json!({}))]))
        };
        assert_ne!(base(1, "create"), base(2, "create"));
        assert_ne!(base(1, "create"), base(1, "update"));
        let nothing = records(&plan(
            "t",
            &[change("a.x", &["no-op"], &json!({}), &json!({})), change("d.x", &["read"], &json!({}), &json!({}))],
        ));
        assert!(nothing.is_empty());
    }

    #[test]
    fn moves_imports_deposed_objects_and_outputs_count() {
        let mut moved = change("a.new", &["no-op"], &json!({}), &json!({}));
        moved["previous_address"] = "a.old".into();
        let mut deposed = change("a.x", &["delete"], &Json::Null, &json!({}));
        deposed["deposed"] = "00ff".into();
        let mut all = plan("t", &[moved, deposed]);
        all["output_changes"] =
            json!({ "url": { "actions": ["create"], "after": "u" }, "same": { "actions": ["no-op"] } });
        let found = records(&all);
        let words: Vec<_> = found.iter().map(|(address, record)| format!("{address}: {}", record.action)).collect();
        assert_eq!(words, ["a.new: move", "a.x (deposed 00ff): delete", "output.url: create"]);
    }

    #[test]
    fn an_unknown_format_is_refused() {
        let found = change_records(&json!({ "format_version": "2.0" }), &Digest::of);
        assert_eq!(found, Err(PlanError::Format("2.0".to_owned())));
        assert_eq!(change_records(&json!({}), &Digest::of), Err(PlanError::Missing("format_version")));
    }
}

//! What a plan would still change, attribute by attribute: for a plan that should be empty.

use serde_json::Value as Json;

use super::loss::path_in_words;
use super::{PlanError, check_format};

/// The most attributes that are told of one resource.
const ATTRIBUTES_MAX: usize = 20;
/// The longest value that is told, in characters.
const VALUE_LENGTH_MAX: usize = 80;
/// Stands for a value that is known only after the apply.
const UNKNOWN: &str = "(known after apply)";
/// Stands for a value that Terraform calls sensitive.
const SENSITIVE: &str = "(sensitive)";

/// A resource or an output that a plan would change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Its address; `output.NAME` for an output.
    pub address: String,
    /// What the plan would do, in Terraform's words: `create`, `update`, `delete,create`.
    pub action: String,
    /// The attributes that differ.
    pub attributes: Vec<AttributeDifference>,
    /// How many more do.
    pub more: usize,
}

/// An attribute that differs. Sensitive values are not told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttributeDifference {
    /// Where in the resource: `tags.Name`, `rule[0].port`.
    pub path: String,
    /// The value that is there.
    pub before: String,
    /// The value that it would get.
    pub after: String,
}

/// What a plan would change, in its own sequence.
pub fn differences(plan: &Json) -> Result<Vec<Difference>, PlanError> {
    check_format(plan)?;
    let mut found = Vec::new();
    for resource in plan["resource_changes"].as_array().into_iter().flatten() {
        let address = resource["address"].as_str().ok_or(PlanError::Missing("address"))?;
        found.extend(difference(address.to_owned(), &resource["change"]));
    }
    for (name, change) in plan["output_changes"].as_object().into_iter().flatten() {
        found.extend(difference(format!("output.{name}"), change));
    }
    Ok(found)
}

fn difference(address: String, change: &Json) -> Option<Difference> {
    let actions: Vec<&str> = change["actions"].as_array()?.iter().filter_map(Json::as_str).collect();
    if actions.iter().all(|action| matches!(*action, "no-op" | "read")) {
        return None;
    }
    let mut attributes = Vec::new();
    let both = Both {
        before: &change["before"],
        after: &change["after"],
        unknown: &change["after_unknown"],
        hidden: [&change["before_sensitive"], &change["after_sensitive"]],
    };
    // What is made new or goes differs in everything; that says nothing.
    if !change["before"].is_null() && !change["after"].is_null() || address.starts_with("output.") {
        compare(&mut Vec::new(), &both, &mut attributes);
    }
    let more = attributes.len().saturating_sub(ATTRIBUTES_MAX);
    attributes.truncate(ATTRIBUTES_MAX);
    Some(Difference { address, action: actions.join(","), attributes, more })
}

/// A value before and after, with what is not known of it, and what is not to be shown.
struct Both<'a> {
    before: &'a Json,
    after: &'a Json,
    unknown: &'a Json,
    hidden: [&'a Json; 2],
}

fn compare(path: &mut Vec<Json>, both: &Both<'_>, found: &mut Vec<AttributeDifference>) {
    let is_unknown = *both.unknown == Json::Bool(true);
    let is_hidden = both.hidden.iter().any(|hidden| **hidden == Json::Bool(true));
    if !is_unknown && !is_hidden {
        match (both.before, both.after) {
            (Json::Object(before), Json::Object(after)) => {
                let unknown = both.unknown.as_object();
                let names = before.keys().chain(after.keys()).chain(unknown.into_iter().flat_map(|all| all.keys()));
                let names: std::collections::BTreeSet<&String> = names.collect();
                for name in names {
                    let at = |value: &'_ Json| -> Json { value.get(name.as_str()).cloned().unwrap_or(Json::Null) };
                    step(path, name.as_str().into(), &at, both, found);
                }
                return;
            }
            (Json::Array(before), Json::Array(after)) if before.len() == after.len() => {
                for at in 0..before.len() {
                    step(path, at.into(), &|value| value.get(at).cloned().unwrap_or(Json::Null), both, found);
                }
                return;
            }
            _ => {}
        }
        if both.before == both.after {
            return;
        }
    }
    if is_hidden && !is_unknown && both.before == both.after {
        return;
    }
    // What is sensitive now was no less so before.
    let shown = |value: &Json| if is_hidden { SENSITIVE.to_owned() } else { short(value) };
    found.push(AttributeDifference {
        path: path_in_words(&Json::Array(path.clone())),
        before: shown(both.before),
        after: if is_unknown { UNKNOWN.to_owned() } else { shown(both.after) },
    });
}

fn step(
    path: &mut Vec<Json>,
    to: Json,
    at: &dyn Fn(&Json) -> Json,
    both: &Both<'_>,
    found: &mut Vec<AttributeDifference>,
) {
    let (before, after, unknown) = (at(both.before), at(both.after), at(both.unknown));
    let hidden = both.hidden.map(at);
    path.push(to);
    let deeper = Both { before: &before, after: &after, unknown: &unknown, hidden: [&hidden[0], &hidden[1]] };
    compare(path, &deeper, found);
    path.pop();
}

fn short(value: &Json) -> String {
    let text = value.to_string();
    if text.chars().count() <= VALUE_LENGTH_MAX {
        return text;
    }
    text.chars().take(VALUE_LENGTH_MAX).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(change: &Json) -> Vec<String> {
        let plan = json!({ "format_version": "1.2", "resource_changes": [{ "address": "a.b", "change": change }] });
        let found = differences(&plan).unwrap();
        let attributes = found.iter().flat_map(|difference| &difference.attributes);
        attributes.map(|one| format!("{}: {} -> {}", one.path, one.before, one.after)).collect()
    }

    #[test]
    fn attributes_are_named_by_their_path() {
        let found = told(&json!({ "actions": ["update"],
            "before": { "tags": { "at": "1", "same": "x" }, "ports": [1, 2], "id": "i" },
            "after": { "tags": { "at": "2", "same": "x" }, "ports": [1, 3], "id": "i" },
            "after_unknown": { "etag": true } }));
        assert_eq!(found, ["etag: null -> (known after apply)", "ports[1]: 2 -> 3", "tags.at: \"1\" -> \"2\""]);
    }

    #[test]
    fn what_is_sensitive_is_not_told() {
        let found = told(
            &json!({ "actions": ["update"], "before": { "p": "old", "q": "same" }, "after": { "p": "new", "q": "same" },
            "before_sensitive": { "p": true, "q": true }, "after_sensitive": { "p": true, "q": true } }),
        );
        assert_eq!(found, ["p: (sensitive) -> (sensitive)"]);
        let whole = told(
            &json!({ "actions": ["update"], "before": { "p": "old" }, "after": { "p": "new" }, "after_sensitive": true }),
        );
        assert_eq!(whole, [": (sensitive) -> (sensitive)"]);
    }

    #[test]
    fn nothing_to_do_is_no_difference_and_what_is_made_is_named_alone() {
        assert!(told(&json!({ "actions": ["no-op"], "before": {}, "after": {} })).is_empty());
        let plan = json!({ "format_version": "1.0",
            "resource_changes": [{ "address": "a.b", "change": { "actions": ["create"], "before": null, "after": { "x": 1 } } }],
            "output_changes": { "o": { "actions": ["update"], "before": 1, "after": 2 } } });
        let found = differences(&plan).unwrap();
        assert_eq!((found[0].action.as_str(), found[0].attributes.len()), ("create", 0));
        assert_eq!((found[1].address.as_str(), found[1].attributes[0].after.as_str()), ("output.o", "2"));
    }
}

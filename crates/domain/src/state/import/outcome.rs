//! What a plan says of an import: what it takes in as it is, and what would be changed beside that. Reads Terraform's plan representation
//! (as `plan` tells it). Tells names of attributes, and never a value.

use std::collections::BTreeSet;

use serde_json::{Map, Value as Json};

use crate::plan::{PlanError, PlanSink, PlannedChange, PlannedResource};

/// What a plan with imports comes to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ImportPlan {
    /// The addresses of what is imported, whether or not it would be changed then.
    pub imports: BTreeSet<String>,
    /// What would be changed.
    pub differing: Vec<Difference>,
    /// The outputs that would change: they are in the state alone.
    pub outputs: BTreeSet<String>,
}

/// A resource that a plan would change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Its address.
    pub address: String,
    /// `create`, `update`, `delete`, `replace` or another word of Terraform's.
    pub action: String,
    /// The attributes by which it differs, where it is there and stays or is replaced: `tags.team`, `ingress[0].from_port`.
    pub attributes: Vec<String>,
}

impl PlanSink for ImportPlan {
    fn resource(&mut self, resource: &PlannedResource) -> Result<(), PlanError> {
        let change = &resource.change;
        if !change.importing.is_null() {
            self.imports.insert(resource.address.clone());
        }
        if let Some(action) = action(change) {
            self.differing.push(Difference {
                address: resource.address.clone(),
                action,
                attributes: attributes(change),
            });
        }
        Ok(())
    }

    fn output(&mut self, name: &str, change: &PlannedChange) -> Result<(), PlanError> {
        if action(change).is_some() {
            self.outputs.insert(name.to_owned());
        }
        Ok(())
    }
}

impl ImportPlan {
    /// Whether it changes nothing but the state.
    pub fn is_pure(&self) -> bool {
        self.differing.is_empty()
    }

    /// Whether it does nothing at all.
    pub fn is_empty(&self) -> bool {
        self.is_pure() && self.imports.is_empty() && self.outputs.is_empty()
    }
}

/// What a change does; `None` where it changes nothing.
fn action(change: &PlannedChange) -> Option<String> {
    let actions: Vec<_> = change.actions.iter().map(String::as_str).collect();
    match actions[..] {
        [] | ["no-op" | "read"] => None,
        ["delete", "create"] | ["create", "delete"] => Some("replace".to_owned()),
        _ => Some(change.words()),
    }
}

/// By what an object differs that is there before and after.
fn attributes(change: &PlannedChange) -> Vec<String> {
    let (Json::Object(_), Json::Object(_)) = (&change.before, &change.after) else { return Vec::new() };
    let mut found = Vec::new();
    let sides = Sides {
        before: &change.before,
        after: &change.after,
        unknown: &change.after_unknown,
        secret: [&change.before_sensitive, &change.after_sensitive],
    };
    sides.compare("", &mut found);
    found
}

/// One place in an object before and after.
struct Sides<'a> {
    before: &'a Json,
    after: &'a Json,
    unknown: &'a Json,
    secret: [&'a Json; 2],
}

impl Sides<'_> {
    fn compare(&self, path: &str, found: &mut Vec<String>) {
        // Names below what is secret may be secret, too.
        let is_whole = self.unknown == &Json::Bool(true) || self.secret.contains(&&Json::Bool(true));
        match (self.before, self.after) {
            (Json::Object(before), Json::Object(after)) if !is_whole => {
                for name in names(before, after, self.unknown) {
                    let below = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                    self.child(|tree| &tree[name.as_str()]).compare(&below, found);
                }
            }
            (Json::Array(before), Json::Array(after)) if !is_whole && before.len() == after.len() => {
                for at in 0..before.len() {
                    self.child(|tree| &tree[at]).compare(&format!("{path}[{at}]"), found);
                }
            }
            (before, after) => {
                if before != after || has_unknown(self.unknown) {
                    found.push(path.to_owned());
                }
            }
        }
    }

    fn child<'b>(&'b self, step: impl Fn(&'b Json) -> &'b Json) -> Sides<'b> {
        Sides {
            before: step(self.before),
            after: step(self.after),
            unknown: step(self.unknown),
            secret: self.secret.map(&step),
        }
    }
}

fn names(before: &Map<String, Json>, after: &Map<String, Json>, unknown: &Json) -> BTreeSet<String> {
    let unknown = unknown.as_object().into_iter().flatten().filter(|(_, value)| has_unknown(value));
    before.keys().chain(after.keys()).chain(unknown.map(|(name, _)| name)).cloned().collect()
}

fn has_unknown(tree: &Json) -> bool {
    match tree {
        Json::Bool(unknown) => *unknown,
        Json::Array(items) => items.iter().any(has_unknown),
        Json::Object(entries) => entries.values().any(has_unknown),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::plan::read_plan;

    fn read(changes: &Json, outputs: &Json) -> ImportPlan {
        let plan = json!({ "format_version": "1.2", "resource_changes": changes, "output_changes": outputs });
        let mut found = ImportPlan::default();
        read_plan(plan.to_string().as_bytes(), &mut [&mut found]).unwrap();
        found
    }

    #[test]
    fn imports_alone_are_pure() {
        let plan = read(
            &json!([
                { "address": "a.x", "change": { "actions": ["no-op"], "importing": { "id": "1" } } },
                { "address": "data.d.x", "change": { "actions": ["read"] } },
            ]),
            &json!({ "url": { "actions": ["create"] }, "same": { "actions": ["no-op"] } }),
        );
        assert!(plan.is_pure() && !plan.is_empty());
        assert_eq!((plan.imports, plan.outputs), (["a.x".to_owned()].into(), ["url".to_owned()].into()));
        assert!(read(&json!([]), &json!({})).is_empty());
    }

    #[test]
    fn what_differs_is_told_by_name_and_never_by_value() {
        let plan = read(
            &json!([
                { "address": "a.x", "change": {
                    "actions": ["update"], "importing": { "id": "1" },
                    "before": { "id": "1", "size": 1, "tags": { "a": "1", "b": "2" }, "password": { "k": "hunter2" }, "rule": [{ "p": 1 }, { "p": 2 }], "list": ["x"] },
                    "after": { "id": "1", "size": 1, "tags": { "a": "1", "b": "3", "c": "4" }, "password": { "k": "hunter3" }, "rule": [{ "p": 1 }, { "p": 3 }], "list": [] },
                    "after_unknown": { "url": true, "tags": {} },
                    "before_sensitive": { "password": true }, "after_sensitive": {},
                } },
                { "address": "a.y", "change": { "actions": ["delete", "create"], "before": { "cidr": "a" }, "after": { "cidr": "b" } } },
                { "address": "a.z", "change": { "actions": ["create"], "before": null, "after": { "cidr": "b" } } },
            ]),
            &json!({}),
        );
        let words: Vec<_> = plan
            .differing
            .iter()
            .map(|one| format!("{} {} {}", one.action, one.address, one.attributes.join(" ")))
            .collect();
        assert_eq!(words, ["update a.x list password rule[1].p tags.b tags.c url", "replace a.y cidr", "create a.z "]);
        assert!(!format!("{plan:?}").contains("hunter"));
    }
}

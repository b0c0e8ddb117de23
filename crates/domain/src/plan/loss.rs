//! What a plan would take away: resources that are destroyed, or replaced by others.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::read::{PlanSink, PlannedResource};
use super::{PlanError, ResourceTypes};

/// A resource that a plan would take away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loss {
    /// Its address.
    pub address: String,
    /// Its type.
    pub resource_type: String,
    /// How.
    pub kind: LossKind,
    /// Whether it holds data that go with it.
    pub is_stateful: bool,
    /// Whether its code says `prevent_destroy`, or said so in what runs.
    pub is_protected: bool,
    /// The attributes that force the replacement.
    pub because: Vec<String>,
}

/// How a resource is taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LossKind {
    /// Another takes its place.
    Replace,
    /// Nothing does.
    Destroy,
}

/// Gathers what a plan would take away.
pub struct Losses<'a> {
    types: &'a ResourceTypes,
    protected: &'a BTreeSet<String>,
    found: Vec<Loss>,
}

impl<'a> Losses<'a> {
    /// `protected`: the resources, as `TYPE.NAME`, that have `prevent_destroy` in the code that is planned or in the code that runs.
    pub fn new(types: &'a ResourceTypes, protected: &'a BTreeSet<String>) -> Self {
        Self { types, protected, found: Vec::new() }
    }

    /// What would be taken away, by address.
    pub fn into_losses(mut self) -> Vec<Loss> {
        self.found.sort_by(|a, b| a.address.cmp(&b.address));
        self.found
    }
}

impl PlanSink for Losses<'_> {
    fn resource(&mut self, resource: &PlannedResource) -> Result<(), PlanError> {
        let change = &resource.change;
        // A deposed object is what a replacement left over: its successor is there.
        if !change.does("delete") || resource.deposed.is_some() || resource.mode == "data" {
            return Ok(());
        }
        let resource_type = &resource.resource_type;
        self.found.push(Loss {
            address: resource.address.clone(),
            resource_type: resource_type.clone(),
            kind: if change.does("create") { LossKind::Replace } else { LossKind::Destroy },
            is_stateful: self.types.traits_of(resource_type).is_stateful,
            is_protected: self.protected.contains(&format!("{resource_type}.{}", resource.name)),
            because: paths_in_words(&change.replace_paths),
        });
        Ok(())
    }
}

/// The paths of a list of paths, in words.
pub(super) fn paths_in_words(paths: &Json) -> Vec<String> {
    paths.as_array().into_iter().flatten().filter_map(Json::as_array).map(|path| path_in_words(path)).collect()
}

/// `["tags", "Name"]` as `tags.Name`, `["rule", 0]` as `rule[0]`.
pub(super) fn path_in_words(path: &[Json]) -> String {
    let mut text = String::new();
    for step in path {
        match step {
            Json::Number(at) => text.extend(["[", &at.to_string(), "]"]),
            step => {
                if !text.is_empty() {
                    text.push('.');
                }
                text.push_str(step.as_str().unwrap_or_default());
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::read_plan;
    use super::*;

    #[test]
    fn what_is_replaced_or_destroyed_is_a_loss() {
        let change = |address: &str, actions: &[&str]| {
            let (kind, name) = address.split_once('.').unwrap();
            json!({ "address": address, "type": kind, "name": name, "mode": "managed",
                "change": { "actions": actions, "replace_paths": [["name"], ["rule", 0, "port"]] } })
        };
        let mut deposed = change("aws_db_instance.old", &["delete"]);
        deposed["deposed"] = "0a".into();
        let plan = json!({ "format_version": "1.2", "resource_changes": [
            change("aws_fsx_lustre_file_system.f", &["delete"]),
            change("aws_db_instance.main", &["create", "delete"]),
            change("aws_vpc.main", &["update"]),
            change("terraform_data.kept", &["delete", "create"]),
            change("aws_eip.forgotten", &["forget"]),
            deposed,
        ] });
        let (types, protected) = (ResourceTypes::default(), ["terraform_data.kept".to_owned()].into());
        let mut losses = Losses::new(&types, &protected);
        read_plan(plan.to_string().as_bytes(), &mut [&mut losses]).unwrap();
        let found = losses.into_losses();
        let seen: Vec<_> =
            found.iter().map(|loss| (loss.address.as_str(), loss.kind, loss.is_stateful, loss.is_protected)).collect();
        assert_eq!(
            seen,
            [
                ("aws_db_instance.main", LossKind::Replace, true, false),
                ("aws_fsx_lustre_file_system.f", LossKind::Destroy, true, false),
                ("terraform_data.kept", LossKind::Replace, false, true),
            ]
        );
        assert_eq!(found[0].because, ["name", "rule[0].port"]);
    }
}

//! Gathers the facts of a plan while it is read.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::difference::differing;
use super::json::{has_mark, marks};
use super::loss::paths_in_words;
use super::read::{PlanFrame, PlanSink, PlannedChange, PlannedResource};
use super::{Action, OutputChange, PlanError, PlanFacts, ResourceChange, ResourceTypes};

/// Stands for the id of an import that is known only after the apply.
const UNKNOWN: &str = "(known after apply)";

/// Gathers the facts of a plan.
pub struct FactsGatherer<'a> {
    types: &'a ResourceTypes,
    protected: &'a BTreeSet<String>,
    facts: PlanFacts,
}

impl<'a> FactsGatherer<'a> {
    /// `protected`: the resources, as `TYPE.NAME`, that have `prevent_destroy` in the code that is planned or in the code that runs.
    pub fn new(types: &'a ResourceTypes, protected: &'a BTreeSet<String>) -> Self {
        Self { types, protected, facts: PlanFacts::default() }
    }

    /// The facts, once the plan was read.
    pub fn into_facts(self) -> PlanFacts {
        self.facts
    }

    fn change(&self, resource: &PlannedResource, action: Action) -> ResourceChange {
        let PlannedResource { address, resource_type, name, change, .. } = resource;
        // What is made new or goes differs in everything; that says nothing.
        let differs = !change.before.is_null() && !change.after.is_null() && action != Action::Forget;
        let (attributes, more) = if differs { differing(change) } else { (Vec::new(), 0) };
        ResourceChange {
            address: address.clone(),
            previous_address: resource.previous_address.clone(),
            resource_type: resource_type.clone(),
            name: name.clone(),
            provider: resource.provider_name.clone(),
            deposed: resource.deposed.clone(),
            action,
            reason: resource.action_reason.clone(),
            importing: imported_by(&change.importing),
            attributes,
            more,
            because: paths_in_words(&change.replace_paths),
            unknowns: marks(&change.after_unknown),
            traits: self.types.traits_of(resource_type),
            is_protected: self.protected.contains(&format!("{resource_type}.{name}")),
        }
    }
}

impl PlanSink for FactsGatherer<'_> {
    fn wants_drift(&self) -> bool {
        true
    }

    fn resource(&mut self, resource: &PlannedResource) -> Result<(), PlanError> {
        if !is_managed(resource) {
            self.facts.reads += usize::from(resource.mode == DATA && resource.change.does("read"));
            return Ok(());
        }
        let action = action(&resource.address, &resource.change)?;
        let is_moved = resource.previous_address.is_some() || !resource.change.importing.is_null();
        if action == Action::Keep && !is_moved {
            self.facts.unchanged += 1;
            return Ok(());
        }
        self.facts.resources.push(self.change(resource, action));
        Ok(())
    }

    fn drift(&mut self, resource: &PlannedResource) -> Result<(), PlanError> {
        if !is_managed(resource) {
            return Ok(());
        }
        let action = action(&resource.address, &resource.change)?;
        // A resource that only got another address is reported as drift, too.
        if action != Action::Keep {
            self.facts.drift.push(self.change(resource, action));
        }
        Ok(())
    }

    fn output(&mut self, name: &str, change: &PlannedChange) -> Result<(), PlanError> {
        let action = action(&format!("output.{name}"), change)?;
        if action == Action::Keep {
            return Ok(());
        }
        self.facts.outputs.push(OutputChange {
            name: name.to_owned(),
            action,
            is_unknown: has_mark(&change.after_unknown),
            is_sensitive: has_mark(&change.before_sensitive) || has_mark(&change.after_sensitive),
        });
        Ok(())
    }

    fn end(&mut self, frame: &PlanFrame) -> Result<(), PlanError> {
        let facts = &mut self.facts;
        for changes in [&mut facts.resources, &mut facts.drift] {
            changes.sort_by(|a, b| (&a.address, &a.deposed).cmp(&(&b.address, &b.deposed)));
        }
        facts.outputs.sort_by(|a, b| a.name.cmp(&b.name));
        facts.format_version.clone_from(&frame.format_version);
        facts.terraform_version.clone_from(&frame.terraform_version);
        facts.errored = frame.errored;
        facts.complete = frame.complete.unwrap_or(true) && frame.deferred == 0;
        Ok(())
    }
}

/// The mode of what is only read.
const DATA: &str = "data";
/// The mode of what Terraform makes and destroys.
const MANAGED: &str = "managed";

/// Whether something is Terraform's to change: no data source, and nothing that lives only while Terraform does.
fn is_managed(resource: &PlannedResource) -> bool {
    matches!(resource.mode.as_str(), MANAGED | "")
}

/// What is done, by Terraform's words. What is not known cannot be judged, and is refused.
fn action(address: &str, change: &PlannedChange) -> Result<Action, PlanError> {
    let words: Vec<&str> = change.actions.iter().map(String::as_str).collect();
    Ok(match words[..] {
        ["no-op" | "read"] => Action::Keep,
        ["create"] => Action::Create,
        ["update"] => Action::Update,
        ["delete"] => Action::Delete,
        ["delete", "create"] => Action::Replace { creates_first: false },
        ["create", "delete"] => Action::Replace { creates_first: true },
        // In the second case another is made, and the old one stays where it is, out of Terraform's sight.
        ["forget"] | ["create", "forget"] => Action::Forget,
        _ => return Err(PlanError::Action { address: address.to_owned(), action: change.words() }),
    })
}

/// The id of an import; where it goes by an identity, that as JSON.
fn imported_by(importing: &Json) -> Option<String> {
    if importing.is_null() {
        return None;
    }
    if importing["unknown"] == Json::Bool(true) {
        return Some(UNKNOWN.to_owned());
    }
    let identity = || (!importing["identity"].is_null()).then(|| importing["identity"].to_string());
    importing["id"].as_str().map(ToOwned::to_owned).or_else(identity).or(Some(String::new()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(plan: &Json) -> Result<PlanFacts, PlanError> {
        let protected = ["aws_db_instance.main".to_owned()].into();
        PlanFacts::read(plan.to_string().as_bytes(), &ResourceTypes::default(), &protected)
    }

    fn plan(resources: &Json) -> Json {
        json!({ "format_version": "1.2", "terraform_version": "1.11.4", "resource_changes": resources })
    }

    fn resource(address: &str, change: &Json) -> Json {
        let (resource_type, name) = address.split_once('.').unwrap();
        json!({ "address": address, "mode": "managed", "type": resource_type, "name": name, "provider_name": "p", "change": change })
    }

    #[test]
    fn each_action_of_terraform_is_one_of_ours() {
        let cases = [
            (json!(["create"]), Action::Create),
            (json!(["update"]), Action::Update),
            (json!(["delete"]), Action::Delete),
            (json!(["delete", "create"]), Action::Replace { creates_first: false }),
            (json!(["create", "delete"]), Action::Replace { creates_first: true }),
            (json!(["forget"]), Action::Forget),
            (json!(["create", "forget"]), Action::Forget),
        ];
        for (actions, expected) in cases {
            let facts = read(&plan(&json!([resource("a.b", &json!({ "actions": actions }))]))).unwrap();
            assert_eq!((facts.resources[0].action, facts.unchanged), (expected, 0), "{actions}");
        }
        for actions in [json!([]), json!(["destroy"]), json!(["create", "update"]), json!(["no-op", "read"])] {
            let found = read(&plan(&json!([resource("a.b", &json!({ "actions": actions }))])));
            assert!(matches!(found, Err(PlanError::Action { address, .. }) if address == "a.b"), "{actions}");
        }
        let output = json!({ "format_version": "1.2", "output_changes": { "o": { "actions": ["explode"] } } });
        let error = read(&output).unwrap_err().to_string();
        assert_eq!(error, "the plan does `explode` to output.o, and this Terrace does not know what that is");
    }

    #[test]
    fn what_stays_is_counted_and_what_is_moved_or_imported_is_told() {
        let nothing = json!({ "actions": ["no-op"], "before": { "a": 1 }, "after": { "a": 1 } });
        let mut moved = resource("a.new", &nothing);
        moved["previous_address"] = "a.old".into();
        let imported = |importing: Json| {
            let mut one = nothing.clone();
            one["importing"] = importing;
            one
        };
        let mut read_later = resource("d.x", &json!({ "actions": ["read"] }));
        read_later["mode"] = "data".into();
        let mut read_now = resource("d.y", &json!({ "actions": ["no-op"] }));
        read_now["mode"] = "data".into();
        let mut opened = resource("e.z", &json!({ "actions": ["open"] }));
        opened["mode"] = "ephemeral".into();
        let facts = read(&plan(&json!([
            resource("a.same", &nothing),
            moved,
            resource("a.by_id", &imported(json!({ "id": "i-1" }))),
            resource("a.by_identity", &imported(json!({ "identity": { "name": "n" } }))),
            resource("a.unknown", &imported(json!({ "unknown": true }))),
            read_later,
            read_now,
            opened,
        ])))
        .unwrap();
        let told: Vec<_> = facts
            .resources
            .iter()
            .map(|one| (one.address.as_str(), one.action, one.previous_address.as_deref(), one.importing.as_deref()))
            .collect();
        assert_eq!(
            told,
            [
                ("a.by_id", Action::Keep, None, Some("i-1")),
                ("a.by_identity", Action::Keep, None, Some(r#"{"name":"n"}"#)),
                ("a.new", Action::Keep, Some("a.old"), None),
                ("a.unknown", Action::Keep, None, Some(UNKNOWN)),
            ]
        );
        assert_eq!((facts.unchanged, facts.reads), (1, 1));
        assert!(!facts.is_empty());
    }

    #[test]
    fn a_replacement_says_why_and_what_is_known_of_its_type() {
        let mut one = resource(
            "aws_db_instance.main",
            &json!({ "actions": ["delete", "create"], "before": { "name": "a", "size": 1, "id": "i", "password": "hunter2" },
                "after": { "name": "b", "size": 1, "password": "hunter3" }, "after_unknown": { "id": true, "tags": { "at": true } },
                "before_sensitive": { "password": true }, "after_sensitive": {}, "replace_paths": [["name"], ["rule", 0]] }),
        );
        one["action_reason"] = "replace_because_cannot_update".into();
        let facts = read(&plan(&json!([one]))).unwrap();
        let change = &facts.resources[0];
        assert_eq!(change.reason.as_deref(), Some("replace_because_cannot_update"));
        assert_eq!(
            (&change.because[..], change.unknowns, change.provider.as_str()),
            (&["name".to_owned(), "rule[0]".to_owned()][..], 2, "p")
        );
        let attributes: Vec<_> =
            change.attributes.iter().map(|one| format!("{}: {} -> {}", one.path, one.before, one.after)).collect();
        let expected = [
            "id: \"i\" -> (known after apply)",
            "name: \"a\" -> \"b\"",
            "password: (sensitive) -> (sensitive)",
            "tags: null -> (known after apply)",
        ];
        assert_eq!(attributes, expected);
        assert!(change.is_protected && change.traits.is_stateful && !change.traits.is_irreversible);
        assert!(!format!("{facts:?}").contains("hunter"));
    }

    #[test]
    fn nothing_sensitive_is_in_what_comes_or_goes_either() {
        let facts = read(&plan(&json!([
            resource("a.new", &json!({ "actions": ["create"], "before": null, "after": { "p": "hunter2" }, "after_sensitive": { "p": true } })),
            resource("a.old", &json!({ "actions": ["delete"], "before": { "p": "hunter2" }, "after": null, "before_sensitive": { "p": true } })),
            resource("a.gone", &json!({ "actions": ["forget"], "before": { "p": "hunter2" }, "after": { "p": "hunter3" } })),
        ])))
        .unwrap();
        assert!(facts.resources.iter().all(|one| one.attributes.is_empty()) && facts.resources.len() == 3);
        assert!(!format!("{facts:?}").contains("hunter"));
    }

    #[test]
    fn what_a_replacement_left_over_and_what_somebody_changed_are_apart() {
        let mut left = resource("a.b", &json!({ "actions": ["delete"], "before": {}, "after": null }));
        left["deposed"] = "00ff".into();
        let mut all = plan(&json!([left, resource("a.b", &json!({ "actions": ["create"], "after": {} }))]));
        all["resource_drift"] = json!([
            resource("a.z", &json!({ "actions": ["delete"], "before": {}, "after": null })),
            resource("a.c", &json!({ "actions": ["update"], "before": { "n": 1 }, "after": { "n": 2 } })),
            resource("a.moved", &json!({ "actions": ["no-op"], "before": {}, "after": {} })),
        ]);
        let facts = read(&all).unwrap();
        let told: Vec<_> = facts.resources.iter().map(|one| (one.action, one.deposed.as_deref())).collect();
        assert_eq!(told, [(Action::Create, None), (Action::Delete, Some("00ff"))]);
        let drift: Vec<_> = facts.drift.iter().map(|one| (one.address.as_str(), one.attributes.len())).collect();
        assert_eq!(drift, [("a.c", 1), ("a.z", 0)]);
    }

    #[test]
    fn outputs_come_change_and_go() {
        let mut all = plan(&json!([]));
        all["output_changes"] = json!({
            "same": { "actions": ["no-op"], "before": 1, "after": 1, "after_unknown": false },
            "url": { "actions": ["create"], "before": null, "after": null, "after_unknown": true, "before_sensitive": false, "after_sensitive": false },
            "list": { "actions": ["update"], "before": ["hunter2"], "after": ["a", "b"], "after_unknown": [false, true], "before_sensitive": [true] },
            "old": { "actions": ["delete"], "before": "x", "after": null, "after_unknown": false, "after_sensitive": true },
        });
        let facts = read(&all).unwrap();
        let told: Vec<_> =
            facts.outputs.iter().map(|one| (one.name.as_str(), one.action, one.is_unknown, one.is_sensitive)).collect();
        let expected = [
            ("list", Action::Update, true, true),
            ("old", Action::Delete, false, true),
            ("url", Action::Create, true, false),
        ];
        assert_eq!(told, expected);
        assert!(!format!("{facts:?}").contains("hunter"));
    }

    #[test]
    fn a_plan_that_is_not_all_says_so() {
        let with = |more: Json| {
            let mut all = plan(&json!([]));
            all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            let facts = read(&all).unwrap();
            (facts.complete, facts.errored)
        };
        assert_eq!(with(json!({})), (true, false), "older versions do not say");
        assert_eq!(with(json!({ "complete": true, "errored": false, "deferred_changes": null })), (true, false));
        assert_eq!(with(json!({ "complete": false })), (false, false));
        assert_eq!(with(json!({ "errored": true })), (true, true));
        let deferred = json!({ "deferred_changes": [{ "reason": "instance_count_unknown", "resource_change": {} }] });
        assert_eq!(with(deferred), (false, false));
        assert!(read(&plan(&json!([]))).unwrap().is_empty());
    }
}

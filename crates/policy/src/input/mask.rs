//! Sensitive values of a plan, replaced by a fixed text. Owns where in Terraform's plan representation they can be (Terraform internals, "JSON
//! Output Format"): a part of a plan that is not known here is left out.

use serde_json::{Map, Value as Json};

/// Stands in the place of a sensitive value.
pub const MASK: &str = "(sensitive value)";

/// The parts of a plan that hold no values, or only those that are written in the code.
const PLAIN: [&str; 8] = [
    "format_version",
    "terraform_version",
    "timestamp",
    "applyable",
    "complete",
    "errored",
    "relevant_attributes",
    "checks",
];

/// The plan without sensitive values, and without parts that are not known.
pub(super) fn masked(plan: Json) -> Json {
    let Json::Object(mut plan) = plan else { return Json::Null };
    let mut kept = Map::new();
    let variables = plan.remove("variables");
    for (key, mut value) in std::mem::take(&mut plan) {
        match key.as_str() {
            "resource_changes" | "resource_drift" => each(&mut value, "/change", change),
            "deferred_changes" => each(&mut value, "/resource_change/change", change),
            "output_changes" => value.as_object_mut().into_iter().flat_map(Map::values_mut).for_each(change),
            "planned_values" => values(&mut value),
            "configuration" => value.get_mut("root_module").into_iter().for_each(code),
            "prior_state" => value.get_mut("values").into_iter().for_each(values),
            known if PLAIN.contains(&known) => {}
            _ => continue,
        }
        kept.insert(key, value);
    }
    if let Some(mut given) = variables {
        mask_variables(&mut given, kept.get("configuration").unwrap_or(&Json::Null));
        kept.insert("variables".to_owned(), given);
    }
    Json::Object(kept)
}

/// Acts on a part of each item of a list.
fn each(list: &mut Json, part: &str, act: fn(&mut Json)) {
    list.as_array_mut().into_iter().flatten().filter_map(|item| item.pointer_mut(part)).for_each(act);
}

/// A change: what was before and what will be after.
fn change(change: &mut Json) {
    let Some(change) = change.as_object_mut() else { return };
    for (value, marks) in [("before", "before_sensitive"), ("after", "after_sensitive")] {
        if let (Some(mut values), Some(marks)) = (change.remove(value), change.get(marks)) {
            mask(&mut values, marks);
            change.insert(value.to_owned(), values);
        }
    }
    // Code that Terraform would write for an import, with all values in it; nothing says which are sensitive.
    change.remove("generated_config");
}

/// The values of a state: outputs, and resources in modules.
fn values(state: &mut Json) {
    let Some(state) = state.as_object_mut() else { return };
    for output in state.get_mut("outputs").and_then(Json::as_object_mut).into_iter().flat_map(Map::values_mut) {
        let is_sensitive = output["sensitive"].as_bool().unwrap_or(true);
        if is_sensitive && let Some(value) = output.get_mut("value") {
            *value = MASK.into();
        }
    }
    if let Some(root) = state.get_mut("root_module") {
        module(root);
    }
}

fn module(of: &mut Json) {
    let Some(of) = of.as_object_mut() else { return };
    for resource in of.get_mut("resources").and_then(Json::as_array_mut).into_iter().flatten() {
        let Some(resource) = resource.as_object_mut() else { continue };
        if let (Some(mut values), Some(marks)) = (resource.remove("values"), resource.get("sensitive_values")) {
            mask(&mut values, marks);
            resource.insert("values".to_owned(), values);
        }
    }
    of.get_mut("child_modules").and_then(Json::as_array_mut).into_iter().flatten().for_each(module);
}

/// The code of a module: what is written in it is for all to read, but the defaults of sensitive variables have been secrets before.
fn code(module: &mut Json) {
    let Some(module) = module.as_object_mut() else { return };
    for variable in module.get_mut("variables").and_then(Json::as_object_mut).into_iter().flat_map(Map::values_mut) {
        if variable["sensitive"] == Json::Bool(true)
            && let Some(value) = variable.get_mut("default")
        {
            *value = MASK.into();
        }
    }
    let calls = module.get_mut("module_calls").and_then(Json::as_object_mut).into_iter().flat_map(Map::values_mut);
    calls.filter_map(|call| call.get_mut("module")).for_each(code);
}

/// Values of variables: the plan has them in clear; only the code says which are sensitive.
fn mask_variables(variables: &mut Json, configuration: &Json) {
    let declared = &configuration["root_module"]["variables"];
    for (name, variable) in variables.as_object_mut().into_iter().flatten() {
        let own = &declared[name.as_str()];
        let is_open = own.is_object() && own["sensitive"] != Json::Bool(true);
        if !is_open && let Some(value) = variable.get_mut("value") {
            *value = MASK.into();
        }
    }
}

/// Replaces what is marked: `true` marks the whole value, an object or an array marks parts of it.
fn mask(value: &mut Json, marks: &Json) {
    match (value, marks) {
        (value, Json::Bool(true)) if !value.is_null() => *value = MASK.into(),
        (Json::Object(values), Json::Object(marks)) => {
            for (key, marks) in marks {
                if let Some(value) = values.get_mut(key) {
                    mask(value, marks);
                }
            }
        }
        (Json::Array(values), Json::Array(marks)) => {
            values.iter_mut().zip(marks).for_each(|(value, marks)| mask(value, marks));
        }
        // Marks of another shape than the value: nothing says what in it they mean.
        (value, Json::Object(marks)) if !marks.is_empty() && !value.is_null() => *value = MASK.into(),
        (value, Json::Array(marks)) if !marks.is_empty() && !value.is_null() => *value = MASK.into(),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn whatever_is_marked_is_masked_wherever_it_is() {
        let secret = "hunter2";
        let resource = json!({
            "address": "a.x",
            "values": { "name": "x", "password": secret, "list": [{ "token": secret }, { "token": "open" }] },
            "sensitive_values": { "password": true, "list": [{ "token": true }, {}] },
        });
        let change = json!({
            "actions": ["update"],
            "before": { "password": secret, "name": "x" }, "before_sensitive": { "password": true },
            "after": { "password": secret, "tags": { "a": "1" } }, "after_sensitive": { "password": true, "tags": {} },
            "generated_config": format!("password = \"{secret}\""),
        });
        let modules = json!({ "resources": [resource], "child_modules": [{ "resources": [resource] }] });
        let outputs = json!({
            "open": { "sensitive": false, "value": "o" },
            "closed": { "sensitive": true, "value": secret },
            "strange": { "value": secret },
        });
        let plan = json!({
            "format_version": "1.2",
            "variables": { "a": { "value": "v" }, "b": { "value": secret }, "c": { "value": secret } },
            "configuration": { "root_module": {
                "variables": { "a": { "default": "v" }, "b": { "sensitive": true, "default": secret } },
                "module_calls": { "m": { "module": { "variables": { "x": { "sensitive": true, "default": secret } } } } },
            } },
            "planned_values": { "outputs": outputs, "root_module": modules },
            "prior_state": { "format_version": "1.0", "values": { "outputs": outputs, "root_module": modules } },
            "resource_changes": [{ "address": "a.x", "change": change }],
            "resource_drift": [{ "address": "a.x", "change": change }],
            "deferred_changes": [{ "reason": "r", "resource_change": { "change": change } }],
            "output_changes": {
                "o": { "before": secret, "before_sensitive": true, "after": secret, "after_sensitive": true },
            },
            "action_invocations": [{ "config_values": { "password": secret } }],
        });
        let masked = masked(plan);
        assert!(!masked.to_string().contains(secret), "{masked:#}");
        assert_eq!(masked["resource_changes"][0]["change"]["after"], json!({ "password": MASK, "tags": { "a": "1" } }));
        assert_eq!(
            masked["planned_values"]["root_module"]["child_modules"][0]["resources"][0]["values"]["list"][1]["token"],
            "open"
        );
        assert_eq!(
            masked["variables"],
            json!({ "a": { "value": "v" }, "b": { "value": MASK }, "c": { "value": MASK } })
        );
        assert_eq!(masked["prior_state"]["values"]["outputs"]["open"]["value"], "o");
        assert_eq!(masked["configuration"]["root_module"]["variables"]["a"], json!({ "default": "v" }));
        assert!(masked.get("action_invocations").is_none());
    }

    #[test]
    fn parts_of_another_shape_do_no_harm() {
        let parts = PLAIN.iter().chain(&["variables", "configuration", "planned_values", "prior_state"]);
        let parts = parts.chain(&["resource_changes", "resource_drift", "deferred_changes", "output_changes"]);
        for (part, value) in parts.flat_map(|part| {
            let shapes = [
                json!(3),
                json!("x"),
                json!(null),
                json!([3, "x", null, [1]]),
                json!({ "a": 3, "values": [1], "root_module": 2 }),
            ];
            shapes.map(|shape| (*part, shape))
        }) {
            assert!(masked(json!({ part: value })).is_object());
        }
    }

    #[test]
    fn marks_of_another_shape_hide_all() {
        for marks in [json!({ "a": true }), json!([true])] {
            let mut value = json!("text");
            mask(&mut value, &marks);
            assert_eq!(value, MASK);
        }
        let mut value = json!({ "a": null, "b": 1 });
        mask(&mut value, &json!({ "a": true, "c": true }));
        assert_eq!(value, json!({ "a": null, "b": 1 }));
    }
}

//! Finds the facts in a `.tf.json` file (Terraform language, "JSON Configuration Syntax"): a block is an object by its labels, or
//! a list of such objects. JSON gives no places, so facts point at the beginning of the file.

use serde_json::Value;
use terrace_domain::expression::Span;

use super::extract::bool_in;
use super::facts::{At, BackendFact, FileFacts, ModuleFact, OutputFact, ProviderFact, VariableFact};
use super::json::Whole;

/// The facts of a `.tf.json` file's text.
pub(super) fn facts_of(text: &str) -> FileFacts {
    let root = match serde_json::from_str(text) {
        Ok(Whole(root)) => root,
        Err(error) => return FileFacts::unreadable(error.to_string(), Span::default()),
    };
    let mut facts = FileFacts::default();
    for (name, body) in labelled(&root, "variable") {
        facts.variables.push(VariableFact {
            name,
            type_constraint: text_of(body, "type"),
            has_default: body.get("default").is_some(),
            sensitive: boolean(body, "sensitive"),
            ephemeral: boolean(body, "ephemeral"),
            at: At::default(),
        });
    }
    for (name, body) in labelled(&root, "output") {
        let sensitive = boolean(body, "sensitive");
        facts.outputs.push(OutputFact { name, sensitive, at: At::default() });
    }
    facts.checks.extend(labelled(&root, "check").map(|(name, _)| name));
    for (name, body) in labelled(&root, "module") {
        let (source, version) = (text_of(body, "source"), text_of(body, "version"));
        facts.modules.push(ModuleFact { name, source, version, at: At::default() });
    }
    for (kind, resources) in labelled(&root, "resource") {
        let all = resources.as_object().into_iter().flatten();
        for (name, body) in all.flat_map(|(name, body)| bodies(Some(body)).map(move |body| (name, body))) {
            facts.resources.push(format!("{kind}.{name}"));
            if bodies(body.get("lifecycle")).any(|lifecycle| boolean(lifecycle, "prevent_destroy") == Some(true)) {
                facts.protected.push(format!("{kind}.{name}"));
            }
        }
    }
    for block in bodies(root.get("terraform")) {
        of_terraform(block, &mut facts);
    }
    facts
}

fn of_terraform(block: &Value, facts: &mut FileFacts) {
    facts.required_version.extend(text_of(block, "required_version"));
    facts.cloud |= block.get("cloud").is_some();
    let backend = labelled(block, "backend").next();
    facts.backend = backend.map(|(kind, _)| BackendFact { kind, at: At::default() }).or(facts.backend.take());
    for providers in bodies(block.get("required_providers")) {
        for (name, value) in providers.as_object().into_iter().flatten() {
            facts.providers.push(ProviderFact {
                name: name.clone(),
                source: text_of(value, "source"),
                version: text_of(value, "version").or_else(|| value.as_str().map(str::to_owned)),
            });
        }
    }
}

/// The blocks of a kind with one label: name and body.
fn labelled<'v>(parent: &'v Value, kind: &str) -> impl Iterator<Item = (String, &'v Value)> {
    bodies(parent.get(kind))
        .filter_map(Value::as_object)
        .flatten()
        .flat_map(|(name, body)| bodies(Some(body)).map(move |body| (name.clone(), body)))
}

/// A block's body, or each of a list of bodies.
fn bodies(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    match value {
        Some(Value::Array(items)) => items.as_slice(),
        Some(single) => std::slice::from_ref(single),
        None => &[],
    }
    .iter()
}

fn text_of(body: &Value, key: &str) -> Option<String> {
    body.get(key)?.as_str().map(str::to_owned)
}

fn boolean(body: &Value, key: &str) -> Option<bool> {
    let value = body.get(key)?;
    value.as_bool().or_else(|| bool_in(value.as_str()?))
}

#[cfg(test)]
mod tests {
    use super::facts_of;

    #[test]
    fn facts_are_found_in_objects_and_lists() {
        let facts = facts_of(
            r#"{
  "variable": {"a": {"type": "string"}, "b": [{"default": 1, "ephemeral": true}]},
  "module": [{"m": {"source": "./m"}}],
  "terraform": [{"backend": {"gcs": {}}, "required_providers": {"x": {"source": "n/x"}}}],
  "check": {"healthy": {"assert": [{"condition": "${true}", "error_message": "It is not."}]}},
  "output": {"o": {"value": "${var.a}", "sensitive": true}}
}"#,
        );
        let names: Vec<_> = facts.variables.iter().map(|v| (v.name.as_str(), v.has_default)).collect();
        assert_eq!(names, [("a", false), ("b", true)]);
        assert_eq!((facts.variables[0].ephemeral, facts.variables[1].ephemeral), (None, Some(true)));
        assert_eq!(facts.modules[0].source.as_deref(), Some("./m"));
        assert_eq!(facts.backend.as_ref().map(|backend| backend.kind.as_str()), Some("gcs"));
        assert_eq!(facts.outputs[0].sensitive, Some(true));
        assert_eq!(facts.checks, ["healthy"]);
        let twice = facts_of(r#"{"terraform": {"backend": {"s3": {}}}, "terraform": {"required_version": ">= 1"}}"#);
        assert!(twice.backend.is_some());
        assert!(facts_of("[1").unreadable.is_some());
        assert_eq!(facts_of("3"), super::FileFacts::default());
    }
}

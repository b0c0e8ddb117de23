//! What a plan would still change, attribute by attribute: for a plan that should be empty.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::PlanError;
use super::json::{NULL, has_mark};
use super::loss::path_in_words;
use super::read::{PlanSink, PlannedChange, PlannedResource};

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

/// Gathers what a plan would change, in its own sequence.
#[derive(Debug, Default)]
pub struct Differences {
    resources: Vec<Difference>,
    outputs: Vec<Difference>,
}

impl Differences {
    /// What would be changed: resources, then outputs.
    pub fn into_differences(self) -> Vec<Difference> {
        let Self { mut resources, outputs } = self;
        resources.extend(outputs);
        resources
    }
}

impl Difference {
    fn of(address: String, change: &PlannedChange, is_output: bool) -> Option<Self> {
        if change.is_nothing() {
            return None;
        }
        let (attributes, more) =
            // What is made new or goes differs in everything; that says nothing.
            if !change.before.is_null() && !change.after.is_null() || is_output {
                differing(change)
            } else {
                (Vec::new(), 0)
            };
        Some(Self { address, action: change.words(), attributes, more })
    }
}

impl PlanSink for Differences {
    fn resource(&mut self, resource: &PlannedResource) -> Result<(), PlanError> {
        self.resources.extend(Difference::of(resource.address.clone(), &resource.change, false));
        Ok(())
    }

    fn output(&mut self, name: &str, change: &PlannedChange) -> Result<(), PlanError> {
        self.outputs.extend(Difference::of(format!("output.{name}"), change, true));
        Ok(())
    }
}

/// The first attributes by which a value before differs from the one after, and how many more there are.
pub(super) fn differing(change: &PlannedChange) -> (Vec<AttributeDifference>, usize) {
    let both = Both {
        before: &change.before,
        after: &change.after,
        unknown: &change.after_unknown,
        hidden: [&change.before_sensitive, &change.after_sensitive],
    };
    let mut found = Found { attributes: Vec::new(), more: 0 };
    compare(&mut Vec::new(), both, &mut found);
    (found.attributes, found.more)
}

/// A value before and after, with what is not known of it, and what is not to be shown.
#[derive(Clone, Copy)]
struct Both<'a> {
    before: &'a Json,
    after: &'a Json,
    unknown: &'a Json,
    hidden: [&'a Json; 2],
}

impl<'a> Both<'a> {
    fn at(self, step: Step<'_>) -> Self {
        let below = |value: &'a Json| {
            let found = match step {
                Step::Name(name) => value.get(name),
                Step::Place(at) => value.get(at),
            };
            found.unwrap_or(&NULL)
        };
        Self {
            before: below(self.before),
            after: below(self.after),
            unknown: below(self.unknown),
            hidden: self.hidden.map(below),
        }
    }
}

#[derive(Clone, Copy)]
enum Step<'a> {
    Name(&'a str),
    Place(usize),
}

struct Found {
    attributes: Vec<AttributeDifference>,
    more: usize,
}

fn compare<'a>(path: &mut Vec<Step<'a>>, both: Both<'a>, found: &mut Found) {
    let is_unknown = *both.unknown == Json::Bool(true);
    // Names below what is sensitive as a whole may be sensitive, too.
    let is_whole = is_unknown || both.hidden.iter().any(|hidden| **hidden == Json::Bool(true));
    match (both.before, both.after) {
        (Json::Object(before), Json::Object(after)) if !is_whole => {
            let unknown = both.unknown.as_object();
            let names = before.keys().chain(after.keys()).chain(unknown.into_iter().flat_map(|all| all.keys()));
            for name in names.collect::<BTreeSet<_>>() {
                below(path, Step::Name(name), both, found);
            }
        }
        (Json::Array(before), Json::Array(after)) if !is_whole && before.len() == after.len() => {
            for at in 0..before.len() {
                below(path, Step::Place(at), both, found);
            }
        }
        (before, after) if is_unknown || before != after || has_mark(both.unknown) => told(path, both, found),
        _ => {}
    }
}

fn below<'a>(path: &mut Vec<Step<'a>>, step: Step<'a>, both: Both<'a>, found: &mut Found) {
    path.push(step);
    compare(path, both.at(step), found);
    path.pop();
}

/// Notes a difference. What holds anything sensitive, before or after, is not shown at all: what is sensitive now was no less so before.
fn told(path: &[Step<'_>], both: Both<'_>, found: &mut Found) {
    if found.attributes.len() == ATTRIBUTES_MAX {
        found.more += 1;
        return;
    }
    let is_hidden = both.hidden.iter().any(|hidden| has_mark(hidden));
    let shown = |value: &Json| if is_hidden { SENSITIVE.to_owned() } else { short(value) };
    let path: Vec<Json> = path
        .iter()
        .map(|step| match step {
            Step::Name(name) => (*name).into(),
            Step::Place(at) => (*at).into(),
        })
        .collect();
    found.attributes.push(AttributeDifference {
        path: path_in_words(&path),
        before: shown(both.before),
        after: match (both.unknown, both.after) {
            (Json::Bool(true), _) => UNKNOWN.to_owned(),
            (unknown, Json::Null) if has_mark(unknown) => UNKNOWN.to_owned(),
            (_, after) => shown(after),
        },
    });
}

fn short(value: &Json) -> String {
    let text = value.to_string();
    match text.char_indices().nth(VALUE_LENGTH_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::read_plan;
    use super::*;

    fn read(plan: &Json) -> Vec<Difference> {
        let mut differences = Differences::default();
        read_plan(plan.to_string().as_bytes(), &mut [&mut differences]).unwrap();
        differences.into_differences()
    }

    fn told(change: &Json) -> Vec<String> {
        let found =
            read(&json!({ "format_version": "1.2", "resource_changes": [{ "address": "a.b", "change": change }] }));
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
    fn what_is_sensitive_somewhere_inside_is_not_told_with_what_is_around_it() {
        let secret = |before: Json, after: Json, masks: [Json; 2]| {
            let found = told(&json!({ "actions": ["update"], "before": { "p": before }, "after": { "p": after },
                "before_sensitive": { "p": masks[0] }, "after_sensitive": { "p": masks[1] } }));
            assert!(!found.join(" ").contains("hunter"), "{found:?}");
            found.join(" ")
        };
        let hidden = "p: (sensitive) -> (sensitive)";
        let nothing = json!({});
        // A list of another length, an object that comes, goes or becomes a text, and a mark on one side alone.
        let list = secret(json!(["hunter2"]), json!(["hunter2", "b"]), [json!([true]), json!([true, false])]);
        assert_eq!(list, hidden);
        let comes = secret(json!(null), json!({ "k": "hunter2" }), [nothing.clone(), json!({ "k": true })]);
        assert_eq!(comes, hidden);
        let goes = secret(json!([{ "k": "hunter2" }]), json!([]), [json!([{ "k": true }]), json!([])]);
        assert_eq!(goes, hidden);
        let turned = secret(json!({ "k": "hunter2" }), json!("hunter3"), [json!({ "k": true }), json!(false)]);
        assert_eq!(turned, hidden);
        assert_eq!(secret(json!("hunter2"), json!("hunter3"), [json!(true), json!(false)]), hidden);
        assert_eq!(secret(json!("hunter2"), json!("hunter3"), [json!(false), json!(true)]), hidden);
        let inside = secret(
            json!({ "k": "hunter2", "n": 1 }),
            json!({ "k": "hunter3", "n": 2 }),
            [json!({ "k": true }), nothing],
        );
        assert_eq!(inside, "p.k: (sensitive) -> (sensitive) p.n: 1 -> 2");
    }

    #[test]
    fn much_is_told_in_part_and_the_rest_counted() {
        let object = |n: usize| Json::Object((0..30).map(|at| (format!("a{at:02}"), n.into())).collect());
        let plan = json!({ "format_version": "1.2", "resource_changes": [{ "address": "a.b",
            "change": { "actions": ["update"], "before": object(1), "after": object(2) } }] });
        let found = read(&plan);
        assert_eq!((found[0].attributes.len(), found[0].more), (ATTRIBUTES_MAX, 10));
        let long = "ü".repeat(VALUE_LENGTH_MAX);
        let found = told(&json!({ "actions": ["update"], "before": { "a": 1 }, "after": { "a": long } }));
        assert_eq!(found[0].chars().count(), "a: 1 -> ".len() + VALUE_LENGTH_MAX + 1, "{found:?}");
    }

    #[test]
    fn nothing_to_do_is_no_difference_and_what_is_made_is_named_alone() {
        assert!(told(&json!({ "actions": ["no-op"], "before": {}, "after": {} })).is_empty());
        let plan = json!({ "format_version": "1.0",
            "resource_changes": [{ "address": "a.b", "change": { "actions": ["create"], "before": null, "after": { "x": 1 } } }],
            "output_changes": { "o": { "actions": ["update"], "before": 1, "after": 2 } } });
        let found = read(&plan);
        assert_eq!((found[0].action.as_str(), found[0].attributes.len()), ("create", 0));
        assert_eq!((found[1].address.as_str(), found[1].attributes[0].after.as_str()), ("output.o", "2"));
    }
}

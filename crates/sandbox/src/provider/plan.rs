//! What a change would come to. Pure: reads no clock, no cloud, no socket.

use terrace_domain::value::Value;

use super::Region;
use crate::kind::rule::{change_complaint, complaint};
use crate::kind::{Attribute, Computation, Kind, Source};
use crate::protocol::object::{Object, get};

/// What a change would come to.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Planned {
    /// The resource afterwards.
    pub(super) state: Object,
    /// The attributes for which it must be replaced.
    pub(super) replaced_for: Vec<&'static str>,
}

/// Something is wrong with the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wrong {
    /// The attribute.
    pub(super) attribute: &'static str,
    /// What is wrong with it: "must not be empty".
    pub(super) why: String,
}

/// Everything that is wrong with a configuration by itself.
pub(super) fn validate(attributes: impl Iterator<Item = &'static Attribute>, config: &Object) -> Vec<Wrong> {
    attributes
        .filter(|attribute| attribute.is_configurable())
        .filter_map(|attribute| {
            Some(Wrong { attribute: attribute.name, why: complaint(attribute, get(config, attribute.name))? })
        })
        .collect()
}

/// Plans a creation.
pub(super) fn create(kind: &Kind, config: &Object, region: &Region) -> Result<Planned, Vec<Wrong>> {
    let state: Object = kind
        .attributes()
        .map(|attribute| (attribute.name, given(kind, attribute, config, region).unwrap_or(Value::Unknown)))
        .collect();
    let mut wrong = validate(kind.attributes(), &state);
    if kind.held_by.is_none() && get(config, "region") == &Value::Null && *region == Region::None {
        wrong.push(Wrong { attribute: "region", why: "must be given, here or to the provider".to_owned() });
    }
    if wrong.is_empty() { Ok(Planned { state, replaced_for: Vec::new() }) } else { Err(wrong) }
}

/// Plans a change of what exists.
pub(super) fn update(kind: &Kind, prior: &Object, config: &Object, region: &Region) -> Result<Planned, Vec<Wrong>> {
    let mut state = Object::new();
    for attribute in kind.attributes() {
        let before = get(prior, attribute.name);
        let value = given(kind, attribute, config, region).unwrap_or_else(|| before.clone());
        // A provider whose region is not known yet may well be where the resource is.
        let is_open = attribute.source == Source::Inferred && value == Value::Unknown;
        let is_asked = get(config, attribute.name) == &Value::Unknown;
        state.insert(attribute.name, if is_open && !is_asked { before.clone() } else { value });
    }
    for attribute in kind.attributes() {
        if let Source::Computed(Computation::RevisionOf(of)) = attribute.source
            && get(&state, of) != get(prior, of)
        {
            state.insert(attribute.name, Value::Unknown);
        }
    }
    let replaced_for: Vec<&'static str> = kind
        .attributes()
        .filter(|attribute| attribute.replaces && get(&state, attribute.name) != get(prior, attribute.name))
        .map(|attribute| attribute.name)
        .collect();
    let mut wrong = validate(kind.attributes(), &state);
    if replaced_for.is_empty() {
        wrong.extend(kind.attributes().filter_map(|attribute| {
            let why = change_complaint(attribute, get(prior, attribute.name), get(&state, attribute.name))?;
            Some(Wrong { attribute: attribute.name, why })
        }));
    }
    if wrong.is_empty() { Ok(Planned { state, replaced_for }) } else { Err(wrong) }
}

/// The value that configuration, defaults and the provider give an attribute; `None` where the cloud will.
fn given(kind: &Kind, attribute: &Attribute, config: &Object, region: &Region) -> Option<Value> {
    match (attribute.source, get(config, attribute.name)) {
        (Source::Computed(_), _) => None,
        (Source::Defaulted(default), Value::Null) => Some(Value::Bool(default)),
        (Source::Inferred, Value::Null) => match region {
            Region::Known(region) if kind.held_by.is_none() => Some(Value::String(region.clone())),
            Region::Unknown if kind.held_by.is_none() => Some(Value::Unknown),
            _ => None,
        },
        (_, value) => Some(value.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kind::{ResourceType, Rule, Type};
    use crate::protocol::object::from_json;

    fn kind(name: &str) -> &'static Kind {
        Kind::named(name).expect("a kind")
    }

    /// Reads an object from JSON, in which `"?"` is an unknown value.
    fn object(kind: &Kind, json: &str) -> Object {
        let mut object = from_json(json.as_bytes(), kind.attributes()).expect("JSON").expect("an object");
        for value in object.values_mut().filter(|value| **value == Value::String("?".to_owned())) {
            *value = Value::Unknown;
        }
        object
    }

    /// One line: what is known, what is not, and what forces replacement.
    fn words(planned: Result<Planned, Vec<Wrong>>) -> String {
        match planned {
            Ok(Planned { state, replaced_for }) => {
                let shown = |value: &Value| value.to_json().map_or_else(|| "?".to_owned(), |json| json.to_string());
                let parts = state.iter().filter(|(_, value)| **value != Value::Null);
                let parts: Vec<String> = parts.map(|(name, value)| format!("{name}={}", shown(value))).collect();
                let replaced =
                    if replaced_for.is_empty() { String::new() } else { format!(" !{}", replaced_for.join(",")) };
                parts.join(" ") + &replaced
            }
            Err(wrong) => {
                wrong.iter().map(|wrong| format!("{} {}", wrong.attribute, wrong.why)).collect::<Vec<_>>().join("; ")
            }
        }
    }

    #[track_caller]
    fn check_create(name: &str, region: &Region, config: &str, expected: &str) {
        let kind = kind(name);
        assert_eq!(words(create(kind, &object(kind, config), region)), expected);
    }

    #[track_caller]
    fn check_update(name: &str, region: &Region, prior: &str, config: &str, expected: &str) {
        let kind = kind(name);
        assert_eq!(words(update(kind, &object(kind, prior), &object(kind, config), region)), expected);
    }

    fn here() -> Region {
        Region::Known("here".to_owned())
    }

    #[test]
    fn creation_fills_in_defaults_and_leaves_the_rest_to_the_cloud() {
        let network = r#"{"name": "n", "cidr": "10.0.0.0/8"}"#;
        check_create("network", &here(), network, r#"cidr="10.0.0.0/8" id=? name="n" region="here""#);
        check_create("network", &Region::Unknown, network, r#"cidr="10.0.0.0/8" id=? name="n" region=?"#);
        check_create("network", &Region::None, network, "region must be given, here or to the provider");
        check_create(
            "network",
            &Region::None,
            r#"{"name": "?", "cidr": "?", "region": "there"}"#,
            r#"cidr=? id=? name=? region="there""#,
        );
        check_create("bucket", &here(), r#"{"name": "b"}"#, r#"id=? name="b" region="here" url=? versioning=false"#);
        // What another resource holds is where that is, wherever the provider is.
        check_create(
            "secret",
            &here(),
            r#"{"name": "s", "vault_id": "?", "value": "v"}"#,
            r#"id=? name="s" region=? value="v" vault_id=? version=?"#,
        );
        check_create(
            "network",
            &here(),
            r#"{"cidr": "x"}"#,
            "name must be given; cidr must be an IPv4 network like 10.0.0.0/16, and is `x`",
        );
    }

    #[test]
    fn a_change_in_place_keeps_what_the_cloud_gave() {
        let prior = r#"{"id": "i", "region": "here", "name": "s", "vault_id": "v", "value": "1", "version": 4}"#;
        let same = r#"{"name": "s", "vault_id": "v", "value": "1"}"#;
        check_update(
            "secret",
            &here(),
            prior,
            same,
            r#"id="i" name="s" region="here" value="1" vault_id="v" version=4"#,
        );
        let other = r#"{"name": "s", "vault_id": "v", "value": "2"}"#;
        check_update(
            "secret",
            &here(),
            prior,
            other,
            r#"id="i" name="s" region="here" value="2" vault_id="v" version=?"#,
        );
        let tagged = r#"{"name": "s", "vault_id": "v", "value": "1", "tags": {"a": "b"}}"#;
        let expected = r#"id="i" name="s" region="here" tags={"a":"b"} value="1" vault_id="v" version=4"#;
        check_update("secret", &here(), prior, tagged, expected);
    }

    #[test]
    fn a_default_comes_back_when_it_is_no_longer_overridden() {
        let prior = r#"{"id": "i", "region": "here", "name": "b", "url": "u", "versioning": true}"#;
        let expected = r#"id="i" name="b" region="here" url="u" versioning=false"#;
        check_update("bucket", &here(), prior, r#"{"name": "b"}"#, expected);
    }

    #[test]
    fn some_changes_replace() {
        let prior = r#"{"id": "i", "region": "here", "name": "n", "cidr": "10.0.0.0/8"}"#;
        let check = |region: &Region, config: &str, expected: &str| {
            check_update("network", region, prior, config, expected);
        };
        let same = r#"{"name": "n", "cidr": "10.0.0.0/8"}"#;
        let unchanged = r#"cidr="10.0.0.0/8" id="i" name="n" region="here""#;
        check(&here(), same, unchanged);
        check(&Region::Unknown, same, unchanged);
        check(&Region::None, same, unchanged);
        let moved = Region::Known("there".to_owned());
        check(&moved, same, r#"cidr="10.0.0.0/8" id="i" name="n" region="there" !region"#);
        check(&here(), r#"{"name": "m", "cidr": "?"}"#, r#"cidr=? id="i" name="m" region="here" !name,cidr"#);
    }

    #[test]
    fn what_only_grows_is_told_before_it_is_tried() {
        let prior = r#"{"id": "i", "region": "here", "name": "d", "network_id": "n", "engine": "e", "version": "1", "size_gb": 20,
            "deletion_protection": false}"#;
        let config = |engine: &str| {
            format!(r#"{{"name": "d", "network_id": "n", "engine": "{engine}", "version": "1", "size_gb": 10}}"#)
        };
        check_update(
            "database",
            &here(),
            prior,
            &config("e"),
            "size_gb can only grow in place: it is 20 and would become 10",
        );
        // A replacement begins anew.
        let expected = r#"deletion_protection=false engine="f" id="i" name="d" network_id="n" region="here" size_gb=10 version="1" !engine"#;
        check_update("database", &here(), prior, &config("f"), expected);
    }

    /// A configuration with a value for all that is required, and for all that is optional or nothing of it.
    fn sample(kind: &Kind, with_optional: bool) -> Object {
        let value = |attribute: &Attribute| match attribute.r#type {
            Type::Text if attribute.rules.contains(&Rule::Cidr) => Value::String("10.0.0.0/8".to_owned()),
            Type::Text => Value::String(attribute.name.to_owned()),
            Type::Number => Value::Number(5.into()),
            Type::Bool => Value::Bool(true),
            Type::Texts => Value::List(vec![Value::String("a".to_owned())]),
            Type::TextMap => Value::Object([("a".to_owned(), Value::String("b".to_owned()))].into()),
        };
        let given = kind.attributes().filter(|attribute| attribute.is_configurable());
        let given = given.filter(|attribute| with_optional || attribute.source == Source::Required);
        given.map(|attribute| (attribute.name, value(attribute))).collect()
    }

    #[test]
    fn a_plan_for_what_was_just_made_changes_nothing() {
        for (resource_type, with_optional) in ResourceType::all().flat_map(|each| [(each, false), (each, true)]) {
            let kind = resource_type.kind;
            let config = sample(kind, with_optional);
            let mut made = create(kind, &config, &here()).expect("planned").state;
            for (name, value) in made.iter_mut().filter(|(_, value)| **value == Value::Unknown) {
                *value = Value::String(format!("the cloud's {name}"));
            }
            let again = update(kind, &made, &config, &here()).expect("planned");
            assert_eq!(again, Planned { state: made, replaced_for: Vec::new() }, "{resource_type}");
        }
    }

    #[test]
    fn every_attribute_changes_in_place_or_replaces_as_the_table_says() {
        for (kind, attribute) in
            ResourceType::all().flat_map(|each| each.kind.attributes().map(move |a| (each.kind, a)))
        {
            if attribute.is_configurable() {
                let config = sample(kind, true);
                let mut made = create(kind, &config, &here()).expect("planned").state;
                // What is unknown differs from everything.
                made.insert(attribute.name, Value::Unknown);
                let planned = update(kind, &made, &config, &here()).expect("planned");
                let expected: &[&str] = if attribute.replaces { &[attribute.name] } else { &[] };
                assert_eq!(planned.replaced_for, expected, "{}.{}", kind.name, attribute.name);
            }
        }
    }
}

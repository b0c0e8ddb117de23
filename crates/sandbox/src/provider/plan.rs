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

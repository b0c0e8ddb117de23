//! Values that the cloud computes: ids, addresses, passwords, revisions.

use rusqlite::Transaction;
use terrace_domain::value::Value;

use super::CloudError;
use super::resource::{self, Place};
use crate::kind::{Computation, ResourceType, Source};
use crate::protocol::object::{self, Object};

/// Completes the desired attributes with what the cloud computes. What it once gave stays as it was.
pub(super) fn computed(
    tx: &Transaction<'_>,
    resource_type: ResourceType,
    id: &str,
    desired: &Object,
    place: &Place,
    old: Option<&Object>,
) -> Result<Object, CloudError> {
    let mut attributes = desired.clone();
    attributes.insert("region", Value::String(place.region.clone()));
    for attribute in resource_type.kind.attributes() {
        let Source::Computed(computation) = attribute.source else { continue };
        let before = old.map(|old| object::get(old, attribute.name));
        let value = match (computation, before) {
            (Computation::RevisionOf(of), before) => {
                let before = before.and_then(as_whole).unwrap_or(0);
                let same = old.is_some_and(|old| object::get(old, of) == object::get(desired, of));
                Value::Number((if same { before } else { before.saturating_add(1) }).into())
            }
            (_, Some(before)) => before.clone(),
            (Computation::Id, None) => Value::String(id.to_owned()),
            (Computation::Password, None) => Value::String(random(tx, 16)?),
            (Computation::Address(scheme), None) => {
                Value::String(format!("{scheme}{}", host(resource_type, id, desired, &place.region)))
            }
        };
        attributes.insert(attribute.name, value);
    }
    for value in attributes.values_mut().filter(|value| **value == Value::Unknown) {
        *value = Value::Null;
    }
    Ok(attributes)
}

fn as_whole(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64(),
        _ => None,
    }
}

/// How much of a name goes into a host name, in characters: a DNS label has at most 63, and an id's end is in it too.
const HOST_LABEL_LENGTH_MAX: usize = 40;

/// A host name below `.test`, which no resolver answers (RFC 6761, section 6.2).
fn host(resource_type: ResourceType, id: &str, desired: &Object, region: &str) -> String {
    let name = object::text(desired, resource_type.kind.label()).unwrap_or_default();
    let label: String = name
        .chars()
        .take(HOST_LABEL_LENGTH_MAX)
        .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' })
        .collect();
    let suffix = id.rsplit('-').next().unwrap_or(id);
    let kind = resource_type.kind.name.replace('_', "-");
    format!("{label}-{suffix}.{kind}.{region}.{}.sandbox.test", resource_type.vendor)
}

/// How often a new id is drawn: with 32 random bits, among a million resources, the second draw is free but once in 20 million.
const ID_DRAWS_MAX: usize = 8;

pub(super) fn new_id(tx: &Transaction<'_>, resource_type: ResourceType) -> Result<String, CloudError> {
    for _ in 0..ID_DRAWS_MAX {
        let id = resource_type.id_prefix() + &random(tx, 4)?;
        if resource::by_id(tx, &id)?.is_none() {
            return Ok(id);
        }
    }
    Err(CloudError::Invalid(format!("no free id for another {} was found", resource_type.kind.name)))
}

/// Random bytes in hexadecimal, out of `SQLite`'s generator, which the operating system seeds.
fn random(tx: &Transaction<'_>, bytes: i64) -> Result<String, CloudError> {
    Ok(tx.prepare_cached("SELECT lower(hex(randomblob(?1)))")?.query_row([bytes], |row| row.get(0))?)
}

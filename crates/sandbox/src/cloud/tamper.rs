//! Tampering: changing or deleting a resource behind Terraform's back, as a person at a cloud's console does. Owns how a resource
//! is addressed by people and how a text becomes a value. The cloud's rules hold here too, but for those about changes in place.

use rusqlite::Transaction;
use terrace_domain::value::Value;

use super::call::{self, Call};
use super::operate::{self, changed, deletable};
use super::resource::{self, Resource};
use super::{Cloud, CloudError, Operation, Outcome, TAMPER_IDENTITY};
use crate::kind::{Computation, Source, Type};
use crate::protocol::object::{self, ObjectError};

/// What tampering did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tampered {
    /// The id of the resource.
    pub id: String,
    /// What people call it.
    pub name: String,
}

impl Cloud {
    /// Changes an attribute of a resource. The target is an id, `KIND/NAME` or `CLOUD/KIND/NAME`; the text is the value itself, or
    /// JSON for a list, a map, or `null`. What cannot be changed in place can be changed so: as if someone had made it anew.
    ///
    /// Fails when the target is not one resource, when there is no such attribute, and when the cloud's rules do not allow it.
    pub fn tamper_set(&self, target: &str, attribute: &str, text: &str) -> Result<Tampered, CloudError> {
        self.store.write(|tx| {
            let old = one(tx, target)?;
            let resource_type = old.resource_type();
            let Some(attribute) = resource_type.kind.attribute(attribute) else {
                return Err(CloudError::Invalid(format!("a {} has no attribute `{attribute}`", old.kind)));
            };
            let is_fixed =
                attribute.source == Source::Computed(Computation::Id) || attribute.source == Source::Inferred;
            if is_fixed {
                return Err(CloudError::Invalid(format!("`{}` of a {} cannot be changed", attribute.name, old.kind)));
            }
            let mut desired = old.attributes.clone();
            desired.insert(attribute.name, parse(attribute, text)?);
            let new = changed(tx, resource_type, old, &desired)?;
            record(tx, Operation::Update, &new)?;
            Ok(Tampered { id: new.id, name: new.name })
        })
    }

    /// Deletes a resource. The target is as for [`Cloud::tamper_set`].
    ///
    /// Fails when the target is not one resource, and when the cloud does not allow it (it is in use, or protected).
    pub fn tamper_delete(&self, target: &str) -> Result<Tampered, CloudError> {
        self.store.write(|tx| {
            let old = one(tx, target)?;
            deletable(tx, old.resource_type(), &old.id)?;
            resource::delete(tx, &old.id)?;
            record(tx, Operation::Delete, &old)?;
            Ok(Tampered { id: old.id, name: old.name })
        })
    }
}

/// The one resource that a person means.
fn one(tx: &Transaction<'_>, target: &str) -> Result<Resource, CloudError> {
    if let Some(found) = resource::by_id(tx, target)? {
        return Ok(found);
    }
    let parts: Vec<&str> = target.splitn(3, '/').collect();
    let mut found = match parts.as_slice() {
        [vendor, kind, name] if crate::kind::Vendor::named(vendor).is_some() => named(tx, Some(vendor), kind, name)?,
        [kind, name @ ..] if !name.is_empty() => named(tx, None, kind, &name.join("/"))?,
        _ => Vec::new(),
    };
    match (found.pop(), found.len()) {
        (Some(resource), 0) => Ok(resource),
        (None, _) => Err(CloudError::Invalid(format!("there is no resource `{target}`: give an id or KIND/NAME"))),
        (Some(last), _) => {
            let ids: Vec<String> = found.into_iter().chain([last]).map(|resource| resource.id).collect();
            Err(CloudError::Invalid(format!("`{target}` is more than one resource: {}", ids.join(", "))))
        }
    }
}

fn named(tx: &Transaction<'_>, vendor: Option<&str>, kind: &str, name: &str) -> Result<Vec<Resource>, CloudError> {
    let kind = kind.replace('-', "_");
    let all = resource::select(tx, "kind = ?1 AND (?2 IS NULL OR vendor = ?2)", &[&kind, &vendor])?;
    Ok(all.into_iter().filter(|resource| resource.name == name).collect())
}

fn parse(attribute: &'static crate::kind::Attribute, text: &str) -> Result<Value, CloudError> {
    let wrong = |error: &ObjectError| CloudError::Invalid(error.to_string());
    let json = match attribute.r#type {
        Type::Text if text != "null" => serde_json::Value::String(text.to_owned()),
        _ => serde_json::from_str(text).map_err(|_| {
            wrong(&ObjectError::WrongType { attribute: attribute.name, expected: attribute.r#type.words() })
        })?,
    };
    let entries = serde_json::Map::from_iter([(attribute.name.to_owned(), json)]);
    let mut read = object::from_json_entries(entries, std::iter::once(attribute)).map_err(|error| wrong(&error))?;
    Ok(read.remove(attribute.name).unwrap_or(Value::Null))
}

fn record(tx: &Transaction<'_>, operation: Operation, resource: &Resource) -> Result<(), CloudError> {
    call::record(
        tx,
        &Call {
            at: operate::now(),
            identity: TAMPER_IDENTITY.to_owned(),
            operation,
            vendor: Some(resource.vendor),
            kind: resource.kind.to_owned(),
            name: resource.name.clone(),
            id: resource.id.clone(),
            outcome: Outcome::Done,
            duration_ms: 0,
        },
    )
}

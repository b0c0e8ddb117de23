//! What Terraform does to the cloud: creating, reading, changing and deleting resources. Owns what may be changed and deleted.
//! Never waits; see [`Admission`] for how long the caller has to.

use std::time::Duration;

use jiff::Timestamp;
use rusqlite::Transaction;
use terrace_domain::value::Value;

use super::compute::{computed, new_id};
use super::place::{invalid, place};
use super::refusal::{Reason, Refusal};
use super::resource::{self, Resource};
use super::{Cloud, CloudError, Effect, Operation, fault, region, settings};
use crate::kind::rule::change_complaint;
use crate::kind::{ResourceType, Rule};
use crate::protocol::object::{self, Object};

/// A call, before anything is known about it but what the caller says.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// Who calls.
    pub(crate) identity: String,
    /// What is to be done.
    pub(crate) operation: Operation,
    /// To what.
    pub(crate) resource_type: ResourceType,
    /// What people call it; empty when that is not known.
    pub(crate) name: String,
    /// Its id; empty when it has none yet.
    pub(crate) id: String,
    /// Where it is, as far as the caller knows.
    pub(crate) region: Option<String>,
}

/// The cloud took a call in: how long to wait before it is done, and what goes wrong with it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Admission {
    /// How long the cloud works on it.
    pub(crate) takes: Duration,
    /// The fault that hits it.
    pub(crate) effect: Option<Effect>,
}

/// Whether the caller still waits for the answer.
pub(crate) type StillThere<'a> = &'a dyn Fn() -> bool;

impl Cloud {
    /// Takes a call in: refuses it when its region is lost, and uses up a fault that matches it.
    pub(crate) fn admit(&self, request: &Request) -> Result<Admission, CloudError> {
        let (takes, is_hit) = self.store.read(|tx| {
            if let Some(region) = &request.region {
                region::refuse_lost(tx, request.resource_type.vendor, region)?;
            }
            let takes = request.resource_type.kind.duration(request.operation);
            Ok((settings::scaled(tx, takes)?, fault::is_hit(tx, request)?))
        })?;
        let effect = if is_hit { self.store.write(|tx| fault::take(tx, request))? } else { None };
        Ok(Admission { takes, effect })
    }

    /// Whether a resource could be created now: a real cloud says most of its refusals at once, not after minutes.
    pub(crate) fn check_create(&self, resource_type: ResourceType, desired: &Object) -> Result<(), CloudError> {
        self.store.read(|tx| place(tx, resource_type, desired, None).map(drop))
    }

    /// Creates a resource.
    pub(crate) fn create(
        &self,
        resource_type: ResourceType,
        desired: &Object,
        still_there: StillThere<'_>,
    ) -> Result<Resource, CloudError> {
        self.store.write(|tx| {
            let place = place(tx, resource_type, desired, None)?;
            let id = new_id(tx, resource_type)?;
            let attributes = computed(tx, resource_type, &id, desired, &place, None)?;
            let resource = Resource {
                id,
                vendor: resource_type.vendor,
                kind: resource_type.kind.name,
                name: object::text(&attributes, resource_type.kind.label()).unwrap_or_default().to_owned(),
                region: place.region.clone(),
                holder: place.holder.clone(),
                created_at: now(),
                attributes,
            };
            resource::insert(tx, &resource, &place)?;
            if still_there() { Ok(resource) } else { Err(CloudError::Abandoned) }
        })
    }

    /// The resource with that id, if there is one of that type.
    pub(crate) fn get(&self, resource_type: ResourceType, id: &str) -> Result<Option<Resource>, CloudError> {
        self.store.read(|tx| of_type(tx, resource_type, id))
    }

    /// The resource with that id, for an import: of this type, and in this region, if one is given.
    pub(crate) fn importable(
        &self,
        resource_type: ResourceType,
        id: &str,
        region: Option<&str>,
    ) -> Result<Resource, CloudError> {
        let refuse = |reason, message| Refusal::new(resource_type.vendor, reason, message).into();
        let found = self.store.read(|tx| resource::by_id(tx, id))?.ok_or_else(|| not_found(resource_type, id))?;
        if (found.vendor, found.kind) != (resource_type.vendor, resource_type.kind.name) {
            let other = found.resource_type();
            return Err(refuse(Reason::Invalid, format!("'{id}' is a {other}, and no {resource_type}")));
        }
        match region {
            Some(region) if region != found.region => Err(refuse(
                Reason::NotFound,
                format!(
                    "the {} '{id}' is in {}, and not in {region}; `{id}@{}` imports it",
                    found.kind, found.region, found.region
                ),
            )),
            _ => Ok(found),
        }
    }

    /// The one resource of that name, in that region or in any.
    pub(crate) fn find(
        &self,
        resource_type: ResourceType,
        name: &str,
        region: Option<&str>,
    ) -> Result<Resource, CloudError> {
        // A kind that is found by its name is named by one attribute, so the column holds just that.
        let found = self.store.read(|tx| {
            resource::select(
                tx,
                "vendor = ?1 AND kind = ?2 AND name = ?3 AND (?4 IS NULL OR region = ?4)",
                &[&resource_type.vendor.as_str(), &resource_type.kind.name, &name, &region],
            )
        })?;
        let kind = resource_type.kind.name;
        let place = region.map_or_else(|| "any region".to_owned(), |region| format!("the region {region}"));
        let refuse = |reason, message| Err(Refusal::new(resource_type.vendor, reason, message).into());
        match <[Resource; 1]>::try_from(found) {
            Ok([resource]) => Ok(resource),
            Err(none) if none.is_empty() => refuse(Reason::NotFound, format!("there is no {kind} '{name}' in {place}")),
            Err(several) => {
                let ids: Vec<&str> = several.iter().map(|resource| resource.id.as_str()).collect();
                refuse(
                    Reason::Invalid,
                    format!("there is more than one {kind} '{name}' in {place}: {}", ids.join(", ")),
                )
            }
        }
    }

    /// Changes a resource in place to the desired attributes.
    pub(crate) fn update(
        &self,
        resource_type: ResourceType,
        id: &str,
        desired: &Object,
        still_there: StillThere<'_>,
    ) -> Result<Resource, CloudError> {
        self.store.write(|tx| {
            let old = of_type(tx, resource_type, id)?.ok_or_else(|| not_found(resource_type, id))?;
            check_change(resource_type, &old.attributes, desired)?;
            let new = changed(tx, resource_type, old, desired)?;
            if still_there() { Ok(new) } else { Err(CloudError::Abandoned) }
        })
    }

    /// Whether a resource could be deleted now.
    pub(crate) fn check_delete(&self, resource_type: ResourceType, id: &str) -> Result<(), CloudError> {
        self.store.read(|tx| deletable(tx, resource_type, id).map(drop))
    }

    /// Deletes a resource. One that is gone already is as good as deleted.
    pub(crate) fn delete(
        &self,
        resource_type: ResourceType,
        id: &str,
        still_there: StillThere<'_>,
    ) -> Result<(), CloudError> {
        self.store.write(|tx| {
            if deletable(tx, resource_type, id)? {
                resource::delete(tx, id)?;
            }
            if still_there() { Ok(()) } else { Err(CloudError::Abandoned) }
        })
    }
}

/// The time, to the millisecond that the cloud keeps.
pub(super) fn now() -> Timestamp {
    Timestamp::from_millisecond(Timestamp::now().as_millisecond())
        .expect("a time in range is in range by the millisecond")
}

fn of_type(tx: &Transaction<'_>, resource_type: ResourceType, id: &str) -> Result<Option<Resource>, CloudError> {
    let found = resource::by_id(tx, id)?;
    Ok(found.filter(|found| found.vendor == resource_type.vendor && found.kind == resource_type.kind.name))
}

fn not_found(resource_type: ResourceType, id: &str) -> CloudError {
    let message = format!("the {} '{id}' does not exist", resource_type.kind.name);
    Refusal::new(resource_type.vendor, Reason::NotFound, message).into()
}

/// Whether there is something to delete; refuses what must not be deleted.
pub(super) fn deletable(tx: &Transaction<'_>, resource_type: ResourceType, id: &str) -> Result<bool, CloudError> {
    let Some(found) = of_type(tx, resource_type, id)? else { return Ok(false) };
    let kind = resource_type.kind.name;
    let protection = resource_type.kind.attributes().find(|attribute| attribute.rules.contains(&Rule::Protects));
    if let Some(protection) = protection
        && object::get(&found.attributes, protection.name) == &Value::Bool(true)
    {
        let message = format!("the {kind} '{id}' cannot be deleted while {} is true", protection.name);
        return Err(Refusal::new(resource_type.vendor, Reason::Protected, message).into());
    }
    if let Some(user) = resource::user_of(tx, id)? {
        let message = format!("the {kind} '{id}' is in use by the {} '{}' ({})", user.kind, user.id, user.name);
        return Err(Refusal::new(resource_type.vendor, Reason::InUse, message).into());
    }
    Ok(true)
}

/// Refuses a change that cannot be made in place.
fn check_change(resource_type: ResourceType, old: &Object, desired: &Object) -> Result<(), CloudError> {
    for attribute in resource_type.kind.attributes().filter(|attribute| attribute.is_configurable()) {
        let (old, new) = (object::get(old, attribute.name), object::get(desired, attribute.name));
        let wrong = if attribute.replaces && *new != Value::Unknown && old != new {
            Some("cannot be changed in place".to_owned())
        } else {
            change_complaint(attribute, old, new)
        };
        if let Some(wrong) = wrong {
            return Err(invalid(resource_type, attribute, &wrong).into());
        }
    }
    Ok(())
}

/// Writes a resource with other attributes. The rules for values and references hold; those for changes in place do not.
pub(super) fn changed(
    tx: &Transaction<'_>,
    resource_type: ResourceType,
    old: Resource,
    desired: &Object,
) -> Result<Resource, CloudError> {
    let place = place(tx, resource_type, desired, Some(&old.id))?;
    let attributes = computed(tx, resource_type, &old.id, desired, &place, Some(&old.attributes))?;
    let name = object::text(&attributes, resource_type.kind.label()).unwrap_or_default().to_owned();
    let new = Resource { name, region: place.region.clone(), holder: place.holder.clone(), attributes, ..old };
    resource::update(tx, &new, &place)?;
    Ok(new)
}

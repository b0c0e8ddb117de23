//! What Terraform does to the cloud: creating, reading, changing and deleting resources. Owns the cloud's rules about what else
//! must exist, and how computed values come about. Never waits; see [`Admission`] for how long the caller has to.

use std::time::Duration;

use ipnet::Ipv4Net;
use jiff::Timestamp;
use rusqlite::Transaction;
use terrace_domain::value::Value;

use super::refusal::{Reason, Refusal};
use super::resource::{self, Place, Resource};
use super::{Cloud, CloudError, Effect, Operation, fault, region, settings};
use crate::kind::rule::{change_complaint, cidr, complaint};
use crate::kind::{Attribute, Computation, ResourceType, Rule, Scope, Source};
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

    /// The one resource of that name, in that region or in any.
    pub(crate) fn find(
        &self,
        resource_type: ResourceType,
        name: &str,
        region: Option<&str>,
    ) -> Result<Resource, CloudError> {
        let found = self.store.read(|tx| {
            let all = resource::select(
                tx,
                "vendor = ?1 AND kind = ?2 AND (?3 IS NULL OR region = ?3)",
                &[&resource_type.vendor.as_str(), &resource_type.kind.name, &region],
            )?;
            Ok(all.into_iter().filter(|resource| resource.name == name).collect::<Vec<_>>())
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
                    Reason::Conflict,
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

fn invalid(resource_type: ResourceType, attribute: &Attribute, wrong: &str) -> Refusal {
    Refusal::new(resource_type.vendor, Reason::Invalid, format!("{} {wrong}", attribute.name)).at(attribute.name)
}

/// Holds the desired attributes against the cloud's rules and finds the resource's place. `own` is the resource itself, when it
/// exists already.
fn place(
    tx: &Transaction<'_>,
    resource_type: ResourceType,
    desired: &Object,
    own: Option<&str>,
) -> Result<Place, CloudError> {
    for attribute in resource_type.kind.attributes().filter(|attribute| attribute.is_configurable()) {
        if let Some(wrong) = complaint(attribute, object::get(desired, attribute.name)) {
            return Err(invalid(resource_type, attribute, &wrong).into());
        }
    }
    check_references(tx, resource_type, desired)?;
    let holder = match resource_type.kind.held_by {
        Some(attribute) => resource::by_id(tx, object::text(desired, attribute).unwrap_or_default())?,
        None => None,
    };
    let region = region_of(resource_type, desired, holder.as_ref())?;
    region::refuse_lost(tx, resource_type.vendor, &region)?;
    if let Some(holder) = &holder {
        check_cidr(tx, resource_type, desired, holder, own)?;
    }
    let named_by = resource_type.kind.named_by.iter();
    let place = Place {
        scope: match resource_type.kind.scope {
            Scope::Cloud => String::new(),
            Scope::Region => region.clone(),
            Scope::Holder => holder.as_ref().map(|holder| holder.id.clone()).unwrap_or_default(),
        },
        // A control character, which names do not have, keeps ("a", "b/c") apart from ("a/b", "c").
        name: named_by.map(|name| object::text(desired, name).unwrap_or_default()).collect::<Vec<_>>().join("\u{1f}"),
        holder: holder.map(|holder| holder.id),
        region,
    };
    match resource::id_of_name(tx, resource_type, &place)? {
        Some(other) if Some(other.as_str()) != own => Err(exists(resource_type, desired, &other).into()),
        _ => Ok(place),
    }
}

fn exists(resource_type: ResourceType, desired: &Object, other: &str) -> Refusal {
    let label = resource_type.kind.label();
    let name = object::text(desired, label).unwrap_or_default();
    let message = format!("a {} named '{name}' exists already: '{other}'", resource_type.kind.name);
    Refusal::new(resource_type.vendor, Reason::Exists, message).at(label)
}

fn check_references(tx: &Transaction<'_>, resource_type: ResourceType, desired: &Object) -> Result<(), CloudError> {
    for (attribute, kind, id) in resource::references(resource_type, desired) {
        let found = resource::by_id(tx, id)?;
        if !found.is_some_and(|found| found.vendor == resource_type.vendor && found.kind == kind) {
            let message = format!("the {kind} '{id}' does not exist");
            return Err(Refusal::new(resource_type.vendor, Reason::NotFound, message).at(attribute).into());
        }
    }
    Ok(())
}

/// A resource is where its holder is; one without a holder is where it was asked for.
fn region_of(resource_type: ResourceType, desired: &Object, holder: Option<&Resource>) -> Result<String, Refusal> {
    let refuse = |message| Err(Refusal::new(resource_type.vendor, Reason::Invalid, message).at("region"));
    match (object::text(desired, "region"), holder) {
        (Some(wanted), Some(holder)) if wanted != holder.region => refuse(format!(
            "region is {wanted}, but the {} '{}' that holds this {} is in {}",
            holder.kind, holder.id, resource_type.kind.name, holder.region
        )),
        (_, Some(holder)) => Ok(holder.region.clone()),
        (Some(wanted), None) => Ok(wanted.to_owned()),
        (None, None) => refuse("region is needed: give it here or to the provider".to_owned()),
    }
}

fn check_cidr(
    tx: &Transaction<'_>,
    resource_type: ResourceType,
    desired: &Object,
    holder: &Resource,
    own: Option<&str>,
) -> Result<(), CloudError> {
    let kind = resource_type.kind;
    let Some(attribute) = kind.attributes().find(|attribute| attribute.rules.contains(&Rule::CidrInHolder)) else {
        return Ok(());
    };
    let net = |attributes: &Object| -> Option<Ipv4Net> { cidr(object::text(attributes, attribute.name)?).ok() };
    let Some(wanted) = net(desired) else { return Ok(()) };
    let refuse = |message| Err(Refusal::new(resource_type.vendor, Reason::Conflict, message).at(attribute.name).into());
    match net(&holder.attributes) {
        Some(outer) if !outer.contains(&wanted) => {
            return refuse(format!("{wanted} is not inside {outer} of the {} '{}'", holder.kind, holder.id));
        }
        _ => {}
    }
    let siblings = resource::select(tx, "holder = ?1 AND kind = ?2", &[&holder.id, &kind.name])?;
    for sibling in siblings.iter().filter(|sibling| Some(sibling.id.as_str()) != own) {
        if let Some(other) = net(&sibling.attributes)
            && (other.contains(&wanted) || wanted.contains(&other))
        {
            return refuse(format!("{wanted} overlaps {other} of the {} '{}'", kind.name, sibling.id));
        }
    }
    Ok(())
}

/// Completes the desired attributes with what the cloud computes. What it once gave stays as it was.
fn computed(
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

fn new_id(tx: &Transaction<'_>, resource_type: ResourceType) -> Result<String, CloudError> {
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

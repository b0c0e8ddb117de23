//! Where a resource stands among the others. Owns the rules about what else must exist and what must not: references, regions,
//! address ranges, names.

use ipnet::Ipv4Net;
use rusqlite::Transaction;

use super::CloudError;
use super::refusal::{Reason, Refusal};
use super::region;
use super::resource::{self, Place, Resource};
use crate::kind::rule::{cidr, complaint};
use crate::kind::{Attribute, ResourceType, Rule, Scope};
use crate::protocol::object::{self, Object};

/// Holds the desired attributes against the cloud's rules and finds the resource's place. `own` is the resource itself, when it
/// exists already.
pub(super) fn place(
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

pub(super) fn invalid(resource_type: ResourceType, attribute: &Attribute, wrong: &str) -> Refusal {
    Refusal::new(resource_type.vendor, Reason::Invalid, format!("{} {wrong}", attribute.name)).at(attribute.name)
}

//! Rows of resources and of the references between them. Owns reading and writing them. Never decides whether it may be.

use jiff::Timestamp;
use rusqlite::{OptionalExtension as _, Row, Transaction, params};
use terrace_domain::value::Value;

use super::{CloudError, StoreError};
use crate::kind::{Kind, ResourceType, Vendor};
use crate::protocol::object::{self, Object};

/// A resource that exists.
#[derive(Debug, Clone, PartialEq)]
pub struct Resource {
    /// Its id, as in `aws-network-7f3a9c21`.
    pub id: String,
    /// Its cloud.
    pub vendor: Vendor,
    /// Its kind, as in `network`.
    pub kind: &'static str,
    /// What people call it.
    pub name: String,
    /// Where it is.
    pub region: String,
    /// The id of what holds it.
    pub holder: Option<String>,
    /// When it came into existence.
    pub created_at: Timestamp,
    /// Its attributes; among them secrets.
    pub(crate) attributes: Object,
}

impl Resource {
    /// Its resource type.
    pub(crate) fn resource_type(&self) -> ResourceType {
        ResourceType { vendor: self.vendor, kind: kind(self.kind).expect("a resource's kind is in the table") }
    }
}

fn kind(name: &str) -> Result<&'static Kind, StoreError> {
    Kind::named(name).ok_or_else(|| StoreError::Damaged(format!("there is no kind `{name}`")))
}

const COLUMNS: &str = "id, vendor, kind, region, holder, attributes, created_at";

/// The columns of a row, before they are checked.
type Raw = (String, String, String, String, Option<String>, String, i64);

fn raw(row: &Row<'_>) -> rusqlite::Result<Raw> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?, row.get(6)?))
}

fn read(raw: Raw) -> Result<Resource, StoreError> {
    let (id, vendor, kind_name, region, holder, attributes, created_at) = raw;
    let damaged = |what: &str| StoreError::Damaged(format!("{what} of {id} cannot be read"));
    let kind = kind(&kind_name)?;
    let attributes = object::from_json(attributes.as_bytes(), kind.attributes())
        .ok()
        .flatten()
        .ok_or_else(|| damaged("an attribute"))?;
    Ok(Resource {
        vendor: Vendor::named(&vendor).ok_or_else(|| damaged("the cloud"))?,
        kind: kind.name,
        name: object::text(&attributes, kind.label()).unwrap_or_default().to_owned(),
        region,
        holder,
        created_at: Timestamp::from_millisecond(created_at).map_err(|_| damaged("the time"))?,
        attributes,
        id,
    })
}

/// The resource with that id.
pub(super) fn by_id(tx: &Transaction<'_>, id: &str) -> Result<Option<Resource>, CloudError> {
    let mut statement = tx.prepare_cached(&format!("SELECT {COLUMNS} FROM resource WHERE id = ?1"))?;
    Ok(statement.query_row([id], raw).optional()?.map(read).transpose()?)
}

/// All resources, or those that a condition takes, in the order of their ids.
pub(super) fn select(
    tx: &Transaction<'_>,
    condition: &str,
    parameters: &[&dyn rusqlite::ToSql],
) -> Result<Vec<Resource>, CloudError> {
    let mut statement =
        tx.prepare_cached(&format!("SELECT {COLUMNS} FROM resource WHERE {condition} ORDER BY vendor, kind, id"))?;
    let rows = statement.query_map(parameters, raw)?;
    rows.map(|row| Ok(read(row?)?)).collect()
}

/// Where a resource stands among the others.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) region: String,
    pub(super) holder: Option<String>,
    /// Within what its name is unique.
    pub(super) scope: String,
    /// Its name there.
    pub(super) name: String,
}

/// Writes a new resource.
pub(super) fn insert(tx: &Transaction<'_>, resource: &Resource, place: &Place) -> Result<(), CloudError> {
    tx.prepare_cached(
        "INSERT INTO resource (id, vendor, kind, region, holder, scope, name, attributes, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?
    .execute(params![
        resource.id,
        resource.vendor.as_str(),
        resource.kind,
        place.region,
        place.holder,
        place.scope,
        place.name,
        json(&resource.attributes),
        resource.created_at.as_millisecond(),
    ])?;
    refer(tx, resource)
}

/// Writes a resource's attributes and place anew.
pub(super) fn update(tx: &Transaction<'_>, resource: &Resource, place: &Place) -> Result<(), CloudError> {
    tx.prepare_cached(
        "UPDATE resource SET region = ?2, holder = ?3, scope = ?4, name = ?5, attributes = ?6 WHERE id = ?1",
    )?
    .execute(params![
        resource.id,
        place.region,
        place.holder,
        place.scope,
        place.name,
        json(&resource.attributes)
    ])?;
    tx.prepare_cached("DELETE FROM reference WHERE from_id = ?1")?.execute([&resource.id])?;
    refer(tx, resource)
}

/// Removes a resource and its references.
pub(super) fn delete(tx: &Transaction<'_>, id: &str) -> Result<(), CloudError> {
    tx.prepare_cached("DELETE FROM reference WHERE from_id = ?1")?.execute([id])?;
    tx.prepare_cached("DELETE FROM resource WHERE id = ?1")?.execute([id])?;
    Ok(())
}

fn json(attributes: &Object) -> String {
    serde_json::Value::Object(object::to_json(attributes)).to_string()
}

fn refer(tx: &Transaction<'_>, resource: &Resource) -> Result<(), CloudError> {
    let mut statement =
        tx.prepare_cached("INSERT OR IGNORE INTO reference (from_id, attribute, to_id) VALUES (?1, ?2, ?3)")?;
    for (attribute, _, to) in references(resource.resource_type(), &resource.attributes) {
        statement.execute(params![resource.id, attribute, to])?;
    }
    Ok(())
}

/// What attributes refer to: the attribute, the kind and the id.
pub(super) fn references(
    resource_type: ResourceType,
    attributes: &Object,
) -> impl Iterator<Item = (&'static str, &'static str, &str)> {
    resource_type.kind.attributes().filter_map(|attribute| Some((attribute, attribute.refers_to?))).flat_map(
        move |(attribute, kind)| {
            let items = match object::get(attributes, attribute.name) {
                Value::List(items) => items.as_slice(),
                single => std::slice::from_ref(single),
            };
            items.iter().filter_map(move |item| match item {
                Value::String(id) => Some((attribute.name, kind, id.as_str())),
                _ => None,
            })
        },
    )
}

/// A resource that refers to that id, if there is one.
pub(super) fn user_of(tx: &Transaction<'_>, id: &str) -> Result<Option<Resource>, CloudError> {
    let mut statement = tx.prepare_cached("SELECT from_id FROM reference WHERE to_id = ?1 ORDER BY from_id LIMIT 1")?;
    let from: Option<String> = statement.query_row([id], |row| row.get(0)).optional()?;
    match from {
        Some(from) => by_id(tx, &from),
        None => Ok(None),
    }
}

/// The id of the resource with that name, if there is one.
pub(super) fn id_of_name(
    tx: &Transaction<'_>,
    resource_type: ResourceType,
    place: &Place,
) -> Result<Option<String>, CloudError> {
    let mut statement =
        tx.prepare_cached("SELECT id FROM resource WHERE vendor = ?1 AND kind = ?2 AND scope = ?3 AND name = ?4")?;
    let parameters = params![resource_type.vendor.as_str(), resource_type.kind.name, place.scope, place.name];
    Ok(statement.query_row(parameters, |row| row.get(0)).optional()?)
}

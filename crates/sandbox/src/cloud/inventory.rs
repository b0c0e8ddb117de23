//! What exists, as a tree: cloud, region, and resources in what holds them. Owns the tree and its JSON. Secrets are never in it.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::resource::{self, Resource};
use super::{Cloud, CloudError, region};
use crate::kind::Vendor;
use crate::protocol::object;

/// What exists in both clouds.
#[derive(Debug, Clone, PartialEq)]
pub struct Inventory {
    /// The clouds that have anything, in the order of [`Vendor::ALL`].
    pub clouds: Vec<CloudInventory>,
    /// The regions that are lost.
    pub lost_regions: Vec<String>,
}

/// What exists in one cloud.
#[derive(Debug, Clone, PartialEq)]
pub struct CloudInventory {
    /// The cloud.
    pub vendor: Vendor,
    /// Its regions that have anything, in the order of their names.
    pub regions: Vec<RegionInventory>,
}

/// What exists in a region.
#[derive(Debug, Clone, PartialEq)]
pub struct RegionInventory {
    /// The region.
    pub region: String,
    /// What nothing else holds.
    pub resources: Vec<Contained>,
}

/// A resource and what it holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Contained {
    /// The resource.
    pub resource: Resource,
    /// Its attributes that may be shown, as JSON; null ones are left out.
    pub attributes: serde_json::Map<String, serde_json::Value>,
    /// What it holds, by kind and name.
    pub holds: Vec<Contained>,
}

impl Inventory {
    /// How many resources there are.
    pub fn count(&self) -> usize {
        fn count(all: &[Contained]) -> usize {
            all.iter().map(|contained| 1 + count(&contained.holds)).sum()
        }
        self.clouds.iter().flat_map(|cloud| &cloud.regions).map(|region| count(&region.resources)).sum()
    }
}

impl Cloud {
    /// What exists.
    pub fn inventory(&self) -> Result<Inventory, CloudError> {
        let (resources, lost_regions) =
            self.store.read(|tx| Ok((resource::select(tx, "TRUE", &[])?, region::lost(tx)?)))?;
        Ok(Inventory { clouds: tree(resources), lost_regions })
    }
}

fn tree(resources: Vec<Resource>) -> Vec<CloudInventory> {
    let ids: BTreeSet<String> = resources.iter().map(|resource| resource.id.clone()).collect();
    let mut held: BTreeMap<String, Vec<Resource>> = BTreeMap::new();
    let mut tops: BTreeMap<(Vendor, String), Vec<Resource>> = BTreeMap::new();
    for resource in resources {
        match resource.holder.clone().filter(|holder| ids.contains(holder)) {
            Some(holder) => held.entry(holder).or_default().push(resource),
            None => tops.entry((resource.vendor, resource.region.clone())).or_default().push(resource),
        }
    }
    let mut clouds: Vec<CloudInventory> = Vec::new();
    for ((vendor, region), resources) in tops {
        let region = RegionInventory { region, resources: contained(resources, &mut held) };
        match clouds.last_mut() {
            Some(cloud) if cloud.vendor == vendor => cloud.regions.push(region),
            _ => clouds.push(CloudInventory { vendor, regions: vec![region] }),
        }
    }
    clouds
}

/// Puts resources in order, each with what it holds. The kinds hold each other four deep at most.
fn contained(mut resources: Vec<Resource>, held: &mut BTreeMap<String, Vec<Resource>>) -> Vec<Contained> {
    resources.sort_by(|a, b| (a.kind, &a.name, &a.id).cmp(&(b.kind, &b.name, &b.id)));
    let with_held = |resource: Resource| {
        let inside = held.remove(&resource.id).unwrap_or_default();
        Contained { attributes: shown(&resource), holds: contained(inside, held), resource }
    };
    resources.into_iter().map(with_held).collect()
}

fn shown(resource: &Resource) -> serde_json::Map<String, serde_json::Value> {
    let mut attributes = object::to_json(&resource.attributes);
    for attribute in resource.resource_type().kind.attributes().filter(|attribute| attribute.sensitive) {
        attributes.remove(attribute.name);
    }
    attributes
}

/// What exists, as JSON. Fields are added, never changed.
#[derive(Debug, Clone, Serialize)]
pub struct InventoryWire {
    /// The clouds.
    pub clouds: Vec<CloudWire>,
    /// The regions that are lost.
    pub lost_regions: Vec<String>,
}

/// A cloud as JSON.
#[derive(Debug, Clone, Serialize)]
pub struct CloudWire {
    /// Its name.
    pub cloud: &'static str,
    /// Its regions.
    pub regions: Vec<RegionWire>,
}

/// A region as JSON.
#[derive(Debug, Clone, Serialize)]
pub struct RegionWire {
    /// Its name.
    pub region: String,
    /// What nothing else holds.
    pub resources: Vec<ResourceWire>,
}

/// A resource as JSON.
#[derive(Debug, Clone, Serialize)]
pub struct ResourceWire {
    /// As in [`Resource`].
    pub id: String,
    /// As in [`Resource`].
    pub kind: &'static str,
    /// As in [`Resource`].
    pub name: String,
    /// RFC 3339.
    pub created_at: String,
    /// As in [`Contained`].
    pub attributes: serde_json::Map<String, serde_json::Value>,
    /// What it holds.
    pub holds: Vec<ResourceWire>,
}

impl From<&Inventory> for InventoryWire {
    fn from(inventory: &Inventory) -> Self {
        let region = |region: &RegionInventory| RegionWire {
            region: region.region.clone(),
            resources: region.resources.iter().map(ResourceWire::from).collect(),
        };
        let cloud = |cloud: &CloudInventory| CloudWire {
            cloud: cloud.vendor.as_str(),
            regions: cloud.regions.iter().map(region).collect(),
        };
        Self { clouds: inventory.clouds.iter().map(cloud).collect(), lost_regions: inventory.lost_regions.clone() }
    }
}

impl From<&Contained> for ResourceWire {
    fn from(contained: &Contained) -> Self {
        Self {
            id: contained.resource.id.clone(),
            kind: contained.resource.kind,
            name: contained.resource.name.clone(),
            created_at: contained.resource.created_at.to_string(),
            attributes: contained.attributes.clone(),
            holds: contained.holds.iter().map(Self::from).collect(),
        }
    }
}

//! What has to be imported to make a lost state again, read from a copy of it: each instance's address, and the id by which its provider finds
//! the object. Decides what can be imported and what a refusal is about. Never reads more of a state than that.

mod blame;
mod id;
mod outcome;

pub use blame::{Blame, blame};
pub use id::Obstacle;
pub use outcome::{Difference, ImportPlan};

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value as Json};

use super::address::{self, Key};
use super::facts::{StateError, StateFacts, damage};

/// What a state holds, as an import sees it. Data sources are left out: they are read anew.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ImportList {
    /// What can be imported, in order of the addresses.
    pub importable: Vec<Importable>,
    /// What cannot.
    pub not_importable: Vec<NotImportable>,
}

/// An instance that can be imported.
#[derive(Debug, Clone, PartialEq)]
pub struct Importable {
    /// Its address, as Terraform writes it.
    pub address: String,
    /// The type of the resource.
    pub kind: String,
    /// The provider's source address.
    pub provider: String,
    /// By what its provider finds the object.
    pub by: ImportBy,
    /// The resources that it depended on, directly or through others, as the code calls them: addresses without keys.
    pub depends_on: BTreeSet<String>,
}

/// By what a provider finds an object. At least one of both is there.
#[derive(Debug, Clone, PartialEq)]
pub struct ImportBy {
    /// The import id.
    pub id: Option<String>,
    /// The identity (since Terraform 1.12), where the state holds one.
    pub identity: Option<Map<String, Json>>,
}

/// An instance that cannot be imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotImportable {
    /// Its address.
    pub address: String,
    /// Why.
    pub why: Obstacle,
}

#[derive(Deserialize)]
struct File<'a> {
    #[serde(borrow, default)]
    resources: Vec<Resource<'a>>,
}

#[derive(Deserialize)]
struct Resource<'a> {
    #[serde(borrow)]
    module: Option<Cow<'a, str>>,
    #[serde(borrow)]
    mode: Cow<'a, str>,
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow, default)]
    provider: Cow<'a, str>,
    #[serde(borrow, default)]
    instances: Vec<Instance<'a>>,
}

#[derive(Deserialize)]
struct Instance<'a> {
    #[serde(borrow)]
    index_key: Option<Key<'a>>,
    deposed: Option<IgnoredAny>,
    #[serde(default)]
    attributes: Option<Map<String, Json>>,
    #[serde(default)]
    identity: Option<Map<String, Json>>,
    #[serde(borrow, default)]
    dependencies: Vec<Cow<'a, str>>,
}

impl ImportList {
    /// Reads it from a state.
    ///
    /// # Errors
    /// When this is no state, as [`StateFacts::read`] says.
    pub fn read(state: &[u8]) -> Result<Self, StateError> {
        // What is a state is decided in one place.
        StateFacts::read(state)?;
        let file: File<'_> = serde_json::from_slice(state).map_err(|error| damage(&error))?;
        let mut list = Self::default();
        for resource in file.resources.iter().filter(|resource| resource.mode == "managed") {
            list.add(resource);
        }
        list.importable.sort_by(|a, b| a.address.cmp(&b.address));
        list.not_importable.sort_by(|a, b| a.address.cmp(&b.address));
        Ok(list)
    }

    fn add(&mut self, resource: &Resource<'_>) {
        let base = address::of_resource(resource.module.as_deref(), &resource.kind, &resource.name);
        for instance in &resource.instances {
            let address = address::of_instance(&base, instance.index_key.as_ref());
            match by(&resource.kind, instance) {
                Ok(by) => self.importable.push(Importable {
                    address,
                    kind: resource.kind.as_ref().to_owned(),
                    provider: provider(&resource.provider).to_owned(),
                    by,
                    depends_on: instance.dependencies.iter().map(|one| address::without_keys(one)).collect(),
                }),
                Err(why) => self.not_importable.push(NotImportable { address, why }),
            }
        }
    }

    /// The addresses of all that it holds.
    pub fn addresses(&self) -> impl Iterator<Item = &str> {
        let importable = self.importable.iter().map(|one| one.address.as_str());
        importable.chain(self.not_importable.iter().map(|one| one.address.as_str()))
    }

    /// Whether the state held nothing that is managed.
    pub fn is_empty(&self) -> bool {
        self.importable.is_empty() && self.not_importable.is_empty()
    }

    /// How many instances it holds.
    pub fn len(&self) -> usize {
        self.importable.len() + self.not_importable.len()
    }

    /// What is left to import where a part is in a state already, as an import that was cut off leaves it.
    ///
    /// # Errors
    /// With the first address of the part that is not here, or is another object here: then the state is not of an earlier import.
    pub fn without(mut self, present: &Self) -> Result<Self, String> {
        if let Some(odd) = present.not_importable.first() {
            return Err(odd.address.clone());
        }
        let mut known: BTreeMap<_, _> = self.importable.into_iter().map(|one| (one.address.clone(), one)).collect();
        for there in &present.importable {
            match known.remove(&there.address) {
                Some(here) if here.kind == there.kind && here.by.is_same(&there.by) => {}
                _ => return Err(there.address.clone()),
            }
        }
        self.importable = known.into_values().collect();
        Ok(self)
    }
}

impl Importable {
    /// The resource, as the code calls it: without keys.
    pub fn resource(&self) -> String {
        address::without_keys(&self.address)
    }

    /// The module that it is in, by the names of its calls (`network.subnets`; empty for the root), and the resource's name there.
    pub fn module_and_name(&self) -> (String, String) {
        let resource = self.resource();
        let parts: Vec<&str> = resource.split('.').collect();
        let calls = parts[..parts.len().saturating_sub(2)].chunks(2).filter_map(|call| call.get(1).copied());
        (calls.collect::<Vec<_>>().join("."), parts.last().copied().unwrap_or_default().to_owned())
    }
}

/// Of these, what can be imported without the rest of its resource and of what it depends on coming along, where the instances with the
/// addresses `missing` are not there: none of what it depends on has one of them.
pub fn apart_from<'a, 'm>(list: &'a [Importable], missing: impl Iterator<Item = &'m str>) -> Vec<&'a Importable> {
    let missing: BTreeSet<String> = missing.map(address::without_keys).collect();
    list.iter().filter(|one| one.depends_on.is_disjoint(&missing)).collect()
}

impl ImportBy {
    /// Whether both name the same object, by what both have.
    fn is_same(&self, other: &Self) -> bool {
        match ((&self.id, &other.id), (&self.identity, &other.identity)) {
            ((Some(own), Some(others)), _) => own == others,
            (_, (Some(own), Some(others))) => own == others,
            _ => false,
        }
    }
}

fn by(kind: &str, instance: &Instance<'_>) -> Result<ImportBy, Obstacle> {
    if instance.deposed.is_some() {
        return Err(Obstacle::Deposed);
    }
    let nothing = Map::new();
    let attributes = instance.attributes.as_ref().unwrap_or(&nothing);
    let identity = instance.identity.clone().filter(|identity| !identity.is_empty());
    match id::import_id(kind, attributes) {
        Ok(id) => Ok(ImportBy { id: Some(id), identity }),
        Err(Obstacle::NoId | Obstacle::Missing(_)) if identity.is_some() => Ok(ImportBy { id: None, identity }),
        Err(why) => Err(why),
    }
}

/// The source address in what a state says of a provider: `provider["registry.terraform.io/hashicorp/aws"].alias`.
fn provider(text: &str) -> &str {
    text.split_once("[\"").and_then(|(_, rest)| rest.split_once("\"]")).map_or(text, |(source, _)| source)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(resources: &str) -> Vec<u8> {
        format!(r#"{{"version":4,"serial":1,"lineage":"l","resources":[{resources}]}}"#).into_bytes()
    }

    fn resource(kind: &str, instances: &str) -> String {
        format!(
            r#"{{"mode":"managed","type":"{kind}","name":"x","provider":"provider[\"registry.terraform.io/hashicorp/aws\"].west","instances":[{instances}]}}"#
        )
    }

    fn in_words(list: &ImportList) -> Vec<String> {
        let importable = list.importable.iter().map(|one| format!("{} {:?}", one.address, one.by.id));
        let not = list.not_importable.iter().map(|one| format!("{}: {}", one.address, one.why));
        importable.chain(not).collect()
    }

    #[test]
    fn the_fixture_is_listed_by_its_addresses() {
        let list = ImportList::read(include_bytes!("fixtures/state.json")).unwrap();
        let facts = StateFacts::read(include_bytes!("fixtures/state.json")).unwrap();
        let mut addresses: Vec<_> = list.importable.iter().map(|one| &one.address).collect();
        addresses.extend(list.not_importable.iter().filter(|one| one.why != Obstacle::Deposed).map(|one| &one.address));
        addresses.sort();
        assert_eq!(addresses, facts.resources.iter().collect::<Vec<_>>(), "the same as the facts tell");
        assert!(list.not_importable.iter().any(|one| one.why == Obstacle::Deposed), "a deposed object is told");
        assert!(list.len() > facts.resources.len() && !list.is_empty());
    }

    #[test]
    fn data_sources_are_left_out_and_keys_are_kept() {
        let data = r#"{"mode":"data","type":"aws_vpc","name":"d","instances":[{"attributes":{"id":"vpc-1"}}]}"#;
        let counted = resource(
            "aws_vpc",
            r#"{"index_key":1,"attributes":{"id":"vpc-2"}},{"index_key":"a\"${b}","attributes":{"id":"vpc-3"}}"#,
        );
        let list = ImportList::read(&state(&format!("{data},{counted}"))).unwrap();
        assert_eq!(in_words(&list), [r#"aws_vpc.x["a\"$${b}"] Some("vpc-3")"#, r#"aws_vpc.x[1] Some("vpc-2")"#]);
        assert_eq!(list.importable[0].provider, "registry.terraform.io/hashicorp/aws");
    }

    #[test]
    fn an_identity_serves_where_there_is_no_id() {
        let list =
            ImportList::read(&state(&resource("aws_thing", r#"{"attributes":{"name":"n"},"identity":{"arn":"a"}}"#)));
        let by = &list.unwrap().importable[0].by;
        assert_eq!((&by.id, by.identity.as_ref().unwrap()["arn"].as_str()), (&None, Some("a")));
        let list = ImportList::read(&state(&resource("aws_thing", r#"{"attributes":{"name":"n"}}"#))).unwrap();
        assert_eq!(in_words(&list), ["aws_thing.x: it has no id"]);
    }

    #[test]
    fn what_an_earlier_import_left_is_taken_off() {
        let both = r#"{"index_key":0,"attributes":{"id":"vpc-1"}},{"index_key":1,"attributes":{"id":"vpc-2"}}"#;
        let list = |instances: &str| ImportList::read(&state(&resource("aws_vpc", instances))).unwrap();
        let left = list(both).without(&list(r#"{"index_key":0,"attributes":{"id":"vpc-1"}}"#)).unwrap();
        assert_eq!(in_words(&left), [r#"aws_vpc.x[1] Some("vpc-2")"#]);
        let other = list(r#"{"index_key":0,"attributes":{"id":"vpc-9"}}"#);
        assert_eq!(list(both).without(&other), Err("aws_vpc.x[0]".to_owned()), "another object");
        let more = list(r#"{"index_key":7,"attributes":{"id":"vpc-1"}}"#);
        assert_eq!(list(both).without(&more), Err("aws_vpc.x[7]".to_owned()));
    }

    #[test]
    fn what_depends_on_something_that_is_missing_is_set_apart() {
        let counted = resource(
            "aws_subnet",
            r#"{"index_key":0,"attributes":{"id":"s-0"},"dependencies":["aws_vpc.x","module.m.aws_zone.y"]},
               {"index_key":1,"attributes":{"id":"s-1"},"dependencies":["aws_vpc.x"]}"#,
        );
        let list = ImportList::read(&state(&counted)).unwrap().importable;
        let left = |missing: &[&'static str]| {
            apart_from(&list, missing.iter().copied()).into_iter().map(|one| one.address.clone()).collect::<Vec<_>>()
        };
        assert_eq!(left(&[]), ["aws_subnet.x[0]", "aws_subnet.x[1]"]);
        assert_eq!(left(&[r#"module.m["k"].aws_zone.y[3]"#]), ["aws_subnet.x[1]"]);
        assert_eq!(left(&["aws_vpc.x"]), [""; 0]);
        assert_eq!(list[0].resource(), "aws_subnet.x");
        assert_eq!(list[0].module_and_name(), (String::new(), "x".to_owned()));
        let inner =
            Importable { address: r#"module.a["k.l"].module.b[0].aws_vpc.y["z"]"#.to_owned(), ..list[0].clone() };
        assert_eq!(inner.module_and_name(), ("a.b".to_owned(), "y".to_owned()));
    }

    #[test]
    fn what_is_no_state_is_refused() {
        assert_eq!(ImportList::read(b""), Err(StateError::Empty));
        assert_eq!(ImportList::read(b"{}"), Err(StateError::NoState("version")));
        let strange =
            ImportList::read(&state(r#"{"mode":"managed","type":"a","name":"b","instances":[{"attributes":7}]}"#));
        assert!(matches!(strange, Err(StateError::Damaged { .. })), "{strange:?}");
    }
}

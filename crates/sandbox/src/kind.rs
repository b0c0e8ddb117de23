//! What kinds of resources the sandbox has: one description a kind, from which schema, references, replacement, uniqueness and
//! checks all come. Owns the descriptions. Never looks at what exists.

mod attribute;
pub(crate) mod rule;
mod table;

use std::fmt;
use std::time::Duration;

pub(crate) use attribute::{Attribute, Computation, Rule, Source, Type};

/// One of the two simulated clouds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Vendor {
    /// Speaks as AWS does.
    Aws,
    /// Speaks as Google Cloud does.
    Google,
}

impl Vendor {
    /// Both clouds, in the order in which they are shown.
    pub const ALL: [Self; 2] = [Self::Aws, Self::Google];

    /// The cloud's name, as in resource types and ids.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Aws => "aws",
            Self::Google => "google",
        }
    }

    /// The cloud of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|vendor| vendor.as_str() == name)
    }
}

impl fmt::Display for Vendor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Within what a resource's name is unique.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// The whole cloud.
    Cloud,
    /// The region.
    Region,
    /// The resource that holds it.
    Holder,
}

/// The description of a kind of resource.
#[derive(Debug)]
pub(crate) struct Kind {
    /// As in `sandbox_aws_{name}`.
    pub(crate) name: &'static str,
    /// One sentence for the schema.
    pub(crate) doc: &'static str,
    /// Its own attributes; [`Kind::attributes`] adds those that all kinds have.
    pub(crate) own: &'static [Attribute],
    /// The attributes that together name it; the first is what people call it by.
    pub(crate) named_by: &'static [&'static str],
    /// The attribute that refers to what holds it: it takes its region from there.
    pub(crate) held_by: Option<&'static str>,
    /// Within what the name is unique.
    pub(crate) scope: Scope,
    /// How long its creation takes at latency 1, in seconds: roughly what the real thing takes.
    pub(crate) creation_secs: u64,
    /// Whether there is a data source that finds it by its name.
    pub(crate) found_by_name: bool,
}

impl Kind {
    /// The kind of that name.
    pub(crate) fn named(name: &str) -> Option<&'static Self> {
        table::KINDS.iter().find(|kind| kind.name == name)
    }

    /// All attributes, the common ones first.
    pub(crate) fn attributes(&self) -> impl Iterator<Item = &'static Attribute> {
        table::COMMON.iter().chain(self.own)
    }

    /// The attribute of that name.
    pub(crate) fn attribute(&self, name: &str) -> Option<&'static Attribute> {
        self.attributes().find(|attribute| attribute.name == name)
    }

    /// The attribute that people call a resource of this kind by.
    pub(crate) fn label(&self) -> &'static str {
        self.named_by[0]
    }

    /// How long an operation takes at latency 1. Changes and deletions are quicker than creations, as they are in real clouds.
    pub(crate) fn duration(&self, operation: crate::cloud::Operation) -> Duration {
        use crate::cloud::Operation;
        let creation = Duration::from_secs(self.creation_secs);
        match operation {
            Operation::Create => creation,
            Operation::Update => creation / 3,
            Operation::Delete => creation / 2,
            _ => Duration::ZERO,
        }
    }
}

/// A kind in one of the clouds: what Terraform knows as a resource type.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ResourceType {
    /// The cloud.
    pub(crate) vendor: Vendor,
    /// The kind.
    pub(crate) kind: &'static Kind,
}

impl ResourceType {
    /// Every resource type.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        Vendor::ALL.into_iter().flat_map(|vendor| table::KINDS.iter().map(move |kind| Self { vendor, kind }))
    }

    /// The resource type with that name in Terraform.
    pub(crate) fn named(type_name: &str) -> Option<Self> {
        let (vendor, kind) = type_name.strip_prefix("sandbox_")?.split_once('_')?;
        Some(Self { vendor: Vendor::named(vendor)?, kind: Kind::named(kind)? })
    }

    /// What an id of this type begins with: `aws-node-group-`.
    pub(crate) fn id_prefix(self) -> String {
        format!("{}-{}-", self.vendor, self.kind.name.replace('_', "-"))
    }
}

impl fmt::Display for ResourceType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sandbox_{}_{}", self.vendor, self.kind.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_is_found_by_its_name() {
        for resource_type in ResourceType::all() {
            let found = ResourceType::named(&resource_type.to_string()).expect("found");
            assert_eq!((found.vendor, found.kind.name), (resource_type.vendor, resource_type.kind.name));
        }
        for unknown in ["sandbox_aws_", "sandbox_aws_moon", "sandbox_azure_network", "aws_network", ""] {
            assert!(ResourceType::named(unknown).is_none(), "{unknown}");
        }
    }

    #[test]
    fn the_table_refers_only_to_itself() {
        for kind in table::KINDS {
            for name in kind.named_by.iter().chain(&kind.held_by) {
                assert!(kind.attribute(name).is_some(), "{}.{name}", kind.name);
            }
            if let Some(holder) = kind.held_by {
                assert!(kind.attribute(holder).expect("checked").refers_to.is_some(), "{}.{holder}", kind.name);
            }
            assert_eq!(kind.scope == Scope::Holder, kind.held_by.is_some(), "{}", kind.name);
            assert!(!kind.found_by_name || kind.named_by.len() == 1, "{}", kind.name);
            let mut seen = std::collections::BTreeSet::new();
            for attribute in kind.attributes() {
                assert!(seen.insert(attribute.name), "{}.{} twice", kind.name, attribute.name);
                if let Some(kind) = attribute.refers_to {
                    assert!(Kind::named(kind).is_some(), "{kind}");
                }
            }
        }
    }
}

//! Clouds: which one a provider or a resource type is of, and where several serve one capability.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::{CapabilityMap, StackCode};
use crate::estate::{Capability, Stack};
use crate::name::StackName;

/// A cloud, by a name that people use.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cloud(String);

/// A capability that several clouds serve.
#[derive(Debug)]
pub struct Spread<'a> {
    /// The capability.
    pub capability: &'a Capability,
    /// Its stacks on each cloud; a stack on two of them is there twice.
    pub clouds: BTreeMap<Cloud, Vec<&'a StackName>>,
}

/// The clouds whose providers go by another name, or by several. A provider that is not here is a cloud by its own name if it is among
/// [`OTHERS`]. The names are those of the providers' repositories; a resource's type begins with its provider's name (Terraform language,
/// "Resources": the first word of the type).
const ALIASES: [(&str, &str); 9] = [
    ("aws", "aws"),
    ("awscc", "aws"),
    ("google", "google"),
    ("google-beta", "google"),
    ("azurerm", "azure"),
    ("azuread", "azure"),
    ("azapi", "azure"),
    ("azurestack", "azure"),
    ("oci", "oracle"),
];
/// Other providers of clouds: places where things run. Providers of tools (`random`, `tls`, `kubernetes`, `helm`) are none.
const OTHERS: [&str; 17] = [
    "alicloud",
    "civo",
    "cloudflare",
    "digitalocean",
    "exoscale",
    "hcloud",
    "huaweicloud",
    "ibm",
    "linode",
    "nutanix",
    "openstack",
    "ovh",
    "scaleway",
    "tencentcloud",
    "upcloud",
    "vsphere",
    "vultr",
];
/// What types of the simulated cloud begin with, before the cloud that they are like.
const SANDBOX: &str = "sandbox_";

impl Cloud {
    /// The cloud of a provider, by its name without where it comes from; `None` where it is of none.
    pub fn of_provider(name: &str) -> Option<Self> {
        let alias = ALIASES.iter().find(|(provider, _)| *provider == name).map(|(_, cloud)| *cloud);
        alias.or_else(|| OTHERS.into_iter().find(|other| *other == name)).map(|cloud| Self(cloud.to_owned()))
    }

    /// The cloud of a resource's type.
    pub fn of_type(kind: &str) -> Option<Self> {
        let first = |text: &str| text.split('_').next().unwrap_or_default().to_owned();
        match kind.strip_prefix(SANDBOX) {
            Some(rest) => Self::of_provider(&first(rest)).map(|cloud| Self(format!("sandbox {cloud}"))),
            None => Self::of_provider(&first(kind)),
        }
    }

    /// Its name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The type without what says that it is of this cloud: `node_group` of `sandbox_aws_node_group`.
    pub fn plain_type<'t>(&self, kind: &'t str) -> &'t str {
        let rest = kind.strip_prefix(SANDBOX).unwrap_or(kind);
        rest.split_once('_').map_or(rest, |(_, rest)| rest)
    }
}

impl fmt::Display for Cloud {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl StackCode {
    fn clouds(&self) -> impl Iterator<Item = Cloud> {
        let providers = self.providers.iter().filter_map(|name| Cloud::of_provider(name));
        providers.chain(self.declared.keys().filter_map(|kind| Cloud::of_type(kind)))
    }
}

impl<'a> CapabilityMap<'a> {
    /// The clouds that a stack is on: those of the resources that were delivered; where that is not known, those of its code, in which a module
    /// may well declare more than its caller makes of it.
    pub fn clouds_of(&self, stack: &Stack) -> BTreeSet<Cloud> {
        let recorded = self.known.instances.get(&stack.name).into_iter().flat_map(BTreeMap::values);
        let kinds = recorded.flat_map(|recorded| recorded.types.keys());
        let delivered: BTreeSet<Cloud> = kinds.filter_map(|kind| Cloud::of_type(kind)).collect();
        if !delivered.is_empty() {
            return delivered;
        }
        self.code(&stack.name).into_iter().flat_map(StackCode::clouds).collect()
    }

    /// The capabilities whose own stacks are on more than one cloud, in order of name.
    pub fn spreads(&self) -> Vec<Spread<'a>> {
        let spread = |capability: &'a Capability| {
            let mut clouds: BTreeMap<Cloud, Vec<&StackName>> = BTreeMap::new();
            for stack in self.serving(capability.name.as_str()) {
                for cloud in self.clouds_of(stack) {
                    clouds.entry(cloud).or_default().push(&stack.name);
                }
            }
            Spread { capability, clouds }
        };
        self.estate.capabilities.values().map(spread).filter(|spread| spread.clouds.len() > 1).collect()
    }
}

//! The facts of a plan: what it does to each resource and output, and why. Owns their types; no value that Terraform calls sensitive is in them.

use std::collections::BTreeSet;
use std::io::Read;

use super::gather::FactsGatherer;
use super::read::read_plan;
use super::{AttributeDifference, PlanError, ResourceTypes};

/// What a plan does, as far as anybody has to know it to judge the plan.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PlanFacts {
    /// The version of the format, `1.x`.
    pub format_version: String,
    /// The Terraform that made it; empty where it does not say.
    pub terraform_version: String,
    /// The managed resources that it changes, moves, imports or forgets, by address.
    pub resources: Vec<ResourceChange>,
    /// How many managed resources it leaves as they are.
    pub unchanged: usize,
    /// What was changed behind Terraform's back, by address.
    pub drift: Vec<ResourceChange>,
    /// The outputs that it changes, by name.
    pub outputs: Vec<OutputChange>,
    /// How many data sources are read while it is applied.
    pub reads: usize,
    /// Whether Terraform met an error while it made it: it is not whole.
    pub errored: bool,
    /// Whether applying it is all that there is to do; `false` where Terraform deferred some of it or was told to plan only a part.
    pub complete: bool,
}

/// What is done to a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceChange {
    /// Its address, with the modules and the key: `module.a["x"].aws_vpc.main[0]`.
    pub address: String,
    /// Its address before, where it is moved.
    pub previous_address: Option<String>,
    /// Its type: `aws_vpc`.
    pub resource_type: String,
    /// Its name in the code, without module and key.
    pub name: String,
    /// The provider's address: `registry.terraform.io/hashicorp/aws`; empty where the plan does not say.
    pub provider: String,
    /// The key of a deposed object: what a replacement left over.
    pub deposed: Option<String>,
    /// What is done.
    pub action: Action,
    /// Why, in Terraform's word: `replace_because_cannot_update`.
    pub reason: Option<String>,
    /// The id of the object that is imported.
    pub importing: Option<String>,
    /// The attributes that change; none where the whole object comes or goes.
    pub attributes: Vec<AttributeDifference>,
    /// How many more do.
    pub more: usize,
    /// The attributes that force a replacement.
    pub because: Vec<String>,
    /// How many of its attributes are known only after the apply.
    pub unknowns: usize,
    /// What is known of its type.
    pub traits: Traits,
    /// Whether its code says `prevent_destroy`, or said so in what runs.
    pub is_protected: bool,
}

/// What a plan does to a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Nothing is changed in the object itself: it is moved, or imported as it is.
    Keep,
    /// It is made.
    Create,
    /// It is changed in place.
    Update,
    /// It leaves the state and stays in the cloud.
    Forget,
    /// Another takes its place.
    Replace {
        /// Whether the new one is made before the old one goes.
        creates_first: bool,
    },
    /// It is destroyed.
    Delete,
}

/// What is known of a type of resources.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Traits {
    /// Whether such a resource holds data that cannot be made again from code.
    pub is_stateful: bool,
    /// Whether its loss cannot be undone within reasonable time, not even with a copy of its data: a key that encrypts, a name that others may
    /// take, an identity that cannot be had again.
    pub is_irreversible: bool,
}

/// What is done to an output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputChange {
    /// Its name.
    pub name: String,
    /// What is done: it comes ([`Action::Create`]), changes ([`Action::Update`]) or goes ([`Action::Delete`]).
    pub action: Action,
    /// Whether its value is known only after the apply: it may turn out to be the old one.
    pub is_unknown: bool,
    /// Whether its value is sensitive.
    pub is_sensitive: bool,
}

impl Action {
    /// The action in a word, stable for JSON and policies.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Create => "create",
            Self::Update => "update",
            Self::Forget => "forget",
            Self::Replace { .. } => "replace",
            Self::Delete => "delete",
        }
    }

    /// Whether the object that was there is gone afterwards.
    pub fn takes_away(self) -> bool {
        matches!(self, Self::Replace { .. } | Self::Delete)
    }
}

impl PlanFacts {
    /// Reads them from Terraform's plan representation, one change at a time. `protected`: the resources, as `TYPE.NAME`, that have
    /// `prevent_destroy` in the code that is planned or in the code that runs.
    pub fn read(reader: impl Read, types: &ResourceTypes, protected: &BTreeSet<String>) -> Result<Self, PlanError> {
        let mut gatherer = FactsGatherer::new(types, protected);
        read_plan(reader, &mut [&mut gatherer])?;
        Ok(gatherer.into_facts())
    }

    /// Whether applying it changes nothing: no resource and no output.
    pub fn is_empty(&self) -> bool {
        self.resources.is_empty() && self.outputs.is_empty()
    }
}

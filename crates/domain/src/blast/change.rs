//! What plans do themselves: the innermost ring. Owns which changes count as touching a resource.

use std::collections::{BTreeMap, BTreeSet};

use crate::name::{CapabilityName, StackName};
use crate::plan::{Action, OutputChange, PlanFacts, ResourceChange, Traits};

/// How many resources there are of each action.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Made.
    pub create: u64,
    /// Changed in place.
    pub update: u64,
    /// Replaced by another.
    pub replace: u64,
    /// Destroyed.
    pub delete: u64,
    /// Left to themselves: they leave the state and stay in the cloud.
    pub forget: u64,
    /// Moved or imported as they are.
    pub keep: u64,
}

/// What is done to a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Touched {
    /// Its address.
    pub address: String,
    /// Its type.
    pub resource_type: String,
    /// The key of a deposed object.
    pub deposed: Option<String>,
    /// What is done.
    pub action: Action,
    /// What is known of its type.
    pub traits: Traits,
    /// Whether its code says, or said, that it must not be destroyed.
    pub is_protected: bool,
    /// The attributes that force a replacement.
    pub because: Vec<String>,
}

/// An output that changes, and who reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputReaders {
    /// What is done.
    pub change: OutputChange,
    /// The stacks that read it.
    pub readers: BTreeSet<StackName>,
}

/// What one plan does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changed {
    /// The capability that the stack serves.
    pub capability: Option<CapabilityName>,
    /// Whose it is.
    pub owner: Option<String>,
    /// How many resources of each action.
    pub counts: Counts,
    /// The changes, the gravest first, then by address.
    pub resources: Vec<Touched>,
    /// The outputs that change, by name.
    pub outputs: BTreeMap<String, OutputReaders>,
    /// How many resources that exist are touched: changed, replaced, destroyed or forgotten.
    pub touched: u64,
    /// How many resources the stack has, as far as the plan and the last snapshot say.
    pub total: u64,
    /// Whether Terraform met an error while it planned.
    pub errored: bool,
    /// Whether more is to be done than the plan says: Terraform deferred some, or planned a part.
    pub is_partial: bool,
}

impl Counts {
    /// How many of an action.
    pub fn of(self, action: Action) -> u64 {
        match action {
            Action::Create => self.create,
            Action::Update => self.update,
            Action::Replace { .. } => self.replace,
            Action::Delete => self.delete,
            Action::Forget => self.forget,
            Action::Keep => self.keep,
        }
    }

    fn add(&mut self, action: Action) {
        let count = match action {
            Action::Create => &mut self.create,
            Action::Update => &mut self.update,
            Action::Replace { .. } => &mut self.replace,
            Action::Delete => &mut self.delete,
            Action::Forget => &mut self.forget,
            Action::Keep => &mut self.keep,
        };
        *count += 1;
    }

    /// All together.
    pub fn total(self) -> u64 {
        self.create + self.update + self.replace + self.delete + self.forget + self.keep
    }

    /// How many are gone afterwards.
    pub fn taken_away(self) -> u64 {
        self.replace + self.delete
    }

    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            create: self.create + other.create,
            update: self.update + other.update,
            replace: self.replace + other.replace,
            delete: self.delete + other.delete,
            forget: self.forget + other.forget,
            keep: self.keep + other.keep,
        }
    }
}

impl Touched {
    fn of(change: &ResourceChange) -> Self {
        Self {
            address: change.address.clone(),
            resource_type: change.resource_type.clone(),
            deposed: change.deposed.clone(),
            action: change.action,
            traits: change.traits,
            is_protected: change.is_protected,
            because: change.because.clone(),
        }
    }

    /// Whether something that exists is changed or lost: what is made, moved or imported as it is touches nothing, nor does what a replacement
    /// has left over and is done away with now.
    pub fn touches(&self) -> bool {
        self.deposed.is_none() && !matches!(self.action, Action::Create | Action::Keep)
    }

    /// Whether data or what cannot be had again are lost with it. What a replacement left over has lost them before.
    pub fn loses(&self) -> bool {
        self.action.takes_away() && self.deposed.is_none()
    }

    /// Whether it is told by its name wherever there is room.
    pub fn is_named(&self) -> bool {
        self.touches() && (self.traits.is_stateful || self.traits.is_irreversible || self.is_protected)
    }

    /// The gravest first.
    fn rank(&self) -> (bool, bool, bool, u8, &str, Option<&str>) {
        let gravity = match self.action {
            Action::Delete => 0,
            Action::Replace { .. } => 1,
            Action::Forget => 2,
            Action::Update => 3,
            Action::Create => 4,
            Action::Keep => 5,
        };
        let loses = self.loses();
        (
            !(loses && (self.traits.is_irreversible || self.is_protected)),
            !(loses && self.traits.is_stateful),
            !self.is_named(),
            gravity,
            &self.address,
            self.deposed.as_deref(),
        )
    }
}

impl Changed {
    /// What a plan does; nobody's, and read by nobody yet. `held` is how many resources the state had.
    pub(super) fn of(facts: &PlanFacts, held: u64) -> Self {
        let mut resources: Vec<Touched> = facts.resources.iter().map(Touched::of).collect();
        resources.sort_by(|a, b| a.rank().cmp(&b.rank()));
        let mut counts = Counts::default();
        for resource in &resources {
            counts.add(resource.action);
        }
        let touched = resources.iter().filter(|resource| resource.touches()).count() as u64;
        let outputs = facts
            .outputs
            .iter()
            .map(|change| (change.name.clone(), OutputReaders { change: change.clone(), readers: BTreeSet::new() }));
        Self {
            capability: None,
            owner: None,
            counts,
            resources,
            outputs: outputs.collect(),
            touched,
            total: held.max(touched + facts.unchanged as u64),
            errored: facts.errored,
            is_partial: !facts.complete,
        }
    }

    /// Whether it changes nothing, as far as Terraform could tell, and it could tell all.
    pub fn is_empty(&self) -> bool {
        self.resources.is_empty() && self.outputs.is_empty() && !self.errored && !self.is_partial
    }

    /// The resources that are lost.
    pub fn lost(&self) -> impl Iterator<Item = &Touched> {
        self.resources.iter().filter(|resource| resource.loses())
    }
}

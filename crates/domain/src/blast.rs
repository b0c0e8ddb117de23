//! Blast radius: the damage that a change could do. *Actual* is what the plans at hand do, and whom that reaches; *potential* is all that the
//! same identities and code could reach. Owns both, the formula that gives a level with its reasons (`docs/blast-radius.md`), and what gates
//! ask of a radius. Makes no plan and reads no state: it is given what is known of them.

mod actual;
mod change;
mod formula;
mod holding;
mod identity;
mod potential;
mod reach;
mod rest;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

pub use actual::Actual;
pub use change::{Changed, Counts, OutputReaders, Touched};
pub use formula::{RULES, Rule};
pub use holding::{ADDRESSES_MAX, HeldKind, Holding, Holdings};
pub use identity::{Identity, IdentityError};
pub use potential::{Held, Potential, Providers, Reached, Why};
pub use reach::{Reading, Ring};
pub use rest::{Owned, Resting};

use crate::estate::Estate;
use crate::graph::Graph;
use crate::name::{CapabilityName, EnvironmentName, StackName};
use crate::plan::{PlanFacts, Traits};

/// What a radius is measured on: the estate, and what is known to be there.
#[derive(Clone, Copy)]
pub struct Ground<'a> {
    /// The estate.
    pub estate: &'a Estate,
    /// Its graph.
    pub graph: &'a Graph,
    /// The environment of the plans.
    pub environment: &'a EnvironmentName,
    /// What the states hold.
    pub holdings: &'a Holdings,
    /// What is known of a type of resources.
    pub traits: &'a dyn Fn(&str) -> Traits,
}

/// What is planned: for each stack the facts of its plan.
pub type Plans<'a> = BTreeMap<StackName, &'a PlanFacts>;

/// The blast radius of some plans in one environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Radius {
    /// What the plans do.
    pub actual: Actual,
    /// What the stacks' identities and code could do.
    pub potential: Potential,
}

/// The radius of plans. `blocked` are stacks that take part and cannot be planned yet.
pub fn radius(ground: &Ground<'_>, providers: &Providers, plans: &Plans<'_>, blocked: &BTreeSet<StackName>) -> Radius {
    let stacks: BTreeSet<&StackName> = plans.keys().chain(blocked).collect();
    let potential = Potential::of(ground, providers, &stacks);
    Radius { actual: Actual::of(ground, plans, blocked), potential }
}

/// What gates ask of a radius.
pub fn summary(radius: &Radius) -> RadiusSummary {
    radius.actual.summary()
}

/// How much damage a change could do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// It changes nothing.
    #[default]
    None,
    /// What it changes is its own alone, and can be made again.
    Low,
    /// Others may notice.
    Medium,
    /// Others rest on what it changes, or data are at stake.
    High,
    /// What is lost cannot be had again, or most of an environment is touched.
    Critical,
}

/// Why a radius has at least a level.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reason {
    /// The level.
    pub level: Level,
    /// The rule of the formula, by its name in `docs/blast-radius.md`.
    pub rule: String,
    /// The reason in words.
    pub text: String,
}

/// Some resources of an environment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Share {
    /// How many they are.
    pub touched: u64,
    /// How many there are, these among them.
    pub total: u64,
}

/// What gates ask of the blast radius of one instance's plan; it is recorded with the plan.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RadiusSummary {
    /// The level.
    pub level: Level,
    /// Every reason for it, the gravest first.
    pub reasons: Vec<Reason>,
    /// How many resources are destroyed or replaced.
    pub destroys: u64,
    /// The stateful resources that are changed, replaced, destroyed or forgotten, by address.
    pub stateful: Vec<String>,
    /// Of all that are replaced or destroyed, those whose loss cannot be undone, by address.
    pub irreversible: Vec<String>,
    /// The resources that are changed, of all in the environment.
    pub share: Share,
    /// The stacks downstream that read an output which changes.
    pub downstream: BTreeSet<StackName>,
    /// The capabilities that rest on what is changed.
    pub capabilities: BTreeSet<CapabilityName>,
    /// Whose that is: the owners of the stack, of those downstream, and of the capabilities.
    pub owners: BTreeSet<String>,
}

impl Level {
    /// All, the least first.
    pub const ALL: [Self; 5] = [Self::None, Self::Low, Self::Medium, Self::High, Self::Critical];

    /// The level in a word, as the configuration, JSON and policies have it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }

    /// The level of a word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.as_str() == word)
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Share {
    /// The share, from 0 to 1; 0 of nothing.
    #[expect(clippy::cast_precision_loss, reason = "nobody has so many resources")]
    pub fn ratio(self) -> f64 {
        if self.total == 0 { 0.0 } else { self.touched as f64 / self.total as f64 }
    }
}

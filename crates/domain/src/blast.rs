//! Blast radius: the damage that a change could do. Owns the levels and what gates ask of a radius.

mod identity;

use std::collections::BTreeSet;
use std::fmt;

pub use identity::{Identity, IdentityError};

use crate::name::{CapabilityName, StackName};

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

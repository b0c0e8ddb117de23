//! Rehearsals: deploying for practice in an ephemeral environment. Owns what there is to practise, the phases of a rehearsal and which comes
//! next, the name and the limits of an ephemeral environment, and what a rehearsal came to. Performs nothing.

mod environment;
mod own;
mod phase;
mod report;
mod scope;
mod settings;

use crate::estate::Estate;
use crate::name::EnvironmentName;
pub use environment::{EPHEMERAL_NAME_LENGTH_MAX, Ephemeral, EphemeralNameError, SweepReason, check_name, name_from};
pub use own::{Known, not_its_own, undoing};
pub use phase::{Outcome, Phase, Practice, Progress};
pub use report::{Finding, PlanCount, Report, Role, StackReport, TimedPhase, Verdict};

pub use scope::{FixturesDiffer, Scope, batches};
pub use settings::{Fixture, FixtureSource, RecoveryObjective, RehearsalSettings, UpgradeAllowance};

/// What is practised, as the pipeline's configuration and evidence name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// From nothing.
    Zero,
    /// Over what runs in production.
    Upgrade,
    /// After a loss.
    Recovery,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::Zero, Self::Upgrade, Self::Recovery];

    /// The kind in a word, as the configuration has it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Zero => "zero",
            Self::Upgrade => "upgrade",
            Self::Recovery => "recovery",
        }
    }

    /// The kind of a word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// The environment over whose releases upgrades are tried: the last protected one of the pipeline, or else its last.
///
/// # Panics
/// Where no stage delivers anywhere: the configuration refuses such a pipeline.
pub fn upgraded_environment(estate: &Estate) -> &EnvironmentName {
    let mut all = estate.stages.iter().rev().filter_map(|stage| stage.environment.as_ref());
    let last = all.clone().next();
    let protected = all.find(|name| estate.environments.get(*name).is_some_and(|known| known.protected));
    protected.or(last).or_else(|| estate.environments.keys().next()).expect("an estate has an environment")
}

/// What can be lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lost {
    /// What runs: a region, an account.
    Infrastructure,
    /// What Terraform knows of what runs.
    State,
    /// The repository.
    Code,
}

impl Lost {
    /// All that can be lost.
    pub const ALL: [Self; 3] = [Self::Infrastructure, Self::State, Self::Code];

    /// In a word, as the command line has it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Infrastructure => "infrastructure",
            Self::State => "state",
            Self::Code => "code",
        }
    }

    /// What a word stands for.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|lost| lost.as_str() == word)
    }
}

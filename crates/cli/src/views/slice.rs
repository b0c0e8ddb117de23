//! What `terrace slice` finds, for people and programs.

mod json;
mod proposal;
mod text;

use std::collections::{BTreeMap, BTreeSet};

use terrace_domain::estate::Estate;
use terrace_domain::name::StackName;
use terrace_domain::run::Moment;
use terrace_domain::slice::history::Walked;
use terrace_domain::slice::{Criterion, Finding};

pub use json::json;
pub use text::text;

use super::error::warn as tell_warning;

/// With fewer commits that count, silence about teams and paces means little.
const COUNTED_FEW: usize = 20;

/// What is told.
pub struct Report<'a> {
    /// The estate.
    pub estate: &'a Estate,
    /// What was found.
    pub findings: &'a [Finding],
    /// By what was judged.
    pub criteria: &'a BTreeSet<Criterion>,
    /// How many stacks were asked about.
    pub stacks: usize,
    /// The history that was read, where one was.
    pub seen: Option<&'a Seen>,
    /// What the stacks hold.
    pub holdings: &'a BTreeMap<StackName, Holding>,
}

/// The history that was read.
pub struct Seen {
    /// From when on.
    pub since: Moment,
    /// What came of it.
    pub walked: Walked,
    /// Whether the clone lacks older commits.
    pub is_shallow: bool,
}

/// What a stack holds in one environment, by its last snapshot.
pub struct Holding {
    /// The environment.
    pub environment: String,
    /// How many resources.
    pub resources: u64,
}

/// Warns where the history says less than it seems to.
pub fn warn(seen: &Seen) {
    if seen.is_shallow {
        tell_warning(
            "this is a shallow clone: what teams and paces are judged by may lack. Fetch the rest with `git fetch --unshallow`, or set a \
             greater `fetch-depth` in continuous integration",
        );
    } else if seen.walked.counted < COUNTED_FEW {
        tell_warning(&format!(
            "only {} of the history count: of teams and paces little can be said. `--since` reads further back",
            super::count(seen.walked.counted, "commit")
        ));
    }
}

/// A text without anything that a terminal would obey: names and messages come from whoever commits.
fn harmless(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

//! How an instance is, as the map colours it. Owns the statuses and their gravity.

use super::Recorded;
use crate::digest::Digest;

/// How an instance is; the greater, the graver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// It runs what was delivered last, and the environment before it in the pipeline runs nothing else.
    Delivered,
    /// Nothing was delivered with success yet.
    Never,
    /// It runs another release than the environment before it.
    Behind,
    /// A delivery of it is under way.
    Underway,
    /// A delivery of it waits for people.
    Waiting,
    /// Its last delivery did not succeed.
    Failed,
}

/// What instances do in a run that has not come to their end; [`InstanceState::word`](crate::run::InstanceState::word) has the words.
const UNDERWAY: [&str; 7] = ["waiting", "preparing", "planning", "applying", "unsettled", "settling", "verifying"];
/// What says nothing of what runs: the delivery went by.
const PASSED_BY: [&str; 2] = ["skipped", "planned"];

impl Status {
    /// All, the gravest last.
    pub const ALL: [Self; 6] =
        [Self::Delivered, Self::Never, Self::Behind, Self::Underway, Self::Waiting, Self::Failed];

    /// The status of an instance; `leading` is what the environment before it runs.
    pub fn of(recorded: &Recorded, leading: Option<Digest>) -> Self {
        match recorded.state.as_str() {
            "awaiting" | "held" => Self::Waiting,
            state if UNDERWAY.contains(&state) => Self::Underway,
            state if ["applied", "unchanged"].contains(&state) || PASSED_BY.contains(&state) => {
                match (recorded.release, leading) {
                    (None, _) => Self::Never,
                    (Some(own), Some(leading)) if own != leading => Self::Behind,
                    _ => Self::Delivered,
                }
            }
            _ => Self::Failed,
        }
    }

    /// The status in a word, stable for JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Never => "never",
            Self::Behind => "behind",
            Self::Underway => "underway",
            Self::Waiting => "waiting",
            Self::Failed => "failed",
        }
    }

    /// The status for people.
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Never => "never delivered",
            Self::Behind => "behind the environment before",
            Self::Underway => "being delivered",
            Self::Waiting => "waits for approval",
            Self::Failed => "last delivery failed",
        }
    }
}

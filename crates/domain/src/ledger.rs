//! The ledger: the append-only, hash-chained record of everything that Terrace did and who decided it. The entries of a run, in order,
//! are its journal. Owns what an entry is, how its hash is computed, and how a chain of them is checked. Never stores or signs anything,
//! and does not know which kinds of entries there are.

mod chain;
mod checkpoint;
mod encoding;
mod hash;
mod kind;

pub use chain::{Chain, FAULTS_MAX, Fault, Verdict, What};
pub use checkpoint::{Checkpoint, Trust};
pub use hash::{Hash, HashError};
pub use kind::{KIND_LENGTH_MAX, Kind, KindError};

use serde::de::IgnoredAny;

use crate::run::{Moment, RunId};

/// The largest body, in bytes. The order of a run of 10,000 instances takes about two million; a multiple of that is a mistake, and
/// every reader of the ledger would have to hold it in memory.
pub const BODY_BYTES_MAX: usize = 32 << 20;
/// The longest of the other texts, in bytes: names and digests are far below, and a reason is for people to read.
pub const TEXT_BYTES_MAX: usize = 16 << 10;

/// An entry that is to be written. It gets its number and its place in the chain when it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewEntry<'a> {
    /// When it happened.
    pub at: Moment,
    /// Who did or decided it: `user@host`.
    pub actor: &'a str,
    /// What kind of thing happened.
    pub kind: &'a Kind,
    /// The run that it belongs to.
    pub run: Option<RunId>,
    /// Its number in the journal of that run, from 1. An entry without one belongs to a run and is no part of its journal.
    pub run_seq: Option<u64>,
    /// The stage of the pipeline.
    pub stage: Option<&'a str>,
    /// The environment.
    pub environment: Option<&'a str>,
    /// The stack.
    pub stack: Option<&'a str>,
    /// The digest of the release: `sha256:…`.
    pub release: Option<&'a str>,
    /// Why, in the words of whoever decided it.
    pub reason: Option<&'a str>,
    /// All else: a JSON text, kept byte for byte.
    pub body: &'a str,
}

/// Why an entry cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum EntryError {
    /// Nobody is named as its actor.
    #[error("an entry names who did it")]
    NoActor,
    /// It has a number in a journal, and names no run.
    #[error("an entry of a journal names its run")]
    NoRun,
    /// Journals are counted from 1.
    #[error("a journal is counted from 1")]
    Zero,
    /// The body is no JSON.
    #[error("the body is not JSON: {0}")]
    Body(serde_json::Error),
    /// A text is too long.
    #[error("`{field}` has {length} bytes, and at most {max} are kept")]
    TooLong {
        /// Which.
        field: &'static str,
        /// How long it is, in bytes.
        length: usize,
        /// How long it may be, in bytes.
        max: usize,
    },
}

impl<'a> NewEntry<'a> {
    /// An entry that belongs to nothing yet.
    pub fn new(at: Moment, actor: &'a str, kind: &'a Kind, body: &'a str) -> Self {
        Self {
            at,
            actor,
            kind,
            run: None,
            run_seq: None,
            stage: None,
            environment: None,
            stack: None,
            release: None,
            reason: None,
            body,
        }
    }

    /// Whether it can be written as it is.
    pub fn check(&self) -> Result<(), EntryError> {
        if self.actor.is_empty() {
            return Err(EntryError::NoActor);
        }
        match self.run_seq {
            Some(0) => return Err(EntryError::Zero),
            Some(_) if self.run.is_none() => return Err(EntryError::NoRun),
            _ => {}
        }
        let texts = [
            ("actor", Some(self.actor), TEXT_BYTES_MAX),
            ("stage", self.stage, TEXT_BYTES_MAX),
            ("environment", self.environment, TEXT_BYTES_MAX),
            ("stack", self.stack, TEXT_BYTES_MAX),
            ("release", self.release, TEXT_BYTES_MAX),
            ("reason", self.reason, TEXT_BYTES_MAX),
            ("body", Some(self.body), BODY_BYTES_MAX),
        ];
        for (field, text, max) in texts {
            let length = text.map_or(0, str::len);
            if length > max {
                return Err(EntryError::TooLong { field, length, max });
            }
        }
        serde_json::from_str::<IgnoredAny>(self.body).map_err(EntryError::Body)?;
        Ok(())
    }

    /// The entry at its place in the chain: after the one whose hash is `prev`.
    pub fn chained(&self, seq: u64, prev: Hash) -> Record<'a> {
        Record {
            seq,
            prev,
            at: self.at.0,
            actor: self.actor,
            kind: self.kind.as_str(),
            run: self.run.map(|run| run.0),
            run_seq: self.run_seq,
            stage: self.stage,
            environment: self.environment,
            stack: self.stack,
            release: self.release,
            reason: self.reason,
            body: self.body,
        }
    }
}

/// All of an entry that its hash covers, as it is stored: also what somebody has tampered with can be held in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    /// Its number, from 1, without gaps.
    pub seq: u64,
    /// The hash of the entry before; [`Hash::ZERO`] in the first.
    pub prev: Hash,
    /// Milliseconds since 1970, UTC.
    pub at: i64,
    /// As in [`NewEntry`], and so are the others.
    pub actor: &'a str,
    /// The kind's word.
    pub kind: &'a str,
    /// The run's number.
    pub run: Option<u64>,
    /// The number in the run's journal.
    pub run_seq: Option<u64>,
    /// The stage.
    pub stage: Option<&'a str>,
    /// The environment.
    pub environment: Option<&'a str>,
    /// The stack.
    pub stack: Option<&'a str>,
    /// The release's digest.
    pub release: Option<&'a str>,
    /// Why.
    pub reason: Option<&'a str>,
    /// All else, as JSON.
    pub body: &'a str,
}

/// An entry that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its number.
    pub seq: u64,
    /// The hash of the entry before.
    pub prev: Hash,
    /// When it happened.
    pub at: Moment,
    /// Who did or decided it.
    pub actor: String,
    /// The kind's word. A text, because what is shown may have been tampered with.
    pub kind: String,
    /// The run.
    pub run: Option<RunId>,
    /// The number in the run's journal.
    pub run_seq: Option<u64>,
    /// The stage.
    pub stage: Option<String>,
    /// The environment.
    pub environment: Option<String>,
    /// The stack.
    pub stack: Option<String>,
    /// The release's digest.
    pub release: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// All else, as JSON.
    pub body: String,
    /// Its own hash, as stored.
    pub hash: Hash,
}

impl Entry {
    /// What its hash covers.
    pub fn record(&self) -> Record<'_> {
        Record {
            seq: self.seq,
            prev: self.prev,
            at: self.at.0,
            actor: &self.actor,
            kind: &self.kind,
            run: self.run.map(|run| run.0),
            run_seq: self.run_seq,
            stage: self.stage.as_deref(),
            environment: self.environment.as_deref(),
            stack: self.stack.as_deref(),
            release: self.release.as_deref(),
            reason: self.reason.as_deref(),
            body: &self.body,
        }
    }
}

impl Record<'_> {
    /// The entry with a stored hash, as owned texts.
    pub fn to_entry(&self, hash: Hash) -> Entry {
        let text = |text: Option<&str>| text.map(str::to_owned);
        Entry {
            seq: self.seq,
            prev: self.prev,
            at: Moment(self.at),
            actor: self.actor.to_owned(),
            kind: self.kind.to_owned(),
            run: self.run.map(RunId),
            run_seq: self.run_seq,
            stage: text(self.stage),
            environment: text(self.environment),
            stack: text(self.stack),
            release: text(self.release),
            reason: text(self.reason),
            body: self.body.to_owned(),
            hash,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(change: impl FnOnce(&mut NewEntry<'_>)) -> String {
        let kind = Kind::new("run_event").unwrap();
        let mut entry = NewEntry::new(Moment(1), "ada@host", &kind, "{}");
        change(&mut entry);
        entry.check().map_or_else(|error| error.to_string(), |()| String::new())
    }

    #[test]
    fn what_cannot_be_written_is_refused() {
        assert_eq!(problem(|_| {}), "");
        assert_eq!(problem(|entry| entry.actor = ""), "an entry names who did it");
        assert_eq!(problem(|entry| entry.run_seq = Some(1)), "an entry of a journal names its run");
        let zero = problem(|entry| (entry.run, entry.run_seq) = (Some(RunId(1)), Some(0)));
        assert_eq!(zero, "a journal is counted from 1");
        for body in ["", "{", "{} {}"] {
            assert!(problem(|entry| entry.body = body).starts_with("the body is not JSON"), "{body}");
        }
        let long = "x".repeat(TEXT_BYTES_MAX + 1).leak();
        assert_eq!(problem(|entry| entry.reason = Some(long)), "`reason` has 16385 bytes, and at most 16384 are kept");
    }
}

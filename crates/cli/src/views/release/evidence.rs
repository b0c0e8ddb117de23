//! What is known of a release beside its contents: where it runs, and what is attached to it, by whom it is signed and what that is
//! worth.

use std::collections::BTreeMap;

use serde::Serialize;
use terrace_domain::digest::Digest;
use terrace_domain::run::Moment;
use terrace_driver::attached::{Attached, Evidenced};
use terrace_evidence::statement::{Outcome, Predicate};
use terrace_release::verify::Place;

use crate::error::CommandError;
use crate::views::time;

/// So many digits of an unknown key are shown.
const KEY_DIGITS: usize = 16;
/// How wide the columns of kinds and of times are.
const KIND_WIDTH: usize = 20;
const TIME_WIDTH: usize = 20;

/// What is known of releases beside their contents.
pub struct Around<'a> {
    /// Where each release runs, and since when.
    pub running: &'a BTreeMap<Digest, Vec<(String, Option<Moment>)>>,
    /// What is attached.
    pub evidenced: &'a [Evidenced],
}

#[derive(Serialize)]
pub struct RunsJson {
    environment: String,
    since: Option<String>,
}

/// A piece of evidence.
#[derive(Serialize)]
pub struct EvidenceJson {
    /// What it is attached to: `index`, `estate` or `stack`.
    place: &'static str,
    pub(super) stack: Option<String>,
    /// The digest of its manifest.
    manifest: String,
    kind: String,
    /// Of `applied-in`.
    environment: Option<String>,
    /// Of `rehearsed`: what was practised, and how it went.
    rehearsal: Option<&'static str>,
    result: Option<&'static str>,
    at: Option<String>,
    /// The trusted keys that signed it.
    signers: Vec<String>,
    unknown_signers: Vec<String>,
    /// Whether it counts.
    trusted: bool,
    problem: Option<String>,
}

impl Around<'_> {
    fn attached(&self, place: &Place) -> &[Attached] {
        let own = self.evidenced.iter().find(|evidenced| evidenced.place == *place);
        own.map_or(&[], |evidenced| evidenced.attached.as_slice())
    }

    /// The names of the environments where a release runs.
    pub fn environments(&self, release: &Digest) -> String {
        let running = self.running.get(release).map_or(&[][..], Vec::as_slice);
        let names: Vec<&str> = running.iter().map(|(environment, _)| environment.as_str()).collect();
        if names.is_empty() { "-".to_owned() } else { names.join(", ") }
    }

    /// Where a release runs, a line each.
    pub fn runs(&self, release: &Digest) -> Vec<String> {
        let now = time::now();
        let running = self.running.get(release).map_or(&[][..], Vec::as_slice);
        let line = |(environment, since): &(String, Option<Moment>)| match since {
            Some(since) => format!("{environment} since {} ({})", time::rfc3339(*since), time::age(*since, now)),
            None => environment.clone(),
        };
        running.iter().map(line).collect()
    }

    /// The same for programs.
    pub fn runs_json(&self, release: &Digest) -> Vec<RunsJson> {
        let running = self.running.get(release).map_or(&[][..], Vec::as_slice);
        let json = |(environment, since): &(String, Option<Moment>)| RunsJson {
            environment: environment.clone(),
            since: since.map(time::rfc3339),
        };
        running.iter().map(json).collect()
    }

    /// What is attached, a line each.
    pub fn lines(&self, place: &Place) -> Vec<String> {
        self.attached(place).iter().map(line).collect()
    }

    /// What is attached, in a few words.
    pub fn summary(&self, place: &Place) -> String {
        let word = |attached: &Attached| match &attached.fault {
            Some(_) => format!("{} (damaged)", attached.kind),
            None if attached.counts() => in_words(attached),
            None if attached.unknown.is_empty() => attached.kind.clone(),
            None => format!("{} (signed by unknown)", in_words(attached)),
        };
        let mut words: Vec<String> = self.attached(place).iter().map(word).collect();
        words.dedup();
        if words.is_empty() { "-".to_owned() } else { words.join(", ") }
    }

    /// All that is attached, for programs.
    pub fn evidence_json(&self) -> Vec<EvidenceJson> {
        evidence_json(self.evidenced)
    }
}

/// `applied-in dev`, `rehearsed zero: passed`.
fn in_words(attached: &Attached) -> String {
    match &attached.predicate {
        Some(Predicate::AppliedIn(applied)) => format!("{} {}", attached.kind, applied.environment),
        Some(Predicate::Rehearsed(rehearsed)) => {
            format!("{} {}: {}", attached.kind, rehearsed.kind.as_str(), word_of(rehearsed.result))
        }
        _ => attached.kind.clone(),
    }
}

fn word_of(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Passed => "passed",
        Outcome::Failed => "failed",
    }
}

fn line(attached: &Attached) -> String {
    let at = attached.at().map(|at| time::rfc3339(Moment(at.as_millisecond()))).unwrap_or_default();
    // Milliseconds say nothing to people.
    let at = at.split_once('.').map_or(at.clone(), |(secs, _)| format!("{secs}Z"));
    let text = format!("{:KIND_WIDTH$}  {at:TIME_WIDTH$}  {}", in_words(attached), worth(attached));
    text.trim_end().to_owned()
}

fn worth(attached: &Attached) -> String {
    if let Some(fault) = &attached.fault {
        return format!("does not count: {}", CommandError::chain(&fault.what));
    }
    let mut words: Vec<String> = attached.signers.iter().map(|name| format!("{name} (trusted)")).collect();
    words.extend(attached.unknown.iter().map(|key| format!("{} (unknown)", short_key(key))));
    if words.is_empty() { "not signed as evidence is".to_owned() } else { format!("signed by {}", words.join(", ")) }
}

/// The beginning of an unknown key's id.
pub fn short_key(key: &str) -> &str {
    key.get(..KEY_DIGITS).filter(|_| key.chars().all(|c| c.is_ascii_hexdigit())).unwrap_or(key)
}

/// `index`, `estate` or `stack`, and which.
pub fn place_json(place: &Place) -> (&'static str, Option<String>) {
    match place {
        Place::Index => ("index", None),
        Place::Estate => ("estate", None),
        Place::Stack(name) => ("stack", Some(name.to_string())),
    }
}

/// All that is attached, for programs.
pub fn evidence_json(evidenced: &[Evidenced]) -> Vec<EvidenceJson> {
    let pieces = evidenced.iter().flat_map(|own| own.attached.iter().map(|attached| (&own.place, attached)));
    pieces.map(|(place, attached)| piece_json(place, attached)).collect()
}

fn piece_json(place: &Place, attached: &Attached) -> EvidenceJson {
    let (environment, rehearsal, result) = match &attached.predicate {
        Some(Predicate::AppliedIn(applied)) => (Some(applied.environment.to_string()), None, None),
        Some(Predicate::Rehearsed(rehearsed)) => (None, Some(rehearsed.kind.as_str()), Some(word_of(rehearsed.result))),
        _ => (None, None, None),
    };
    let (place, stack) = place_json(place);
    EvidenceJson {
        place,
        stack,
        manifest: attached.manifest.to_string(),
        kind: attached.kind.clone(),
        environment,
        rehearsal,
        result,
        at: attached.at().map(|at| at.to_string()),
        signers: attached.signers.iter().map(ToString::to_string).collect(),
        unknown_signers: attached.unknown.clone(),
        trusted: attached.counts(),
        problem: attached.fault.as_ref().map(|fault| CommandError::chain(&fault.what)),
    }
}

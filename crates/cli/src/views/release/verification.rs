//! What was found wrong with a release, its blobs and its evidence; and what the evidence is worth where nothing is wrong with it.

use std::collections::BTreeSet;
use std::fmt::Write;

use console::style;
use serde::Serialize;
use terrace_domain::digest::Digest;
use terrace_driver::attached::{Attached, Evidenced};
use terrace_release::oci::Descriptor;
use terrace_release::verify::{Place, Verification};

use super::evidence::{EvidenceJson, evidence_json, place_json, short_key};
use crate::error::CommandError;
use crate::views::{count, print, print_json, say};

/// What was checked.
pub struct Report<'a> {
    descriptor: &'a Descriptor,
    found: &'a Verification,
    evidenced: &'a [Evidenced],
    /// Where, about what, and what: of evidence.
    wrong: Vec<(&'a Place, Digest, String)>,
    /// Stacks of which no key that the estate names says what they were built from.
    unproven: Vec<(&'a Place, Digest, String)>,
}

#[derive(Serialize)]
struct VerificationJson {
    digest: String,
    stacks: usize,
    blobs: usize,
    problems: Vec<ProblemJson>,
    evidence: Vec<EvidenceJson>,
}

#[derive(Serialize)]
struct ProblemJson {
    /// `index`, `estate` or `stack`.
    place: &'static str,
    stack: Option<String>,
    blob: String,
    text: String,
}

impl<'a> Report<'a> {
    /// A report; `must_be_signed`: the estate names keys, and one of them must have signed what each stack was built from.
    pub fn new(
        descriptor: &'a Descriptor,
        found: &'a Verification,
        evidenced: &'a [Evidenced],
        must_be_signed: bool,
    ) -> Self {
        let wrong = evidenced.iter().flat_map(|own| {
            let fault = |attached: &'a Attached| {
                let fault = attached.fault.as_ref()?;
                let what = format!("evidence `{}`: {}", attached.kind, CommandError::chain(&fault.what));
                // The error does not always name the blob that it is about.
                let hex = fault.blob.hex();
                let what = if what.contains(&hex) { what } else { format!("{what} (in the blob sha256:{hex})") };
                Some((&own.place, fault.blob, what))
            };
            own.attached.iter().filter_map(fault)
        });
        let is_unproven = |own: &&Evidenced| matches!(own.place, Place::Stack(_)) && !own.is_of_proven_origin();
        let unproven = evidenced.iter().filter(|_| must_be_signed).filter(is_unproven);
        Self {
            descriptor,
            found,
            evidenced,
            wrong: wrong.collect(),
            unproven: unproven.map(|own| (&own.place, own.release, unproven_in_words(own))).collect(),
        }
    }

    /// All that is wrong: where, about which blob, and what.
    pub fn problems(&self) -> impl Iterator<Item = (&Place, Digest, String)> {
        let contents = self.found.problems.iter();
        let contents = contents.map(|problem| (&problem.place, problem.blob, CommandError::chain(&problem.fault)));
        let evidence = self.wrong.iter().chain(&self.unproven);
        contents.chain(evidence.map(|(place, blob, what)| (*place, *blob, what.clone())))
    }

    /// Whether nothing is wrong.
    pub fn is_whole(&self) -> bool {
        self.problems().next().is_none()
    }

    /// As text.
    pub fn text(&self) {
        let mut text = String::new();
        for (place, _, what) in self.problems() {
            let _ = writeln!(text, "{} {place}: {what}", style("✗").red());
        }
        print(&text);
        self.say_unknown();
        let (stacks, blobs) = (count(self.found.stacks, "stack"), count(self.found.blobs, "blob"));
        let pieces = self.evidenced.iter().map(|own| own.attached.len()).sum();
        let evidence = format!("{} of evidence", count(pieces, "piece"));
        let release = self.descriptor.digest.short();
        match self.problems().count() {
            0 => print(&format!("{} {release} is whole: {stacks}, {blobs}, {evidence}\n", style("✓").green())),
            problems => {
                say(&format!("{} in {release} ({stacks}, {blobs}, {evidence})", count(problems, "problem")));
                self.say_next();
            }
        }
    }

    fn say_next(&self) {
        if !self.found.problems.is_empty() {
            say(
                "Build it again from its commit (`terrace release build COMMIT --mend`), or take it from where it is whole \
                 (`terrace release pull`).",
            );
        }
        if !self.wrong.is_empty() {
            say(
                "Nothing relies on evidence that does not hold. Find out who changed it; where it is whole it can be had again: \
                 `terrace release pull`.",
            );
        }
        if !self.unproven.is_empty() {
            say(
                "Who has a key that the estate trusts can build it again and sign it (`terrace release build COMMIT --mend`); \
                 whom it trusts is said by the `trust` blocks of terrace.hcl.",
            );
        }
    }

    /// Says which signers nothing is known of.
    fn say_unknown(&self) {
        let whole = self.evidenced.iter().flat_map(|own| &own.attached).filter(|attached| attached.fault.is_none());
        let unknown: Vec<&Attached> = whole.filter(|attached| !attached.unknown.is_empty()).collect();
        if unknown.is_empty() {
            return;
        }
        let keys: BTreeSet<&str> =
            unknown.iter().flat_map(|attached| &attached.unknown).map(|key| short_key(key)).collect();
        let keys: Vec<&str> = keys.into_iter().collect();
        let pieces = count(unknown.len(), "piece");
        say(&format!("{pieces} of evidence signed by keys that nobody here knows: {}", keys.join(", ")));
    }

    /// As JSON, `terrace.release-verify/1`.
    pub fn json(&self) {
        let problem = |(place, blob, text): (&Place, Digest, String)| {
            let (place, stack) = place_json(place);
            ProblemJson { place, stack, blob: blob.to_string(), text }
        };
        let report = VerificationJson {
            digest: self.descriptor.digest.to_string(),
            stacks: self.found.stacks,
            blobs: self.found.blobs,
            problems: self.problems().map(problem).collect(),
            evidence: evidence_json(self.evidenced),
        };
        print_json("terrace.release-verify/1", &report);
    }
}

fn unproven_in_words(own: &Evidenced) -> String {
    let keys: BTreeSet<&str> =
        own.attached.iter().flat_map(|attached| &attached.unknown).map(|key| short_key(key)).collect();
    let keys: Vec<&str> = keys.into_iter().collect();
    let but = if keys.is_empty() { String::new() } else { format!(", but {} has", keys.join(" and ")) };
    format!("no key that the estate trusts has signed what it was built from{but}")
}

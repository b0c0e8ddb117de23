//! Releases: what was built, which there are, what they hold, what is wrong with them.

pub mod contract;
pub mod diff;
pub mod evidence;
pub mod verification;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::Path;

use console::style;
use serde::Serialize;
use terrace_domain::name::StackName;
use terrace_domain::path::RepoPath;
use terrace_domain::release::EstateRelease;
use terrace_domain::run::Moment;
use terrace_release::build::Built;
use terrace_release::stored::{Listed, StoredEstateRelease};
use terrace_release::verify::Place;

use self::evidence::{Around, EvidenceJson, RunsJson};
use super::{count, error, print, print_json, say, table, time};

/// So many digits of a commit's id are shown.
const COMMIT_DIGITS: usize = 10;
/// So many new stacks are named one by one.
const NAMED_MAX: usize = 20;

fn moment(secs: i64) -> Moment {
    Moment(secs.saturating_mul(1000))
}

/// So much of a commit as people need.
pub fn short_commit(commit: &str) -> &str {
    commit.get(..COMMIT_DIGITS).unwrap_or(commit)
}

/// Warns of links that are in no release.
pub fn warn_of_links(built: &Built) {
    let warn = |links: &BTreeMap<StackName, Vec<RepoPath>>, why: &str| {
        for (stack, paths) in links {
            let paths: Vec<String> = paths.iter().map(|path| format!("`{path}`")).collect();
            error::warn(&format!("not in the release of {stack}: {} {why}", paths.join(", ")));
        }
    };
    warn(&built.dangling, "(links that lead to nothing)");
    warn(&built.left_out, "(links that lead out of the fetched modules)");
}

/// What was built for a delivery, in a line for people.
pub fn built_line(built: &Built) {
    let release = &built.release;
    let new = match built.new.len() {
        0 => "nothing new".to_owned(),
        n => format!("{} new", super::count(n, "stack")),
    };
    super::say(&format!("Release {} ({new}, {} as before)", release.digest.short(), built.kept.len()));
}

/// What was built, as text: the digest alone is data.
pub fn built(built: &Built) {
    let Built { release, new, kept, .. } = built;
    let commit = short_commit(&release.commit);
    say(&format!(
        "Estate release of {} at {commit}: {} new, {} unchanged",
        count(release.stacks.len(), "stack"),
        new.len(),
        kept.len()
    ));
    for name in new.iter().take(NAMED_MAX) {
        say(&format!("  {} {name} {}", style("+").green(), release.stacks[name].short()));
    }
    if new.len() > NAMED_MAX {
        say(&format!("  and {} more", new.len() - NAMED_MAX));
    }
    print(&format!("{}\n", release.digest));
}

#[derive(Serialize)]
struct BuiltJson<'a> {
    #[serde(flatten)]
    release: ReleaseJson<'a>,
    new: &'a BTreeSet<&'a str>,
    unchanged: &'a BTreeSet<&'a str>,
}

#[derive(Serialize)]
struct ReleaseJson<'a> {
    digest: String,
    estate: &'a str,
    commit: &'a str,
    committed_at: String,
    subject: Option<&'a str>,
    /// The release of the estate's own file.
    estate_file: String,
    stacks: BTreeMap<&'a str, String>,
}

fn release_json(release: &EstateRelease) -> ReleaseJson<'_> {
    ReleaseJson {
        digest: release.digest.to_string(),
        estate: release.estate_name.as_str(),
        commit: &release.commit,
        committed_at: time::rfc3339(moment(release.committed_at_secs)),
        subject: release.subject.as_deref(),
        estate_file: release.estate.to_string(),
        stacks: release.stacks.iter().map(|(name, digest)| (name.as_str(), digest.to_string())).collect(),
    }
}

/// What was built, `terrace.release-build/1`.
pub fn built_json(built: &Built) {
    let names = |stacks: &'_ BTreeSet<StackName>| stacks.iter().map(ToString::to_string).collect::<Vec<_>>();
    let (new, kept) = (names(&built.new), names(&built.kept));
    let report = BuiltJson {
        release: release_json(&built.release),
        new: &new.iter().map(String::as_str).collect(),
        unchanged: &kept.iter().map(String::as_str).collect(),
    };
    print_json("terrace.release-build/1", &report);
}

/// Which there are, as text.
pub fn list(listed: &[Listed]) {
    if listed.is_empty() {
        say("There is no release yet: `terrace release build` makes the first.");
        return;
    }
    let now = time::now();
    let mut rows = table::with_headings(["RELEASE", "COMMIT", "COMMITTED", "SUBJECT"]);
    for listed in listed {
        let digest = listed.descriptor.digest.short();
        // Of a commit that was built again with other modules, one has the name.
        let digest = if listed.tag.is_some() { digest } else { style(digest).dim().to_string() };
        rows.add_row([
            digest,
            short_commit(&listed.commit).to_owned(),
            time::age(moment(listed.committed_at_secs), now),
            listed.subject.clone().unwrap_or_else(|| "-".to_owned()),
        ]);
    }
    print(&table::to_text(&mut rows));
}

#[derive(Serialize)]
struct ListJson<'a> {
    releases: Vec<ListedJson<'a>>,
}

#[derive(Serialize)]
struct ListedJson<'a> {
    digest: String,
    estate: &'a str,
    commit: &'a str,
    committed_at: String,
    subject: Option<&'a str>,
    /// Null where the commit was built again, with other modules.
    tag: Option<&'a str>,
}

/// Which there are, `terrace.releases/1`.
pub fn list_json(listed: &[Listed]) {
    let releases = listed.iter().map(|listed| ListedJson {
        digest: listed.descriptor.digest.to_string(),
        estate: &listed.estate,
        commit: &listed.commit,
        committed_at: time::rfc3339(moment(listed.committed_at_secs)),
        subject: listed.subject.as_deref(),
        tag: listed.tag.as_deref(),
    });
    print_json("terrace.releases/1", &ListJson { releases: releases.collect() });
}

/// An estate release, as text.
pub fn show(stored: &StoredEstateRelease, around: &Around<'_>) {
    let release = &stored.release;
    let mut text = String::new();
    let subject = release.subject.as_ref().map(|subject| format!(" \"{subject}\"")).unwrap_or_default();
    let _ = writeln!(text, "{}", release.digest);
    let _ = writeln!(text, "estate {}, commit {}{subject}", release.estate_name, release.commit);
    let _ = writeln!(text, "committed at {}", time::rfc3339(moment(release.committed_at_secs)));
    for line in around.lines(&Place::Index) {
        let _ = writeln!(text, "evidence: {line}");
    }
    text.push('\n');
    let mut rows = table::with_headings(["STACK", "RELEASE", "RUNS IN", "EVIDENCE"]);
    for (name, digest) in &release.stacks {
        let evidence = around.summary(&Place::Stack(name.clone()));
        rows.add_row([name.as_str().to_owned(), digest.short(), around.environments(digest), evidence]);
    }
    text.push_str(&table::to_text(&mut rows));
    print(&text);
}

#[derive(Serialize)]
struct ShownJson<'a> {
    #[serde(flatten)]
    release: ReleaseJson<'a>,
    /// Where the release of each stack runs; those that run nowhere are missing.
    runs_in: BTreeMap<&'a str, Vec<RunsJson>>,
    /// What is attached to the index, the estate's file and the stacks.
    evidence: Vec<EvidenceJson>,
}

/// An estate release, `terrace.estate-release/1`.
pub fn show_json(stored: &StoredEstateRelease, around: &Around<'_>) {
    let stacks = stored.release.stacks.iter();
    let runs_in = stacks.map(|(name, digest)| (name.as_str(), around.runs_json(digest)));
    let report = ShownJson {
        release: release_json(&stored.release),
        runs_in: runs_in.filter(|(_, runs)| !runs.is_empty()).collect(),
        evidence: around.evidence_json(),
    };
    print_json("terrace.estate-release/1", &report);
}

/// What was restored, as text.
pub fn restored(release: &EstateRelease, files: usize, folder: &Path) {
    let commit = short_commit(&release.commit);
    say(&format!("{} of {commit} written to {}", count(files, "file"), folder.display()));
    say("Next: `git init`, `git add --force .`, `git commit`; its stacks then have the releases that they had.");
}

#[derive(Serialize)]
struct RestoredJson<'a> {
    digest: String,
    commit: &'a str,
    folder: String,
    files: usize,
}

/// What was restored, `terrace.release-restore/1`.
pub fn restored_json(release: &EstateRelease, files: usize, folder: &Path) {
    let report = RestoredJson {
        digest: release.digest.to_string(),
        commit: &release.commit,
        folder: folder.display().to_string(),
        files,
    };
    print_json("terrace.release-restore/1", &report);
}

//! Releases on their way to a registry or from one: on a terminal one live bar, elsewhere plain lines, all on standard error; and what
//! came of it.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use console::style;
use indicatif::{HumanBytes, ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;
use terrace_domain::digest::Digest;
use terrace_domain::release::EstateRelease;
use terrace_registry::{Progress, Pulled, Pushed, Target};

use super::{count, error, print, print_json, say};

/// How often the live bar is drawn again.
const TICK: Duration = Duration::from_millis(120);

/// Shows what arrives.
pub struct Exchange {
    verb: &'static str,
    bar: Option<ProgressBar>,
    manifests: AtomicUsize,
}

impl Exchange {
    /// A view; `verb` says what is done: `pushing`.
    pub fn new(is_interactive: bool, verb: &'static str) -> Self {
        let bar = is_interactive.then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            let style = ProgressStyle::with_template("{spinner} {msg}  {bytes}/{total_bytes}  {elapsed:.dim}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar.set_message(verb);
            bar.enable_steady_tick(TICK);
            bar
        });
        Self { verb, bar, manifests: AtomicUsize::new(0) }
    }

    /// Takes in what has happened.
    pub fn note(&self, progress: &Progress) {
        match progress {
            Progress::Planned { blobs, bytes, manifests } => match &self.bar {
                Some(bar) => bar.set_length(*bytes),
                None => say(&format!(
                    "{} {} ({}) and {}",
                    self.verb,
                    count(*blobs, "blob"),
                    HumanBytes(*bytes),
                    count(*manifests, "manifest")
                )),
            },
            Progress::Blob { bytes, .. } => {
                if let Some(bar) = &self.bar {
                    bar.inc(*bytes);
                }
            }
            Progress::Manifest { .. } => {
                let manifests = self.manifests.fetch_add(1, Ordering::Relaxed) + 1;
                if let Some(bar) = &self.bar {
                    bar.set_message(format!("{}: {}", self.verb, count(manifests, "manifest")));
                }
            }
            Progress::Again { why } => {
                let line = format!("{} trying again: {why}", style("!").for_stderr().yellow());
                match &self.bar {
                    Some(bar) => bar.suspend(|| say(&line)),
                    None => say(&line),
                }
            }
        }
    }

    /// Takes the live bar away.
    pub fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// What was pushed, as text: the release by its digest alone is data.
pub fn pushed(release: &EstateRelease, target: &Target, pushed: &Pushed) {
    say(&format!(
        "{} pushed {} to {target}: {} sent ({}), {} there already, {} of evidence",
        style("✓").for_stderr().green(),
        release.digest.short(),
        count(pushed.blobs, "blob"),
        HumanBytes(pushed.bytes),
        pushed.blobs_there,
        pieces(pushed.referrers),
    ));
    if pushed.fallback_tags > 0 {
        say(&format!(
            "The registry keeps no list of what is attached: the evidence is listed under {}.",
            count(pushed.fallback_tags, "fallback tag")
        ));
    }
    print(&format!("{}\n", pinned(target, &release.digest)));
}

/// What was pulled, as text: the digest alone is data.
pub fn pulled(release: &EstateRelease, target: &Target, pulled: &Pulled) {
    say(&format!(
        "{} pulled {} of the estate {} from {target}: {} fetched ({}), {} here already, {} of evidence",
        style("✓").for_stderr().green(),
        release.digest.short(),
        release.estate_name,
        count(pulled.blobs, "blob"),
        HumanBytes(pulled.bytes),
        pulled.blobs_there,
        pieces(pulled.referrers),
    ));
    print(&format!("{}\n", release.digest));
}

/// Warns that another release of the same commit is found by its digest alone from now on.
pub fn warn_of_displaced(release: &EstateRelease, displaced: &Digest) {
    error::warn(&format!(
        "there was another release of the commit {} here, {}: it is kept, and found by its digest alone from now on",
        super::release::short_commit(&release.commit),
        displaced.short()
    ));
}

fn pieces(number: usize) -> String {
    count(number, "piece")
}

/// A content of a repository, by its digest.
fn pinned(target: &Target, digest: &Digest) -> String {
    format!("{}/{}@{digest}", target.registry(), target.repository())
}

#[derive(Serialize)]
struct BlobsJson {
    /// Sent or fetched.
    moved: usize,
    /// The bytes of those.
    bytes: u64,
    /// There already.
    there: usize,
}

#[derive(Serialize)]
struct PushedJson<'a> {
    digest: String,
    estate: &'a str,
    commit: &'a str,
    to: String,
    /// The same by its digest.
    pinned: String,
    tag: Option<&'a str>,
    blobs: BlobsJson,
    manifests: usize,
    /// Pieces of evidence, among the manifests.
    evidence: usize,
    fallback_tags: usize,
}

/// What was pushed, `terrace.release-push/1`.
pub fn pushed_json(release: &EstateRelease, target: &Target, pushed: &Pushed) {
    let report = PushedJson {
        digest: release.digest.to_string(),
        estate: release.estate_name.as_str(),
        commit: &release.commit,
        to: target.to_string(),
        pinned: pinned(target, &release.digest),
        tag: target.tag(),
        blobs: BlobsJson { moved: pushed.blobs, bytes: pushed.bytes, there: pushed.blobs_there },
        manifests: pushed.manifests,
        evidence: pushed.referrers,
        fallback_tags: pushed.fallback_tags,
    };
    print_json("terrace.release-push/1", &report);
}

#[derive(Serialize)]
struct PulledJson<'a> {
    digest: String,
    estate: &'a str,
    commit: &'a str,
    from: String,
    layout: String,
    /// In the layout: the commit's full id.
    tag: &'a str,
    blobs: BlobsJson,
    manifests: usize,
    /// Pieces of evidence, among the manifests.
    evidence: usize,
}

/// What was pulled, `terrace.release-pull/1`.
pub fn pulled_json(release: &EstateRelease, target: &Target, layout: &Path, pulled: &Pulled) {
    let report = PulledJson {
        digest: release.digest.to_string(),
        estate: release.estate_name.as_str(),
        commit: &release.commit,
        from: target.to_string(),
        layout: layout.display().to_string(),
        tag: &release.commit,
        blobs: BlobsJson { moved: pulled.blobs, bytes: pulled.bytes, there: pulled.blobs_there },
        manifests: pulled.manifests,
        evidence: pulled.referrers,
    };
    print_json("terrace.release-pull/1", &report);
}

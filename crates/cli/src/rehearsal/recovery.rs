//! Recovers lost code.

use std::collections::BTreeMap;
use std::sync::Arc;

use terrace_config::tree::FileTree;
use terrace_config::{MemoryCache, Watches, load_code, load_estate};
use terrace_domain::digest::Digest;
use terrace_domain::estate::ESTATE_FILE;
use terrace_domain::name::StackName;
use terrace_domain::rehearsal::{Finding, Outcome, Phase, Report};
use terrace_domain::release::EstateRelease;
use terrace_release::build::{BuildOptions, CommitFacts, Recipe, build};
use terrace_release::layout::Layout;
use terrace_release::restore::restore;
use terrace_release::tree::ReleaseTree;
use terrace_world::tree::WorkTree;

use super::phases::Rehearsal;
use crate::commands::release::build::Installer;
use crate::error::CommandError;
use crate::project::unsound;
use crate::settings::Settings;
use crate::views;

/// That a recovery took longer than it may.
pub(super) fn too_slow(report: &Report) -> Finding {
    let (took, rto) = (report.recovery_ms().unwrap_or_default(), report.rto_ms.unwrap_or_default());
    Finding {
        phase: Phase::Recover,
        stack: None,
        summary: format!(
            "the recovery took {}, and the objective is {}",
            views::time::duration(took),
            views::time::duration(rto)
        ),
        details: Vec::new(),
    }
}

/// Restores the repository from the releases alone, builds them again, and compares every digest.
pub(super) fn recover_code(rehearsal: &mut Rehearsal<'_>) -> Result<Outcome, CommandError> {
    let mut seen: BTreeMap<Digest, Arc<ReleaseTree>> = BTreeMap::new();
    for part in rehearsal.baseline_parts() {
        seen.insert(part.release.release().digest, Arc::clone(part.release));
    }
    let mut outcome = Outcome::Passed;
    for release in seen.values() {
        for (stack, summary) in differing(rehearsal.settings, release)? {
            rehearsal.report.findings.push(Finding { phase: Phase::Recover, stack, summary, details: Vec::new() });
            outcome = Outcome::Failed;
        }
    }
    Ok(outcome)
}

/// Where the release that is built of what an estate release restores differs from it: the stack, and how.
pub fn differing(
    settings: &Settings,
    release: &Arc<ReleaseTree>,
) -> Result<Vec<(Option<StackName>, String)>, CommandError> {
    let scratch = tempfile::tempdir_in(&settings.temporary)
        .map_err(|error| CommandError::failed(format!("no folder can be made: {error}")))?;
    let folder = scratch.path().join("restored");
    restore(release, &folder)?;
    let rebuilt = rebuilt(settings, release, &folder, &scratch.path().join("releases"))?;
    let original = release.release();
    let mut found = Vec::new();
    if rebuilt.estate != original.estate {
        found.push((None, differs("terrace.hcl", &original.estate, Some(&rebuilt.estate))));
    }
    for (stack, digest) in &original.stacks {
        let now = rebuilt.stacks.get(stack);
        if now != Some(digest) {
            found.push((Some(stack.clone()), differs(stack.as_str(), digest, now)));
        }
    }
    if found.is_empty() && rebuilt.digest != original.digest {
        found.push((None, differs("the estate release", &original.digest, Some(&rebuilt.digest))));
    }
    Ok(found)
}

fn differs(what: &str, before: &Digest, now: Option<&Digest>) -> String {
    match now {
        Some(now) => format!("{what}: built again it is {}, and it was {}", now.short(), before.short()),
        None => format!("{what} is not in what was restored; it was {}", before.short()),
    }
}

/// The estate release that is built of restored files.
fn rebuilt(
    settings: &Settings,
    release: &Arc<ReleaseTree>,
    folder: &std::path::Path,
    layout: &std::path::Path,
) -> Result<EstateRelease, CommandError> {
    let tree = WorkTree::open(folder)?;
    // Nothing of the estate but its releases is looked at: the rest is lost.
    let root = tree
        .files()
        .iter()
        .filter(|entry| entry.path.parts().last() == Some(ESTATE_FILE))
        .filter_map(|entry| entry.path.parent())
        .min_by_key(|folder| folder.parts().count())
        .ok_or_else(|| CommandError::failed(format!("the release has no {ESTATE_FILE}")))?;
    let loaded = load_estate(&tree, &root);
    let Some(estate) = loaded.estate else { return Err(unsound(&tree, loaded.diagnostics)) };
    let code = load_code(&tree, &estate, estate.stacks.values(), &MemoryCache::default());
    let watches = Watches::of(&estate);
    let known = release.release();
    let commit = CommitFacts {
        id: known.commit.clone(),
        committed_at_secs: known.committed_at_secs,
        subject: known.subject.clone(),
    };
    let recipe = Recipe { tree: &tree, estate: &estate, code: &code, watches: &watches, commit: &commit };
    let installer = Installer::new(settings, folder, &estate.terraform);
    let options = BuildOptions { installer: &installer, scratch: &settings.temporary, refresh: false, mend: false };
    // A layout of its own: what was built before is not looked at.
    let layout = Layout::open_or_create(layout)?;
    Ok(build(&layout, &recipe, &options)?.release)
}

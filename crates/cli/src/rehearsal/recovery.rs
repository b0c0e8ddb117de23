//! Loses states on purpose, and recovers lost states and lost code.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use serde_json::json;
use terrace_config::tree::FileTree;
use terrace_config::{MemoryCache, Watches, load_code, load_estate};
use terrace_domain::digest::Digest;
use terrace_domain::estate::ESTATE_FILE;
use terrace_domain::name::StackName;
use terrace_domain::rehearsal::{Finding, Outcome, Phase, Report};
use terrace_domain::release::EstateRelease;
use terrace_domain::run::Step;
use terrace_domain::state::StateFacts;
use terrace_driver::instance::{Lost, Noted, OutputBook, Recovered, Teller, open_state, recover_state};
use terrace_driver::local::Notice;
use terrace_driver::snapshots::{self, Snapshot};
use terrace_driver::store::Store;
use terrace_release::build::{BuildOptions, CommitFacts, Recipe, build};
use terrace_release::layout::Layout;
use terrace_release::restore::restore;
use terrace_release::tree::ReleaseTree;
use terrace_world::tree::WorkTree;

use super::look::with_context;
use super::phases::Rehearsal;
use crate::commands::release::build::Installer;
use crate::delivery::{Drill, Prospect, halted};
use crate::error::CommandError;
use crate::project::unsound;
use crate::settings::Settings;
use crate::views;
use crate::views::progress::Progress;

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

/// Throws all states of the environment away: an empty one takes the place of each. What they were is in the snapshots.
pub(super) fn lose_states(rehearsal: &mut Rehearsal<'_>) -> Result<Outcome, CommandError> {
    for part in rehearsal.baseline_parts() {
        let (settings, stacks) = (rehearsal.settings, part.stacks.clone());
        let prospect = rehearsal.ground.prospect(settings, part.opened, &rehearsal.scope, stacks, Drill::default())?;
        with_context(&prospect, settings, part.release, async |ctx, id, stop| {
            let state = open_state(ctx, id, stop.clone()).await.map_err(halted)?;
            let Some(bytes) = state.read(ctx, id, stop.clone()).await.map_err(halted)? else { return Ok(()) };
            let facts = StateFacts::read(&bytes)
                .map_err(|error| CommandError::failed(format!("the state of {id} cannot be read: {error}")))?;
            let empty = json!({
                "version": 4,
                "terraform_version": facts.terraform_version,
                "serial": facts.serial + 1,
                "lineage": facts.lineage,
                "outputs": {},
                "resources": [],
            });
            state.push(ctx, id, empty.to_string().as_bytes(), true, stop.clone()).await.map_err(halted)
        })?;
    }
    Ok(Outcome::Passed)
}

/// Rebuilds all states from the last snapshots, by import.
pub(super) fn recover_states(rehearsal: &mut Rehearsal<'_>) -> Result<Outcome, CommandError> {
    let mut outcome = Outcome::Passed;
    let store = Store::open(&rehearsal.ground.own_home().database(), &rehearsal.settings.actor())?;
    for part in rehearsal.baseline_parts() {
        let (settings, stacks) = (rehearsal.settings, part.stacks.clone());
        let prospect = rehearsal.ground.prospect(settings, part.opened, &rehearsal.scope, stacks, Drill::default())?;
        for (stack, rebuilt) in rebuild_states(&prospect, settings, part.release, &store)? {
            let problems = rebuilt.problems();
            if !problems.is_empty() {
                rehearsal.report.findings.push(Finding {
                    phase: Phase::Recover,
                    stack: Some(stack),
                    summary: "its state could not be rebuilt whole".to_owned(),
                    details: problems,
                });
                outcome = Outcome::Failed;
            }
        }
    }
    Ok(outcome)
}

/// Puts back the states that were lost on purpose and not rebuilt whole, each from its last snapshot: what they do not name would not be destroyed.
pub(super) fn put_back_states(
    prospect: &Prospect,
    settings: &Settings,
    release: &Arc<ReleaseTree>,
    store: &Store,
) -> Result<(), CommandError> {
    with_context(prospect, settings, release, async |ctx, id, stop| {
        let (environment, stack) = (id.environment.as_str(), id.stack.as_str());
        let Some(snapshot) = snapshots::latest(store.connection(), environment, stack)? else { return Ok(()) };
        let bytes = ctx.vault.get(snapshot.taken.digest)?;
        let unreadable = |error| CommandError::failed(format!("a state of {id} cannot be read: {error}"));
        let was = StateFacts::read(&bytes).map_err(unreadable)?.resources;
        let state = open_state(ctx, id, stop.clone()).await.map_err(halted)?;
        let now = match state.read(ctx, id, stop.clone()).await.map_err(halted)? {
            Some(bytes) => StateFacts::read(&bytes).map_err(unreadable)?.resources,
            None => Vec::new(),
        };
        if was.iter().all(|address| now.contains(address)) {
            return Ok(());
        }
        views::say(&format!(
            "· {stack}  its state is put back from snapshot {}: all that it names is to be destroyed",
            snapshot.id
        ));
        state.push(ctx, id, &bytes, true, stop.clone()).await.map_err(halted)
    })?;
    Ok(())
}

/// What became of a lost state.
pub enum Rebuilt {
    /// There was nothing to rebuild: no snapshot was ever taken.
    NoSnapshot,
    /// It is there: nothing was done.
    IsThere,
    /// It was rebuilt from a snapshot; with what is to be recorded of that.
    From(Box<(Snapshot, Recovered, Vec<Noted>)>),
}

impl Rebuilt {
    /// What is not as it was, a line each.
    pub fn problems(&self) -> Vec<String> {
        let Self::From(rebuilt) = self else { return Vec::new() };
        let recovered = &rebuilt.1;
        let refused = recovered
            .refused
            .iter()
            .map(|one| format!("{} was refused: {}", one.address, one.why.lines().next().unwrap_or_default()));
        let not = recovered.not_importable.iter().map(|one| format!("{} cannot be imported: {}", one.address, one.why));
        let differing = recovered
            .differing
            .iter()
            .map(|one| format!("{} differs ({}): {}", one.address, one.action, one.attributes.join(", ")));
        let mut all: Vec<String> = refused.chain(not).chain(differing).collect();
        if all.is_empty() && !recovered.is_empty {
            all.push("the plan in the end is not empty".to_owned());
        }
        all
    }
}

/// Rebuilds the states of a prospect's stacks that are empty, each from its last snapshot, in graph order. One that is there is left alone; one that
/// was begun is gone on with. The environment is this process's own.
pub fn rebuild_states(
    prospect: &Prospect,
    settings: &Settings,
    release: &Arc<ReleaseTree>,
    store: &Store,
) -> Result<Vec<(StackName, Rebuilt)>, CommandError> {
    let book = OutputBook::default();
    with_context(prospect, settings, release, async |ctx, id, stop| {
        let (environment, stack) = (id.environment.as_str(), id.stack.as_str());
        let Some(snapshot) = snapshots::latest(store.connection(), environment, stack)? else {
            return Ok(Rebuilt::NoSnapshot);
        };
        let bytes = ctx.vault.get(snapshot.taken.digest)?;
        let unreadable = |error| CommandError::failed(format!("the snapshot of {id} cannot be read: {error}"));
        let was: BTreeSet<String> = StateFacts::read(&bytes).map_err(unreadable)?.resources.into_iter().collect();
        let state = open_state(ctx, id, stop.clone()).await.map_err(halted)?;
        let now = match state.read(ctx, id, stop.clone()).await.map_err(halted)? {
            Some(bytes) => StateFacts::read(&bytes)
                .map_err(|error| CommandError::failed(format!("the state of {id} cannot be read: {error}")))?
                .resources
                .into_iter()
                .collect(),
            None => BTreeSet::new(),
        };
        if was.is_subset(&now) {
            return Ok(Rebuilt::IsThere);
        }
        views::say(&format!(
            "· {stack}  importing {} of snapshot {}",
            views::count(was.len(), "resource"),
            snapshot.id
        ));
        let progress = Progress::new(false, false, std::iter::empty());
        let noted = Arc::new(Mutex::new(Vec::new()));
        let record = Arc::clone(&noted);
        let teller = Teller {
            instance: id.clone(),
            step: Step::Apply,
            watcher: Arc::new(move |notice: Notice<'_>| progress.note(&notice)),
            record: Arc::new(move |one| record.lock().expect("no panic while held").push(one)),
        };
        let lost = Lost { snapshot: &snapshot, state: &bytes, only_look: false, go_on: !now.is_empty() };
        let recovered = recover_state(ctx, id, lost, &book, stop.clone(), &teller).await.map_err(halted)?;
        let noted = std::mem::take(&mut *noted.lock().expect("no panic while held"));
        Ok(Rebuilt::From(Box::new((snapshot, recovered, noted))))
    })
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
        author: known.author.clone(),
    };
    let recipe = Recipe { tree: &tree, estate: &estate, code: &code, watches: &watches, commit: &commit };
    let installer = Installer::new(settings, folder, &estate.terraform);
    let options = BuildOptions { installer: &installer, scratch: &settings.temporary, refresh: false, mend: false };
    // A layout of its own: what was built before is not looked at.
    let layout = Layout::open_or_create(layout)?;
    Ok(build(&layout, &recipe, &options)?.release)
}

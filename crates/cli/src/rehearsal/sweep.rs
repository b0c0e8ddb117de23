//! Destroys what ephemeral environments left: those that outlived their time, and those whose process is gone.

use std::collections::BTreeMap;
use std::sync::Arc;

use terrace_domain::name::StackName;
use terrace_domain::rehearsal::Scope;
use terrace_domain::run::{Mode, Outcome as RunOutcome};
use terrace_driver::home::Home;
use terrace_driver::rehearsals::{self, Kept};
use terrace_release::layout::Layout;
use terrace_release::tree::ReleaseTree;

use super::ground::{Ground, is_held};
use super::look;
use super::phases::failed;
use crate::delivery::{Drill, Wishes, deliver};
use crate::error::CommandError;
use crate::project::{Opened, Project};
use crate::settings::Settings;
use crate::views;

/// What came of an environment that was to be swept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Swept {
    /// Its name.
    pub name: String,
    /// Why it is swept.
    pub why: &'static str,
    /// What is left, by stack; empty when nothing is.
    pub left: BTreeMap<StackName, Vec<String>>,
    /// What kept it from being destroyed.
    pub error: Option<String>,
}

impl Swept {
    /// Whether nothing is left.
    pub fn is_clean(&self) -> bool {
        self.left.is_empty() && self.error.is_none()
    }
}

/// The environments that are to be swept, and why. `named`: those alone, whatever their time.
pub fn due(home: &Home, named: &[String]) -> Result<Vec<(Kept, &'static str)>, CommandError> {
    let (all, errors) = rehearsals::all(home);
    for error in errors {
        views::error::warn(&error.to_string());
    }
    if let Some(unknown) = named.iter().find(|name| !all.iter().any(|kept| kept.environment.name.as_str() == *name)) {
        return Err(CommandError::usage(format!("there is no ephemeral environment `{unknown}`"))
            .help("`terrace rehearse list` shows all."));
    }
    let now = views::time::now();
    let why = |kept: &Kept| {
        let name = kept.environment.name.as_str();
        if !kept.is_standing || is_held(home, name) {
            return None;
        }
        if named.iter().any(|one| one == name) {
            return Some("asked for");
        }
        if !named.is_empty() {
            return None;
        }
        if kept.environment.is_expired(now) {
            return Some("outlived its time");
        }
        // Where it is to be left standing, its process has ended as it should.
        (!kept.environment.keeps || kept.report.is_none()).then_some("left by a process that is gone")
    };
    Ok(all.into_iter().filter_map(|kept| why(&kept).map(|why| (kept, why))).collect())
}

/// Destroys what is due, one environment after another.
pub fn sweep(
    settings: &Settings,
    home: &Home,
    due: Vec<(Kept, &'static str)>,
    parallelism: usize,
    lock_wait_secs: u64,
) -> Vec<Swept> {
    let mut all = Vec::new();
    for (kept, why) in due {
        let name = kept.environment.name.to_string();
        views::say(&format!("Sweeping {name}: {why}"));
        let swept = match one(settings, home, &kept, parallelism, lock_wait_secs) {
            Ok(Some(left)) => Swept { name, why, left, error: None },
            // Somebody took it meanwhile.
            Ok(None) => continue,
            Err(error) => {
                views::error::show(&error);
                Swept { name, why, left: BTreeMap::new(), error: Some(error.message) }
            }
        };
        all.push(swept);
    }
    all
}

fn one(
    settings: &Settings,
    home: &Home,
    kept: &Kept,
    parallelism: usize,
    lock_wait_secs: u64,
) -> Result<Option<BTreeMap<StackName, Vec<String>>>, CommandError> {
    let Some(ground) = Ground::take_over(settings, home, kept, parallelism)? else { return Ok(None) };
    let mut parts = Vec::new();
    if !kept.releases.is_empty() {
        let layout = Layout::open(&home.releases())?;
        let project = Project::find(settings)?;
        for digest in &kept.releases {
            let release = Arc::new(ReleaseTree::open(&layout, &layout.resolve(digest)?)?);
            let opened = project.open_release(&release)?;
            parts.push((release, opened));
        }
    }
    let mut left = BTreeMap::new();
    // What was deployed last says how a stack is now; what only earlier ones have rests on nothing that those still need.
    let last = parts.len().saturating_sub(1);
    let claimed: Vec<_> = parts
        .iter()
        .map(|(_, opened)| opened.estate.stacks.keys().cloned().collect::<std::collections::BTreeSet<_>>())
        .collect();
    for pass in 0..2 {
        left.clear();
        for (at, (release, opened)) in parts.iter().enumerate().collect::<Vec<_>>() {
            let mut stacks = claimed[at].clone();
            if at != last {
                stacks.retain(|name| !claimed[last].contains(name));
            }
            if stacks.is_empty() {
                continue;
            }
            left.extend(destroy(settings, &ground, (release, opened), &stacks, lock_wait_secs)?);
        }
        if left.is_empty() {
            break;
        }
        if pass == 0 {
            views::say("Trying once more to destroy what is left.");
        }
    }
    for (stack, resources) in look::in_sandbox(&ground)? {
        left.entry(stack).or_insert(resources);
    }
    if left.is_empty() {
        rehearsals::discard(home, ground.environment.name.as_str()).map_err(failed)?;
    }
    Ok(Some(left))
}

fn destroy(
    settings: &Settings,
    ground: &Ground,
    (release, opened): (&Arc<ReleaseTree>, &Opened),
    stacks: &std::collections::BTreeSet<StackName>,
    lock_wait_secs: u64,
) -> Result<BTreeMap<StackName, Vec<String>>, CommandError> {
    let Opened { estate, graph, .. } = opened;
    let chosen = ground.environment.stacks.iter().filter(|name| estate.stacks.contains_key(*name)).cloned().collect();
    let scope = Scope::of(estate, graph, &chosen, ground.environment.fixtures)
        .map_err(|error| CommandError::usage(error.to_string()))?;
    let wanted: std::collections::BTreeSet<StackName> = scope.deployed().intersection(stacks).cloned().collect();
    if wanted.is_empty() {
        return Ok(BTreeMap::new());
    }
    let prospect = ground.prospect(settings, opened, &scope, wanted.clone(), Drill::default())?;
    let wishes = Wishes { mode: Mode::Destroy, confirmed: &[], again: true };
    let conducted = deliver(prospect, settings, &wishes, Some(Arc::clone(release)), lock_wait_secs)?;
    if conducted.run.outcome() == RunOutcome::Interrupted {
        return Err(
            CommandError::failed("interrupted: somebody asked to stop").help("`terrace sweep` goes on from there.")
        );
    }
    let prospect = ground.prospect(settings, opened, &scope, wanted, Drill::default())?;
    look::in_states(&prospect, settings, release)
}

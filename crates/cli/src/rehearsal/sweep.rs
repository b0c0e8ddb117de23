//! Destroys what ephemeral environments left: those that outlived their time, and those whose process is gone.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use terrace_domain::name::StackName;
use terrace_domain::rehearsal::{Lost, Practice, Scope, SweepReason, undoing};
use terrace_domain::run::{Mode, Moment, Outcome as RunOutcome};
use terrace_driver::home::Home;
use terrace_driver::rehearsals::{self, Kept};
use terrace_driver::store::Store;
use terrace_release::layout::Layout;
use terrace_release::tree::ReleaseTree;

use super::ground::{Ground, is_held, refuse_delivered};
use super::look;
use super::phases::{failed, known};
use super::recovery::put_back_states;
use crate::delivery::{Drill, Stay, Wishes, deliver};
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
    pub why: SweepReason,
    /// What is left, by stack; empty when nothing is.
    pub left: BTreeMap<StackName, Vec<String>>,
    /// Where backends keep states that have nothing in them any more.
    pub empty_states: Vec<String>,
    /// What kept it from being destroyed.
    pub error: Option<String>,
}

/// What is seen after a destruction.
#[derive(Default)]
struct Looked {
    left: BTreeMap<StackName, Vec<String>>,
    empty_states: Vec<String>,
}

impl Swept {
    /// Whether nothing is left.
    pub fn is_clean(&self) -> bool {
        self.left.is_empty() && self.error.is_none()
    }
}

/// The environments that are to be swept, and why. `named`: those alone, whatever their time.
pub fn due(home: &Home, named: &[String]) -> Result<Vec<(Kept, SweepReason)>, CommandError> {
    let (all, errors) = rehearsals::all(home);
    for error in errors {
        views::error::warn(&error.to_string());
    }
    if !named.is_empty() {
        return named.iter().map(|name| Ok((find(home, &all, name)?, SweepReason::Named))).collect();
    }
    let now = views::time::now();
    let due = all.into_iter().filter_map(|kept| reason(&kept, now).map(|why| (kept, why)));
    Ok(due.filter(|(kept, _)| !is_held(home, kept.environment.name.as_str())).collect())
}

/// The environment of a name, if it can be destroyed.
fn find(home: &Home, all: &[Kept], name: &str) -> Result<Kept, CommandError> {
    let found = all.iter().find(|kept| kept.environment.name.as_str() == name).ok_or_else(|| {
        CommandError::usage(format!("there is no ephemeral environment `{name}`"))
            .help("`terrace rehearse list` shows all.")
    })?;
    if is_held(home, name) {
        return Err(CommandError::failed(format!("a process is at work in {name}"))
            .help("It destroys it at its end; to end it now, interrupt that process (Ctrl-C)."));
    }
    Ok(found.clone())
}

fn reason(kept: &Kept, now: Moment) -> Option<SweepReason> {
    kept.environment.sweep_reason(kept.report.is_some(), now).filter(|_| kept.is_standing)
}

/// Destroys what is due, one environment after another.
pub fn sweep(
    settings: &Settings,
    home: &Home,
    due: &[(Kept, SweepReason)],
    parallelism: usize,
    lock_wait_secs: u64,
) -> Vec<Swept> {
    let mut all = Vec::new();
    for (kept, why) in due {
        let (name, why) = (kept.environment.name.to_string(), *why);
        let swept = match one(settings, home, &name, why, parallelism, lock_wait_secs) {
            Ok(Some(Looked { left, empty_states })) => Swept { name, why, left, empty_states, error: None },
            // Somebody took it meanwhile.
            Ok(None) => continue,
            Err(error) => {
                views::error::show(&error);
                Swept { name, why, left: BTreeMap::new(), empty_states: Vec::new(), error: Some(error.message) }
            }
        };
        all.push(swept);
    }
    all
}

fn one(
    settings: &Settings,
    home: &Home,
    name: &str,
    why: SweepReason,
    parallelism: usize,
    lock_wait_secs: u64,
) -> Result<Option<Looked>, CommandError> {
    let Some((ground, kept)) = Ground::take_over(settings, home, name, parallelism)? else { return Ok(None) };
    // Until it was held, another sweep may have destroyed it, or its rehearsal come to an end that leaves it standing.
    if why != SweepReason::Named && reason(&kept, views::time::now()).is_none() {
        return Ok(None);
    }
    if !kept.is_standing {
        views::say(&format!("Nothing of {name} is there any more."));
        return Ok(Some(Looked::default()));
    }
    views::say(&format!("Sweeping {name}: {}", why.in_words()));
    refuse_delivered(home, name, settings)?;
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
    let Looked { mut left, mut empty_states } = Looked::default();
    let begun = rehearsals::begun(&ground.own_home(), &settings.actor())?;
    let all = |opened: &Opened| opened.estate.stacks.keys().cloned().collect();
    let known: Vec<_> = parts.iter().map(|(release, opened)| known(release, opened, &all(opened))).collect();
    let sequence = undoing(&begun, &known);
    if ground.environment.practice == Practice::Recovery(Lost::State) {
        let store = Store::open(&ground.own_home().database(), &settings.actor())?;
        for (at, stacks) in &sequence {
            let (release, opened) = &parts[*at];
            let prospect =
                ground.prospect(settings, opened, &scope(&ground, opened)?, stacks.clone(), Drill::default())?;
            put_back_states(&prospect, settings, release, &store)?;
        }
    }
    for pass in 0..2 {
        left.clear();
        empty_states.clear();
        for (at, stacks) in &sequence {
            let (release, opened) = &parts[*at];
            let looked = destroy(settings, &ground, (release, opened), stacks, lock_wait_secs)?;
            left.extend(looked.left);
            empty_states.extend(looked.empty_states);
        }
        if left.is_empty() {
            break;
        }
        if pass == 0 {
            views::say("Trying once more to destroy what is left.");
        }
    }
    for (stack, resources) in look::in_sandbox(&ground, &begun)? {
        left.entry(stack).or_insert(resources);
    }
    if left.is_empty() {
        rehearsals::discard(home, ground.environment.name.as_str()).map_err(failed)?;
    }
    Ok(Some(Looked { left, empty_states }))
}

/// How the stacks of a release took part.
fn scope(ground: &Ground, opened: &Opened) -> Result<Scope, CommandError> {
    let Opened { estate, graph, .. } = opened;
    let chosen = ground.environment.stacks.iter().filter(|name| estate.stacks.contains_key(*name)).cloned().collect();
    Scope::of(estate, graph, &chosen, ground.environment.fixtures)
        .map_err(|error| CommandError::usage(error.to_string()))
}

fn destroy(
    settings: &Settings,
    ground: &Ground,
    (release, opened): (&Arc<ReleaseTree>, &Opened),
    stacks: &BTreeSet<StackName>,
    lock_wait_secs: u64,
) -> Result<Looked, CommandError> {
    let scope = scope(ground, opened)?;
    let prospect = ground.prospect(settings, opened, &scope, stacks.clone(), Drill::default())?;
    let wishes = Wishes { mode: Mode::Destroy, confirmed: &[], again: true, break_glass: None };
    let conducted = deliver(prospect, settings, &wishes, Some(Arc::clone(release)), (lock_wait_secs, Stay::default()))?;
    if conducted.run.outcome() == RunOutcome::Interrupted {
        return Err(
            CommandError::failed("interrupted: somebody asked to stop").help("`terrace sweep` goes on from there.")
        );
    }
    let prospect = ground.prospect(settings, opened, &scope, stacks.clone(), Drill::default())?;
    let left = look::in_states(&prospect, settings, release)?;
    Ok(Looked { empty_states: look::empty_states(&prospect, &left), left })
}

//! What `plan`, `deliver` and `resume` share. This file chooses the stages and checks what takes part, and starts nothing; `conduct`
//! brings the run to its end.

mod again;
mod at_rest;
mod caution;
mod conduct;
mod crew;
mod hold;
mod logs;
mod ordering;
mod passage;
mod policing;
mod signals;

pub use again::{of_release, retried};
pub use at_rest::{AtRest, halted, prospect};
pub use conduct::{Conducted, Told, block_on, deliver, plan, resume};
pub use hold::{checkpoint, is_driven, look_into_store, new_holder, take, take_over, trust, who};
pub use ordering::Wishes;
pub use passage::{Passage, Stay};
pub use signals::asked_to_stop;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use clap::Args;
use terrace_config::Code;
use terrace_domain::diagnostic::nearest;
use terrace_domain::estate::{Estate, Stage};
use terrace_domain::name::{EnvironmentName, StackName};
use terrace_domain::run::Gate;
use terrace_domain::value::Value;
use terrace_release::tree::ReleaseTree;

use crate::error::CommandError;
use crate::project::{Opened, Project};
use crate::selection::{Selected, Selection};
use crate::settings::{Settings, default_parallelism};
use crate::views;

/// Options of commands that work on the instances of an environment.
#[derive(Debug, Args)]
pub struct Target {
    #[command(flatten)]
    pub selection: Selection,
    /// This stage of the pipeline alone
    #[arg(long, value_name = "STAGE")]
    pub stage: Option<String>,
    /// This environment alone: its stage is chosen
    #[arg(long, value_name = "ENVIRONMENT", conflicts_with = "stage")]
    pub env: Option<String>,
    /// The commit
    #[arg(long, value_name = "COMMIT", default_value = "HEAD", conflicts_with = "affected")]
    pub commit: String,
    /// Let everything upstream of the selected stacks take part, too
    #[arg(long)]
    pub upstream: bool,
    /// How many instances work at once [default: one a core]
    #[arg(long, short = 'j', value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub parallelism: Option<u16>,
    /// Say what Terraform does to each resource
    #[arg(long, short)]
    pub verbose: bool,
}

/// How far a command goes through the pipeline where no stage is named.
#[derive(Debug, Clone, Copy)]
pub enum Reach<'a> {
    /// The first stage that delivers to an environment.
    First,
    /// All stages, up to the named stage or environment, if one is.
    Through(Option<&'a str>),
}

/// A stage that a run goes through.
#[derive(Debug, Clone)]
pub struct Leg {
    /// The stage.
    pub stage: Stage,
    /// Its environment.
    pub environment: EnvironmentName,
    /// The environment of the stage before it in the pipeline.
    pub after: Option<EnvironmentName>,
}

/// Everything that is decided before something is done.
pub struct Prospect {
    pub project: Project,
    pub opened: Opened,
    /// What was selected.
    pub selected: Selected,
    /// The stages, in the pipeline's sequence.
    pub legs: Vec<Leg>,
    pub code: Code,
    pub parallelism: usize,
    pub verbose: bool,
    /// What is delivered, in words, where it is no commit that was looked up.
    pub what: Option<String>,
    /// What is different in a rehearsal; `None` in earnest.
    pub drill: Option<Drill>,
}

/// What is different in a rehearsal. No evidence of a delivery comes of it.
#[derive(Debug, Default)]
pub struct Drill {
    /// Values that stand in for the outputs of stacks, by who reads them and whose they are.
    pub stand_ins: BTreeMap<(StackName, StackName), BTreeMap<String, Value>>,
    /// Stacks in whose place fixtures are deployed: they have no release.
    pub fixtures: BTreeSet<StackName>,
    /// The stacks of which the rehearsal began an apply before: nothing of the others may be there.
    pub begun: BTreeSet<StackName>,
    /// Whether it is told attribute by attribute what plans would still change.
    pub compares: bool,
    /// Gates of the environment.
    pub gates: Vec<Gate>,
    /// Resources that were protected in what runs, as `TYPE.NAME`.
    pub protected: BTreeMap<StackName, BTreeSet<String>>,
}

impl Target {
    /// Selects stacks and stages, and checks the configuration of what takes part. Starts nothing.
    pub fn resolve(&self, settings: &Settings, work_tree: bool, reach: Reach<'_>) -> Result<Prospect, CommandError> {
        let project = Project::find(settings)?;
        let (opened, mut selected) = self.selection.resolve(&project, || {
            if work_tree {
                return project.open_work_tree();
            }
            let commit = project.repository()?.resolve(&self.commit)?;
            project.open_commit(commit)
        })?;
        if self.upstream {
            let upstream = opened.graph.upstream_closure(&selected.stacks).into_keys();
            selected.stacks.extend(upstream);
            selected.downstream.retain(|name| !selected.stacks.contains(name));
        }
        let legs = self.choose_legs(&opened.estate, reach)?;
        let code = checked_code(&project, &opened, &selected)?;
        let parallelism = self.parallelism.map_or_else(default_parallelism, usize::from);
        Ok(Prospect {
            project,
            opened,
            selected,
            legs,
            code,
            parallelism,
            verbose: self.verbose,
            what: None,
            drill: None,
        })
    }

    /// The same for a release that was built before: no commit is looked at.
    pub fn resolve_release(
        &self,
        settings: &Settings,
        release: &Arc<ReleaseTree>,
        reach: Reach<'_>,
    ) -> Result<Prospect, CommandError> {
        let project = Project::find(settings)?;
        let opened = project.open_release(release)?;
        let mut stacks = self.selection.named(&opened.estate)?;
        if self.upstream {
            stacks.extend(opened.graph.upstream_closure(&stacks).into_keys());
        }
        let selected = Selected { stacks, downstream: BTreeSet::new(), change: None };
        let legs = self.choose_legs(&opened.estate, reach)?;
        let code = checked_code(&project, &opened, &selected)?;
        let parallelism = self.parallelism.map_or_else(default_parallelism, usize::from);
        let what = Some(in_words(release));
        Ok(Prospect { project, opened, selected, legs, code, parallelism, verbose: self.verbose, what, drill: None })
    }

    pub fn choose_legs(&self, estate: &Estate, reach: Reach<'_>) -> Result<Vec<Leg>, CommandError> {
        let mut legs = legs(estate);
        if legs.is_empty() {
            return Err(CommandError::usage("no stage of the pipeline delivers to an environment")
                .help("Add one to terrace.hcl: `stage \"dev\" { environment = \"dev\" }`."));
        }
        match (&self.stage, &self.env, reach) {
            (Some(name), _, _) => {
                let at = position_of_stage(estate, &legs, name)?;
                Ok(vec![legs.swap_remove(at)])
            }
            (None, Some(name), _) => {
                let at = position_of_environment(estate, &legs, name)?;
                Ok(vec![legs.swap_remove(at)])
            }
            (None, None, Reach::First) => Ok(vec![legs.swap_remove(0)]),
            (None, None, Reach::Through(None)) => Ok(legs),
            (None, None, Reach::Through(Some(name))) => {
                let is_stage = estate.stages.iter().any(|stage| stage.name.as_str() == name);
                let at = if is_stage || !estate.environments.contains_key(name) {
                    position_of_stage(estate, &legs, name)?
                } else {
                    position_of_environment(estate, &legs, name)?
                };
                legs.truncate(at + 1);
                Ok(legs)
            }
        }
    }
}

/// A release in words: `release 94645fde9610 (commit c4ca005c "Subject")`.
pub fn in_words(release: &ReleaseTree) -> String {
    let release = release.release();
    let subject = release.subject.as_deref().unwrap_or_default();
    format!("release {} (commit {} \"{subject}\")", release.digest.short(), views::run::short(&release.commit))
}

/// All stages that deliver to an environment.
pub fn legs(estate: &Estate) -> Vec<Leg> {
    let mut after = None;
    let delivering = estate.stages.iter().filter_map(|stage| Some((stage, stage.environment.clone()?)));
    delivering
        .map(|(stage, environment)| {
            let before = after.replace(environment.clone());
            Leg { stage: stage.clone(), environment, after: before }
        })
        .collect()
}

fn position_of_stage(estate: &Estate, legs: &[Leg], name: &str) -> Result<usize, CommandError> {
    if let Some(at) = legs.iter().position(|leg| leg.stage.name.as_str() == name) {
        return Ok(at);
    }
    if estate.stages.iter().any(|stage| stage.name.as_str() == name) {
        return Err(CommandError::usage(format!("the stage `{name}` delivers to no environment"))
            .help("Name a stage that has one: `terrace deliver --stage STAGE`."));
    }
    Err(unknown("stage", name, estate.stages.iter().map(|stage| stage.name.as_str())))
}

fn position_of_environment(estate: &Estate, legs: &[Leg], name: &str) -> Result<usize, CommandError> {
    if !estate.environments.contains_key(name) {
        return Err(unknown("environment", name, estate.environments.keys().map(EnvironmentName::as_str)));
    }
    legs.iter().position(|leg| leg.environment.as_str() == name).ok_or_else(|| {
        CommandError::usage(format!("no stage of the pipeline delivers to `{name}`"))
            .help(format!("Add one to terrace.hcl: `stage \"{name}\" {{ environment = \"{name}\" }}`."))
    })
}

fn unknown<'a>(what: &str, name: &str, known: impl Iterator<Item = &'a str> + Clone) -> CommandError {
    let error = CommandError::usage(format!("there is no {what} `{name}`"));
    match nearest(name, known.clone()) {
        Some(near) => error.help(format!("Did you mean `{near}`?")),
        None => error.help(format!("There is: {}.", known.collect::<Vec<_>>().join(", "))),
    }
}

/// Reads the code of what takes part and of its direct upstream, and checks it.
fn checked_code(project: &Project, opened: &Opened, selected: &Selected) -> Result<Code, CommandError> {
    let taking_part: BTreeSet<_> = selected.stacks.union(&selected.downstream).collect();
    let mut needed = taking_part.clone();
    for name in &taking_part {
        needed.extend(opened.graph.upstream_of(name.as_str()).into_keys());
        // What is taken over from a stack may have to be looked up in its state.
        let moves = opened.estate.stacks.get(name.as_str()).into_iter().flat_map(|stack| &stack.moves);
        needed.extend(moves.filter_map(|one| opened.estate.stacks.get_key_value(&one.from.name)).map(|(name, _)| name));
    }
    let stacks = needed.into_iter().map(|name| &opened.estate.stacks[name]);
    let (code, warnings) = project.checked_code(opened, stacks)?;
    views::diagnostics::say_from(&*opened.tree, &warnings);
    Ok(code)
}

impl Prospect {
    /// The estate.
    pub fn estate(&self) -> &Estate {
        &self.opened.estate
    }

    /// The project.
    pub fn project(&self) -> &Project {
        &self.project
    }

    /// Whether there is nothing to do; says so.
    pub fn is_idle(&self, doing: &str) -> bool {
        let idle = self.selected.stacks.is_empty();
        if idle {
            let why = if self.selected.change.is_some() { "no stack is affected" } else { "the estate has no stacks" };
            views::say(&format!("Nothing to {doing}: {why}."));
        }
        idle
    }

    /// `in dev`, or `in dev, then staging`.
    fn where_to(&self) -> String {
        let names: Vec<_> = self.legs.iter().map(|leg| leg.environment.as_str()).collect();
        format!("in {}", names.join(", then "))
    }

    /// A line about what is going to be done.
    pub fn headline(&self, doing: &str) -> String {
        let count = views::count(self.selected.stacks.len(), "stack");
        let also = match self.selected.downstream.len() {
            0 => String::new(),
            n => format!(" (and {n} downstream, if what they read changes)"),
        };
        let what = match &self.opened.commit {
            Some(commit) => format!("commit {} \"{}\"", commit.short_id, commit.subject),
            None => self.what.clone().unwrap_or_else(|| "the work tree".to_owned()),
        };
        format!("{doing} {count}{also} of {what} {}", self.where_to())
    }
}

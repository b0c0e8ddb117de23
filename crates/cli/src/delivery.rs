//! What `plan` and `deliver` share. This file chooses the stage and checks what takes part, and starts nothing; `conduct` brings
//! the run to its end.

mod at_rest;
mod caution;
mod conduct;
mod hold;
mod logs;
mod signals;

pub use at_rest::{AtRest, halted, prospect};
pub use conduct::{Conduct, Conducted};

use std::collections::BTreeSet;

use clap::Args;
use terrace_config::{Code, check_estate, has_errors, sort_diagnostics};
use terrace_domain::diagnostic::nearest;
use terrace_domain::estate::{Estate, Stage};
use terrace_domain::name::EnvironmentName;

use crate::error::CommandError;
use crate::project::{Opened, Project, unsound};
use crate::selection::{Selected, Selection};
use crate::settings::{Settings, default_parallelism};
use crate::views;

/// Options of commands that work on the instances of an environment.
#[derive(Debug, Args)]
pub struct Target {
    #[command(flatten)]
    pub selection: Selection,
    /// The stage of the pipeline; by default its first that delivers to an environment
    #[arg(long, value_name = "STAGE")]
    pub stage: Option<String>,
    /// The environment: its stage is chosen
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

/// Everything that is decided before something is done.
pub struct Prospect {
    project: Project,
    opened: Opened,
    /// What was selected.
    pub selected: Selected,
    /// The stage.
    pub stage: Stage,
    /// Its environment.
    pub environment: EnvironmentName,
    code: Code,
    parallelism: usize,
    verbose: bool,
}

impl Target {
    /// Selects stacks and stage, and checks the configuration of what takes part. Starts nothing.
    pub fn resolve(&self, settings: &Settings, work_tree: bool) -> Result<Prospect, CommandError> {
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
        let (stage, environment) = self.choose_stage(&opened.estate)?;
        let code = checked_code(&project, &opened, &selected)?;
        let parallelism = self.parallelism.map_or_else(default_parallelism, usize::from);
        Ok(Prospect { project, opened, selected, stage, environment, code, parallelism, verbose: self.verbose })
    }

    fn choose_stage(&self, estate: &Estate) -> Result<(Stage, EnvironmentName), CommandError> {
        let delivering = || estate.stages.iter().filter_map(|stage| Some((stage, stage.environment.as_ref()?)));
        let found = match (&self.stage, &self.env) {
            (Some(name), _) => match estate.stages.iter().find(|stage| stage.name.as_str() == name) {
                Some(stage) => match &stage.environment {
                    Some(environment) => Some((stage, environment)),
                    None => {
                        return Err(CommandError::usage(format!("the stage `{name}` delivers to no environment"))
                            .help("Name a stage that has one: `terrace deliver --stage STAGE`."));
                    }
                },
                None => return Err(unknown("stage", name, estate.stages.iter().map(|stage| stage.name.as_str()))),
            },
            (None, Some(name)) => {
                if !estate.environments.contains_key(name.as_str()) {
                    return Err(unknown("environment", name, estate.environments.keys().map(EnvironmentName::as_str)));
                }
                let found = delivering().find(|(_, environment)| environment.as_str() == name);
                if found.is_none() {
                    return Err(CommandError::usage(format!("no stage of the pipeline delivers to `{name}`"))
                        .help(format!("Add one to terrace.hcl: `stage \"{name}\" {{ environment = \"{name}\" }}`.")));
                }
                found
            }
            (None, None) => delivering().next(),
        };
        let (stage, environment) = found.ok_or_else(|| {
            CommandError::usage("no stage of the pipeline delivers to an environment")
                .help("Add one to terrace.hcl: `stage \"dev\" { environment = \"dev\" }`.")
        })?;
        Ok((stage.clone(), environment.clone()))
    }
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
    }
    let stacks = needed.into_iter().map(|name| &opened.estate.stacks[name]);
    let code = project.load_code(opened, stacks);
    let mut found = check_estate(&*opened.tree, &opened.estate, &code);
    found.extend_from_slice(&code.diagnostics);
    sort_diagnostics(&mut found);
    if has_errors(&found) {
        return Err(unsound(&*opened.tree, found));
    }
    views::diagnostics::say_from(&*opened.tree, &found);
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

    /// A line about what is going to be done.
    pub fn headline(&self, doing: &str) -> String {
        let count = views::count(self.selected.stacks.len(), "stack");
        let also = match self.selected.downstream.len() {
            0 => String::new(),
            n => format!(" (and {n} downstream, if what they read changes)"),
        };
        let what = match &self.opened.commit {
            Some(commit) => format!("commit {} \"{}\"", commit.short_id, commit.subject),
            None => "the work tree".to_owned(),
        };
        format!("{doing} {count}{also} of {what} in {}", self.environment)
    }
}

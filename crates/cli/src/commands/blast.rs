//! `terrace blast`.

mod plan_file;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use terrace_config::Code;
use terrace_domain::blast::{Ground, Holdings, Providers, Radius, radius};
use terrace_domain::name::{EnvironmentName, StackName};
use terrace_domain::plan::PlanFacts;
use terrace_domain::run::{InstanceState, Outcome, Run};
use terrace_driver::snapshots;

use crate::delivery::{Conducted, Reach, Target, Told, look_into_store, plan};
use crate::error::{CommandError, CommandResult, Exit};
use crate::project::{Opened, Project};
use crate::settings::Settings;
use crate::views;
use crate::views::blast::Report;

const AFTER_HELP: &str = "\
The *actual* radius is what the plans do, who reads the outputs that they change, and which capabilities rest on that. The *potential*
radius is all that the stacks' identities and code could reach. docs/blast-radius.md states the rules that give the level.

Examples:
  terrace blast                               of what `terrace deliver` would do first
  terrace blast aws-database --env prod
  terrace blast --affected main --format markdown > comment.md
  terrace blast aws-database --output radius.svg
  terraform show -json plan | terrace blast --plan - --stack aws-database --env prod";

/// Show what a change could damage: whom it reaches, and what rests on that
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct Blast {
    #[command(flatten)]
    target: Target,
    /// Plan the files as they lie in the work tree, not a commit
    #[arg(long, conflicts_with_all = ["affected", "commit", "plan"])]
    work_tree: bool,
    /// Weigh a plan that was made already, as `terraform show -json` prints it; `-` reads standard input. Nothing is planned, and no
    /// Terraform is needed. The code is the work tree's
    #[arg(long, value_name = "FILE", conflicts_with_all = ["stacks", "affected", "commit", "upstream", "parallelism", "verbose"])]
    plan: Option<PathBuf>,
    /// Whose plan it is; found out where the code of one stack alone fits it
    #[arg(long, value_name = "STACK", requires = "plan")]
    stack: Option<String>,
    /// As what [default: by the end of the file's name, else text]
    #[arg(long, value_enum, conflicts_with = "json")]
    format: Option<Format>,
    /// Write to a file instead of standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Lists as long as they are
    #[arg(long)]
    all: bool,
    /// The same as `--format json`
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A tree
    Text,
    /// JSON (terrace.blast/1)
    Json,
    /// A comment for a pull request, under 60,000 characters whatever the plan
    Markdown,
    /// A picture with rings
    Svg,
}

/// Plans, and the estate that they are of.
struct Planned {
    project: Project,
    opened: Opened,
    environment: EnvironmentName,
    plans: BTreeMap<StackName, PlanFacts>,
    /// The stacks that take part and have no plan.
    blocked: BTreeSet<StackName>,
    notes: Vec<String>,
    exit: Exit,
}

impl Blast {
    /// Measures, and shows.
    pub fn run(self, settings: &Settings) -> CommandResult {
        let planned = match &self.plan {
            Some(file) => self.of_file(file, settings)?,
            None => match self.of_run(settings)? {
                Some(planned) => planned,
                None => return Ok(Exit::Done),
            },
        };
        let radius = planned.radius(settings)?;
        let report =
            Report { estate: &planned.opened.estate, radius: &radius, notes: planned.notes.clone(), all: self.all };
        let text = match self.format() {
            Format::Text if self.output.is_some() => console::strip_ansi_codes(&report.text()).into_owned(),
            Format::Text => report.text(),
            Format::Json => report.json(),
            Format::Markdown => report.markdown(),
            Format::Svg => report.svg(),
        };
        match &self.output {
            Some(file) => std::fs::write(settings.folder.join(file), text)
                .map_err(|error| CommandError::failed(format!("cannot write {}: {error}", file.display())))?,
            None => views::print(&text),
        }
        Ok(planned.exit)
    }

    fn format(&self) -> Format {
        if self.json {
            return Format::Json;
        }
        let by_name = || match self.output.as_ref()?.extension()?.to_str()? {
            "svg" => Some(Format::Svg),
            "md" | "markdown" => Some(Format::Markdown),
            "json" => Some(Format::Json),
            _ => None,
        };
        self.format.or_else(by_name).unwrap_or(Format::Text)
    }

    /// Plans as `terrace plan` does; `None` where there is nothing to plan.
    fn of_run(&self, settings: &Settings) -> Result<Option<Planned>, CommandError> {
        let prospect = self.target.resolve(settings, self.work_tree, Reach::First)?;
        prospect.warn_of_removed(settings)?;
        if prospect.is_idle("plan") {
            return Ok(None);
        }
        views::say(&prospect.headline("Planning"));
        let Conducted { run, plans, .. } = plan(&prospect, settings, None, Told { facts: true, ..Told::default() })?;
        views::run::summary(&run, None);
        let environment = prospect.legs[0].environment.clone();
        let mut found = plans.facts();
        let mut blocked = BTreeSet::new();
        for one in run.instances() {
            match &one.state {
                InstanceState::Unchanged | InstanceState::Skipped(_) => {
                    let unchanged = PlanFacts { complete: true, ..PlanFacts::default() };
                    found.entry(one.id.stack.clone()).or_insert(unchanged);
                }
                _ if found.contains_key(&one.id.stack) => {}
                _ => drop(blocked.insert(one.id.stack.clone())),
            }
        }
        let exit = if run.outcome() == Outcome::Succeeded { Exit::Done } else { Exit::Failed };
        let notes = provisional(&run);
        Ok(Some(Planned {
            project: prospect.project,
            opened: prospect.opened,
            environment,
            plans: found,
            blocked,
            notes,
            exit,
        }))
    }
}

/// Plans that rest on what others would give may turn out different.
fn provisional(run: &Run) -> Vec<String> {
    let names: Vec<String> =
        run.instances().iter().filter(|one| one.provisional).map(|one| one.id.stack.to_string()).collect();
    if names.is_empty() {
        return Vec::new();
    }
    vec![format!("Provisional, as it rests on outputs that are planned and not applied: {}.", names.join(", "))]
}

impl Planned {
    fn radius(&self, settings: &Settings) -> Result<Radius, CommandError> {
        let holdings = self.holdings(settings)?;
        let estate = &*self.opened.estate;
        let code = self.project.load_code(&self.opened, estate.stacks.values());
        let ground = Ground {
            estate,
            graph: &self.opened.graph,
            environment: &self.environment,
            holdings: &holdings,
            traits: &|kind| estate.resource_types.traits_of(kind),
        };
        let plans = self.plans.iter().map(|(stack, facts)| (stack.clone(), facts)).collect();
        Ok(radius(&ground, &providers(&code, estate.stacks.keys()), &plans, &self.blocked))
    }

    /// What states hold by their last snapshots; nothing where nothing was ever delivered here.
    fn holdings(&self, settings: &Settings) -> Result<Holdings, CommandError> {
        let Some(store) = look_into_store(&self.project.home(), settings)? else { return Ok(Holdings::new()) };
        snapshots::holdings(store.connection())
            .map_err(|error| CommandError::failed(format!("the snapshots cannot be looked at: {error}")))
    }
}

fn providers<'a>(code: &Code, stacks: impl Iterator<Item = &'a StackName>) -> Providers {
    stacks.map(|stack| (stack.clone(), code.providers(stack))).collect()
}

//! `terrace policy check`.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use clap::Args;
use terrace_config::load_estate;
use terrace_domain::diagnostic::nearest;
use terrace_domain::estate::{Environment, Estate, Stack};
use terrace_domain::name::{EnvironmentName, StackName};
use terrace_domain::plan::{PlanFacts, ResourceTypes};
use terrace_policy::input::{InputError, Own, PLAN_BYTES_MAX, document};
use terrace_policy::{Evaluation, Limits, Namespaces, Policies};

use super::source::Source;
use crate::error::{CommandError, CommandResult, Exit};
use crate::project::Project;
use crate::settings::Settings;
use crate::views;

const AFTER_HELP: &str = "\
The plan is what `terraform show -json PLAN` prints. Rules see it as `input`, with sensitive values masked, and what Terrace knows of it as
`input.terrace`: its facts, and with --stack and --env the stack and the environment. A gate knows more: see docs/policies.md.

Exit codes: 0 nothing speaks against it · 4 denied · 2 it cannot be decided

Examples:
  terraform show -json plan.tfplan | terrace policy check --plan -
  terrace policy check --plan plan.json --stack shop --env prod
  terrace policy check --plan plan.json --all-namespaces policies/ shared/limits.json
  terrace policy check --plan plan.json --json | jq '.findings[].message'";

/// Ask policies about a plan, as a `policy` gate does
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct Check {
    #[command(flatten)]
    source: Source,
    /// The plan as JSON; `-` for standard input
    #[arg(long, value_name = "FILE")]
    plan: PathBuf,
    /// Ask the rules of this package; may be given several times [default: main]
    #[arg(long, value_name = "PACKAGE")]
    namespace: Vec<String>,
    /// Ask the rules of every package
    #[arg(long, conflicts_with = "namespace")]
    all_namespaces: bool,
    /// The stack that the plan is of
    #[arg(long, value_name = "STACK")]
    stack: Option<StackName>,
    /// The environment that the plan is for
    #[arg(long, value_name = "ENVIRONMENT")]
    env: Option<EnvironmentName>,
    /// Print JSON (terrace.policy-check/1)
    #[arg(long)]
    json: bool,
}

impl Check {
    /// Asks.
    pub fn run(self, settings: &Settings) -> CommandResult {
        let files = self.source.read(settings)?;
        let plan = read_plan(&settings.folder, &self.plan)?;
        let estate = self.estate(settings)?;
        let stack =
            self.stack.as_ref().zip(estate.as_ref()).map(|(name, estate)| stack_of(estate, name)).transpose()?;
        let environment = self.env.as_ref().zip(estate.as_ref()).map(|(name, estate)| environment_of(estate, name));
        let types = estate.as_ref().map_or_else(ResourceTypes::default, |estate| estate.resource_types.clone());
        // What is protected is known from the code, which is not here.
        let facts = PlanFacts::read(plan.as_slice(), &types, &BTreeSet::new())
            .map_err(|error| CommandError::usage(format!("{}: {error}", self.plan.display())))?;
        let own = Own { facts: Some(&facts), stack, environment: environment.transpose()?, ..Own::default() };
        let json = serde_json::from_slice(&plan)
            .map_err(|error| CommandError::usage(format!("{}: {error}", self.plan.display())))?;
        let input = document(json, &own).map_err(|error| unusable(&self.plan, &error))?;
        let namespaces =
            if self.all_namespaces { Namespaces::All } else { Namespaces::of(self.namespace.iter().cloned()) };
        let evaluation = match files.and_then(Policies::load) {
            Ok(policies) => policies.evaluate(input, &namespaces, &Limits::default()),
            Err(error) => Evaluation { problems: error.problems, ..Evaluation::default() },
        };
        if self.json {
            views::policy::check_json(&evaluation);
        } else {
            views::policy::check(&evaluation);
        }
        Ok(exit(&evaluation))
    }

    /// The estate, where there is one; it must be, where a part of it is named.
    fn estate(&self, settings: &Settings) -> Result<Option<Estate>, CommandError> {
        let is_needed = self.stack.is_some() || self.env.is_some();
        let project = match Project::find(settings) {
            Ok(project) => project,
            Err(error) if is_needed => return Err(error),
            Err(_) => return Ok(None),
        };
        if is_needed {
            let opened = project.open_work_tree()?;
            return Ok(Some(Estate::clone(&opened.estate)));
        }
        // Only for what it says of types of resources: whatever else is wrong with it is not asked here.
        Ok(load_estate(&project.work_tree()?, &project.prefix()?).estate)
    }
}

fn exit(evaluation: &Evaluation) -> Exit {
    if evaluation.denials().next().is_some() {
        Exit::Refused
    } else if evaluation.problems.is_empty() {
        Exit::Done
    } else {
        Exit::Usage
    }
}

fn stack_of<'e>(estate: &'e Estate, name: &StackName) -> Result<(&'e Stack, Option<&'e str>), CommandError> {
    let stack = estate.stacks.get(name).ok_or_else(|| {
        let known = estate.stacks.keys().map(StackName::as_str);
        not_there("stack", name.as_str(), nearest(name.as_str(), known))
    })?;
    Ok((stack, estate.owner_of(stack)))
}

fn environment_of<'e>(estate: &'e Estate, name: &EnvironmentName) -> Result<&'e Environment, CommandError> {
    estate.environments.get(name).ok_or_else(|| {
        let known = estate.environments.keys().map(EnvironmentName::as_str);
        not_there("environment", name.as_str(), nearest(name.as_str(), known))
    })
}

fn not_there(what: &str, name: &str, near: Option<&str>) -> CommandError {
    let error = CommandError::usage(format!("there is no {what} `{name}`"));
    match near {
        Some(near) => error.help(format!("Did you mean `{near}`?")),
        None => error,
    }
}

/// The bytes of a plan, and one more than the limit where there are too many.
fn read_plan(folder: &Path, plan: &Path) -> Result<Vec<u8>, CommandError> {
    let mut bytes = Vec::new();
    let limit = PLAN_BYTES_MAX as u64 + 1;
    let read = if plan == Path::new("-") {
        io::stdin().lock().take(limit).read_to_end(&mut bytes)
    } else {
        File::open(folder.join(plan)).and_then(|file| file.take(limit).read_to_end(&mut bytes))
    };
    match read {
        Ok(_) if bytes.len() > PLAN_BYTES_MAX => Err(unusable(plan, &InputError::TooLarge(bytes.len()))),
        Ok(_) => Ok(bytes),
        Err(error) => Err(CommandError::usage(format!("cannot read the plan `{}`: {error}", plan.display()))
            .help("Make one: `terraform plan -out=PLAN`, then `terraform show -json PLAN > plan.json`.")),
    }
}

fn unusable(plan: &Path, error: &InputError) -> CommandError {
    CommandError::usage(format!("{}: {error}", plan.display()))
}

//! The radius of a plan that somebody brings along: reads it, and finds out whose it is.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use terrace_config::{Code, Fit};
use terrace_domain::diagnostic::nearest;
use terrace_domain::estate::Estate;
use terrace_domain::name::StackName;
use terrace_domain::plan::PlanFacts;

use super::{Blast, Planned};
use crate::delivery::Reach;
use crate::error::{CommandError, Exit};
use crate::project::Project;
use crate::settings::Settings;

/// How many stacks are named that a plan could be of.
const NAMED_MAX: usize = 5;
/// Stands for standard input.
const STANDARD_INPUT: &str = "-";

impl Blast {
    pub(super) fn of_file(&self, file: &Path, settings: &Settings) -> Result<Planned, CommandError> {
        let project = Project::find(settings)?;
        let opened = project.open_work_tree()?;
        let estate = &*opened.estate;
        let environment = self.target.choose_legs(estate, Reach::First)?.swap_remove(0).environment;
        let named = self.stack.as_deref().map(|name| known(estate, name)).transpose()?;
        let mut facts = read(file, settings, estate)?;
        let code = project.load_code(&opened, estate.stacks.values());
        let (stack, fit) = match named {
            Some(stack) => {
                let fit = code.fit(&stack, &facts);
                (stack, fit)
            }
            None => whose(estate, &code, &facts)?,
        };
        if !fit.misfits.is_empty() {
            return Err(of_another(&stack, &fit, &likely(estate, &code, &facts)));
        }
        protect(&code, &stack, estate, &mut facts);
        let mut notes = Vec::new();
        if fit.found == 0 && !facts.is_empty() {
            notes.push(format!(
                "Nothing in the plan shows that it is of {stack}: it only takes away, and that is in no code."
            ));
        }
        Ok(Planned {
            plans: BTreeMap::from([(stack, facts)]),
            environment,
            blocked: BTreeSet::new(),
            notes,
            exit: Exit::Done,
            project,
            opened,
        })
    }
}

fn known(estate: &Estate, name: &str) -> Result<StackName, CommandError> {
    if let Some((name, _)) = estate.stacks.get_key_value(name) {
        return Ok(name.clone());
    }
    let error = CommandError::usage(format!("there is no stack `{name}`"));
    Err(match nearest(name, estate.stacks.keys().map(StackName::as_str)) {
        Some(near) => error.help(format!("Did you mean `{near}`?")),
        None => error.help("`terrace list` shows all stacks."),
    })
}

fn read(file: &Path, settings: &Settings, estate: &Estate) -> Result<PlanFacts, CommandError> {
    let (name, reader): (String, Box<dyn Read>) = if file.as_os_str() == STANDARD_INPUT {
        ("standard input".to_owned(), Box::new(io::stdin()))
    } else {
        let path = settings.folder.join(file);
        let opened = File::open(&path).and_then(|opened| {
            // A folder can be opened, and not be read.
            if opened.metadata()?.is_dir() { Err(io::ErrorKind::IsADirectory.into()) } else { Ok(opened) }
        });
        let opened = opened.map_err(|error| {
            CommandError::usage(format!("cannot read {}: {error}", file.display()))
                .help("Make the file with `terraform show -json PLAN > FILE`, where PLAN was made with `terraform plan -out=PLAN`.")
        })?;
        (file.display().to_string(), Box::new(opened))
    };
    // What is protected is known when it is known whose plan it is.
    PlanFacts::read(reader, &estate.resource_types, &BTreeSet::new())
        .map_err(|error| CommandError::usage(format!("{name}: {}", CommandError::chain(&error))))
}

/// Marks the resources whose code says `prevent_destroy`.
fn protect(code: &Code, stack: &StackName, estate: &Estate, facts: &mut PlanFacts) {
    let reached = code.reached(stack).into_iter().map(|(folder, _)| folder);
    let folders = std::iter::once(estate.stacks[stack].folder.clone()).chain(reached);
    let protected: BTreeSet<String> =
        folders.filter_map(|folder| code.facts(&folder)).flat_map(|facts| facts.protected.iter().cloned()).collect();
    for change in &mut facts.resources {
        change.is_protected |= protected.contains(&format!("{}.{}", change.resource_type, change.name));
    }
}

/// The only stack that a plan fits.
fn whose(estate: &Estate, code: &Code, facts: &PlanFacts) -> Result<(StackName, Fit), CommandError> {
    let mut fitting = likely(estate, code, facts);
    if fitting.len() == 1 {
        let stack = fitting.remove(0);
        let fit = code.fit(&stack, facts);
        return Ok((stack, fit));
    }
    let next = "Say whose plan it is: `--stack STACK`.";
    Err(if fitting.is_empty() {
        CommandError::usage("the plan fits the code of no stack of this estate").help(next)
    } else {
        CommandError::usage(format!("the plan fits the code of {}", some(&fitting))).help(next)
    })
}

/// The stacks whose code has what a plan makes and changes.
fn likely(estate: &Estate, code: &Code, facts: &PlanFacts) -> Vec<StackName> {
    estate.stacks.keys().filter(|stack| code.fit(stack, facts).is_proven()).cloned().collect()
}

fn of_another(stack: &StackName, fit: &Fit, likely: &[StackName]) -> CommandError {
    let misfits: Vec<&str> = fit.misfits.iter().map(String::as_str).collect();
    let error =
        CommandError::usage(format!("the plan is not of {stack}: its code does not have {}", misfits.join(", ")));
    if likely.is_empty() {
        return error.help("It fits no other stack either: it may be of other code than the work tree's.");
    }
    error.help(format!("It fits {}.", some(likely)))
}

fn some(stacks: &[StackName]) -> String {
    let names: Vec<String> = stacks.iter().take(NAMED_MAX).map(|stack| format!("`{stack}`")).collect();
    let more = stacks.len() - names.len();
    if more > 0 { format!("{} and {more} more", names.join(", ")) } else { names.join(", ") }
}

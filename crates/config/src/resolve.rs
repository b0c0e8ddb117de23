//! Puts an estate's files together: every name that one file uses must be defined by another, once. Reports what is not.

mod cycle;
mod fixture;
mod identity;
mod reference;

use std::collections::{HashMap, HashSet};

use terrace_domain::diagnostic::Diagnostic;
use terrace_domain::estate::{Estate, Stack};
use terrace_domain::expression::Span;
use terrace_domain::name::{CapabilityName, EnvironmentName};

use crate::load::folders_around;
use crate::section::Placed;
use crate::source::place;
use crate::stack_file::StackFile;

/// What is missing from the estate because its files could not be read. What refers to it is not reported: one mistake is one
/// diagnostic.
#[derive(Debug, Default)]
pub(crate) struct Gaps {
    /// Names of stacks.
    pub stacks: HashSet<String>,
    /// Environments whose values are not all known.
    pub environments: HashSet<EnvironmentName>,
}

/// Adds the stacks to the estate, which has none yet, and checks all that crosses files.
pub(crate) fn resolve(
    estate: &mut Estate,
    files: Vec<StackFile>,
    gaps: &Gaps,
    needs: &HashMap<(CapabilityName, CapabilityName), Span>,
    diagnostics: &mut Vec<Diagnostic>,
) {
    nested_stacks(&files, diagnostics);
    for StackFile { mut stack, capability } in files {
        set_capability(estate, &mut stack, capability.as_ref(), diagnostics);
        match estate.stacks.get(&stack.name) {
            Some(first) => diagnostics.push(same_name(first, &stack)),
            None => {
                estate.stacks.insert(stack.name.clone(), stack);
            }
        }
    }
    reference::check(estate, gaps, diagnostics);
    fixture::check(estate, gaps, diagnostics);
    identity::check(estate, gaps, diagnostics);
    cycle::of_stacks(estate, diagnostics);
    cycle::of_capabilities(estate, needs, diagnostics);
}

fn same_name(first: &Stack, second: &Stack) -> Diagnostic {
    Diagnostic::error("duplicate-name", format!("two stacks are called `{}`", first.name))
        .at(place(&second.file(), second.span), "the second one")
        .also(place(&first.file(), first.span), "the first one")
        .help("A stack's name is unique in its estate: state, releases and records are kept under it.")
}

fn nested_stacks(files: &[StackFile], diagnostics: &mut Vec<Diagnostic>) {
    let by_folder: HashMap<&str, &Stack> = files.iter().map(|file| (file.stack.folder.as_str(), &file.stack)).collect();
    let at_root = by_folder.get("").copied();
    for StackFile { stack, .. } in files {
        let around = folders_around(stack.folder.as_str()).find_map(|folder| by_folder.get(folder).copied());
        let around = around.or(at_root).filter(|around| around.folder != stack.folder);
        if let Some(around) = around {
            let summary = format!("the stack `{}` lies inside the stack `{}`", stack.name, around.name);
            let diagnostic = Diagnostic::error("nested-stack", summary)
                .at(place(&stack.file(), stack.span), "inside")
                .also(place(&around.file(), around.span), "around it")
                .help("Move one of them: a stack's folder is all its own, so that each can be released alone.");
            diagnostics.push(diagnostic);
        }
    }
}

fn set_capability(
    estate: &Estate,
    stack: &mut Stack,
    named: Option<&Placed<String>>,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let Some(named) = named else { return };
    let Some((name, _)) = estate.capabilities.get_key_value(named.value.as_str()) else {
        let path = stack.file();
        let mut file = crate::section::File::new(&path);
        crate::estate_file::unknown_capability(&mut file, named, estate.capabilities.keys());
        diagnostics.append(&mut file.diagnostics);
        return;
    };
    stack.capability = Some(name.clone());
}

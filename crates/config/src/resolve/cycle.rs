//! Finds circles among stacks and among capabilities, and names each with the place of every step.

use std::collections::HashMap;

use terrace_domain::diagnostic::Diagnostic;
use terrace_domain::estate::{Estate, Stack};
use terrace_domain::expression::{ReferenceTarget, Span};
use terrace_domain::graph::Graph;
use terrace_domain::name::{CapabilityName, StackName};

use crate::circle::{circles, way};
use crate::source::place;

/// Reports one circle of each group of stacks that depend on each other.
pub(super) fn of_stacks(estate: &Estate, diagnostics: &mut Vec<Diagnostic>) {
    for cycle in Graph::of(estate).cycles() {
        diagnostics.push(stack_cycle(estate, &cycle));
    }
}

/// `cycle` names each stack before the one that reads it; the last is read by the first.
fn stack_cycle(estate: &Estate, cycle: &[&StackName]) -> Diagnostic {
    let names: Vec<String> = cycle.iter().rev().map(ToString::to_string).collect();
    let summary = match &names[..] {
        [only] => format!("the stack `{only}` depends on itself"),
        _ => format!("stacks depend on each other in a circle: {}", way(&names)),
    };
    let mut diagnostic = Diagnostic::error("cycle", summary);
    for (at, downstream) in cycle.iter().enumerate().rev() {
        let upstream = cycle[(at + cycle.len() - 1) % cycle.len()];
        let stack = &estate.stacks[downstream.as_str()];
        let label = format!("`{downstream}` depends on `{upstream}`");
        let here = place(&stack.file(), edge_span(stack, upstream));
        diagnostic =
            if diagnostic.primary.is_none() { diagnostic.at(here, label) } else { diagnostic.also(here, label) };
    }
    diagnostic.help("Take one of these steps out: move what both need into a stack of its own, and let both read that.")
}

fn edge_span(stack: &Stack, upstream: &StackName) -> Span {
    let read = stack.references.iter().find(
        |reference| matches!(&reference.target, ReferenceTarget::Stack { name, .. } if name == upstream.as_str()),
    );
    let named = || stack.depends_on.iter().find(|named| named.name == *upstream).map(|named| named.span);
    read.map(|reference| reference.span).or_else(named).unwrap_or(stack.span)
}

/// Reports circles among the capabilities' needs.
pub(super) fn of_capabilities(
    estate: &Estate,
    needs: &HashMap<(CapabilityName, CapabilityName), Span>,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let needed_by = |name: &CapabilityName| estate.capabilities.get(name).map_or(&[][..], |known| &known.needs);
    for cycle in circles(estate.capabilities.keys(), needed_by) {
        let names: Vec<String> = cycle.iter().map(ToString::to_string).collect();
        let summary = match &names[..] {
            [only] => format!("the capability `{only}` needs itself"),
            _ => format!("capabilities need each other in a circle: {}", way(&names)),
        };
        let mut diagnostic = Diagnostic::error("cycle", summary);
        for (at, name) in cycle.iter().enumerate() {
            let needed = cycle[(at + 1) % cycle.len()];
            let span = needs.get(&((*name).clone(), needed.clone())).copied().unwrap_or_default();
            let (here, label) = (place(&estate.file(), span), format!("`{name}` needs `{needed}`"));
            diagnostic = if at == 0 { diagnostic.at(here, label) } else { diagnostic.also(here, label) };
        }
        diagnostics.push(diagnostic);
    }
}

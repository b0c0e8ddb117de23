//! Checks what stands in for stacks in rehearsals: it stands in for one that is depended on, and has the outputs that are read of it.

use terrace_domain::diagnostic::{Diagnostic, nearest};
use terrace_domain::estate::{Estate, Stack};
use terrace_domain::expression::ReferenceTarget;
use terrace_domain::name::StackName;
use terrace_domain::rehearsal::{Fixture, FixtureSource};

use super::Gaps;
use crate::source::place;

pub(super) fn check(estate: &Estate, gaps: &Gaps, diagnostics: &mut Vec<Diagnostic>) {
    for stack in estate.stacks.values() {
        for (name, fixture) in &stack.fixtures {
            one(estate, gaps, stack, (name, fixture), diagnostics);
        }
    }
}

fn one(
    estate: &Estate,
    gaps: &Gaps,
    stack: &Stack,
    (name, fixture): (&StackName, &Fixture),
    diagnostics: &mut Vec<Diagnostic>,
) {
    let file = stack.file();
    if !estate.stacks.contains_key(name) {
        if gaps.stacks.contains(name.as_str()) {
            return;
        }
        let mut diagnostic = Diagnostic::error("unknown-stack", format!("there is no stack `{name}`"))
            .at(place(&file, fixture.span), "nothing to stand in for");
        if let Some(near) = nearest(name.as_str(), estate.stacks.keys().map(StackName::as_str)) {
            diagnostic = diagnostic.help(format!("Did you mean `{near}`?"));
        }
        diagnostics.push(diagnostic);
        return;
    }
    let read: Vec<_> = stack
        .references
        .iter()
        .filter_map(|reference| match &reference.target {
            ReferenceTarget::Stack { name: of, output } if of == name.as_str() => Some((reference, output.as_deref())),
            _ => None,
        })
        .collect();
    if read.is_empty() && !stack.depends_on.iter().any(|reference| reference.name == *name) {
        let summary = format!("`{}` does not depend on `{name}`", stack.name);
        let diagnostic = Diagnostic::error("unused-fixture", summary)
            .at(place(&file, fixture.span), "stands in for nothing")
            .help("Remove the fixture, or read an output of that stack.");
        diagnostics.push(diagnostic);
    }
    let FixtureSource::Outputs(outputs) = &fixture.source else { return };
    for (reference, output) in read {
        let Some(output) = output.filter(|output| !outputs.contains_key(*output)) else { continue };
        let diagnostic =
            Diagnostic::error("fixture-output", format!("the fixture for `{name}` has no output `{output}`"))
                .at(place(&file, reference.span), "read here")
                .also(place(&file, fixture.span), "the fixture")
                .help(format!("Add `{output} = ...` to its `outputs`."));
        diagnostics.push(diagnostic);
    }
}

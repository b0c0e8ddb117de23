//! Checks that what is a secret where it comes from is one where it goes to: Terraform shows the value of a variable that is not
//! marked.

use std::collections::BTreeSet;

use terrace_domain::code::{Output, Variable};
use terrace_domain::diagnostic::Diagnostic;
use terrace_domain::estate::{Estate, Stack};
use terrace_domain::expression::{Reference, ReferenceTarget, references};

use crate::code::Code;
use crate::source::place;

/// Checks a stack's inputs.
pub(super) fn check(estate: &Estate, code: &Code, stack: &Stack, diagnostics: &mut Vec<Diagnostic>) {
    let Some(facts) = code.facts(&stack.folder) else { return };
    for (name, input) in &stack.inputs {
        let Some(variable) = facts.variables.get(name).filter(|variable| !hides(variable)) else { continue };
        let mut told = BTreeSet::new();
        for reference in references(&input.expression) {
            if let Some(output) = sensitive_output(estate, code, &reference)
                && told.insert(reference.target.clone())
            {
                diagnostics.push(shown(stack, (name, variable), &reference, output));
            }
        }
    }
}

/// Whether Terraform keeps the variable's value out of what it prints (and, where it is ephemeral, out of plans and states).
fn hides(variable: &Variable) -> bool {
    variable.sensitive || variable.ephemeral
}

fn sensitive_output<'c>(estate: &Estate, code: &'c Code, reference: &Reference) -> Option<&'c Output> {
    let ReferenceTarget::Stack { name, output: Some(output) } = &reference.target else { return None };
    let upstream = estate.stacks.get(name.as_str())?;
    code.facts(&upstream.folder)?.outputs.get(output).filter(|output| output.sensitive)
}

fn shown(stack: &Stack, (name, variable): (&str, &Variable), reference: &Reference, output: &Output) -> Diagnostic {
    let summary = format!("the variable `{name}` would show `{}`, which is sensitive", reference.target);
    Diagnostic::warning("sensitive-input", summary)
        .at(place(&stack.file(), reference.span), "a sensitive output")
        .also(place(&output.declared.0, output.declared.1), "marked as sensitive here")
        .also(place(&variable.declared.0, variable.declared.1), "not marked here")
        .help("Mark the variable `sensitive = true`, so that Terraform does not print its value.")
}

//! Checks what stacks run as: a text in every environment.

use terrace_domain::blast::{Identity, IdentityError};
use terrace_domain::diagnostic::Diagnostic;
use terrace_domain::estate::Estate;
use terrace_domain::expression::{ReferenceTarget, references};

use super::Gaps;
use crate::section::evaluation;
use crate::source::place;

/// Reports each identity that has no name in an environment, once.
pub(super) fn check(estate: &Estate, gaps: &Gaps, diagnostics: &mut Vec<Diagnostic>) {
    let environments =
        || estate.environments.values().filter(|environment| !gaps.environments.contains(&environment.name));
    for stack in estate.stacks.values() {
        let Some(identity) = &stack.identity else { continue };
        // What is wrong with its references is reported with all others.
        let is_readable = references(identity).iter().all(|reference| match &reference.target {
            ReferenceTarget::Environment(Some(key)) => {
                key == "name" || environments().all(|environment| environment.vars.contains_key(key))
            }
            ReferenceTarget::Environment(None) | ReferenceTarget::Own(_) => true,
            ReferenceTarget::Estate(key) => key == "name",
            ReferenceTarget::Stack { .. } | ReferenceTarget::Output(_) | ReferenceTarget::Unknown(_) => false,
        });
        if !is_readable {
            continue;
        }
        let found = environments()
            .find_map(|environment| Some((Identity::of(estate, environment, stack).err()?, &environment.name)));
        let Some((error, environment)) = found else { continue };
        let file = stack.file();
        diagnostics.push(match &error {
            IdentityError::Evaluate(error) => evaluation(&file, error),
            IdentityError::NoName { span, .. } => Diagnostic::error("wrong-type", error.to_string())
                .at(place(&file, *span), format!("in the environment `{environment}`"))
                .help("Name what the stack runs as in the cloud: `identity = \"deployer-${env.name}\"`."),
        });
    }
}

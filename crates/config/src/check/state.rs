//! Checks that no two instances would share a state: what one applies, the other would destroy.

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};

use rayon::prelude::*;
use terrace_domain::diagnostic::Diagnostic;
use terrace_domain::estate::{Environment, Estate, Stack};
use terrace_domain::expression::{
    EvaluateError, Expression, ExpressionKind, InstanceScope, ReferenceTarget, ResolveError, evaluate, references,
};
use terrace_domain::name::StackName;
use terrace_domain::value::Value;

use crate::section::evaluation;
use crate::source::place;

/// How many pairs of instances are named: one mistake in the settings makes thousands.
const NAMED_MAX: usize = 3;

/// Checks the state's settings of all instances.
pub(super) fn check(estate: &Estate, diagnostics: &mut Vec<Diagnostic>) {
    let settings = &estate.state.settings;
    // The default keeps both names in its path. A setting that joins both with a `/` between is different for each instance,
    // because no name has a `/`.
    if (estate.state.kind == "local" && settings.is_empty()) || settings.values().any(tells_instances_apart) {
        return;
    }
    let varying: BTreeMap<&String, &Expression> =
        settings.iter().filter(|(_, setting)| !references(setting).is_empty()).collect();
    let instances: Vec<(&Environment, &Stack)> = estate
        .environments
        .values()
        .flat_map(|environment| estate.stacks.values().map(move |stack| (environment, stack)))
        .collect();
    let evaluated: Vec<Result<u64, EvaluateError>> =
        instances.par_iter().map(|(environment, stack)| digest(estate, environment, stack, &varying)).collect();
    report(estate, &instances, &evaluated, diagnostics);
}

fn report(
    estate: &Estate,
    instances: &[(&Environment, &Stack)],
    evaluated: &[Result<u64, EvaluateError>],
    diagnostics: &mut Vec<Diagnostic>,
) {
    let mut first_with: HashMap<u64, usize> = HashMap::new();
    let mut shared = Vec::new();
    for (at, result) in evaluated.iter().enumerate() {
        match result {
            Ok(digest) => {
                if let Some(first) = first_with.get(digest) {
                    shared.push((*first, at));
                } else {
                    first_with.insert(*digest, at);
                }
            }
            Err(error) => {
                // The same setting fails for many instances alike.
                let diagnostic = evaluation(&estate.file(), error);
                if !diagnostics.contains(&diagnostic) {
                    diagnostics.push(diagnostic);
                }
            }
        }
    }
    if shared.is_empty() {
        return;
    }
    let name = |at: usize| format!("`{}` in `{}`", instances[at].1.name, instances[at].0.name);
    let pairs: Vec<String> =
        shared.iter().take(NAMED_MAX).map(|(a, b)| format!("{} and {}", name(*a), name(*b))).collect();
    let more = shared.len() - pairs.len();
    let more = if more > 0 { format!(", and {more} more") } else { String::new() };
    let diagnostic = Diagnostic::error("shared-state", format!("instances would share a state: {}{more}", pairs.join("; ")))
        .at(place(&estate.file(), estate.state.span.unwrap_or_default()), "the same settings for both")
        .help("Use both `env.name` and `stack.name` in the settings, for example `key = \"${env.name}/${stack.name}.tfstate\"`.");
    diagnostics.push(diagnostic);
}

/// `"${env.name}/${stack.name}"` and its like.
fn tells_instances_apart(setting: &Expression) -> bool {
    let ExpressionKind::Template(parts) = &setting.kind else { return false };
    let names: Vec<(usize, bool)> = parts
        .iter()
        .enumerate()
        .filter_map(|(at, part)| {
            let reference = references(part).into_iter().find(|reference| reference.span == part.span)?;
            match reference.target {
                ReferenceTarget::Environment(Some(key)) if key == "name" => Some((at, true)),
                ReferenceTarget::Own(key) if key == "name" => Some((at, false)),
                _ => None,
            }
        })
        .collect();
    let constant = |part: &Expression| matches!(&part.kind, ExpressionKind::Literal(Value::String(_)));
    let all_known = parts.iter().filter(|part| !constant(part)).count() == names.len();
    let [(first, a), (second, b)] = names[..] else { return false };
    let between = parts[first + 1..second].iter();
    all_known
        && a != b
        && between
            .clone()
            .any(|part| matches!(&part.kind, ExpressionKind::Literal(Value::String(text)) if text.contains('/')))
}

fn digest(
    estate: &Estate,
    environment: &Environment,
    stack: &Stack,
    settings: &BTreeMap<&String, &Expression>,
) -> Result<u64, EvaluateError> {
    let outputs =
        |name: &StackName, output: &str| Err(ResolveError::new(format!("`stack.{name}.{output}` cannot be used here")));
    let scope = InstanceScope { estate, environment, stack: Some(stack), outputs: &outputs };
    let mut hasher = DefaultHasher::new();
    for (key, setting) in settings {
        let value = evaluate(setting, &scope)?;
        (key, value.to_json().map(|json| json.to_string())).hash(&mut hasher);
    }
    Ok(hasher.finish())
}

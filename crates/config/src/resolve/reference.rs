//! Checks references: each leads to something that exists, in every environment. Outputs are checked where the code is known.

use std::collections::HashMap;

use terrace_domain::diagnostic::{Diagnostic, nearest};
use terrace_domain::estate::{Environment, Estate};
use terrace_domain::expression::{Reference, ReferenceTarget, Span, references};
use terrace_domain::path::RepoPath;

use super::unknown_stack;
use crate::source::place;

/// The key of `env` that every environment has.
const NAME_KEY: &str = "name";

/// Checks the references of all stacks and of the state's settings.
pub(super) fn check(estate: &Estate, diagnostics: &mut Vec<Diagnostic>) {
    let mut checker = Checker { estate, missing: HashMap::new(), diagnostics };
    let estate_file = estate.file();
    for setting in estate.state.settings.values() {
        for reference in references(setting) {
            if let ReferenceTarget::Stack { .. } = reference.target {
                checker.no_outputs_here(&estate_file, &reference);
            } else {
                checker.check(&estate_file, &reference);
            }
        }
    }
    for stack in estate.stacks.values() {
        let mut path = None;
        for reference in &stack.references {
            if !checker.is_plainly_right(reference) {
                checker.check(path.get_or_insert_with(|| stack.file()), reference);
            }
        }
    }
}

struct Checker<'e, 'd> {
    estate: &'e Estate,
    /// The environments that lack a key: asked once for each key, not for each of ten thousand stacks.
    missing: HashMap<String, Vec<&'e Environment>>,
    diagnostics: &'d mut Vec<Diagnostic>,
}

impl<'e> Checker<'e, '_> {
    fn is_plainly_right(&mut self, reference: &Reference) -> bool {
        match &reference.target {
            ReferenceTarget::Stack { name, output } => {
                output.is_some() && self.estate.stacks.contains_key(name.as_str())
            }
            ReferenceTarget::Environment(Some(key)) => key == NAME_KEY || self.missing_in(key).is_empty(),
            ReferenceTarget::Environment(None) | ReferenceTarget::Own(_) => true,
            ReferenceTarget::Estate(key) => key == NAME_KEY,
            ReferenceTarget::Unknown(_) => false,
        }
    }

    fn missing_in(&mut self, key: &str) -> &[&'e Environment] {
        let environments = &self.estate.environments;
        if !self.missing.contains_key(key) {
            let lacking = environments.values().filter(|environment| !environment.vars.contains_key(key)).collect();
            self.missing.insert(key.to_owned(), lacking);
        }
        &self.missing[key]
    }

    fn check(&mut self, path: &RepoPath, reference: &Reference) {
        if self.is_plainly_right(reference) {
            return;
        }
        let error = |code, summary: String, label: &str| {
            Diagnostic::error(code, summary).at(place(path, reference.span), label)
        };
        let diagnostic = match &reference.target {
            ReferenceTarget::Stack { name, output: None } => {
                error("unknown-reference", format!("`stack.{name}` is a whole stack"), "no output named").help(format!(
                    "Name one of its outputs: `stack.{name}.OUTPUT`. What must only come first belongs in `depends_on`."
                ))
            }
            ReferenceTarget::Stack { name, .. } => unknown_stack(self.estate, path, name, reference.span),
            ReferenceTarget::Environment(key) => {
                self.missing_key(path, key.as_deref().unwrap_or_default(), reference.span)
            }
            ReferenceTarget::Estate(key) => {
                error("unknown-reference", format!("the estate has no attribute `{key}`"), "unknown")
                    .help("Only `estate.name` is known.")
            }
            ReferenceTarget::Own(key) => {
                error("unknown-reference", format!("a stack has no attribute `{key}`"), "unknown")
            }
            ReferenceTarget::Unknown(word) => {
                unknown_word(error("unknown-reference", format!("nothing is called `{word}` here"), "unknown"), word)
            }
        };
        self.diagnostics.push(diagnostic);
    }

    fn missing_key(&mut self, path: &RepoPath, key: &str, span: Span) -> Diagnostic {
        let estate = self.estate;
        let lacking = self.missing_in(key).to_vec();
        let everywhere = lacking.len() == estate.environments.len();
        let summary = match lacking[..] {
            _ if everywhere => format!("no environment has a value `{key}`"),
            [only] => format!("the environment `{}` has no value `{key}`", only.name),
            _ => format!("{} environments have no value `{key}`", lacking.len()),
        };
        let mut diagnostic = Diagnostic::error("unknown-value", summary).at(place(path, span), "read here");
        let keys = estate.environments.values().flat_map(|environment| environment.vars.keys());
        if everywhere && let Some(near) = nearest(key, keys.map(String::as_str).chain([NAME_KEY])) {
            return diagnostic.help(format!("Did you mean `env.{near}`?"));
        }
        for environment in lacking.iter().take(SHOWN_ENVIRONMENTS_MAX) {
            diagnostic = diagnostic.also(place(&estate.file(), environment.span), format!("no `{key}` in its `vars`"));
        }
        diagnostic.help(format!("Add `{key}` to `vars` in terrace.hcl: every environment needs it."))
    }

    fn no_outputs_here(&mut self, path: &RepoPath, reference: &Reference) {
        let summary = format!("the state's settings cannot read `{}`", reference.target);
        let diagnostic = Diagnostic::error("unknown-reference", summary)
            .at(place(path, reference.span), "an output of a stack")
            .help("Where a state is kept must be known before anything runs: use `stack.name`, `stack.path`, `env.*` and `estate.name`.");
        self.diagnostics.push(diagnostic);
    }
}

/// How many environments a diagnostic points at: more would hide the rest.
const SHOWN_ENVIRONMENTS_MAX: usize = 3;

fn unknown_word(diagnostic: Diagnostic, word: &str) -> Diagnostic {
    match word {
        "var" | "local" | "module" | "data" | "each" | "count" => diagnostic.help(format!(
            "`{word}` belongs to Terraform's own files; here, `env.KEY` and `stack.NAME.OUTPUT` give values."
        )),
        "stack" => diagnostic.help("Name a stack and its output: `stack.NAME.OUTPUT`."),
        "estate" => diagnostic.help("Only `estate.name` is known."),
        _ => match nearest(word, ["env", "stack", "estate"]) {
            Some(near) => diagnostic.help(format!("Did you mean `{near}`?")),
            None => diagnostic.help("References begin with `env`, `stack` or `estate`; a text needs quotes."),
        },
    }
}

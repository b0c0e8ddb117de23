//! Checks references: each leads to something that exists, in every environment. Outputs are checked where the code is known.

use std::collections::HashMap;

use terrace_domain::diagnostic::{Diagnostic, nearest};
use terrace_domain::estate::{Environment, Estate};
use terrace_domain::expression::{Reference, ReferenceTarget, Span, references};
use terrace_domain::name::StackName;
use terrace_domain::path::RepoPath;

use super::Gaps;
use crate::source::place;

/// The key of `env` that every environment has.
const NAME_KEY: &str = "name";

/// How many wrong names of stacks are compared with all names: with ten thousand stacks, each costs milliseconds.
const HINTS_MAX: usize = 100;

/// Checks the references of all stacks and of the state's settings.
pub(super) fn check(estate: &Estate, gaps: &Gaps, diagnostics: &mut Vec<Diagnostic>) {
    let mut checker = Checker { estate, gaps, missing: HashMap::new(), hints: HashMap::new(), diagnostics };
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
        for reference in stack.identity.iter().flat_map(references) {
            let path = path.get_or_insert_with(|| stack.file());
            match reference.target {
                ReferenceTarget::Stack { .. } | ReferenceTarget::Output(_) => {
                    checker.no_outputs_in_identity(path, &reference);
                }
                _ => checker.check(path, &reference),
            }
        }
        for named in &stack.depends_on {
            if checker.has_stack(named.name.as_str()) {
                continue;
            }
            checker.unknown_stack(path.get_or_insert_with(|| stack.file()), named.name.as_str(), named.span);
        }
        for named in stack.moves.iter().map(|moved| &moved.from) {
            let path = path.get_or_insert_with(|| stack.file());
            if named.name == stack.name {
                let diagnostic = Diagnostic::error("wrong-move", format!("`{}` cannot take over from itself", stack.name))
                    .at(place(path, named.span), "the stack itself")
                    .help("`from` names the stack that had the resources. Within one stack, Terraform's `moved` blocks rename them.");
                checker.diagnostics.push(diagnostic);
            } else if !checker.has_stack(named.name.as_str()) {
                checker.unknown_stack(path, named.name.as_str(), named.span);
            }
        }
    }
}

struct Checker<'e, 'd> {
    estate: &'e Estate,
    gaps: &'e Gaps,
    /// The environments that lack a key: asked once for each key, not for each of ten thousand stacks.
    missing: HashMap<String, Vec<&'e Environment>>,
    /// The nearest right name to each wrong one.
    hints: HashMap<String, Option<&'e str>>,
    diagnostics: &'d mut Vec<Diagnostic>,
}

impl<'e> Checker<'e, '_> {
    fn is_plainly_right(&mut self, reference: &Reference) -> bool {
        match &reference.target {
            ReferenceTarget::Stack { name, output } => output.is_some() && self.has_stack(name),
            ReferenceTarget::Environment(Some(key)) => key == NAME_KEY || self.missing_in(key).is_empty(),
            ReferenceTarget::Environment(None) | ReferenceTarget::Own(_) => true,
            ReferenceTarget::Estate(key) => key == NAME_KEY,
            ReferenceTarget::Output(_) | ReferenceTarget::Unknown(_) => false,
        }
    }

    fn has_stack(&self, name: &str) -> bool {
        self.estate.stacks.contains_key(name) || self.gaps.stacks.contains(name)
    }

    fn unknown_stack(&mut self, path: &RepoPath, name: &str, span: Span) {
        if !self.hints.contains_key(name) && self.hints.len() < HINTS_MAX {
            let near = nearest(name, self.estate.stacks.keys().map(StackName::as_str));
            self.hints.insert(name.to_owned(), near);
        }
        let diagnostic = Diagnostic::error("unknown-stack", format!("there is no stack `{name}`"))
            .at(place(path, span), "not in this estate");
        self.diagnostics.push(match self.hints.get(name).copied().flatten() {
            Some(near) => diagnostic.help(format!("Did you mean `stack.{near}`?")),
            None => diagnostic.help("`terrace list` names all stacks."),
        });
    }

    fn missing_in(&mut self, key: &str) -> &[&'e Environment] {
        let (environments, gaps) = (&self.estate.environments, &self.gaps.environments);
        if !self.missing.contains_key(key) {
            let lacking = environments
                .values()
                .filter(|environment| !environment.vars.contains_key(key) && !gaps.contains(&environment.name))
                .collect();
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
            ReferenceTarget::Stack { name, .. } => return self.unknown_stack(path, name, reference.span),
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
            ReferenceTarget::Output(name) => error(
                "unknown-reference",
                format!("`output.{name}` can be read in the stack's checks only"),
                "not known here",
            )
            .help(format!("An output of another stack is `stack.NAME.{name}`.")),
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

    fn no_outputs_in_identity(&mut self, path: &RepoPath, reference: &Reference) {
        let diagnostic = Diagnostic::error("unknown-reference", format!("an identity cannot read `{}`", reference.target))
            .at(place(path, reference.span), "an output")
            .help("What a stack runs as must be known before anything runs: use `stack.name`, `stack.path`, `env.*` and `estate.name`.");
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

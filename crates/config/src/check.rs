//! Checks an estate against its code: inputs against variables, references against outputs, states against each other, watch
//! patterns against files. Reads nothing but names.

mod backend;
mod checks;
mod sensitive;
mod state;

use terrace_domain::code::ModuleFacts;
use terrace_domain::diagnostic::{Diagnostic, nearest};
use terrace_domain::estate::{Estate, Stack};
use terrace_domain::expression::{Reference, ReferenceTarget};
use terrace_domain::path::RepoPath;

use crate::code::{Code, Language, is_directly_in, is_tofu};
use crate::load::sort_diagnostics;
use crate::policies;
use crate::source::place;
use crate::tree::FileTree;
use crate::watch::Watches;

/// Checks an estate against the code that was loaded for it. Stacks whose code was not loaded are passed over; what is wrong
/// with the code itself is among the code's own diagnostics.
pub fn check_estate(tree: &dyn FileTree, estate: &Estate, code: &Code) -> Vec<Diagnostic> {
    let mut diagnostics = Vec::new();
    for stack in estate.stacks.values() {
        if let Some(facts) = code.facts(&stack.folder) {
            let file = stack.file();
            let mut check = StackCheck { tree, estate, code, stack, file: &file, diagnostics: &mut diagnostics };
            check.all(facts);
        }
    }
    unmatched_patterns(tree, estate, &mut diagnostics);
    state::check(estate, &mut diagnostics);
    policies::check(tree, estate, &mut diagnostics);
    sort_diagnostics(&mut diagnostics);
    diagnostics
}

struct StackCheck<'c> {
    tree: &'c dyn FileTree,
    estate: &'c Estate,
    code: &'c Code,
    stack: &'c Stack,
    file: &'c RepoPath,
    diagnostics: &'c mut Vec<Diagnostic>,
}

impl StackCheck<'_> {
    fn all(&mut self, facts: &ModuleFacts) {
        backend::check(self.tree, self.stack, facts, self.diagnostics);
        sensitive::check(self.estate, self.code, self.stack, self.diagnostics);
        if facts.cloud {
            let diagnostic = Diagnostic::error("cloud", format!("the stack `{}` has a `cloud` block", self.stack.name))
                .at(place(self.file, self.stack.span), "its code has `terraform { cloud { ... } }`")
                .help("Remove the `cloud` block: Terrace keeps states where terrace.hcl says, and both cannot be.");
            self.diagnostics.push(diagnostic);
        }
        let language = Language::of(self.estate);
        if !self.has_file(|path| language.is_code(path)) {
            let help = if self.has_file(is_tofu) {
                "Only OpenTofu reads `.tofu` files: set `binary = \"tofu\"` in the `terraform` block of terrace.hcl."
            } else {
                "A stack is a folder of `.tf` files beside its stack.hcl."
            };
            let diagnostic =
                Diagnostic::error("no-code", format!("the stack `{}` has no Terraform code", self.stack.name))
                    .at(place(self.file, self.stack.span), "no `.tf` file in its folder")
                    .help(help);
            self.diagnostics.push(diagnostic);
        } else if facts.unreadable.is_empty() {
            self.unknown_inputs(facts);
            self.missing_inputs(facts);
        }
        for reference in &self.stack.references {
            self.output(reference);
        }
        checks::check(self.tree, self.stack, facts, self.diagnostics);
    }

    /// Whether the stack's own folder has such a file.
    fn has_file(&self, is_such: impl Fn(&RepoPath) -> bool) -> bool {
        let folder = &self.stack.folder;
        self.tree.below(folder).iter().any(|entry| is_such(&entry.path) && is_directly_in(&entry.path, folder))
    }

    fn unknown_inputs(&mut self, facts: &ModuleFacts) {
        for (name, input) in self.stack.inputs.iter().filter(|(name, _)| !facts.variables.contains_key(*name)) {
            let diagnostic =
                Diagnostic::error("unknown-input", format!("the stack `{}` has no variable `{name}`", self.stack.name))
                    .at(place(self.file, input.key_span), "no such variable");
            let known = facts.variables.keys().map(String::as_str);
            self.diagnostics.push(match nearest(name, known) {
                Some(near) => diagnostic.help(format!("Did you mean `{near}`?")),
                None => {
                    diagnostic.help(format!("Add `variable \"{name}\" {{}}` to the stack's code, or remove the input."))
                }
            });
        }
    }

    fn missing_inputs(&mut self, facts: &ModuleFacts) {
        let needed = |name: &String| !self.stack.inputs.contains_key(name);
        let missing: Vec<_> =
            facts.variables.iter().filter(|(name, variable)| !variable.has_default && needed(name)).collect();
        if missing.is_empty() || self.has_values_file() {
            return;
        }
        for (name, variable) in missing {
            let diagnostic = Diagnostic::error("missing-input", format!("the variable `{name}` gets no value"))
                .at(place(self.file, self.stack.span), format!("no input `{name}`"))
                .also(place(&variable.declared.0, variable.declared.1), "declared here without a default")
                .help(format!("Add `{name}` to the stack's `inputs`, or give the variable a default."));
            self.diagnostics.push(diagnostic);
        }
    }

    /// Whether Terraform reads values from a file of the folder ("Variable Definitions Files"): they may give what inputs do not.
    fn has_values_file(&self) -> bool {
        let folder = &self.stack.folder;
        self.tree.below(folder).iter().any(|entry| {
            let name = entry.path.file_name();
            let stem = name.strip_suffix(".json").unwrap_or(name);
            is_directly_in(&entry.path, folder)
                && (stem == "terraform.tfvars" || stem.strip_suffix(".auto.tfvars").is_some())
        })
    }

    fn output(&mut self, reference: &Reference) {
        let ReferenceTarget::Stack { name, output: Some(output) } = &reference.target else { return };
        let Some(upstream) = self.estate.stacks.get(name.as_str()) else { return };
        let Some(facts) = self.code.facts(&upstream.folder) else { return };
        if !facts.unreadable.is_empty() || facts.outputs.contains_key(output) {
            return;
        }
        let diagnostic = Diagnostic::error("unknown-output", format!("the stack `{name}` has no output `{output}`"))
            .at(place(self.file, reference.span), "no such output");
        self.diagnostics.push(match nearest(output, facts.outputs.keys().map(String::as_str)) {
            Some(near) => diagnostic.help(format!("Did you mean `stack.{name}.{near}`?")),
            None => diagnostic.help(format!("Add `output \"{output}\" {{ value = ... }}` in `{}`.", upstream.folder)),
        });
    }
}

fn unmatched_patterns(tree: &dyn FileTree, estate: &Estate, diagnostics: &mut Vec<Diagnostic>) {
    let watches = Watches::of(estate);
    let mut known = std::collections::HashMap::new();
    for stack in estate.stacks.values() {
        for watch in &stack.watch {
            let matched =
                *known.entry(watch.pattern.as_str()).or_insert_with(|| watches.matches_any(&watch.pattern, tree));
            if !matched {
                let diagnostic = Diagnostic::warning("unmatched-pattern", format!("no file matches `{}`", watch.pattern))
                    .at(place(&stack.file(), watch.span), "matches nothing")
                    .help("A pattern that begins with `./` or `../` is read from the stack's folder, every other from the estate's root.");
                diagnostics.push(diagnostic);
            }
        }
    }
}

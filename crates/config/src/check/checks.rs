//! Checks the checks of a stack against its code: outputs are declared, tests and programs are there, and no secret becomes an argument that
//! everybody on the machine can see.

use terrace_domain::check::{Check, CheckKind};
use terrace_domain::code::ModuleFacts;
use terrace_domain::diagnostic::{Diagnostic, nearest};
use terrace_domain::estate::Stack;
use terrace_domain::expression::{Expression, ExpressionKind, ReferenceTarget, Span, references};
use terrace_domain::path::RepoPath;
use terrace_domain::value::Value;

use crate::code::{is_directly_in, is_test};
use crate::source::place;
use crate::tree::{FileKind, FileTree};

/// Where Terraform looks for tests beside the folder itself (Terraform language, "Tests").
const TESTS_FOLDER: &str = "tests";

/// Checks a stack's checks.
pub(super) fn check(tree: &dyn FileTree, stack: &Stack, facts: &ModuleFacts, diagnostics: &mut Vec<Diagnostic>) {
    let file = stack.file();
    for check in &stack.checks {
        let mut own = OwnCheck { tree, stack, facts, file: &file, diagnostics };
        own.outputs(check);
        match &check.kind {
            CheckKind::Command(words) => own.command(words),
            CheckKind::TerraformTest => own.tests(check.span),
            CheckKind::Http(_) | CheckKind::Output(_) => {}
        }
    }
}

struct OwnCheck<'c> {
    tree: &'c dyn FileTree,
    stack: &'c Stack,
    facts: &'c ModuleFacts,
    file: &'c RepoPath,
    diagnostics: &'c mut Vec<Diagnostic>,
}

impl OwnCheck<'_> {
    fn outputs(&mut self, check: &Check) {
        if let CheckKind::Output(output) = &check.kind {
            self.output(&output.name, output.span);
        }
        for reference in check.expressions().into_iter().flat_map(references) {
            if let ReferenceTarget::Output(name) = &reference.target {
                self.output(name, reference.span);
            }
        }
    }

    fn output(&mut self, name: &str, span: Span) {
        if !self.facts.unreadable.is_empty() || self.facts.outputs.contains_key(name) {
            return;
        }
        let summary = format!("the stack `{}` has no output `{name}`", self.stack.name);
        let diagnostic = Diagnostic::error("unknown-output", summary).at(place(self.file, span), "no such output");
        self.diagnostics.push(match nearest(name, self.facts.outputs.keys().map(String::as_str)) {
            Some(near) => diagnostic.help(format!("Did you mean `{near}`?")),
            None => diagnostic.help(format!("Add `output \"{name}\" {{ value = ... }}` in `{}`.", self.stack.folder)),
        });
    }

    fn command(&mut self, words: &[Expression]) {
        if let Some(program) = words.first() {
            self.program(program);
        }
        for reference in words.iter().flat_map(references) {
            let ReferenceTarget::Output(name) = &reference.target else { continue };
            let Some(output) = self.facts.outputs.get(name).filter(|output| output.sensitive) else { continue };
            let summary = format!("the command would show `output.{name}`, which is sensitive");
            let diagnostic = Diagnostic::warning("sensitive-argument", summary)
                .at(place(self.file, reference.span), "arguments are seen by everybody on the machine")
                .also(place(&output.declared.0, output.declared.1), "marked as sensitive here")
                .help("Let the program read it from the file that TERRACE_OUTPUTS names.");
            self.diagnostics.push(diagnostic);
        }
    }

    /// A program that is named by its path belongs to the stack.
    fn program(&mut self, word: &Expression) {
        let ExpressionKind::Literal(Value::String(program)) = &word.kind else { return };
        if !program.contains('/') || program.starts_with('/') {
            return;
        }
        let found = self.stack.folder.join(program).ok().and_then(|path| self.tree.find(&path));
        let report = match found.map(|entry| entry.kind) {
            Some(FileKind::Executable | FileKind::Symlink) => return,
            Some(_) => Diagnostic::error("not-executable", format!("`{program}` cannot be run"))
                .at(place(self.file, word.span), "is not executable")
                .help(format!("Make it executable (`chmod +x`) and commit that, or write `[\"sh\", \"{program}\"]`.")),
            None => Diagnostic::warning("no-program", format!("`{program}` is not there"))
                .at(place(self.file, word.span), "no such file in the stack's folder")
                .help("A path is read from the stack's folder; files from elsewhere belong in `watch`. A name without `/` is looked up on PATH."),
        };
        self.diagnostics.push(report);
    }

    fn tests(&mut self, span: Span) {
        let folder = &self.stack.folder;
        let tests = folder.join(TESTS_FOLDER).ok();
        let is_here = |path: &RepoPath| {
            is_directly_in(path, folder) || tests.as_ref().is_some_and(|tests| is_directly_in(path, tests))
        };
        if self.tree.below(folder).iter().any(|entry| is_test(&entry.path) && is_here(&entry.path)) {
            return;
        }
        let diagnostic = Diagnostic::error("no-tests", format!("the stack `{}` has no tests", self.stack.name))
            .at(place(self.file, span), "no `*.tftest.hcl` in its folder or in `tests`")
            .help("Write one, or take the check out: `terraform test` finds nothing to run, and calls that success.");
        self.diagnostics.push(diagnostic);
    }
}

//! Checks that nothing in a stack's folder wins over the backend that Terrace sets: two environments would share one state, and
//! what one applies, the other would destroy.

use terrace_domain::code::ModuleFacts;
use terrace_domain::diagnostic::Diagnostic;
use terrace_domain::estate::Stack;
use terrace_domain::expression::Span;

use crate::code::is_directly_in;
use crate::source::place;
use crate::tree::FileTree;

/// The names under which Terraform or OpenTofu would take a file for the one by which Terrace sets the backend, or read it in
/// that file's place (OpenTofu prefers `x.tofu.json` to `x.tf.json`).
const RESERVED: [&str; 4] =
    ["terrace_override.tf", "terrace_override.tf.json", "terrace_override.tofu", "terrace_override.tofu.json"];

const HELP: &str = "Move the `backend` block to a file that is not an override, where Terrace replaces it with the estate's `state`, or remove it.";

/// Checks a stack's own folder: the backends of other modules do not count.
pub(super) fn check(tree: &dyn FileTree, stack: &Stack, facts: &ModuleFacts, diagnostics: &mut Vec<Diagnostic>) {
    for (path, span) in &facts.backend_overrides {
        let summary = format!("`{path}` overrides the state of the stack `{}`", stack.name);
        let diagnostic = Diagnostic::error("backend-override", summary)
            .at(place(path, *span), "can win over the estate's `state`, and the same in every environment")
            .help(HELP);
        diagnostics.push(diagnostic);
    }
    for path in &facts.unreadable_overrides {
        let summary = format!("cannot tell whether `{path}` overrides the state of the stack `{}`", stack.name);
        let diagnostic = Diagnostic::error("backend-override", summary)
            .at(place(path, Span::default()), "an override file that cannot be read")
            .help("Mend the file, or give it a name that does not end in `_override`.");
        diagnostics.push(diagnostic);
    }
    for entry in tree.below(&stack.folder) {
        if is_directly_in(&entry.path, &stack.folder) && RESERVED.contains(&entry.path.file_name()) {
            let summary = format!("the name of `{}` is Terrace's own", entry.path);
            let diagnostic = Diagnostic::error("reserved-file", summary)
                .at(place(&entry.path, Span::default()), "Terrace sets the state's place by a file of this name")
                .help("Give the file another name.");
            diagnostics.push(diagnostic);
        }
    }
}

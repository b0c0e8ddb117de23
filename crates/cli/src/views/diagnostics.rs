//! Diagnostics of the configuration.

use serde::Serialize;
use terrace_config::tree::FileTree;
use terrace_config::{Sources, WireDiagnostic, render, sources, wire};
use terrace_domain::diagnostic::{Diagnostic, Severity};

use super::{count, print, print_json, say};

/// Tells diagnostics on standard error.
pub fn say_all(diagnostics: &[Diagnostic], sources: &Sources) {
    if !diagnostics.is_empty() {
        say(&render(diagnostics, sources, console::colors_enabled_stderr()));
    }
}

/// The same, with the sources read from the tree.
pub fn say_from(tree: &dyn FileTree, diagnostics: &[Diagnostic]) {
    if !diagnostics.is_empty() {
        say_all(diagnostics, &sources(tree, diagnostics));
    }
}

/// `terrace validate`: the diagnostics and their number.
pub fn report(tree: &dyn FileTree, diagnostics: &[Diagnostic], stacks: usize) {
    say_from(tree, diagnostics);
    let number = |severity| diagnostics.iter().filter(|diagnostic| diagnostic.severity == severity).count();
    let (errors, warnings) = (number(Severity::Error), number(Severity::Warning));
    let warned = if warnings > 0 { format!(", {}", count(warnings, "warning")) } else { String::new() };
    if errors == 0 {
        print(&format!("The estate is valid: {}{warned}.\n", count(stacks, "stack")));
    } else {
        print(&format!("The estate has {}{warned}.\n", count(errors, "error")));
    }
}

#[derive(Serialize)]
struct Report {
    valid: bool,
    stacks: usize,
    diagnostics: Vec<WireDiagnostic>,
}

/// As JSON, `terrace.validate/1`.
pub fn json(tree: &dyn FileTree, diagnostics: &[Diagnostic], stacks: usize) {
    let valid = !diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error);
    let diagnostics = wire(diagnostics, &sources(tree, diagnostics));
    print_json("terrace.validate/1", &Report { valid, stacks, diagnostics });
}

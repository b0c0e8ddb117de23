//! Habits of Rust files: headers, names, sizes, what must not be called where.

use super::{File, Repository, Violation, has_word};

/// Past this a file is many files.
const LINES_MAX: usize = 900;
/// Names that say nothing, and so end up holding everything.
const CATCH_ALLS: [&str; 7] = ["util", "utils", "helper", "helpers", "common", "manager", "misc"];
/// Put together here, so that this file does not break its own rule.
const REMINDERS: [&str; 3] = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")];
const PRINTING: [&str; 5] = ["println!", "eprintln!", "print!", "eprint!", concat!("dbg", "!")];
/// What the domain, which is pure, must not know. Of `std::net` the sockets alone: addresses are plain values.
const IMPURE: [&str; 10] = [
    "std::fs",
    "std::process",
    "std::env",
    "tokio",
    "SystemTime",
    "Instant",
    "TcpStream",
    "TcpListener",
    "UdpSocket",
    "ToSocketAddrs",
];

pub(super) fn check(repository: &Repository) -> Vec<Violation> {
    let mut found = Vec::new();
    for file in repository.files.iter().filter(|file| is_ours(&file.path)) {
        name(file, &mut found);
        reminders(file, &mut found);
        if file.has_extension("rs") {
            header(file, &mut found);
            length(file, &mut found);
            printing(file, &mut found);
            ignored_tests(file, &mut found);
            purity(file, &mut found);
        }
    }
    found
}

fn is_ours(path: &str) -> bool {
    (path.starts_with("crates/") || path.starts_with("xtask/") || path.starts_with("tools/"))
        && !path.contains("/fixtures/")
}

fn name(file: &File, found: &mut Vec<Violation>) {
    let catch_all = file.path.split('/').find(|part| CATCH_ALLS.contains(&part.split('.').next().unwrap_or(part)));
    if let Some(part) = catch_all {
        found.push(Violation::new(&file.path, 1, format!("`{part}` is a name for everything: name what it holds")));
    }
}

fn reminders(file: &File, found: &mut Vec<Violation>) {
    for (line, text) in file.lines() {
        if let Some(word) = REMINDERS.into_iter().find(|word| has_word(text, word)) {
            found.push(Violation::new(&file.path, line, format!("a stray {word}: do it, or open an issue")));
        }
    }
}

fn header(file: &File, found: &mut Vec<Violation>) {
    if !file.text.starts_with("//!") {
        let what = "no `//!` header that says what this file owns and what it never does";
        found.push(Violation::new(&file.path, 1, what));
    }
}

fn length(file: &File, found: &mut Vec<Violation>) {
    let lines = file.text.lines().count();
    if lines > LINES_MAX {
        found.push(Violation::new(&file.path, LINES_MAX + 1, format!("{lines} lines, more than {LINES_MAX}")));
    }
}

fn printing(file: &File, found: &mut Vec<Violation>) {
    let may_print = file.path.starts_with("crates/cli/src/views") || file.path.starts_with("xtask/");
    // A build script talks to cargo by printing.
    if may_print || file.path.ends_with("/build.rs") {
        return;
    }
    for (line, text) in file.lines() {
        if let Some(call) = PRINTING.into_iter().find(|call| calls(code_of(text), call)) {
            found.push(Violation::new(&file.path, line, format!("`{call}` outside the views")));
        }
    }
}

/// Whether the macro is called: `eprint!` is not a call of `print!`.
fn calls(code: &str, name: &str) -> bool {
    code.match_indices(name).any(|(at, _)| !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_'))
}

fn ignored_tests(file: &File, found: &mut Vec<Violation>) {
    for (line, text) in file.lines() {
        if text.trim_start().starts_with("#[ignore") {
            found.push(Violation::new(&file.path, line, "an ignored test: mend it or remove it"));
        }
    }
}

fn purity(file: &File, found: &mut Vec<Violation>) {
    if !file.path.starts_with("crates/domain/src/") {
        return;
    }
    for (line, text) in file.lines() {
        if let Some(word) = IMPURE.into_iter().find(|word| has_word(code_of(text), word)) {
            found.push(Violation::new(&file.path, line, format!("`{word}` in the domain, which is pure")));
        }
    }
}

/// The line without its comment. What stands behind `//` in a string is lost too: a price for not parsing.
fn code_of(line: &str) -> &str {
    line.split("//").next().unwrap_or("")
}

#[cfg(test)]
mod tests {
    use super::super::{fixture, shown};
    use super::*;

    fn found(text: &str) -> Vec<String> {
        shown(&check(&fixture(text)))
    }

    #[test]
    fn a_tidy_file_has_nothing() {
        assert!(
            found("//- crates/domain/src/graph.rs\n//! The graph.\n\nstruct Instance;\n// Instant is denied\n")
                .is_empty()
        );
    }

    #[test]
    fn files_have_headers() {
        assert_eq!(
            found("//- crates/a/src/lib.rs\nfn main() {}\n"),
            ["crates/a/src/lib.rs:1: no `//!` header that says what this file owns and what it never does"]
        );
        assert!(found("//- crates/a/tests/fixtures/x.rs\nfn main() {}\n").is_empty());
    }

    #[test]
    fn reminders_are_found_in_any_text_file_of_ours() {
        let text = format!("//- tools/demo\n#!/bin/sh\n# {}: later\n", REMINDERS[0]);
        assert_eq!(found(&text), [format!("tools/demo:2: a stray {}: do it, or open an issue", REMINDERS[0])]);
    }

    #[test]
    fn printing_is_for_views() {
        let body = "//! Doc.\n// println! is fine here\neprint!(\"x\");\n";
        assert_eq!(
            found(&format!("//- crates/driver/src/local.rs\n{body}")),
            ["crates/driver/src/local.rs:3: `eprint!` outside the views"]
        );
        assert!(found(&format!("//- crates/cli/src/views/list.rs\n{body}")).is_empty());
        assert!(found(&format!("//- crates/cli/src/views.rs\n{body}")).is_empty());
        assert!(found(&format!("//- crates/sandbox/build.rs\n{body}")).is_empty());
    }

    #[test]
    fn catch_alls_are_refused_as_files_and_folders() {
        assert_eq!(
            found("//- crates/a/src/utils.rs\n//! Doc.\n//- crates/a/src/common/x.rs\n//! Doc.\n"),
            [
                "crates/a/src/common/x.rs:1: `common` is a name for everything: name what it holds",
                "crates/a/src/utils.rs:1: `utils.rs` is a name for everything: name what it holds"
            ]
        );
    }

    #[test]
    fn tests_are_not_ignored() {
        assert_eq!(
            found("//- crates/a/src/lib.rs\n//! Doc.\n    #[ignore = \"slow\"]\n"),
            ["crates/a/src/lib.rs:2: an ignored test: mend it or remove it"]
        );
    }

    #[test]
    fn the_domain_is_pure() {
        assert_eq!(
            found("//- crates/domain/src/run.rs\n//! Doc.\nuse std::time::Instant;\n"),
            ["crates/domain/src/run.rs:2: `Instant` in the domain, which is pure"]
        );
        assert!(found("//- crates/world/src/run.rs\n//! Doc.\nuse std::time::Instant;\n").is_empty());
    }

    #[test]
    fn long_files_are_named() {
        let text = format!("//- crates/a/src/lib.rs\n//! Doc.\n{}", "\n".repeat(LINES_MAX));
        assert_eq!(found(&text), ["crates/a/src/lib.rs:901: 901 lines, more than 900"]);
    }
}

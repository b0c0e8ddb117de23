//! What is wrong with the policies of an estate's gates, as diagnostics: so that it is known before a gate refuses. Asks nothing and runs nothing.

use std::collections::HashSet;
use std::ops::Range;

use terrace_config::tree::FileTree;
use terrace_config::{policy_gates, policy_namespaces, policy_paths};
use terrace_domain::diagnostic::{Diagnostic, Place};
use terrace_domain::estate::{Estate, Gate};

use crate::error::Problem;
use crate::files;
use crate::policies::Policies;
use crate::rules::Namespaces;

/// Compiles the policies of all gates. Gates whose policies are not there are the business of whoever checks the estate.
pub fn diagnose(tree: &dyn FileTree, estate: &Estate) -> Vec<Diagnostic> {
    let mut told: HashSet<String> = HashSet::new();
    let mut diagnostics = Vec::new();
    for gate in policy_gates(estate) {
        let Ok(paths) = policy_paths(estate, gate) else { continue };
        match files::load(tree, &estate.root, &paths) {
            Ok(policies) => diagnostics.extend(idle(estate, gate, &policies)),
            Err(error) => {
                for problem in error.problems {
                    // Several gates may ask the same policies.
                    if told.insert(problem.to_string()) {
                        diagnostics.extend(diagnostic(tree, estate, &problem));
                    }
                }
            }
        }
    }
    diagnostics
}

/// A gate that asks nothing.
fn idle(estate: &Estate, gate: &Gate, policies: &Policies) -> Option<Diagnostic> {
    let namespaces = Namespaces::of(policy_namespaces(gate));
    if !policies.rules(&namespaces).is_empty() {
        return None;
    }
    let known = policies.namespaces();
    let help = if known.is_empty() {
        "A rule is named `deny`, `violation` or `warn`, or begins with one of these and `_`.".to_owned()
    } else {
        format!("There are rules in `{}`: name these packages with `namespaces`.", known.join("`, `"))
    };
    let place = Place { path: estate.file(), range: gate.span.into() };
    Some(
        Diagnostic::error("idle-gate", format!("the gate asks nothing: no rule was found in {namespaces}"))
            .at(place, "")
            .help(help),
    )
}

fn diagnostic(tree: &dyn FileTree, estate: &Estate, problem: &Problem) -> Option<Diagnostic> {
    let path = estate.root.join(&problem.file).ok()?;
    let entry = tree.find(&path)?;
    let range = problem.at.map_or(0..0, |at| {
        let text = tree.read(entry).ok().and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default();
        range_of(&text, at)
    });
    Some(Diagnostic::error("bad-policy", problem.what.clone()).at(Place { path, range }, ""))
}

/// The bytes of the character at a line and a column, from 1; the end of the line where it is shorter.
fn range_of(text: &str, (line, column): (u32, u32)) -> Range<usize> {
    let lines = text.split_inclusive('\n');
    let start: usize = lines.take(line.saturating_sub(1) as usize).map(str::len).sum();
    let own = text[start..].lines().next().unwrap_or_default();
    let mut characters = own.char_indices().skip(column.saturating_sub(1) as usize);
    match characters.next() {
        Some((at, character)) => start + at..start + at + character.len_utf8(),
        None => start + own.len()..start + own.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_are_places() {
        let text = "one\nzwölf x\n";
        assert_eq!(&text[range_of(text, (1, 1))], "o");
        assert_eq!(&text[range_of(text, (2, 3))], "ö");
        assert_eq!(&text[range_of(text, (2, 7))], "x");
        assert_eq!(range_of(text, (2, 99)), 12..12);
        assert_eq!(range_of(text, (9, 1)), 13..13);
    }
}

//! Finds absolute paths that are true on one machine only, in any tracked text.

use super::{Repository, Violation};

/// Put together here, so that this file does not break its own rule.
const ROOTS: [&str; 5] = [
    concat!("/ho", "me/"),
    concat!("/ro", "ot/"),
    concat!("/wo", "rk/"),
    concat!("/Us", "ers/"),
    concat!("C:\\Us", "ers"),
];

pub(super) fn check(repository: &Repository) -> Vec<Violation> {
    let mut found = Vec::new();
    for file in &repository.files {
        for (line, text) in file.lines() {
            if let Some(root) = ROOTS.into_iter().find(|root| begins_a_path(text, root)) {
                found.push(Violation::new(&file.path, line, format!("a path of one machine: `{root}`")));
            }
        }
    }
    found
}

/// Whether `root` stands where a path begins: not in the middle of one, such as the folder in the middle of `a/b/c`.
fn begins_a_path(line: &str, root: &str) -> bool {
    line.match_indices(root)
        .any(|(at, _)| !line[..at].chars().next_back().is_some_and(|c| c.is_alphanumeric() || "._-/*}>)".contains(c)))
}

#[cfg(test)]
mod tests {
    use super::super::{fixture, shown};
    use super::*;

    #[test]
    fn only_whole_paths_count() {
        let text = format!("//- a.md\nsee `{}ada/x`\nsee .terrace{}x and $HOME/x\n", ROOTS[0], ROOTS[2]);
        assert_eq!(shown(&check(&fixture(&text))), [format!("a.md:1: a path of one machine: `{}`", ROOTS[0])]);
    }
}

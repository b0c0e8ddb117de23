//! Files written inline in a test as one text, with a line `//- path` before each. Owns that form. Never writes to disk.

/// What begins the line before a file.
const MARK: &str = "//- ";

/// The files of a fixture, as path and text, in the order in which they are written.
///
/// # Panics
/// When text comes before the first mark: the fixture is wrong.
pub fn files(fixture: &str) -> Vec<(&str, String)> {
    let mut files: Vec<(&str, String)> = Vec::new();
    for line in fixture.split_inclusive('\n') {
        if let Some(path) = line.strip_prefix(MARK) {
            files.push((path.trim(), String::new()));
        } else if let Some((_, text)) = files.last_mut() {
            text.push_str(line);
        } else {
            assert!(line.trim().is_empty(), "text before the first `{MARK}`: {line}");
        }
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_mark_begins_a_file() {
        let found = files("\n//- a/b.tf\none\n\n//- c\n");
        assert_eq!(found, [("a/b.tf", "one\n\n".to_owned()), ("c", String::new())]);
    }
}

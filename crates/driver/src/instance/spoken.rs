//! Reads diagnostics out of what Terraform says in plain text: `init` has no other form that all versions know. Owns nothing but that
//! reading, and never fails: what it does not recognise is no diagnostic.

use terrace_domain::run::TerraformDiagnostic;

/// The diagnostics in the error output of a command that was given `-no-color`: each begins with `Error: ` or `Warning: ` at the
/// start of a line, its summary ends with an empty line; `  on FILE line N, in …:`, lines of code and the detail follow.
pub(super) fn read_diagnostics(text: &str) -> Vec<TerraformDiagnostic> {
    let mut blocks: Vec<(bool, Vec<&str>)> = Vec::new();
    for line in text.lines() {
        let error = line.strip_prefix("Error: ").map(|rest| (true, rest));
        match error.or_else(|| line.strip_prefix("Warning: ").map(|rest| (false, rest))) {
            Some((is_error, rest)) => blocks.push((is_error, vec![rest])),
            None => {
                if let Some((_, lines)) = blocks.last_mut() {
                    lines.push(line);
                }
            }
        }
    }
    blocks.into_iter().map(|(is_error, lines)| diagnostic(is_error, &lines)).collect()
}

fn diagnostic(is_error: bool, lines: &[&str]) -> TerraformDiagnostic {
    let end = lines.iter().position(|line| line.trim().is_empty()).unwrap_or(lines.len());
    let (summary, rest) = lines.split_at(end);
    let place = rest.iter().find_map(|line| place(line));
    let is_detail = |line: &&&str| place_like(line).is_none() && code(line).is_none();
    let detail = rest.iter().filter(is_detail).copied().collect::<Vec<_>>().join("\n");
    let shown = place.as_ref().map(|(_, first)| {
        let lines = rest.iter().filter_map(|line| code(line)).filter(|(number, _)| number >= first);
        lines.map(|(_, text)| text).collect::<Vec<_>>().join("\n")
    });
    let (file, line) = place.map_or((None, None), |(file, line)| (Some(file.to_owned()), Some(line)));
    TerraformDiagnostic {
        is_error,
        summary: summary.join(" "),
        detail: detail.trim().to_owned(),
        address: rest.iter().find_map(|line| place_like(line)?.strip_prefix("with ")).map(trim_end_of_place),
        file,
        line,
        code: shown.filter(|text| !text.is_empty()),
    }
}

/// `  on FILE line N, in …:`
fn place(line: &str) -> Option<(&str, u64)> {
    let (file, rest) = place_like(line)?.strip_prefix("on ")?.rsplit_once(" line ")?;
    let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    Some((file, rest[..digits].parse().ok()?))
}

/// A line that says where: two spaces, `on` or `with`, and a colon or comma at its end.
fn place_like(line: &str) -> Option<&str> {
    let words = line.strip_prefix("  ")?;
    let says = (words.starts_with("on ") || words.starts_with("with ")) && words.ends_with([':', ',']);
    says.then_some(words)
}

fn trim_end_of_place(words: &str) -> String {
    words.trim_end_matches([':', ',']).to_owned()
}

/// `   N: code`
fn code(line: &str) -> Option<(u64, &str)> {
    let words = line.strip_prefix("  ")?.trim_start();
    let (number, text) = words.split_once(':')?;
    Some((number.parse().ok()?, text.strip_prefix(' ').unwrap_or(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_its_place_its_code_and_its_words() {
        let text = "\nError: Problems during initialisation, described\nbelow.\n\nThe configuration must be valid.\n\n\
                    Error: Missing item separator\n\n  on broken.tf line 3, in locals:\n   2:   a = [1, 2\n   3: }\n\n\
                    Expected a comma to mark\nthe next item.\n";
        let found = read_diagnostics(text);
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].summary, "Problems during initialisation, described below.");
        assert_eq!((found[0].detail.as_str(), &found[0].file), ("The configuration must be valid.", &None));
        assert_eq!(found[1].summary, "Missing item separator");
        assert_eq!((found[1].file.as_deref(), found[1].line), (Some("broken.tf"), Some(3)));
        assert_eq!(found[1].code.as_deref(), Some("}"));
        assert_eq!(found[1].detail, "Expected a comma to mark\nthe next item.");
    }

    #[test]
    fn warnings_and_addresses_are_told_apart() {
        let text = "Warning: Old\n\n  with module.a.x.y,\n  on a b/main.tf line 12:\n  12: x = 1\n\nNew is better.\n";
        let found = read_diagnostics(text);
        assert_eq!((found[0].is_error, found[0].address.as_deref()), (false, Some("module.a.x.y")));
        assert_eq!((found[0].file.as_deref(), found[0].line), (Some("a b/main.tf"), Some(12)));
        assert_eq!((found[0].code.as_deref(), found[0].detail.as_str()), (Some("x = 1"), "New is better."));
    }

    #[test]
    fn other_words_are_no_diagnostics() {
        assert_eq!(read_diagnostics("panic: oh\n\n  on line 3:\n"), []);
    }
}

//! A pattern of `CODEOWNERS`: as in `gitignore(5)`, without `!` and `[ ]`, and with one difference: `folder/*` names what lies directly in
//! the folder and nothing deeper (GitHub documentation, "CODEOWNERS syntax").

use globset::{Glob, GlobBuilder};

/// Why a pattern is not taken.
#[derive(Debug)]
pub(super) struct Refused {
    /// What is wrong with it, a lowercase fragment.
    pub(super) what: String,
    /// What to do, a sentence.
    pub(super) help: &'static str,
}

/// The globs that a pattern comes to; a file matches one of them where it matches the pattern.
pub(super) fn compile(pattern: &str) -> Result<Vec<Glob>, Refused> {
    refuse(pattern)?;
    let is_folder = pattern.ends_with('/');
    let trimmed = pattern.trim_end_matches('/');
    let path = trimmed.trim_start_matches('/');
    // gitignore(5): a `/` at the beginning or in the middle ties the pattern to the root.
    let is_anchored = trimmed.contains('/') || path.is_empty();
    let path = path.replace('{', "\\{").replace('}', "\\}");
    let path = if is_anchored { path } else { format!("**/{path}") };
    let texts = match (path.is_empty(), is_folder, path.ends_with("/*") && is_anchored) {
        (true, ..) => vec!["**".to_owned()],
        (_, true, _) => vec![format!("{path}/**")],
        (_, _, true) => vec![path],
        _ => vec![path.clone(), format!("{path}/**")],
    };
    texts.iter().map(|text| glob(text)).collect()
}

fn refuse(pattern: &str) -> Result<(), Refused> {
    let refused = |what: &str, help| Err(Refused { what: what.to_owned(), help });
    if pattern.starts_with('!') {
        return refused(
            "`!` takes nothing back here",
            "Write a later line with the pattern and no owner: it takes ownership away.",
        );
    }
    if pattern.starts_with('[') || pattern.starts_with("^[") {
        return refused(
            "a section, which only GitLab knows",
            "Write the owners on each line: Terrace reads the form that GitHub and GitLab share.",
        );
    }
    if pattern.contains(['[', ']']) {
        return refused("`[ ]` has no meaning here", "Write `*` or `?`, or a line for each name.");
    }
    if pattern.starts_with("\\#") {
        return refused("a pattern cannot begin with `#`", "Write `?` in its place.");
    }
    Ok(())
}

fn glob(text: &str) -> Result<Glob, Refused> {
    let glob = GlobBuilder::new(text).literal_separator(true).backslash_escape(true).build();
    let glob = glob.map_err(|error| error.kind().to_string());
    // What cannot be compiled alone would take others with it.
    glob.and_then(|glob| {
        let alone = globset::GlobSet::builder().add(glob.clone()).build();
        alone.map(|_| glob).map_err(|error| error.kind().to_string())
    })
    .map_err(|what| Refused { what, help: "Write a pattern as in a `.gitignore` file." })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, file: &str) -> bool {
        compile(pattern).unwrap().iter().any(|glob| glob.compile_matcher().is_match(file))
    }

    /// The examples of GitHub's documentation, "Example of a CODEOWNERS file", and of gitignore(5).
    #[test]
    fn patterns_mean_what_their_documentation_says() {
        let table = [
            ("*", "a/b/c.tf", true),
            ("*.js", "x.js", true),
            ("*.js", "a/b/x.js", true),
            ("*.js", "x.jsx", false),
            ("/build/logs/", "build/logs/a/b", true),
            ("/build/logs/", "x/build/logs/a", false),
            ("/build/logs/", "build/logs", false),
            ("docs/*", "docs/getting-started.md", true),
            ("docs/*", "docs/build-app/troubleshooting.md", false),
            ("docs/*", "x/docs/y.md", false),
            ("apps/", "apps/x", true),
            ("apps/", "a/apps/x/y", true),
            ("/docs/", "docs/a/b.md", true),
            ("/docs/", "a/docs/b.md", false),
            ("**/logs", "build/logs/x", true),
            ("**/logs", "deeply/nested/logs/x", true),
            ("**/logs", "logs/x", true),
            ("/apps/github", "apps/github/x", true),
            ("/apps/github", "apps/github", true),
            ("/apps/github", "apps/github2", false),
            ("/scripts/**/x.tf", "scripts/x.tf", true),
            ("/scripts/**/x.tf", "scripts/a/b/x.tf", true),
            ("stacks/aws-?/", "stacks/aws-1/main.tf", true),
            ("stacks/aws-?/", "stacks/aws-12/main.tf", false),
            ("a{b,c}.tf", "a{b,c}.tf", true),
            ("a{b,c}.tf", "ab.tf", false),
            ("my\\ folder/", "my folder/x", true),
            ("/", "a/b", true),
            ("README", "a/README", true),
            ("Readme", "README", false),
        ];
        for (pattern, file, expected) in table {
            assert_eq!(matches(pattern, file), expected, "{pattern} and {file}");
        }
    }

    #[test]
    fn what_github_does_not_know_is_refused() {
        let refused = |pattern: &str| compile(pattern).unwrap_err().what;
        assert_eq!(refused("!x"), "`!` takes nothing back here");
        assert_eq!(refused("[Section]"), "a section, which only GitLab knows");
        assert_eq!(refused("^[Section][2]"), "a section, which only GitLab knows");
        assert_eq!(refused("x[ab]"), "`[ ]` has no meaning here");
        assert_eq!(refused("\\#x"), "a pattern cannot begin with `#`");
    }
}

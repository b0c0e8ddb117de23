//! Habits of the Markdown files: links lead somewhere, each crate is explained, each word of the glossary is there once.

use std::collections::HashMap;

use toml::{Table, Value};

use super::{File, Repository, Violation};

const ARCHITECTURE: &str = "ARCHITECTURE.md";
const GLOSSARY: &str = "GLOSSARY.md";
const CHANGELOG: &str = "CHANGELOG.md";

pub(super) fn check(repository: &Repository) -> Vec<Violation> {
    let mut found = Vec::new();
    for file in repository.files.iter().filter(|file| file.has_extension("md") && !file.path.contains("/fixtures/")) {
        links(repository, file, &mut found);
    }
    for (path, check) in [
        (ARCHITECTURE, architecture as fn(&Repository, &File, &mut Vec<Violation>)),
        (GLOSSARY, glossary),
        (CHANGELOG, changelog),
    ] {
        match repository.find(path) {
            Some(file) => check(repository, file, &mut found),
            None => found.push(Violation::new(path, 1, "the file is missing")),
        }
    }
    found
}

fn links(repository: &Repository, file: &File, found: &mut Vec<Violation>) {
    let folder = file.path.rfind('/').map_or("", |at| &file.path[..at]);
    let mut fenced = false;
    for (line, text) in file.lines() {
        if text.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        if fenced {
            continue;
        }
        for target in targets(text) {
            if !resolve(folder, target).is_some_and(|path| repository.has(&path)) {
                found.push(Violation::new(&file.path, line, format!("the link leads nowhere: {target}")));
            }
        }
    }
}

/// The targets of `[text](target)` that are paths, without title and anchor.
fn targets(line: &str) -> impl Iterator<Item = &str> {
    line.match_indices("](").filter_map(|(at, mark)| {
        let inside = line[at + mark.len()..].split(')').next()?;
        let target = inside.split_whitespace().next()?.split('#').next()?;
        let elsewhere = target.is_empty() || target.contains("://") || target.starts_with("mailto:");
        (!elsewhere).then_some(target)
    })
}

/// The path that `target` means, read from `folder`; `None` when it leads out of the repository.
fn resolve(folder: &str, target: &str) -> Option<String> {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            _ => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

fn architecture(repository: &Repository, file: &File, found: &mut Vec<Violation>) {
    for name in repository.crates() {
        let ways = [format!("crates/{name}"), format!("`{name}`"), format!("`terrace-{name}`")];
        if !ways.iter().any(|way| file.text.contains(way)) {
            found.push(Violation::new(&file.path, 1, format!("says nothing of `crates/{name}`")));
        }
    }
}

fn glossary(_: &Repository, file: &File, found: &mut Vec<Violation>) {
    let mut seen: HashMap<String, usize> = HashMap::new();
    let mut words = 0;
    for (line, text) in file.lines() {
        let Some(cell) = text.trim().strip_prefix('|').and_then(|row| row.split('|').next()) else { continue };
        let cell = cell.trim();
        if cell.chars().all(|c| "-: ".contains(c)) || cell == "word" {
            continue;
        }
        for word in cell.split(',').map(|word| word.trim().trim_matches(['`', '*']).to_lowercase()) {
            words += 1;
            if let Some(first) = seen.insert(word.clone(), line) {
                found.push(Violation::new(&file.path, line, format!("`{word}` is explained in line {first} already")));
            }
        }
    }
    if words == 0 {
        found.push(Violation::new(&file.path, 1, "no table of words"));
    }
}

/// The newest entry is of the version that is being built, or says that it is not released.
fn changelog(repository: &Repository, file: &File, found: &mut Vec<Violation>) {
    let Some((line, top)) = file.lines().find(|(_, text)| text.starts_with("## ")) else {
        found.push(Violation::new(&file.path, 1, "no entry"));
        return;
    };
    if top.to_lowercase().contains("unreleased") {
        return;
    }
    match version(repository) {
        Some(version) if super::has_word(top, &version) => {}
        Some(version) => {
            found.push(Violation::new(&file.path, line, format!("the top entry is not of version {version}")));
        }
        None => found.push(Violation::new("Cargo.toml", 1, "no `workspace.package.version`")),
    }
}

fn version(repository: &Repository) -> Option<String> {
    let manifest: Table = repository.find("Cargo.toml")?.text.parse().ok()?;
    let version = manifest.get("workspace")?.get("package")?.get("version").and_then(Value::as_str)?;
    Some(version.to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::{fixture, shown};
    use super::*;

    const SOUND: &str = "\
//- Cargo.toml
[workspace.package]
version = \"0.1.0\"
//- ARCHITECTURE.md
`crates/domain` is pure.
//- crates/domain/Cargo.toml
//- GLOSSARY.md
| word | meaning |
|-|-|
| estate | all |
| plan, apply | as in Terraform |
//- CHANGELOG.md
# Changelog
## 0.1.0
";

    fn found(more: &str) -> Vec<String> {
        shown(&check(&fixture(&format!("{SOUND}{more}"))))
    }

    #[test]
    fn a_sound_repository_has_nothing() {
        assert_eq!(found(""), [""; 0]);
    }

    #[test]
    fn links_are_followed() {
        let text = "//- docs/a.md\n[x](../GLOSSARY.md#word) [y](https://example.com) [z](b.md \"t\") [up](../../x)\n\
                    ```\n[in code](nothing)\n```\n[folder](../crates/domain/) [here](#top)\n";
        assert_eq!(
            found(text),
            ["docs/a.md:1: the link leads nowhere: b.md", "docs/a.md:1: the link leads nowhere: ../../x"]
        );
    }

    #[test]
    fn each_crate_is_explained() {
        assert_eq!(found("//- crates/world/Cargo.toml\n"), ["ARCHITECTURE.md:1: says nothing of `crates/world`"]);
    }

    #[test]
    fn words_are_explained_once() {
        let twice = SOUND.replace("| plan, apply", "| `Estate` | again |\n| plan, apply");
        assert_eq!(shown(&check(&fixture(&twice))), ["GLOSSARY.md:4: `estate` is explained in line 3 already"]);
    }

    #[test]
    fn the_changelog_knows_the_version() {
        let newer = SOUND.replace("version = \"0.1.0\"", "version = \"0.2.0\"");
        assert_eq!(shown(&check(&fixture(&newer))), ["CHANGELOG.md:2: the top entry is not of version 0.2.0"]);
        assert!(check(&fixture(&newer.replace("## 0.1.0", "## Unreleased"))).is_empty());
    }

    #[test]
    fn missing_documents_are_named() {
        assert_eq!(shown(&check(&Repository::default())).len(), 3);
    }
}

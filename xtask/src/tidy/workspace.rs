//! Checks which crate may depend on which. The order is the architecture: see ARCHITECTURE.md.

use toml::{Table, Value};

use super::{File, Repository, Violation};

/// From what knows nothing to what knows everything: each may depend on those before it.
const ORDER: [&str; 12] = [
    "domain", "config", "policy", "world", "vault", "evidence", "release", "registry", "sandbox", "driver", "server",
    "cli",
];
/// Crates that only tests and benchmarks may use; they may use all others.
const DEV_ONLY: [&str; 2] = ["testkit", "bench"];

pub(super) fn check(repository: &Repository) -> Vec<Violation> {
    let mut found = Vec::new();
    for name in repository.crates() {
        let Some(file) = repository.find(&format!("crates/{name}/Cargo.toml")) else { continue };
        match file.text.parse::<Table>() {
            Ok(manifest) => check_crate(name, file, &manifest, &mut found),
            Err(error) => found.push(Violation::new(&file.path, 1, format!("not TOML: {}", error.message()))),
        }
    }
    found
}

fn check_crate(name: &str, file: &File, manifest: &Table, found: &mut Vec<Violation>) {
    if DEV_ONLY.contains(&name) {
        return;
    }
    let Some(rank) = ORDER.iter().position(|own| *own == name) else {
        let what = format!("`{name}` has no place in the order of crates: {}", ORDER.join(" < "));
        found.push(Violation::new(&file.path, 1, what));
        return;
    };
    for (section, dependency) in dependencies(manifest) {
        let Some(other) = crate_of(&dependency) else { continue };
        let is_dev = section == "dev-dependencies";
        let what = match ORDER.iter().position(|own| *own == other) {
            None if DEV_ONLY.contains(&other) && is_dev => continue,
            None if DEV_ONLY.contains(&other) => format!("`{dependency}` is for tests and benchmarks only"),
            None => format!("`{dependency}` is no crate of this workspace that tidy knows"),
            Some(below) if below < rank => continue,
            Some(_) => format!("`{name}` depends upward, on `{other}`: the order is {}", ORDER.join(" < ")),
        };
        let line =
            file.lines().find(|(_, text)| text.trim_start().starts_with(&dependency)).map_or(1, |(line, _)| line);
        found.push(Violation::new(&file.path, line, what));
    }
}

/// The folder in `crates/` of a package of this workspace.
fn crate_of(package: &str) -> Option<&str> {
    if package == "terrace" { Some("cli") } else { package.strip_prefix("terrace-") }
}

/// All dependencies as (section, package), those for some platforms too.
fn dependencies(manifest: &Table) -> Vec<(&'static str, String)> {
    let platforms = manifest.get("target").and_then(Value::as_table);
    let tables =
        std::iter::once(manifest).chain(platforms.into_iter().flat_map(Table::values).filter_map(Value::as_table));
    let mut all = Vec::new();
    for table in tables {
        for section in ["dependencies", "build-dependencies", "dev-dependencies"] {
            let Some(entries) = table.get(section).and_then(Value::as_table) else { continue };
            for (key, entry) in entries {
                let package = entry.get("package").and_then(Value::as_str).unwrap_or(key);
                all.push((section, package.to_owned()));
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::super::{fixture, shown};
    use super::*;

    fn found(text: &str) -> Vec<String> {
        shown(&check(&fixture(text)))
    }

    #[test]
    fn downward_is_fine() {
        let text = "//- crates/world/Cargo.toml\n[dependencies]\nterrace-domain.workspace = true\n\
                    terrace-config.workspace = true\nserde = \"1\"\n\
                    [dev-dependencies]\nterrace-testkit.workspace = true\n";
        assert!(found(text).is_empty());
    }

    #[test]
    fn upward_is_not() {
        let order = ORDER.join(" < ");
        assert_eq!(
            found("//- crates/config/Cargo.toml\n[dependencies]\nserde = \"1\"\nterrace-world.workspace = true\n"),
            [format!("crates/config/Cargo.toml:3: `config` depends upward, on `world`: the order is {order}")]
        );
        assert_eq!(
            found("//- crates/driver/Cargo.toml\n[target.'cfg(unix)'.dependencies]\nme = { package = \"terrace\" }\n"),
            [format!("crates/driver/Cargo.toml:1: `driver` depends upward, on `cli`: the order is {order}")]
        );
    }

    #[test]
    fn what_serves_tests_stays_there() {
        assert_eq!(
            found("//- crates/driver/Cargo.toml\n[dependencies]\nterrace-testkit.workspace = true\n"),
            ["crates/driver/Cargo.toml:2: `terrace-testkit` is for tests and benchmarks only"]
        );
    }

    #[test]
    fn new_crates_are_given_a_place() {
        assert_eq!(found("//- crates/forge/Cargo.toml\n[package]\n").len(), 1);
    }
}

//! What differs between two estate releases.

use std::collections::BTreeMap;
use std::fmt::{Display, Write};

use console::style;
use serde::Serialize;
use terrace_domain::name::StackName;
use terrace_domain::release::{Changes, ContractDiff, EstateDiff, EstateRelease};

use super::contract::variable;
use crate::views::{count, print, print_json, say};

/// A difference as a line: what kind of thing, which one, how.
struct Line {
    part: &'static str,
    name: String,
    change: &'static str,
    old: Option<String>,
    new: Option<String>,
}

/// As text.
pub fn text(found: &EstateDiff, stacks: &BTreeMap<&StackName, ContractDiff>) {
    let mut text = String::new();
    if found.estate_file {
        let _ = writeln!(text, "{} terrace.hcl, or policies of its gates", style("~").yellow());
    }
    for name in found.stacks.added.keys() {
        let _ = writeln!(text, "{} {name}", style("+").green());
    }
    for name in found.stacks.removed.keys() {
        let _ = writeln!(text, "{} {name}", style("-").red());
    }
    for (name, diff) in stacks {
        let (old, new) = found.stacks.changed[*name];
        let _ = writeln!(text, "{} {name} {} -> {}", style("~").yellow(), old.short(), new.short());
        for line in lines(diff) {
            let _ = writeln!(text, "    {}", words(&line));
        }
    }
    if text.is_empty() {
        say("Nothing differs.");
    }
    print(&text);
    say(&format!("{} unchanged", count(found.unchanged.len(), "stack")));
}

fn words(line: &Line) -> String {
    let how = match (&line.old, &line.new) {
        (Some(old), Some(new)) => format!(": {old} -> {new}"),
        (None, Some(value)) | (Some(value), None) if !value.is_empty() => format!(": {value}"),
        _ => String::new(),
    };
    let name = if line.name.is_empty() { String::new() } else { format!(" {}", line.name) };
    format!("{}{name} {}{how}", line.part, line.change)
}

fn lines(diff: &ContractDiff) -> Vec<Line> {
    let mut lines = Vec::new();
    single(&mut lines, "folder", diff.folder.as_ref());
    single(
        &mut lines,
        "capability",
        diff.capability.as_ref().map(|(old, new)| (or_none(old.as_ref()), or_none(new.as_ref()))).as_ref(),
    );
    single(
        &mut lines,
        "owner",
        diff.owner.as_ref().map(|(old, new)| (or_none(old.as_ref()), or_none(new.as_ref()))).as_ref(),
    );
    each(&mut lines, "variable", &diff.variables, variable);
    each(&mut lines, "output", &diff.outputs, |output| {
        if output.sensitive { "sensitive".to_owned() } else { "not sensitive".to_owned() }
    });
    let join = |versions: &std::collections::BTreeSet<String>| {
        if versions.is_empty() { "any version".to_owned() } else { Vec::from_iter(versions.clone()).join(", ") }
    };
    each(&mut lines, "provider", &diff.providers, join);
    let versions = diff.required_version.as_ref().map(|(old, new)| (join(old), join(new)));
    single(&mut lines, "terraform", versions.as_ref());
    each(&mut lines, "module", &diff.modules, |(source, version)| {
        format!("{source} {}", version.as_deref().unwrap_or_default()).trim_end().to_owned()
    });
    for (part, changes) in [("file", &diff.files), ("fetched file", &diff.vendored)] {
        each(&mut lines, part, changes, |(mode, blob)| {
            let mut id = blob.to_string();
            id.truncate(ID_DIGITS);
            format!("{} {id}", mode.as_str())
        });
    }
    lines
}

/// So many digits of a file's id are shown.
const ID_DIGITS: usize = 10;

fn or_none<T: Display>(value: Option<&T>) -> String {
    value.map_or_else(|| "none".to_owned(), ToString::to_string)
}

fn single<T: Display>(lines: &mut Vec<Line>, part: &'static str, change: Option<&(T, T)>) {
    if let Some((old, new)) = change {
        let (old, new) = (Some(old.to_string()), Some(new.to_string()));
        lines.push(Line { part, name: String::new(), change: "changed", old, new });
    }
}

fn each<K: Display, V>(
    lines: &mut Vec<Line>,
    part: &'static str,
    changes: &Changes<K, V>,
    value: impl Fn(&V) -> String,
) {
    let line = |key: &K, change, old: Option<&V>, new: Option<&V>| Line {
        part,
        name: key.to_string(),
        change,
        old: old.map(&value),
        new: new.map(&value),
    };
    lines.extend(changes.added.iter().map(|(key, new)| line(key, "added", None, Some(new))));
    lines.extend(changes.removed.iter().map(|(key, old)| line(key, "removed", Some(old), None)));
    lines.extend(changes.changed.iter().map(|(key, (old, new))| line(key, "changed", Some(old), Some(new))));
}

#[derive(Serialize)]
struct DiffJson<'a> {
    old: String,
    new: String,
    estate_file_changed: bool,
    added: BTreeMap<&'a str, String>,
    removed: BTreeMap<&'a str, String>,
    changed: Vec<ChangedJson<'a>>,
    unchanged: Vec<&'a str>,
}

#[derive(Serialize)]
struct ChangedJson<'a> {
    stack: &'a str,
    old: String,
    new: String,
    changes: Vec<LineJson>,
}

#[derive(Serialize)]
struct LineJson {
    /// `folder`, `capability`, `owner`, `variable`, `output`, `provider`, `terraform`, `module`, `file` or `fetched file`.
    part: &'static str,
    name: Option<String>,
    /// `added`, `removed` or `changed`.
    change: &'static str,
    old: Option<String>,
    new: Option<String>,
}

/// As JSON, `terrace.release-diff/1`.
pub fn json(
    (old, new): (&EstateRelease, &EstateRelease),
    found: &EstateDiff,
    stacks: &BTreeMap<&StackName, ContractDiff>,
) {
    let changed = stacks.iter().map(|(name, diff)| {
        let (old, new) = found.stacks.changed[*name];
        let line = |line: Line| LineJson {
            part: line.part,
            name: Some(line.name).filter(|name| !name.is_empty()),
            change: line.change,
            old: line.old,
            new: line.new,
        };
        let changes = lines(diff).into_iter().map(line).collect();
        ChangedJson { stack: name.as_str(), old: old.to_string(), new: new.to_string(), changes }
    });
    let digests = |stacks: &'_ BTreeMap<StackName, terrace_domain::release::Digest>| {
        stacks.iter().map(|(name, digest)| (name.clone(), digest.to_string())).collect::<Vec<_>>()
    };
    let (added, removed) = (digests(&found.stacks.added), digests(&found.stacks.removed));
    let report = DiffJson {
        old: old.digest.to_string(),
        new: new.digest.to_string(),
        estate_file_changed: found.estate_file,
        added: added.iter().map(|(name, digest)| (name.as_str(), digest.clone())).collect(),
        removed: removed.iter().map(|(name, digest)| (name.as_str(), digest.clone())).collect(),
        changed: changed.collect(),
        unchanged: found.unchanged.iter().map(StackName::as_str).collect(),
    };
    print_json("terrace.release-diff/1", &report);
}

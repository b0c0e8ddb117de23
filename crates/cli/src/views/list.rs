//! Lists of stacks, and what a change affects.

use std::collections::BTreeMap;
use std::fmt::Write;

use console::style;
use serde::Serialize;
use terrace_domain::affected::{ChangedFile, EstatePart, Reason};
use terrace_domain::name::StackName;
use terrace_domain::path::RepoPath;

use super::{print, print_json, say, table};
use crate::project::Opened;
use crate::selection::{Change, Selected};

/// As text.
pub fn text(opened: &Opened, selected: &Selected, why: bool) {
    match &selected.change {
        None => all(opened, selected),
        Some(change) => affected(selected, change, why),
    }
}

fn all(opened: &Opened, selected: &Selected) {
    if selected.stacks.is_empty() {
        say("The estate has no stacks yet: a folder with a stack.hcl is one.");
        return;
    }
    let mut rows = table::with_headings(["STACK", "FOLDER", "CAPABILITY", "OWNER", "UPSTREAM"]);
    for name in &selected.stacks {
        let stack = &opened.estate.stacks[name];
        let upstream: Vec<_> = opened.graph.upstream_of(name.as_str()).into_keys().map(ToString::to_string).collect();
        rows.add_row([
            name.to_string(),
            stack.folder.relative_to(&opened.estate.root),
            stack.capability.as_ref().map_or("-".to_owned(), ToString::to_string),
            opened.estate.owner_of(stack).unwrap_or("-").to_owned(),
            if upstream.is_empty() { "-".to_owned() } else { upstream.join(", ") },
        ]);
    }
    print(&table::to_text(&mut rows));
}

fn affected(selected: &Selected, change: &Change, why: bool) {
    let names = || selected.stacks.iter().chain(&selected.downstream).chain(&change.affected.removed);
    let width = names().map(|name| name.as_str().len()).max().unwrap_or(0);
    let mut text = String::new();
    for name in &selected.stacks {
        let _ = writeln!(text, "{name:width$}  {}", style("affected").yellow());
        let reasons = if why { reasons_in_words(&change.affected.stacks[name]) } else { Vec::new() };
        for reason in reasons {
            let _ = writeln!(text, "{:width$}    {reason}", "");
        }
    }
    for name in &selected.downstream {
        let _ = writeln!(text, "{name:width$}  {}", style("downstream").cyan());
        if why {
            let _ = writeln!(text, "{:width$}    {}", "", way_to(name, change));
        }
    }
    for name in &change.affected.removed {
        let _ = writeln!(text, "{name:width$}  {}", style("removed").red());
    }
    print(&text);
    let base = &change.base.short_id;
    if text.is_empty() {
        say(&format!("Nothing is affected by what changed since {base}."));
    }
}

/// `reads from b, which reads from a, which is affected`.
fn way_to(name: &StackName, change: &Change) -> String {
    let mut text = String::new();
    let mut at = name;
    while let Some(upstream) = change.affected.downstream.get(at) {
        text.push_str(if text.is_empty() { "depends on " } else { ", which depends on " });
        text.push_str(upstream.as_str());
        at = upstream;
    }
    format!("{text}, which is affected")
}

/// Reasons as lines; a value that changed in several environments is one line.
fn reasons_in_words(reasons: &[Reason]) -> Vec<String> {
    let mut lines = Vec::new();
    let mut values: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for reason in reasons {
        match reason {
            Reason::Estate(EstatePart::EnvironmentVar(environment, key)) => {
                values.entry(key).or_default().push(environment.as_str());
            }
            other => lines.push(reason_in_words(other)),
        }
    }
    let value = |(key, environments): (&str, Vec<&str>)| {
        format!("terrace.hcl: env.{key} changed in {}", environments.join(", "))
    };
    lines.extend(values.into_iter().map(value));
    lines
}

/// A reason as a line.
fn reason_in_words(reason: &Reason) -> String {
    match reason {
        Reason::New => "the stack is new".to_owned(),
        Reason::OwnFile(file) => file_in_words(file),
        Reason::Module { chain, file } => {
            let chain: Vec<_> = chain.iter().map(|folder| format!("module {folder}")).collect();
            format!("{} -> {}", chain.join(" -> "), file_in_words(file))
        }
        Reason::Watched { pattern, file } => format!("watch {pattern} -> {}", file_in_words(file)),
        Reason::Estate(part) => match part {
            EstatePart::Terraform => "terrace.hcl: the terraform block changed".to_owned(),
            EstatePart::State => "terrace.hcl: the state block changed".to_owned(),
            EstatePart::Name => "terrace.hcl: the estate's name changed".to_owned(),
            EstatePart::NewEnvironment(name) => format!("terrace.hcl: environment {name} is new"),
            EstatePart::EnvironmentVar(name, key) => format!("terrace.hcl: env.{key} changed in {name}"),
            EstatePart::Capability(name) => format!("terrace.hcl: capability {name} changed"),
            EstatePart::Everything => "terrace.hcl changed, and could not be read before".to_owned(),
        },
    }
}

fn file_in_words(file: &ChangedFile) -> String {
    let link = file.link.as_ref().map(|link| format!("link {link} -> ")).unwrap_or_default();
    format!("{link}{} {}", file.path, file.kind.as_str())
}

#[derive(Serialize)]
struct ListJson<'a> {
    estate: &'a str,
    commit: Option<String>,
    base: Option<String>,
    stacks: Vec<StackJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    removed: Option<Vec<&'a str>>,
}

#[derive(Serialize)]
struct StackJson<'a> {
    name: &'a str,
    folder: &'a str,
    capability: Option<&'a str>,
    owner: Option<&'a str>,
    description: Option<&'a str>,
    upstream: Vec<&'a str>,
    downstream: Vec<&'a str>,
    /// `affected` or `downstream`, where a change was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    because: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasons: Option<Vec<ReasonJson>>,
    /// The upstream stack through which a downstream stack was reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    through: Option<&'a str>,
}

#[derive(Serialize)]
struct ReasonJson {
    kind: &'static str,
    text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    change: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    chain: Vec<String>,
}

/// As JSON, `terrace.list/1`.
pub fn json(opened: &Opened, selected: &Selected) {
    let change = selected.change.as_ref();
    let stacks = selected.stacks.iter().map(|name| stack_json(opened, name, change, "affected"));
    let downstream = selected.downstream.iter().map(|name| stack_json(opened, name, change, "downstream"));
    let removed = change.map(|change| change.affected.removed.iter().map(StackName::as_str).collect());
    let report = ListJson {
        estate: opened.estate.name.as_str(),
        commit: opened.commit.as_ref().map(|commit| commit.id.to_string()),
        base: change.map(|change| change.base.id.to_string()),
        stacks: stacks.chain(downstream).collect(),
        removed,
    };
    print_json("terrace.list/1", &report);
}

fn stack_json<'a>(
    opened: &'a Opened,
    name: &'a StackName,
    change: Option<&'a Change>,
    because: &'static str,
) -> StackJson<'a> {
    let stack = &opened.estate.stacks[name];
    let names = |stacks: BTreeMap<&'a StackName, _>| stacks.into_keys().map(StackName::as_str).collect();
    StackJson {
        name: name.as_str(),
        folder: stack.folder.as_str(),
        capability: stack.capability.as_ref().map(terrace_domain::name::CapabilityName::as_str),
        owner: opened.estate.owner_of(stack),
        description: stack.description.as_deref(),
        upstream: names(opened.graph.upstream_of(name.as_str())),
        downstream: names(opened.graph.downstream_of(name.as_str())),
        because: change.map(|_| because),
        reasons: change
            .and_then(|change| change.affected.stacks.get(name))
            .map(|reasons| reasons.iter().map(reason_json).collect()),
        through: change.and_then(|change| change.affected.downstream.get(name)).map(StackName::as_str),
    }
}

fn reason_json(reason: &Reason) -> ReasonJson {
    let (kind, file, chain): (_, Option<&ChangedFile>, &[RepoPath]) = match reason {
        Reason::New => ("new", None, &[]),
        Reason::OwnFile(file) => ("file", Some(file), &[]),
        Reason::Module { chain, file } => ("module", Some(file), chain),
        Reason::Watched { file, .. } => ("watch", Some(file), &[]),
        Reason::Estate(_) => ("estate", None, &[]),
    };
    ReasonJson {
        kind,
        text: reason_in_words(reason),
        file: file.map(|file| file.path.to_string()),
        change: file.map(|file| file.kind.as_str()),
        chain: chain.iter().map(ToString::to_string).collect(),
    }
}

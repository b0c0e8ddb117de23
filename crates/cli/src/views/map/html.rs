//! The map as one HTML page: the picture, which answers when it is pointed at, filters, and a table of all that is on it. It asks nothing of the
//! network, and its own policy forbids it to; the only script that may run is the one here.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use terrace_domain::digest::Digest;
use terrace_domain::estate::Stack;
use terrace_domain::map::{Node, Status};
use terrace_domain::name::StackName;

use super::scene::{PictureError, Scene};
use super::svg::Drawing;
use super::{Chart, in_words};
use crate::views::drawing::legible;

/// What happens when somebody points at something. The page's policy names its digest.
const SCRIPT: &str = include_str!("html/page.js");
const SHEET: &str = include_str!("html/page.css");

#[derive(Serialize)]
struct PageJson<'a> {
    environments: Vec<&'a str>,
    nodes: Vec<NodeJson<'a>>,
}

#[derive(Serialize)]
struct NodeJson<'a> {
    id: String,
    name: String,
    /// What it is, in words.
    kind: &'static str,
    owner: Option<&'a str>,
    /// What it rests on directly, by id.
    rests: Vec<String>,
    /// The environments that it is in, by position.
    environments: Vec<usize>,
}

impl Chart<'_> {
    /// The page, unless its picture would be too large.
    pub fn html(&self) -> Result<String, PictureError> {
        let drawing = Drawing::new(self, false)?;
        let name = self.map.estate.name.as_str();
        let mut page = format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; script-src '{}'\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n<title>{name}: capability map</title>\n<style>{SHEET}</style>\n</head>\n<body>\n\
             <header>\n<div><h1>{name}</h1>\n<p>{}</p></div>\n{}</header>\n",
            script_digest(),
            self.figures(),
            self.controls(&drawing),
        );
        let _ = write!(
            page,
            "<p id=\"told\" role=\"status\" aria-live=\"polite\">Point at something, or move to it with the Tab key: what it rests on and what breaks with it lights up.</p>\n\
             <figure>\n{}\n</figure>\n{}",
            drawing.document(),
            self.table(),
        );
        let data = serde_json::to_string(&self.page_json(&drawing)).expect("reports become JSON");
        // In a script element, `<` could end it (HTML Standard, 4.12.1.3, "Restrictions for contents of script elements").
        let data = data.replace('<', "\\u003c");
        let _ = write!(
            page,
            "<script type=\"application/json\" id=\"map\">{data}</script>\n<script>{SCRIPT}</script>\n</body>\n</html>\n"
        );
        Ok(page)
    }

    fn controls(&self, drawing: &Drawing<'_>) -> String {
        let mut text =
            "<form id=\"filters\">\n<label>Owner <select name=\"owner\"><option value=\"\">all</option>".to_owned();
        for (owner, _) in drawing.owners() {
            let owner = escaped(owner);
            let _ = write!(text, "<option>{owner}</option>");
        }
        text.push_str("<option value=\"-\">nobody</option></select></label>\n<label>Environment <select name=\"environment\"><option value=\"\">all</option>");
        for (at, name) in self.environments.iter().enumerate() {
            let _ = write!(text, "<option value=\"{at}\">{name}</option>");
        }
        text.push_str("</select></label>\n<button type=\"reset\">Clear</button>\n</form>\n");
        text
    }

    fn page_json<'s>(&'s self, drawing: &'s Drawing<'_>) -> PageJson<'s> {
        let scene = drawing.scene();
        let mut nodes = self.capability_nodes(scene);
        if !scene.is_folded {
            nodes.extend(self.stack_nodes(scene));
            nodes.extend(type_nodes(scene));
        }
        PageJson { environments: self.environments.iter().map(|name| name.as_str()).collect(), nodes }
    }

    fn capability_nodes<'s>(&'s self, scene: &'s Scene<'_>) -> Vec<NodeJson<'s>> {
        let position = |name: &str| scene.cards.iter().position(|card| card.capability.name.as_str() == name);
        let nodes = scene.cards.iter().enumerate().map(|(at, card)| {
            let needs = self.needs(card.capability).into_iter().filter_map(|one| position(one.name.as_str()));
            let mut rests: Vec<String> = needs.map(|at| format!("c{at}")).collect();
            let statuses = card.statuses.iter().enumerate();
            let mut number = 0;
            for one in &scene.boxes {
                let is_own = one.capability.is_some_and(|own| own.name == card.capability.name);
                if is_own && !scene.is_folded {
                    rests.extend((number..number + one.stacks.len()).map(|stack| format!("s{stack}")));
                }
                number += one.stacks.len();
            }
            NodeJson {
                id: format!("c{at}"),
                name: card.capability.name.to_string(),
                kind: in_words(Node::Capability(card.capability)),
                owner: card.capability.owner.as_deref(),
                rests,
                environments: statuses.filter(|(_, status)| **status != Status::Never).map(|(at, _)| at).collect(),
            }
        });
        nodes.collect()
    }

    fn stack_nodes<'s>(&'s self, scene: &'s Scene<'_>) -> Vec<NodeJson<'s>> {
        let all: Vec<_> = scene.boxes.iter().flat_map(|one| one.stacks.iter().copied()).collect();
        let positions: std::collections::HashMap<&str, usize> =
            all.iter().map(|stack| stack.name.as_str()).zip(0..).collect();
        let kinds: Vec<&str> =
            scene.panels.iter().flat_map(|panel| panel.chips.iter().map(|chip| chip.kind.as_str())).collect();
        let node = |(at, stack): (usize, &&'s Stack)| {
            let upstream = self.map.graph.upstream_of(stack.name.as_str()).into_keys();
            let mut rests: Vec<String> =
                upstream.filter_map(|name| Some(format!("s{}", positions.get(name.as_str())?))).collect();
            let has = |kind: &str| self.has(stack, kind);
            rests.extend(kinds.iter().enumerate().filter(|(_, kind)| has(kind)).map(|(at, _)| format!("t{at}")));
            let is_in = |name| self.map.status(&stack.name, name) != Status::Never;
            NodeJson {
                id: format!("s{at}"),
                name: stack.name.to_string(),
                kind: "stack",
                owner: self.map.owner(Node::Stack(stack)),
                rests,
                environments: self
                    .environments
                    .iter()
                    .enumerate()
                    .filter(|(_, name)| is_in(name))
                    .map(|(at, _)| at)
                    .collect(),
            }
        };
        all.iter().enumerate().map(node).collect()
    }

    /// Whether a stack has resources of a type; where nothing was delivered, whether its code declares some.
    fn has(&self, stack: &Stack, kind: &str) -> bool {
        let mut recorded = self.environments.iter().filter_map(|name| self.map.recorded(&stack.name, name)).peekable();
        if recorded.peek().is_some() {
            return recorded.any(|one| one.types.contains_key(kind));
        }
        self.map.code(&stack.name).is_some_and(|code| code.declared.contains_key(kind))
    }

    /// All that is on the map, for those who would rather read.
    fn table(&self) -> String {
        let mut table = "<details>\n<summary>As a table</summary>\n<table>\n<thead><tr><th>What</th><th>Kind</th><th>Owner</th><th>Rests on</th>".to_owned();
        for name in &self.environments {
            let _ = write!(table, "<th>{name}</th>");
        }
        table.push_str("</tr></thead>\n<tbody>\n");
        let statuses = self.statuses();
        for capability in self.map.estate.capabilities.values().filter(|one| self.part.capabilities.contains(&one.name))
        {
            let needs = self.needs(capability).into_iter().map(|one| one.name.as_str());
            let rests: Vec<&str> =
                needs.chain(self.serving(capability).iter().map(|stack| stack.name.as_str())).collect();
            let statuses = statuses.get(capability.name.as_str()).cloned().unwrap_or_default();
            let statuses = statuses.into_iter().map(Some).chain(std::iter::repeat(None)).take(self.environments.len());
            self.row(&mut table, Node::Capability(capability), &rests, statuses);
        }
        for stack in self.stacks() {
            let upstream = self.map.graph.upstream_of(stack.name.as_str());
            let rests: Vec<&str> = upstream.into_keys().map(StackName::as_str).collect();
            let statuses = self.environments.iter().map(|name| Some(self.map.status(&stack.name, name)));
            self.row(&mut table, Node::Stack(stack), &rests, statuses);
        }
        table.push_str("</tbody>\n</table>\n</details>\n");
        table
    }

    fn row(&self, table: &mut String, node: Node<'_>, rests: &[&str], statuses: impl Iterator<Item = Option<Status>>) {
        let owner = self.map.owner(node).unwrap_or("nobody");
        let cells = [node.name().to_owned(), in_words(node).to_owned(), escaped(owner), rests.join(", ")];
        let statuses = statuses.map(|status| status.map_or("", Status::in_words).to_owned());
        let cells: Vec<String> = cells.into_iter().chain(statuses).map(|cell| format!("<td>{cell}</td>")).collect();
        let _ = writeln!(table, "<tr>{}</tr>", cells.concat());
    }
}

fn type_nodes<'s>(scene: &'s Scene<'_>) -> Vec<NodeJson<'s>> {
    let chips = scene.panels.iter().flat_map(|panel| &panel.chips).enumerate();
    let node = |(at, chip): (usize, &'s super::scene::Chip)| {
        let counted = chip.counts.iter().enumerate().filter(|(_, number)| **number > 0);
        NodeJson {
            id: format!("t{at}"),
            name: legible(&chip.kind),
            kind: "type of resources",
            owner: None,
            rests: Vec::new(),
            environments: counted.map(|(at, _)| at).collect(),
        }
    };
    chips.map(node).collect()
}

/// The digest of the script, as the policy has it (Content Security Policy Level 3, "Hash usage").
fn script_digest() -> String {
    format!("sha256-{}", STANDARD.encode(Digest::of(SCRIPT.as_bytes()).0))
}

/// The text as it stands in HTML (HTML Standard, 13.3, "escaping a string"); what has no shape is a space.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in legible(text).chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

//! The picture in Graphviz's language (<https://graphviz.org/doc/info/lang.html>), stacks of one capability in one cluster.

use std::collections::BTreeMap;
use std::fmt::Write;

use terrace_domain::name::CapabilityName;

use super::{Edge, Mark, Node, Picture};

/// How many outputs an edge's label names: more would push the stacks apart. The tooltip has all.
const LABEL_OUTPUTS_MAX: usize = 3;

impl Picture<'_> {
    /// The nodes, and the edges labelled with the outputs that are read.
    pub fn dot(&self) -> String {
        let mut text = format!("digraph {} {{\n", quoted(self.estate.name.as_str()));
        text.push_str(DEFAULTS);
        for (capability, nodes) in self.by_capability() {
            match capability {
                Some(name) if nodes.len() > 1 => cluster(&mut text, name, &nodes),
                _ => nodes.iter().for_each(|one| node(&mut text, "  ", one)),
            }
        }
        for edge in &self.edges {
            self.dot_edge(&mut text, edge);
        }
        text.push_str("}\n");
        text
    }

    fn by_capability(&self) -> BTreeMap<Option<&str>, Vec<&Node<'_>>> {
        let mut groups: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for node in &self.nodes {
            groups.entry(node.stack.capability.as_ref().map(CapabilityName::as_str)).or_default().push(node);
        }
        groups
    }

    fn dot_edge(&self, text: &mut String, edge: &Edge<'_>) {
        let (from, to) = (self.nodes[edge.from].name(), self.nodes[edge.to].name());
        let outputs: Vec<&str> = edge.dependency.outputs.iter().map(String::as_str).collect();
        let mut attributes = Vec::new();
        if outputs.is_empty() {
            attributes.push("style=dashed".to_owned());
        } else {
            let mut shown: Vec<String> = outputs.iter().take(LABEL_OUTPUTS_MAX).map(ToString::to_string).collect();
            if outputs.len() > LABEL_OUTPUTS_MAX {
                shown.push(format!("and {} more", outputs.len() - LABEL_OUTPUTS_MAX));
            }
            attributes.push(format!("label={}", label(&shown)));
        }
        let why = if outputs.is_empty() { "depends_on".to_owned() } else { outputs.join(", ") };
        attributes.push(format!("edgetooltip={}", label(&[format!("{from} -> {to}: {why}")])));
        let _ = writeln!(text, "  {} -> {} [{}];", quoted(from), quoted(to), attributes.join(", "));
    }
}

const DEFAULTS: &str = "  rankdir=LR;
  nodesep=0.3;
  ranksep=0.8;
  fontname=\"Helvetica\";
  node [shape=box, style=\"rounded,filled\", fillcolor=\"#ffffff\", color=\"#8896a8\", fontname=\"Helvetica\", fontsize=12];
  edge [color=\"#8896a8\", fontname=\"Helvetica\", fontsize=9, fontcolor=\"#5d6b7e\", arrowsize=0.7];
";

fn cluster(text: &mut String, capability: &str, nodes: &[&Node<'_>]) {
    let _ = writeln!(text, "  subgraph {} {{", quoted(&format!("cluster_{capability}")));
    let _ = writeln!(text, "    label={};", label(&[capability.to_owned()]));
    text.push_str(
        "    style=\"rounded,filled\"; color=\"#d7dee8\"; fillcolor=\"#f4f6fa\"; fontsize=11; fontcolor=\"#5d6b7e\";\n",
    );
    for one in nodes {
        node(text, "    ", one);
    }
    text.push_str("  }\n");
}

fn node(text: &mut String, indent: &str, node: &Node<'_>) {
    let lines: Vec<String> = std::iter::once(node.name()).chain(node.owner).map(ToOwned::to_owned).collect();
    let fill = match node.mark {
        None => "",
        Some(Mark::Affected) => ", fillcolor=\"#ffe9bf\", color=\"#c77c02\"",
        Some(Mark::Downstream) => ", fillcolor=\"#d9e9ff\", color=\"#2f6fc1\"",
    };
    let folder = label(&[node.stack.folder.to_string()]);
    let _ = writeln!(text, "{indent}{} [label={}, tooltip={folder}{fill}];", quoted(node.name()), label(&lines));
}

/// A quoted identifier: only the quote itself is special in it.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\\\""))
}

/// A quoted text that is shown, line by line. In it a backslash begins an escape (`escString`), and `&` an entity.
fn label(lines: &[String]) -> String {
    let lines: Vec<String> = lines
        .iter()
        .map(|line| {
            let line: String = line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
            line.replace('\\', "\\\\").replace('"', "\\\"").replace('&', "&amp;")
        })
        .collect();
    format!("\"{}\"", lines.join("\\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::views::graph::fixture::Fixture;

    #[test]
    fn stacks_of_a_capability_are_a_cluster() {
        let fixture = Fixture::new(
            "aws(network, team-network)\ngoogle(network, team-network)\nshop <- aws.a, aws.b, aws.c, aws.d, !google",
        );
        insta::assert_snapshot!(fixture.picture_of_change(&["aws"], &["shop"]).dot(), @r##"
        digraph "harbour" {
          rankdir=LR;
          nodesep=0.3;
          ranksep=0.8;
          fontname="Helvetica";
          node [shape=box, style="rounded,filled", fillcolor="#ffffff", color="#8896a8", fontname="Helvetica", fontsize=12];
          edge [color="#8896a8", fontname="Helvetica", fontsize=9, fontcolor="#5d6b7e", arrowsize=0.7];
          "shop" [label="shop", tooltip="stacks/shop", fillcolor="#d9e9ff", color="#2f6fc1"];
          subgraph "cluster_network" {
            label="network";
            style="rounded,filled"; color="#d7dee8"; fillcolor="#f4f6fa"; fontsize=11; fontcolor="#5d6b7e";
            "aws" [label="aws\nteam-network", tooltip="stacks/aws", fillcolor="#ffe9bf", color="#c77c02"];
            "google" [label="google\nteam-network", tooltip="stacks/google"];
          }
          "aws" -> "shop" [label="a\nb\nc\nand 1 more", edgetooltip="aws -> shop: a, b, c, d"];
          "google" -> "shop" [style=dashed, edgetooltip="google -> shop: depends_on"];
        }
        "##);
    }

    #[test]
    fn texts_are_quoted() {
        assert_eq!(label(&["a\"b\\n".to_owned(), "R&amp;D\u{7}\n".to_owned()]), r#""a\"b\\n\nR&amp;amp;D  ""#);
        assert_eq!(quoted("a\"b"), r#""a\"b""#);
    }
}

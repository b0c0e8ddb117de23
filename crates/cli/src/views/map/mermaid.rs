//! The map as a Mermaid flowchart (Mermaid documentation, "Flowcharts - Basic Syntax"): a box around each layer.

use std::fmt::Write;

use terrace_domain::estate::{Capability, Layer, Stack};
use terrace_domain::map::{Node, Status};

use super::{Chart, sign, types};
use crate::views::count;

/// With more stacks, those of a capability are one box: Mermaid draws at most 500 edges, and reads at most 50,000 characters, unless it is told
/// otherwise (Mermaid documentation, "Configuration": `maxEdges`, `maxTextSize`).
const STACKS_MAX: usize = 120;

impl Chart<'_> {
    /// The flowchart.
    pub fn mermaid(&self) -> String {
        let mut text = "flowchart TB\n".to_owned();
        let is_folded = self.part.stacks.len() > STACKS_MAX;
        if is_folded {
            let _ = writeln!(
                text,
                "  %% {} are drawn as one box for each capability.",
                count(self.part.stacks.len(), "stack")
            );
        }
        for (id, title, layer) in [
            ("business", "Business capabilities", Layer::Business),
            ("technology", "Technology capabilities", Layer::Technology),
        ] {
            self.subgraph(&mut text, id, title, self.layer(layer).map(|one| self.capability_node(one)));
        }
        if is_folded {
            self.subgraph(&mut text, "stacks", "Stacks", self.capabilities().filter_map(|one| self.folded_node(one)));
        } else {
            self.subgraph(&mut text, "stacks", "Stacks", self.stacks().map(|stack| self.stack_node(stack)));
            let resources = self.stacks().filter_map(|stack| self.resources_node(stack));
            self.subgraph(&mut text, "resources", "Resources", resources);
        }
        self.edges(&mut text, is_folded);
        text
    }

    fn capabilities(&self) -> impl Iterator<Item = &Capability> {
        self.layer(Layer::Business).chain(self.layer(Layer::Technology))
    }

    #[expect(clippy::unused_self, reason = "reads as a part of the drawing")]
    fn subgraph(&self, text: &mut String, id: &str, title: &str, nodes: impl Iterator<Item = String>) {
        let mut nodes = nodes.peekable();
        if nodes.peek().is_none() {
            return;
        }
        let _ = writeln!(text, "  subgraph {id}[\"{title}\"]");
        for node in nodes {
            let _ = writeln!(text, "    {node}");
        }
        text.push_str("  end\n");
    }

    fn capability_node(&self, capability: &Capability) -> String {
        format!("c_{0}[\"{0}{1}\"]", capability.name, self.owner_line(Node::Capability(capability)))
    }

    fn owner_line(&self, node: Node<'_>) -> String {
        self.map.owner(node).map_or(String::new(), |owner| format!("<br/>{}", escaped(owner)))
    }

    fn stack_node(&self, stack: &Stack) -> String {
        let status = |name| format!("{name} {}", sign(self.map.status(&stack.name, name), true));
        let statuses: Vec<String> = self.environments.iter().map(|name| status(name)).collect();
        let line = if statuses.is_empty() { String::new() } else { format!("<br/>{}", statuses.join(" ")) };
        let gravest = self.environments.iter().map(|name| self.map.status(&stack.name, name)).max();
        let class = gravest.map_or(Status::Never, |gravest| gravest).as_str();
        format!("s_{0}(\"{0}{1}{line}\"):::{class}", stack.name, self.owner_line(Node::Stack(stack)))
    }

    fn folded_node(&self, capability: &Capability) -> Option<String> {
        let number = self.serving(capability).len();
        (number > 0).then(|| format!("f_{}(\"{}\")", capability.name, count(number, "stack")))
    }

    /// What a stack has in the last environment where its resources are known, or else declares.
    fn resources_node(&self, stack: &Stack) -> Option<String> {
        let recorded = self.environments.iter().rev().find_map(|name| {
            let recorded = self.map.recorded(&stack.name, name)?;
            (!recorded.types.is_empty()).then(|| format!("{name}: {}", types(&recorded.types)))
        });
        let declared = || {
            let declared = &self.map.code(&stack.name)?.declared;
            (!declared.is_empty()).then(|| format!("declares {}", types(declared)))
        };
        let words = recorded.or_else(declared)?;
        Some(format!("r_{}[/\"{}\"/]", stack.name, escaped(&words)))
    }

    fn edges(&self, text: &mut String, is_folded: bool) {
        for capability in self.capabilities() {
            let name = &capability.name;
            for needed in self.needs(capability) {
                let _ = writeln!(text, "  c_{name} --> c_{}", needed.name);
            }
            let stacks = self.serving(capability);
            if is_folded && !stacks.is_empty() {
                let _ = writeln!(text, "  c_{name} --> f_{name}");
            } else {
                for stack in stacks {
                    let _ = writeln!(text, "  c_{name} --> s_{}", stack.name);
                }
            }
        }
        if is_folded {
            return;
        }
        for stack in self.stacks() {
            for upstream in self.map.graph.upstream_of(stack.name.as_str()).into_keys() {
                if self.part.stacks.contains(upstream) {
                    let _ = writeln!(text, "  s_{} -.-> s_{upstream}", stack.name);
                }
            }
            if self.resources_node(stack).is_some() {
                let _ = writeln!(text, "  s_{0} --> r_{0}", stack.name);
            }
        }
        for (status, colour) in [
            (Status::Failed, "#c92a2a"),
            (Status::Waiting, "#e08e0b"),
            (Status::Behind, "#3b7dd8"),
            (Status::Delivered, "#2f9e44"),
        ] {
            let _ = writeln!(text, "  classDef {} stroke:{colour},stroke-width:2px", status.as_str());
        }
    }
}

/// The text in a quoted label (Mermaid documentation, "Entity codes to escape characters").
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in super::text::one_line(text).chars() {
        match character {
            '"' | '#' | '<' | '>' | '&' | '`' | ';' => {
                let _ = write!(safe, "#{};", u32::from(character));
            }
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::views::map::fixture::Fixture;

    #[test]
    fn layers_are_boxes_and_edges_lead_downwards() {
        let fixture = Fixture::new(
            "business sales(team-shop) -> storage
             technology storage
             net
             disk(storage, team-data) <- net.id
             ---
             dev/disk failed 1 aws_ebs_volume=2",
        );
        insta::assert_snapshot!(fixture.mermaid(), @r#"
        flowchart TB
          subgraph business["Business capabilities"]
            c_sales["sales<br/>team-shop"]
          end
          subgraph technology["Technology capabilities"]
            c_storage["storage"]
          end
          subgraph stacks["Stacks"]
            s_disk("disk<br/>team-data<br/>dev ✗ prod ·"):::failed
            s_net("net<br/>dev · prod ·"):::never
          end
          subgraph resources["Resources"]
            r_disk[/"dev: 2 ebs_volume"/]
          end
          c_sales --> c_storage
          c_storage --> s_disk
          s_disk -.-> s_net
          s_disk --> r_disk
          classDef failed stroke:#c92a2a,stroke-width:2px
          classDef waiting stroke:#e08e0b,stroke-width:2px
          classDef behind stroke:#3b7dd8,stroke-width:2px
          classDef delivered stroke:#2f9e44,stroke-width:2px
        "#);
    }

    #[test]
    fn many_stacks_are_a_box_for_each_capability() {
        let text = Fixture::wide(3, 60).mermaid();
        assert!(text.contains("180 stacks are drawn as one box for each capability"), "{text}");
        assert!(text.contains("f_ability-0(\"60 stacks\")") && !text.contains("stack-0-0"), "{text}");
    }

    #[test]
    fn texts_cannot_end_a_label() {
        assert_eq!(escaped("a\"]\nend <b>#"), "a#34;] end #60;b#62;#35;");
    }
}

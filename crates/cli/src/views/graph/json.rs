//! The picture for programs, `terrace.graph/1`.

use serde::Serialize;
use terrace_domain::name::CapabilityName;

use super::{Edge, Mark, Node, Picture};

/// The name and version of what [`Picture::json`] gives.
const SCHEMA: &str = "terrace.graph/1";

#[derive(Serialize)]
struct GraphJson<'a> {
    schema: &'static str,
    estate: &'a str,
    nodes: Vec<NodeJson<'a>>,
    edges: Vec<EdgeJson<'a>>,
}

#[derive(Serialize)]
struct NodeJson<'a> {
    name: &'a str,
    folder: &'a str,
    capability: Option<&'a str>,
    owner: Option<&'a str>,
    /// The wave of the whole estate in which the stack comes, from 1.
    wave: Option<usize>,
    /// `affected` or `downstream`, where a change was asked for: the same field as in `terrace.list/1`.
    #[serde(skip_serializing_if = "Option::is_none")]
    because: Option<&'static str>,
}

#[derive(Serialize)]
struct EdgeJson<'a> {
    /// Upstream.
    from: &'a str,
    /// Downstream.
    to: &'a str,
    /// The outputs that are read.
    outputs: Vec<&'a str>,
    /// Whether `depends_on` names the upstream stack.
    explicit: bool,
    /// Whether the upstream stack takes over what the downstream one gives.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    gives: bool,
}

impl Picture<'_> {
    /// The nodes and the edges between them.
    pub fn json(&self) -> String {
        let graph = GraphJson {
            schema: SCHEMA,
            estate: self.estate.name.as_str(),
            nodes: self.nodes.iter().map(node).collect(),
            edges: self.edges.iter().map(|edge| self.edge(edge)).collect(),
        };
        let mut text = serde_json::to_string_pretty(&graph).expect("reports become JSON");
        text.push('\n');
        text
    }

    fn edge<'s>(&'s self, edge: &'s Edge<'_>) -> EdgeJson<'s> {
        EdgeJson {
            from: self.nodes[edge.from].name(),
            to: self.nodes[edge.to].name(),
            outputs: edge.dependency.outputs.iter().map(String::as_str).collect(),
            explicit: edge.dependency.explicit,
            gives: edge.dependency.gives,
        }
    }
}

fn node<'s>(node: &'s Node<'_>) -> NodeJson<'s> {
    NodeJson {
        name: node.name(),
        folder: node.stack.folder.as_str(),
        capability: node.stack.capability.as_ref().map(CapabilityName::as_str),
        owner: node.owner,
        wave: node.wave,
        because: node.mark.map(Mark::as_str),
    }
}

#[cfg(test)]
mod tests {
    use crate::views::graph::fixture::Fixture;

    #[test]
    fn nodes_and_edges_say_what_they_are() {
        let fixture =
            Fixture::new("dns(naming, team-network) <- cluster.address, cluster.zone, !audit\ncluster\naudit");
        insta::assert_snapshot!(fixture.picture_of_change(&["cluster"], &["dns"]).json(), @r#"
        {
          "schema": "terrace.graph/1",
          "estate": "harbour",
          "nodes": [
            {
              "name": "audit",
              "folder": "stacks/audit",
              "capability": null,
              "owner": null,
              "wave": 1
            },
            {
              "name": "cluster",
              "folder": "stacks/cluster",
              "capability": null,
              "owner": null,
              "wave": 1,
              "because": "affected"
            },
            {
              "name": "dns",
              "folder": "stacks/dns",
              "capability": "naming",
              "owner": "team-network",
              "wave": 2,
              "because": "downstream"
            }
          ],
          "edges": [
            {
              "from": "audit",
              "to": "dns",
              "outputs": [],
              "explicit": true
            },
            {
              "from": "cluster",
              "to": "dns",
              "outputs": [
                "address",
                "zone"
              ],
              "explicit": false
            }
          ]
        }
        "#);
    }

    #[test]
    fn edges_to_stacks_that_are_not_drawn_are_left_out() {
        let fixture = Fixture::harbour();
        let json: serde_json::Value = serde_json::from_str(&fixture.picture_of(&["dns", "shop"]).json()).unwrap();
        let edges = json["edges"].as_array().unwrap();
        assert_eq!(edges.len(), 1);
        assert_eq!((&edges[0]["from"], &edges[0]["to"]), (&"dns".into(), &"shop".into()));
        assert!(json["nodes"][0].get("because").is_none(), "no change was asked for");
    }
}

//! Answers to questions about the map, for programs. Each has a schema of its own.

use std::collections::BTreeMap;

use serde::Serialize;
use terrace_domain::map::{CapabilityMap, Hidden, Node, Reach, Step, Why};
use terrace_domain::name::StackName;

use super::Answer;

#[derive(Serialize)]
#[serde(untagged)]
enum AnswerJson<'a> {
    Reach(ReachJson<'a>),
    Missing(MissingJson<'a>),
    Clouds { capabilities: Vec<SpreadJson<'a>> },
}

#[derive(Serialize)]
struct ReachJson<'a> {
    /// What was asked about.
    name: &'a str,
    kind: &'static str,
    owners: Vec<&'a str>,
    /// The nearest first.
    stacks: Vec<ReachedJson<'a>>,
    capabilities: Vec<ReachedJson<'a>>,
    /// Capabilities that are needed in fact, through stacks, where `needs` does not say so; only of `--rests`.
    #[serde(skip_serializing_if = "Option::is_none")]
    hidden: Option<Vec<HiddenJson<'a>>>,
}

#[derive(Serialize)]
struct ReachedJson<'a> {
    name: &'a str,
    owner: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    layer: Option<&'static str>,
    /// How many steps it is away.
    distance: usize,
    /// What it was reached through, and why: the last step of the way.
    through: StepJson<'a>,
    /// The whole way from what was asked about; null where it has more than [`STEPS_MAX`] steps: follow `through` then.
    path: Option<Vec<StepJson<'a>>>,
}

/// How many steps of a way are written with each thing that is reached: ways of thousands of steps to thousands of things would be gigabytes.
const STEPS_MAX: usize = 32;

#[derive(Serialize)]
struct StepJson<'a> {
    from: &'a str,
    to: &'a str,
    /// What the two are: `stack` or `capability`.
    from_kind: &'static str,
    to_kind: &'static str,
    /// `depends`, `served` or `needs`: why one of the two rests on the other.
    why: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    outputs: Vec<&'a str>,
}

#[derive(Serialize)]
struct HiddenJson<'a> {
    capability: &'a str,
    path: Vec<StepJson<'a>>,
}

#[derive(Serialize)]
struct MissingJson<'a> {
    capabilities: Vec<&'a str>,
    stacks: Vec<&'a str>,
}

#[derive(Serialize)]
struct SpreadJson<'a> {
    name: &'a str,
    layer: &'static str,
    clouds: BTreeMap<String, Vec<&'a str>>,
}

#[derive(Serialize)]
struct Report<'a> {
    schema: &'static str,
    #[serde(flatten)]
    answer: AnswerJson<'a>,
}

impl<'a> Answer<'a> {
    /// The answer as JSON.
    pub fn json(&self, map: &CapabilityMap<'a>) -> String {
        let (schema, answer) = match self {
            Self::Breaks(reach) => ("terrace.map.breaks/1", AnswerJson::Reach(reach_json(map, reach, None))),
            Self::Rests(reach, hidden) => {
                ("terrace.map.rests/1", AnswerJson::Reach(reach_json(map, reach, Some(hidden))))
            }
            Self::Unowned(unowned) => {
                let capabilities = unowned.capabilities.iter().map(|one| one.name.as_str()).collect();
                let stacks = unowned.stacks.iter().map(|one| one.name.as_str()).collect();
                ("terrace.map.unowned/1", AnswerJson::Missing(MissingJson { capabilities, stacks }))
            }
            Self::Strays(strays) => {
                let capabilities = strays.capabilities.iter().map(|one| one.name.as_str()).collect();
                let stacks = strays.stacks.iter().map(|one| one.name.as_str()).collect();
                ("terrace.map.strays/1", AnswerJson::Missing(MissingJson { capabilities, stacks }))
            }
            Self::Clouds(spreads) => {
                let capabilities = spreads.iter().map(|spread| SpreadJson {
                    name: spread.capability.name.as_str(),
                    layer: spread.capability.layer.as_str(),
                    clouds: spread.clouds.iter().map(|(cloud, stacks)| (cloud.to_string(), names(stacks))).collect(),
                });
                ("terrace.map.clouds/1", AnswerJson::Clouds { capabilities: capabilities.collect() })
            }
        };
        let mut text = serde_json::to_string_pretty(&Report { schema, answer }).expect("reports become JSON");
        text.push('\n');
        text
    }
}

fn names<'a>(stacks: &[&'a StackName]) -> Vec<&'a str> {
    stacks.iter().map(|name| name.as_str()).collect()
}

fn reach_json<'a>(map: &CapabilityMap<'a>, reach: &Reach<'a>, hidden: Option<&[Hidden<'a>]>) -> ReachJson<'a> {
    let reached = |at: usize, node: Node<'a>| ReachedJson {
        name: node.name(),
        owner: map.owner(node),
        layer: match node {
            Node::Stack(_) => None,
            Node::Capability(capability) => Some(capability.layer.as_str()),
        },
        distance: reach.reached[at].distance,
        through: step(reach.step(at)),
        path: (reach.reached[at].distance <= STEPS_MAX).then(|| path(reach, at)),
    };
    let hidden_json = |hidden: &Hidden<'a>| HiddenJson {
        capability: hidden.capability.name.as_str(),
        path: path(reach, hidden.through),
    };
    ReachJson {
        name: reach.start.name(),
        kind: reach.start.kind(),
        owners: map.owners(reach).into_iter().collect(),
        stacks: reach.stacks().map(|(at, stack)| reached(at, Node::Stack(stack))).collect(),
        capabilities: reach.capabilities().map(|(at, one)| reached(at, Node::Capability(one))).collect(),
        hidden: hidden.map(|hidden| hidden.iter().map(hidden_json).collect()),
    }
}

fn path<'a>(reach: &Reach<'a>, at: usize) -> Vec<StepJson<'a>> {
    reach.path(at).into_iter().map(step).collect()
}

fn step(step: Step<'_>) -> StepJson<'_> {
    let (why, outputs) = match step.why {
        Why::Served => ("served", Vec::new()),
        Why::Needs => ("needs", Vec::new()),
        Why::Depends(dependency) => ("depends", dependency.outputs.iter().map(String::as_str).collect()),
    };
    StepJson {
        from: step.from.name(),
        to: step.to.name(),
        from_kind: step.from.kind(),
        to_kind: step.to.kind(),
        why,
        outputs,
    }
}

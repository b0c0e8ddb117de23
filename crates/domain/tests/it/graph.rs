//! Tests of the graph against slow and simple computations of the same facts.

use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::Config;
use terrace_domain::estate::Stack;
use terrace_domain::graph::{Dependency, Graph};
use terrace_domain::name::StackName;
use terrace_domain::rehearsal::Scope;
use terrace_domain::run::Order;

use crate::estate::{Build, estate, stack};

/// Edges by position, upstream first.
#[derive(Debug, Clone)]
struct Edges {
    count: usize,
    edges: BTreeSet<(usize, usize)>,
}

impl Edges {
    /// Odd edges read an output, the others are `depends_on`; every third is both.
    fn graph(&self) -> Graph {
        let stacks = (0..self.count).map(|at| {
            let upstream = self.edges.iter().filter(|(_, down)| *down == at);
            upstream.fold(stack(name(at).as_str()), |stack, (up, down)| {
                let from = name(*up);
                let stack = if (up + down) % 2 == 1 || (up + down) % 3 == 0 {
                    stack.reads(&format!("stack.{from}.id"))
                } else {
                    stack
                };
                if (up + down) % 2 == 0 { stack.after(from.as_str()) } else { stack }
            })
        });
        Graph::of(&estate(stacks))
    }

    /// Whether one can walk from the first to the second, with at least one step (Warshall's algorithm).
    fn reach(&self) -> Vec<Vec<bool>> {
        let mut reach = vec![vec![false; self.count]; self.count];
        for (up, down) in &self.edges {
            reach[*up][*down] = true;
        }
        for through in 0..self.count {
            for from in 0..self.count {
                for to in 0..self.count {
                    reach[from][to] |= reach[from][through] && reach[through][to];
                }
            }
        }
        reach
    }
}

fn name(at: usize) -> StackName {
    StackName::new(&format!("s{at:05}")).expect("a name")
}

fn position(name: &StackName) -> usize {
    name.as_str()[1..].parse().expect("named by `name`")
}

fn edges() -> impl Strategy<Value = Edges> {
    (1_usize..24, any::<bool>()).prop_flat_map(|(count, acyclic)| {
        vec((0..count, 0..count), 0..count * 2).prop_map(move |edges| Edges {
            count,
            edges: edges
                .into_iter()
                .map(|(a, b)| if acyclic { (a.min(b), a.max(b)) } else { (a, b) })
                .filter(|(a, b)| !acyclic || a != b)
                .collect(),
        })
    })
}

proptest! {
    #![proptest_config(Config { cases: 500, failure_persistence: None, ..Config::default() })]

    #[test]
    fn neighbours_and_edges_are_those_of_the_estate(edges in edges()) {
        let graph = edges.graph();
        let all: Vec<_> = graph.edges().iter().map(|(up, down, _)| (position(up), position(down))).collect();
        prop_assert_eq!(&all, &edges.edges.iter().copied().collect::<Vec<_>>());
        for at in 0..edges.count {
            let upstream: Vec<_> = graph.upstream_of(name(at).as_str()).keys().map(|up| position(up)).collect();
            let downstream: Vec<_> = graph.downstream_of(name(at).as_str()).keys().map(|down| position(down)).collect();
            prop_assert_eq!(upstream, all.iter().filter(|edge| edge.1 == at).map(|edge| edge.0).collect::<Vec<_>>());
            prop_assert_eq!(downstream, all.iter().filter(|edge| edge.0 == at).map(|edge| edge.1).collect::<Vec<_>>());
        }
    }

    #[test]
    fn closures_hold_what_can_be_walked_to(edges in edges(), from in vec(0_usize..24, 0..4)) {
        let graph = edges.graph();
        let reach = edges.reach();
        let from: BTreeSet<_> = from.into_iter().filter(|at| *at < edges.count).collect();
        let names: Vec<_> = from.iter().map(|at| name(*at)).collect();
        let walked = |reached: &dyn Fn(usize, usize) -> bool| -> BTreeSet<usize> {
            (0..edges.count).filter(|to| !from.contains(to) && from.iter().any(|at| reached(*at, *to))).collect()
        };
        let downstream = graph.downstream_closure(&names);
        let upstream = graph.upstream_closure(&names);
        prop_assert_eq!(positions(&downstream), walked(&|at, to| reach[at][to]));
        prop_assert_eq!(positions(&upstream), walked(&|at, to| reach[to][at]));
        for (stack, through) in downstream.iter().map(|(stack, up)| (position(stack), position(up))) {
            prop_assert!(edges.edges.contains(&(through, stack)));
            prop_assert!(from.contains(&through) || downstream.contains_key(&name(through)));
        }
    }

    #[test]
    fn waves_are_as_early_as_edges_allow(edges in edges()) {
        let graph = edges.graph();
        let reach = edges.reach();
        let wave_of: BTreeMap<usize, usize> = graph
            .waves()
            .iter()
            .enumerate()
            .flat_map(|(wave, stacks)| stacks.iter().map(move |stack| (position(stack), wave)))
            .collect();
        for at in 0..edges.count {
            let below_a_cycle = (0..edges.count).any(|other| reach[other][other] && (other == at || reach[other][at]));
            prop_assert_eq!(!wave_of.contains_key(&at), below_a_cycle);
            let upstream = edges.edges.iter().filter(|edge| edge.1 == at).map(|edge| wave_of.get(&edge.0).map(|w| w + 1));
            if let Some(wave) = wave_of.get(&at) {
                prop_assert_eq!(Some(*wave), upstream.max().unwrap_or(Some(0)));
            }
        }
        prop_assert_eq!(graph.order().len(), wave_of.len());
    }

    #[test]
    fn each_circle_is_reported_once_and_is_one(edges in edges()) {
        let graph = edges.graph();
        let reach = edges.reach();
        let group = |at: usize| -> BTreeSet<usize> {
            (0..edges.count).filter(|other| reach[at][*other] && reach[*other][at]).collect()
        };
        let groups: BTreeSet<_> = (0..edges.count).filter(|at| reach[*at][*at]).map(group).collect();
        let cycles = graph.cycles();
        prop_assert_eq!(cycles.len(), groups.len());
        let mut reported = BTreeSet::new();
        for cycle in cycles {
            let cycle: Vec<_> = cycle.into_iter().map(position).collect();
            let members = group(cycle[0]);
            prop_assert_eq!(Some(&cycle[0]), members.first());
            prop_assert_eq!(cycle.iter().collect::<BTreeSet<_>>().len(), cycle.len());
            for (at, up) in cycle.iter().enumerate() {
                prop_assert!(edges.edges.contains(&(*up, cycle[(at + 1) % cycle.len()])));
            }
            reported.insert(members);
        }
        prop_assert_eq!(reported, groups);
    }

    #[test]
    fn an_order_holds_who_takes_part_each_after_its_upstream(edges in edges(), chosen in vec(0_u8..3, 24)) {
        let graph = edges.graph();
        let chosen = |kind: u8| -> BTreeSet<StackName> {
            (0..edges.count).filter(|at| chosen[*at] == kind).map(name).collect()
        };
        let (stacks, downstream) = (chosen(1), chosen(2));
        let orderable: BTreeSet<_> = graph.order().into_iter().cloned().collect();
        let mut seen = BTreeSet::new();
        for instance in Order::stacks_of(&graph, &stacks, &downstream, |_| None, |_| false) {
            prop_assert_eq!(instance.only_if_upstream_changes, downstream.contains(&instance.stack));
            let whole = graph.upstream_of(instance.stack.as_str());
            prop_assert!(whole.keys().copied().eq(instance.upstream.keys()));
            let takes_part = |up: &&StackName| stacks.contains(*up) || downstream.contains(*up);
            prop_assert!(instance.upstream.keys().filter(takes_part).all(|up| seen.contains(up)));
            prop_assert!(instance.upstream.iter().all(|(up, outputs)| *outputs == whole[up].outputs));
            seen.insert(instance.stack);
        }
        prop_assert_eq!(seen, stacks.union(&downstream).filter(|name| orderable.contains(*name)).cloned().collect());
    }
}

fn positions(closure: &BTreeMap<StackName, StackName>) -> BTreeSet<usize> {
    closure.keys().map(position).collect()
}

#[test]
fn why_one_stack_depends_on_another() {
    let app = stack("app").reads("stack.network.id").reads("stack.network.zone").after("network").after("dns");
    let graph = Graph::of(&estate([stack("network"), stack("dns"), app.reads("stack.stranger.id")]));
    let why: Vec<_> = graph
        .edges()
        .into_iter()
        .map(|(up, down, why)| format!("{up} -> {down}: {:?}, explicit: {}", why.outputs, why.explicit))
        .collect();
    insta::assert_snapshot!(why.join("\n"), @r#"
    dns -> app: {}, explicit: true
    network -> app: {"id", "zone"}, explicit: true
    "#);
}

#[test]
fn a_chain_of_ten_thousand_is_walked_without_recursion() {
    let length = 10_000;
    let chain = |circle: bool| {
        let stacks = (0..length).map(|at| {
            let before = if at == 0 { circle.then_some(length - 1) } else { Some(at - 1) };
            before.into_iter().fold(stack(name(at).as_str()), |stack, up| stack.after(name(up).as_str()))
        });
        Graph::of(&estate(stacks))
    };
    let line = chain(false);
    assert_eq!(line.edges().len(), length - 1);
    assert_eq!(line.waves().len(), length);
    assert_eq!(line.downstream_closure(&[name(0)]).len(), length - 1);
    assert_eq!(line.upstream_closure(&[name(length - 1)]).len(), length - 1);
    assert!(line.cycles().is_empty());
    let circle = chain(true);
    assert_eq!(circle.cycles().iter().map(Vec::len).collect::<Vec<_>>(), [length]);
    assert!(circle.waves().is_empty());
}

/// The edges, upstream first; those of moves with an arrow of their own.
fn with_moves(stacks: Vec<Stack>) -> Vec<String> {
    let graph = Graph::of(&estate(stacks));
    assert!(graph.cycles().is_empty());
    let in_words = |(up, down, why): (&StackName, &StackName, &Dependency)| {
        format!("{up} {} {down}", if why.gives { "=>" } else { "->" })
    };
    graph.edges().into_iter().map(in_words).collect()
}

#[test]
fn whoever_gives_waits_for_the_taker_unless_that_reads_from_it() {
    // Nothing else between them, or the giver reads from the taker: the taker goes first.
    assert_eq!(with_moves(vec![stack("giver"), stack("taker").takes("a.b", "giver")]), ["taker => giver"]);
    assert_eq!(
        with_moves(vec![stack("giver").reads("stack.taker.id"), stack("taker").takes("a.b", "giver")]),
        ["taker => giver"]
    );
    // The taker reads from the giver, directly or through another: the giver goes first.
    assert_eq!(
        with_moves(vec![stack("giver"), stack("taker").reads("stack.giver.id").takes("a.b", "giver")]),
        ["giver -> taker"]
    );
    assert_eq!(
        with_moves(vec![
            stack("giver"),
            stack("middle").reads("stack.giver.id"),
            stack("taker").after("middle").takes("a.b", "giver")
        ]),
        ["giver -> middle", "middle -> taker"]
    );
    // Both take from each other: one of them has to wait.
    assert_eq!(with_moves(vec![stack("x").takes("a.b", "y"), stack("y").takes("a.c", "x")]), ["x => y"]);
}

#[test]
fn a_rehearsal_of_the_giver_takes_the_taker_along() {
    let estate = estate(vec![
        stack("giver"),
        stack("taker").reads("stack.giver.id").takes("a.b", "giver"),
        stack("reader").reads("stack.taker.id"),
    ]);
    let graph = Graph::of(&estate);
    let chosen = [StackName::new("giver").unwrap()].into();
    let scope = Scope::of(&estate, &graph, &chosen, true).unwrap();
    assert_eq!(scope.real().iter().map(StackName::as_str).collect::<Vec<_>>(), ["giver", "taker"]);
    assert_eq!(graph.takers_of("giver").map(StackName::as_str).collect::<Vec<_>>(), ["taker"]);
}

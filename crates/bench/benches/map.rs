//! Figures of the capability map of 10,000 stacks in three environments: made, asked, and with the status of every instance.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use divan::{Bencher, black_box};
use terrace_bench::{load, load_all_code, memory_tree};
use terrace_config::Code;
use terrace_config::fixture::MemoryTree;
use terrace_domain::digest::Digest;
use terrace_domain::estate::{Estate, Stack};
use terrace_domain::graph::Graph;
use terrace_domain::map::{CapabilityMap, Known, Node, Recorded, StackCode, Status};

static TREE: LazyLock<MemoryTree> = LazyLock::new(memory_tree);
static ESTATE: LazyLock<Estate> = LazyLock::new(|| load(&*TREE));
static GRAPH: LazyLock<Graph> = LazyLock::new(|| Graph::of(&ESTATE));
static CODE: LazyLock<Code> = LazyLock::new(|| load_all_code(&*TREE, &ESTATE));
static KNOWN: LazyLock<Known> = LazyLock::new(known);

fn main() {
    LazyLock::force(&KNOWN);
    LazyLock::force(&GRAPH);
    divan::main();
}

/// Every stack delivered everywhere, with what its code declares; every seventh is behind in the last environment, and every 50th failed.
fn known() -> Known {
    let mut known = Known::default();
    for (number, stack) in ESTATE.stacks.values().enumerate() {
        let code = StackCode { declared: declared(stack), ..StackCode::default() };
        let instances = ESTATE.environments.keys().enumerate().map(|(at, environment)| {
            let release = if at == 2 && number % 7 == 0 { "old" } else { "new" };
            let recorded = Recorded {
                state: if number % 50 == 0 { "failed" } else { "applied" }.to_owned(),
                release: Some(Digest::of(release.as_bytes())),
                resources: Some(code.declared.values().sum()),
                types: code.declared.clone(),
                ..Recorded::default()
            };
            (environment.clone(), recorded)
        });
        known.instances.insert(stack.name.clone(), instances.collect());
        known.code.insert(stack.name.clone(), code);
    }
    known
}

fn declared(stack: &Stack) -> BTreeMap<String, u64> {
    let mut declared = BTreeMap::new();
    let reached = CODE.reached(&stack.name).into_iter().map(|(folder, _)| folder);
    for facts in std::iter::once(stack.folder.clone()).chain(reached).filter_map(|folder| CODE.facts(&folder)) {
        for kind in facts.resources.iter().filter_map(|resource| resource.split('.').next()) {
            *declared.entry(kind.to_owned()).or_default() += 1;
        }
    }
    declared
}

/// The stack that most others depend on, and so the hardest question.
fn most_needed() -> &'static Stack {
    let reached = |stack: &&Stack| GRAPH.downstream_closure([&stack.name]).len();
    ESTATE.stacks.values().take(200).max_by_key(reached).expect("there are stacks")
}

fn map() -> CapabilityMap<'static> {
    CapabilityMap::new(&ESTATE, &GRAPH, &KNOWN)
}

#[divan::bench]
fn make_the_map() -> usize {
    black_box(map()).environments.len()
}

#[divan::bench]
fn status_of_every_instance() -> usize {
    let map = map();
    let failed =
        |stack: &Stack| map.environments.iter().filter(|name| map.status(&stack.name, name) == Status::Failed).count();
    ESTATE.stacks.values().map(failed).sum()
}

#[divan::bench]
fn what_breaks_with_the_stack_most_needed(bencher: Bencher) {
    let (map, stack) = (map(), most_needed());
    bencher.bench_local(|| map.breaks(black_box(stack)).reached.len());
}

#[divan::bench]
fn what_the_first_capability_rests_on(bencher: Bencher) {
    let map = map();
    let capability = ESTATE.capabilities.values().next().expect("there are some");
    bencher.bench_local(|| {
        let reach = map.rests(Node::Capability(black_box(capability)));
        map.hidden(&reach).len() + reach.reached.len()
    });
}

#[divan::bench]
fn what_is_missing() -> usize {
    let map = map();
    map.unowned().stacks.len() + map.strays().stacks.len()
}

#[divan::bench]
fn where_several_clouds_serve() -> usize {
    map().spreads().len()
}

#[divan::bench]
fn resources_by_type() -> usize {
    let map = map();
    map.environments.iter().map(|name| map.resources(ESTATE.stacks.keys(), name).len()).sum()
}

//! Figures of what touches no disk: reading an estate's text, its graph, what a change affects, expressions.

use std::sync::LazyLock;

use divan::{Bencher, black_box};
use terrace_bench::{load, load_all_code, memory_tree, path_of};
use terrace_config::fixture::MemoryTree;
use terrace_config::{Code, MoveRequest, Watches, check_estate, move_code};
use terrace_domain::affected::{ChangeKind, ChangedFile, Comparison, affected};
use terrace_domain::estate::Estate;
use terrace_domain::expression::{InstanceScope, evaluate};
use terrace_domain::graph::Graph;
use terrace_domain::name::StackName;
use terrace_domain::value::Value;

static TREE: LazyLock<MemoryTree> = LazyLock::new(memory_tree);
static ESTATE: LazyLock<Estate> = LazyLock::new(|| load(&*TREE));
static GRAPH: LazyLock<Graph> = LazyLock::new(|| Graph::of(&ESTATE));
static CODE: LazyLock<Code> = LazyLock::new(|| load_all_code(&*TREE, &ESTATE));

fn main() {
    LazyLock::force(&GRAPH);
    LazyLock::force(&CODE);
    divan::main();
}

#[divan::bench(sample_count = 20)]
fn load_estate_from_memory() -> Estate {
    load(&*TREE)
}

#[divan::bench(sample_count = 20)]
fn load_code_from_memory() -> Code {
    load_all_code(&*TREE, &ESTATE)
}

#[divan::bench(sample_count = 20)]
fn check_estate_against_code() -> usize {
    check_estate(&*TREE, &ESTATE, &CODE).len()
}

#[divan::bench]
fn graph_of_the_estate() -> Graph {
    Graph::of(black_box(&ESTATE))
}

#[divan::bench]
fn graph_in_waves() -> usize {
    GRAPH.waves().len()
}

#[divan::bench]
fn affected_by_a_module_and_a_stack(bencher: Bencher) {
    let files = terrace_bench::blueprint().changed_files();
    let changes: Vec<_> = files
        .iter()
        .map(|(path, _)| ChangedFile { path: path_of(path), kind: ChangeKind::Modified, link: None })
        .collect();
    let watches = Watches::of(&ESTATE);
    let comparison = Comparison {
        before: Some(&ESTATE),
        now: &ESTATE,
        changes: &changes,
        modules: &|stack| CODE.reached(stack),
        watches: &|pattern, path| watches.matches(pattern, path),
    };
    bencher.bench_local(|| affected(black_box(&comparison), &GRAPH));
}

/// A move of one resource between two more stacks, with the check of the whole estate afterwards.
#[divan::bench(sample_count = 10)]
fn move_code_between_two_stacks(bencher: Bencher) {
    let tree = TREE
        .clone()
        .with("more/giver/stack.hcl", "stack \"bench-giver\" {\n}\n")
        .with("more/giver/main.tf", "resource \"a_store\" \"s\" {}\noutput \"id\" { value = a_store.s.id }\n")
        .with("more/taker/stack.hcl", "stack \"bench-taker\" {\n}\n")
        .with("more/taker/main.tf", "resource \"a_other\" \"o\" {}\n");
    let estate = load(&tree);
    let addresses = ["a_store.s".parse().expect("an address")];
    let request =
        MoveRequest { from: &estate.stacks["bench-giver"], to: &estate.stacks["bench-taker"], addresses: &addresses };
    bencher.bench_local(|| move_code(&tree, &estate, black_box(request)).expect("nothing stands in the way"));
}

#[divan::bench]
fn evaluate_all_inputs_of_one_environment() -> usize {
    let environment = ESTATE.environments.values().next().expect("there are three");
    let outputs = |_: &StackName, output: &str| Ok(Value::from(output));
    let mut characters = 0;
    for stack in ESTATE.stacks.values() {
        let scope = InstanceScope { estate: &ESTATE, environment, stack: Some(stack), outputs: &outputs };
        for input in stack.inputs.values() {
            let value = evaluate(black_box(&input.expression), &scope).expect("the estate is sound");
            characters += usize::from(value != Value::Null);
        }
    }
    characters
}

//! Figures of what touches no disk: reading an estate's text, its graph, what a change affects, expressions, the steps of a run.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use divan::{Bencher, black_box};
use terrace_bench::{load, load_all_code, memory_tree, path_of};
use terrace_config::fixture::MemoryTree;
use terrace_config::{Code, Watches, check_estate};
use terrace_domain::affected::{ChangeKind, ChangedFile, Comparison, affected};
use terrace_domain::estate::Estate;
use terrace_domain::expression::{InstanceScope, evaluate};
use terrace_domain::graph::Graph;
use terrace_domain::name::StackName;
use terrace_domain::run::{Changes, Effect, Event, Mode, Moment, Order, Run, advance};
use terrace_domain::value::Value;

static TREE: LazyLock<MemoryTree> = LazyLock::new(memory_tree);
static ESTATE: LazyLock<Estate> = LazyLock::new(|| load(&*TREE));
static GRAPH: LazyLock<Graph> = LazyLock::new(|| Graph::of(&ESTATE));
static CODE: LazyLock<Code> = LazyLock::new(|| load_all_code(&*TREE, &ESTATE));

/// As many instances at work at once as a large machine would have.
const PARALLELISM: usize = 16;

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

fn new_run() -> Run {
    let all: BTreeSet<StackName> = ESTATE.stacks.keys().cloned().collect();
    Run::new(Order {
        mode: Mode::Deliver,
        stage: "dev".parse().expect("a name"),
        environment: "dev".parse().expect("a name"),
        commit: None,
        parallelism: PARALLELISM,
        instances: Order::instances_of(&GRAPH, &all, &BTreeSet::new(), &BTreeMap::new()),
    })
}

/// Answers effects as a driver would for whom everything goes well, and calls `step` with each event.
fn deliver(mut run: Run, mut step: impl FnMut(Run, Event) -> (Run, Vec<Effect>)) -> Run {
    let mut effects = std::collections::VecDeque::new();
    let mut event = Event::Started;
    loop {
        let (next, asked) = step(run, event);
        run = next;
        effects.extend(asked);
        event = match effects.pop_front().expect("a run asks until it is over") {
            Effect::Prepare(stack) => Event::Prepared { stack, provisional: false },
            Effect::Plan(stack) => Event::Planned { stack, changes: Changes { add: 1, ..Changes::default() } },
            Effect::Apply(stack) => Event::Applied { stack },
            Effect::Interrupt(stack) => unreachable!("nobody stops the run, {stack} least of all"),
            Effect::Finish => return run,
        };
    }
}

fn advanced(run: Run, event: Event) -> (Run, Vec<Effect>) {
    advance(run, Moment(1), event).expect("events follow effects")
}

#[divan::bench(sample_count = 20)]
fn run_new() -> Run {
    new_run()
}

#[divan::bench(sample_count = 20)]
fn run_from_beginning_to_end(bencher: Bencher) {
    bencher.with_inputs(new_run).bench_local_values(|run| deliver(run, advanced));
}

/// Every event of a run alone: *slowest* is the worst event, *mean* the mean.
#[divan::bench(sample_size = 1, sample_count = 30_001)]
fn run_event(bencher: Bencher) {
    let mut events = Vec::new();
    deliver(new_run(), |run, event| {
        events.push(event.clone());
        advanced(run, event)
    });
    let run = std::cell::RefCell::new(Some(new_run()));
    let mut events = events.into_iter();
    bencher
        .with_inputs(|| {
            let run = run.borrow_mut().take().expect("put back after each event");
            (run, events.next().expect("as many samples as events"))
        })
        .bench_local_values(|(next, event)| {
            let (next, effects) = advanced(next, event);
            *run.borrow_mut() = Some(next);
            effects
        });
}

//! Figures of runs: what each event costs, and what memory a run takes. No effect is performed; each is answered at once.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::LazyLock;

use divan::{AllocProfiler, Bencher};
use terrace_bench::{STACKS, load, memory_tree_of};
use terrace_domain::digest::Digest;
use terrace_domain::estate::Estate;
use terrace_domain::graph::Graph;
use terrace_domain::name::StackName;
use terrace_domain::run::{
    Approvers, ChangeRecord, Changes, Effect, Event, Gate, InstanceId, Mode, Moment, Order, OrderedStage, PlanCover,
    Run, advance,
};

/// Counts what is allocated, so that the memory of a run is told beside its times.
#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

/// As many instances at work at once as a large machine would have.
const PARALLELISM: usize = 16;

/// The environments of the pipeline; people approve each plan in the last.
const ENVIRONMENTS: [&str; 3] = ["dev", "staging", "prod"];

/// How many events of a run are timed one by one: more than any of these runs has.
const EVENTS: u32 = 50_000;

static ONE_STAGE: LazyLock<Order> = LazyLock::new(|| order(STACKS, 1));
/// As many instances, in three stages.
static PIPELINE: LazyLock<Order> = LazyLock::new(|| order(STACKS.div_ceil(ENVIRONMENTS.len()), ENVIRONMENTS.len()));

fn main() {
    LazyLock::force(&ONE_STAGE);
    LazyLock::force(&PIPELINE);
    divan::main();
}

/// Delivers each stack of a generated estate through the first stages of the pipeline.
fn order(stacks: usize, stages: usize) -> Order {
    let estate: Estate = load(&memory_tree_of(stacks));
    let all: BTreeSet<StackName> = estate.stacks.keys().cloned().collect();
    let stage = |at: usize| OrderedStage {
        stage: ENVIRONMENTS[at].parse().expect("a name"),
        environment: ENVIRONMENTS[at].parse().expect("a name"),
        after: at.checked_sub(1).map(|before| ENVIRONMENTS[before].parse().expect("a name")),
        gates: if at + 1 == ENVIRONMENTS.len() { vec![approval()] } else { Vec::new() },
        settings: vec![Digest([7; 32]); stacks],
    };
    Order {
        mode: Mode::Deliver,
        release: Some(Digest([1; 32])),
        commit: None,
        parallelism: PARALLELISM,
        again: false,
        break_glass: None,
        stages: (0..stages).map(stage).collect(),
        stacks: Order::stacks_of(&Graph::of(&estate), &all, &BTreeSet::new(), |_| Some(Digest([2; 32])), |_| false),
    }
}

fn approval() -> Gate {
    Gate::Approval(Approvers { count: 1, ..Approvers::default() })
}

/// Answers effects as a driver would for whom everything goes well, and calls `step` with each event. Where the run rests, somebody approves
/// all that waits. In the middle the process dies, and another takes the run up.
fn deliver(mut run: Run, mut step: impl FnMut(Run, Event) -> (Run, Vec<Effect>)) -> Run {
    let dies_at = run.instances().len() / 2;
    let (mut ended, mut died) = (0, false);
    let mut effects = VecDeque::new();
    let mut events = VecDeque::from([Event::Started]);
    while run.finished().is_none() {
        let event = events.pop_front().or_else(|| answer(effects.pop_front()?));
        let event = match event {
            Some(_) if ended == dies_at && !died => {
                died = true;
                effects.clear();
                Event::Resumed
            }
            Some(event) => event,
            None if effects.is_empty() => {
                events = run.awaiting().map(|(instance, awaiting)| approved(&instance.id, &awaiting.cover)).collect();
                events.pop_front().expect("a run that asks nothing waits for people")
            }
            None => continue,
        };
        ended += usize::from(matches!(event, Event::Applied { .. }));
        let (next, asked) = step(run, event);
        run = next;
        effects.extend(asked);
    }
    run
}

fn answer(effect: Effect) -> Option<Event> {
    Some(match effect {
        Effect::Enter(environment) => {
            Event::Entered { environment, standings: BTreeMap::new(), recovered: BTreeMap::new() }
        }
        Effect::Prepare(instance) => Event::Prepared { instance, provisional: false },
        Effect::Plan(instance) => Event::Planned {
            instance,
            changes: Changes { add: 1, ..Changes::default() },
            cover: Some(Box::new(cover())),
            losses: Vec::new(),
            assessment: None,
        },
        Effect::Apply(instance) => Event::Applied { instance },
        Effect::Settle(instance) => Event::Settled { instance },
        Effect::Verify(instance) => Event::Verified { instance },
        Effect::Leave(_) | Effect::Finish => return None,
        Effect::Interrupt(instance) => unreachable!("nobody stops the run, {instance} least of all"),
    })
}

fn cover() -> PlanCover {
    let record = |seed| ChangeRecord { action: "create".to_owned(), digest: Digest([seed; 32]) };
    let changes = (0..5).map(|at| (format!("sandbox_aws_bucket.number[{at}]"), record(at)));
    PlanCover {
        release: Some(Digest([2; 32])),
        inputs: Digest([3; 32]),
        outputs: Digest([4; 32]),
        lineage: Some("6a0d7c1e-52a3-4c39-9d0c-2f2f7f1d3b6a".to_owned()),
        serial: Some(4),
        terraform: "terraform 1.11.4".to_owned(),
        provider_lock: Some(Digest([5; 32])),
        changes: changes.collect(),
    }
}

fn approved(instance: &InstanceId, cover: &PlanCover) -> Event {
    Event::Approved {
        instance: instance.clone(),
        by: "ada".to_owned(),
        reason: "looked at".to_owned(),
        cover: Box::new(cover.clone()),
    }
}

fn advanced(run: Run, event: Event) -> (Run, Vec<Effect>) {
    advance(run, Moment(1), event).expect("events follow effects")
}

fn new_run(order: &Order) -> Run {
    Run::new(order.clone())
}

#[divan::bench(sample_count = 20)]
fn one_stage_new() -> Run {
    new_run(&ONE_STAGE)
}

#[divan::bench(sample_count = 20)]
fn pipeline_new() -> Run {
    new_run(&PIPELINE)
}

/// The greatest memory is the run's, with all that it holds at its end.
#[divan::bench(sample_count = 20)]
fn one_stage_from_beginning_to_end() -> Run {
    deliver(new_run(&ONE_STAGE), advanced)
}

#[divan::bench(sample_count = 20)]
fn pipeline_from_beginning_to_end() -> Run {
    deliver(new_run(&PIPELINE), advanced)
}

/// Every event of a run alone: *slowest* is the worst event, *mean* the mean.
#[divan::bench(sample_size = 1, sample_count = EVENTS)]
fn one_stage_event(bencher: Bencher) {
    events_one_by_one(bencher, &ONE_STAGE);
}

#[divan::bench(sample_size = 1, sample_count = EVENTS)]
fn pipeline_event(bencher: Bencher) {
    events_one_by_one(bencher, &PIPELINE);
}

fn events_one_by_one(bencher: Bencher, order: &Order) {
    let mut events = Vec::new();
    deliver(new_run(order), |run, event| {
        events.push(event.clone());
        advanced(run, event)
    });
    assert!(events.len() <= EVENTS as usize, "each of the {} events is timed", events.len());
    let run = RefCell::new(None);
    let mut left = events.iter();
    bencher
        .with_inputs(|| {
            let event = left.next().cloned().unwrap_or_else(|| {
                run.take();
                left = events.iter();
                left.next().cloned().expect("a run has a first event")
            });
            (run.take().unwrap_or_else(|| new_run(order)), event)
        })
        .bench_local_values(|(before, event)| {
            let (after, effects) = advanced(before, event);
            run.replace(Some(after));
            effects
        });
}

//! Single events: which are possible when, and what is said of the others.

use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::Config;
use terrace_domain::name::EnvironmentName;
use terrace_domain::run::{Changes, Effect, Event, InstanceId, InstanceState, Mode, Moment, Run, RunId, Step, advance};

use super::scenario::{Barrier, Fate, Scenario, environment, instance, name, undisturbed};
use super::simulation::{changes, cover, failure};

/// The rule, written down a second time; `entered`: the environments that were asked for and not yet entered.
fn is_possible(scenario: &Scenario, run: &Run, asked: &BTreeSet<EnvironmentName>, event: &Event) -> bool {
    let delivers = run.order().mode.applies();
    let state = |id: &InstanceId| run.instance(id).map(|one| one.state.clone());
    if run.finished().is_some() || run.started().is_none() {
        return run.started().is_none() && *event == Event::Started;
    }
    match event {
        Event::Started => false,
        Event::StopRequested
        | Event::Abandoned
        | Event::Cancelled { .. }
        | Event::Resumed
        | Event::Due
        | Event::Superseded { .. } => true,
        Event::Entered { environment, .. } => asked.contains(environment),
        Event::Prepared { instance, provisional } => {
            state(instance) == Some(InstanceState::Preparing) && !(delivers && *provisional)
        }
        Event::InputsUnknown { instance, .. } => state(instance) == Some(InstanceState::Preparing) && !delivers,
        Event::Planned { instance, changes, cover, .. } => {
            let asks = matches!(scenario.stages[0], Barrier::Approvals(_) | Barrier::ApprovalAndWindow)
                && instance.environment == environment(0);
            let needs_cover = asks && delivers && !changes.is_empty() && !run.is_stopping();
            state(instance) == Some(InstanceState::Planning) && (cover.is_some() || !needs_cover)
        }
        Event::Approved { instance, by, cover, .. } => run.may_approve(instance, by, cover).is_ok(),
        Event::Rejected { instance, .. } => matches!(state(instance), Some(InstanceState::Awaiting(_))),
        Event::Applied { instance } | Event::Stale { instance, .. } => state(instance) == Some(InstanceState::Applying),
        Event::Verified { instance } => state(instance) == Some(InstanceState::Verifying),
        Event::Settled { instance } => state(instance) == Some(InstanceState::Settling),
        Event::Failed { instance, .. } | Event::Interrupted { instance } => {
            state(instance).is_some_and(|state| state.step().is_some())
        }
    }
}

fn any_event() -> impl Strategy<Value = Event> {
    let huge = Changes { add: u64::MAX, change: u64::MAX, destroy: 1, ..Changes::default() };
    let changes = prop_oneof![Just(changes(Fate::NothingToChange)), Just(changes(Fate::Changes)), Just(huge)];
    (0_usize..8, 0_u8..56, any::<bool>(), changes).prop_map(|(at, kind, flag, changes)| {
        let instance = instance(at);
        let (by, reason) = ("ada".to_owned(), String::new());
        match kind {
            0 => Event::StopRequested,
            1 => Event::Abandoned,
            2 | 3 => Event::InputsUnknown { instance, upstream: [name(0)].into() },
            4 => Event::Interrupted { instance },
            5 => Event::Failed { instance, failure: failure(Step::Plan) },
            6..=9 => Event::Started,
            10..=17 => Event::Prepared { instance, provisional: flag },
            18..=23 => Event::Planned {
                instance,
                changes,
                cover: flag.then(|| Box::new(cover(at, 0))),
                losses: Vec::new(),
                assessment: None,
            },
            24 => Event::Resumed,
            25 => Event::Superseded { by: RunId(9), stacks: [name(at)].into(), environments: [environment(0)].into() },
            26..=32 => Event::Approved { instance, by, reason, cover: Box::new(cover(at, 0)) },
            33 => Event::Rejected { instance, by, reason },
            34 => Event::Stale { instance, differs: BTreeSet::new() },
            35 | 36 => Event::Settled { instance },
            37..=42 => Event::Entered {
                environment: environment(at % 2),
                standings: BTreeMap::new(),
                recovered: BTreeMap::new(),
            },
            43..=46 => Event::Verified { instance },
            47 => Event::Cancelled { by, reason },
            _ => Event::Applied { instance },
        }
    })
}

proptest! {
    #![proptest_config(Config { cases: 1_000, failure_persistence: None, ..Config::default() })]

    #[test]
    fn an_impossible_event_is_an_error_and_never_a_panic(
        scenario in undisturbed(0..=7),
        events in vec(any_event(), 0..150),
    ) {
        let mut run = Run::new(scenario.order());
        let mut asked = BTreeSet::new();
        for (at, event) in events.into_iter().enumerate() {
            let possible = is_possible(&scenario, &run, &asked, &event);
            let after = advance(run.clone(), Moment(i64::try_from(at).expect("few")), event.clone());
            prop_assert_eq!(after.is_ok(), possible, "{:?} gave {:?}", event, after);
            let Ok((after, effects)) = after else { continue };
            match &event {
                Event::Resumed => asked.clear(),
                Event::Entered { environment, .. } => drop(asked.remove(environment)),
                _ => {}
            }
            for effect in effects {
                match effect {
                    Effect::Enter(environment) => drop(asked.insert(environment)),
                    Effect::Leave(environment) => drop(asked.remove(&environment)),
                    _ => {}
                }
            }
            run = after;
            let _ = (run.outcome(), run.tally());
        }
    }
}

/// Feeds the events to a delivery of two stacks, the second reading the first; the last event is impossible.
fn refusal(mode: Mode, events: Vec<Event>) -> String {
    let scenario = Scenario { mode, ..Scenario::chain(2) };
    let mut run = Run::new(scenario.order());
    let mut events = events.into_iter().peekable();
    while let Some(event) = events.next() {
        match advance(run, Moment(0), event) {
            Ok((after, _)) => run = after,
            Err(impossible) => {
                assert_eq!(events.peek(), None, "only the last event is impossible");
                return impossible.to_string();
            }
        }
    }
    panic!("the last event was taken");
}

#[test]
fn a_refusal_says_what_is_impossible_and_why() {
    let started = || Event::Started;
    let entered =
        || Event::Entered { environment: environment(0), standings: BTreeMap::new(), recovered: BTreeMap::new() };
    let applied = |at| Event::Applied { instance: instance(at) };
    let cases = [
        (Mode::Deliver, vec![applied(0)]),
        (Mode::Deliver, vec![started(), started()]),
        (Mode::Deliver, vec![started(), applied(7)]),
        (Mode::Deliver, vec![started(), applied(0)]),
        (Mode::Deliver, vec![started(), entered(), entered()]),
        (Mode::Deliver, vec![started(), entered(), Event::Prepared { instance: instance(1), provisional: false }]),
        (Mode::Deliver, vec![started(), entered(), Event::Prepared { instance: instance(0), provisional: true }]),
        (
            Mode::Deliver,
            vec![started(), entered(), Event::InputsUnknown { instance: instance(0), upstream: [name(1)].into() }],
        ),
        (Mode::Plan, vec![started(), Event::Abandoned, Event::StopRequested]),
    ];
    let refusals: Vec<_> = cases.into_iter().map(|(mode, events)| refusal(mode, events)).collect();
    insta::assert_snapshot!(refusals.join("\n"), @"
    Applied cannot happen: the run has not started
    Started cannot happen: the run has started
    dev/s7 takes no part in this run
    Applied cannot happen: dev/s0 is waiting
    Entered cannot happen: the run did not ask for dev
    Prepared cannot happen: dev/s1 is waiting
    Prepared on planned outputs cannot happen: the run delivers
    InputsUnknown cannot happen: the run delivers
    StopRequested cannot happen: the run is over
    ");
}

//! Single events: which are possible when, and what is said of the others.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::Config;
use terrace_domain::run::{Changes, Event, InstanceState, Mode, Moment, Run, Step, advance};

use super::scenario::{Fate, Scenario, name, undisturbed};
use super::simulation::{changes, failure};

/// The rule, written down a second time.
fn is_possible(run: &Run, event: &Event) -> bool {
    let delivers = run.order().mode == Mode::Deliver;
    let state = |stack: &terrace_domain::name::StackName| run.instance(stack.as_str()).map(|one| one.state.clone());
    if run.finished().is_some() || run.started().is_none() {
        return run.started().is_none() && *event == Event::Started;
    }
    match event {
        Event::Started => false,
        Event::StopRequested | Event::Abandoned => true,
        Event::Prepared { stack, provisional } => {
            state(stack) == Some(InstanceState::Preparing) && !(delivers && *provisional)
        }
        Event::InputsUnknown { stack, .. } => state(stack) == Some(InstanceState::Preparing) && !delivers,
        Event::Planned { stack, .. } => state(stack) == Some(InstanceState::Planning),
        Event::Applied { stack } => state(stack) == Some(InstanceState::Applying),
        Event::Failed { stack, .. } | Event::Interrupted { stack } => {
            state(stack).is_some_and(|state| state.step().is_some())
        }
    }
}

fn any_event() -> impl Strategy<Value = Event> {
    let huge = Changes { add: u64::MAX, change: u64::MAX, destroy: 1, ..Changes::default() };
    let changes = prop_oneof![Just(changes(Fate::NothingToChange)), Just(changes(Fate::Changes)), Just(huge)];
    (0_usize..8, 0_u8..30, any::<bool>(), changes).prop_map(|(at, kind, provisional, changes)| {
        let stack = name(at);
        match kind {
            0 => Event::StopRequested,
            1 => Event::Abandoned,
            2 | 3 => Event::InputsUnknown { stack, upstream: [name(0)].into() },
            4 => Event::Interrupted { stack },
            5 => Event::Failed { stack, failure: failure(Step::Plan) },
            6..=9 => Event::Started,
            10..=17 => Event::Prepared { stack, provisional },
            18..=23 => Event::Planned { stack, changes },
            _ => Event::Applied { stack },
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
        for (at, event) in events.into_iter().enumerate() {
            let possible = is_possible(&run, &event);
            let after = advance(run.clone(), Moment(i64::try_from(at).expect("few")), event.clone());
            prop_assert_eq!(after.is_ok(), possible, "{:?} gave {:?}", event, after);
            run = after.map_or(run, |(after, _)| after);
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
    let applied = |at| Event::Applied { stack: name(at) };
    let cases = [
        (Mode::Deliver, vec![applied(0)]),
        (Mode::Deliver, vec![started(), started()]),
        (Mode::Deliver, vec![started(), applied(7)]),
        (Mode::Deliver, vec![started(), applied(0)]),
        (Mode::Deliver, vec![started(), Event::Prepared { stack: name(1), provisional: false }]),
        (Mode::Deliver, vec![started(), Event::Prepared { stack: name(0), provisional: true }]),
        (Mode::Deliver, vec![started(), Event::InputsUnknown { stack: name(0), upstream: [name(1)].into() }]),
        (Mode::Plan, vec![started(), Event::Abandoned, Event::StopRequested]),
    ];
    let refusals: Vec<_> = cases.into_iter().map(|(mode, events)| refusal(mode, events)).collect();
    insta::assert_snapshot!(refusals.join("\n"), @"
    Applied cannot happen: the run has not started
    Started cannot happen: the run has started
    s7 takes no part in this run
    Applied cannot happen: s0 is preparing
    Prepared cannot happen: s1 is waiting
    Prepared on planned outputs cannot happen: the run delivers
    InputsUnknown cannot happen: the run delivers
    StopRequested cannot happen: the run is over
    ");
}

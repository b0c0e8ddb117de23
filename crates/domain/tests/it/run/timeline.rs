//! The timeline of a run, held against what the run itself tells: of any run, disturbed or not.

use proptest::prelude::*;
use proptest::test_runner::Config;
use terrace_domain::run::{Event, InstanceState, Moment};
use terrace_domain::timeline::{After, Recording, RunSpans, SpanKind, SpanOutcome, Timeline};

use super::scenario::{Barrier, Fate, Part, Scenario, any_scenario, name};
use super::simulation::{Simulated, simulate};

/// The simulation's events are a millisecond apart; here a second, so that one thing after another is not taken for a handover.
fn spread(at: Moment) -> Moment {
    Moment(at.0 * 1000)
}

fn spans(scenario: &Scenario, journal: &[(Moment, Event)]) -> RunSpans {
    journal.iter().fold(RunSpans::new(scenario.order()), |spans, (at, event)| {
        spans.take(spread(*at), event.clone()).expect("it was possible before")
    })
}

/// Scenarios in which no gate looks at the clock, which is another one here.
fn timeless(size: std::ops::RangeInclusive<usize>) -> impl proptest::strategy::Strategy<Value = Scenario> {
    use proptest::strategy::Strategy;
    any_scenario(size).prop_map(|mut scenario| {
        for barrier in &mut scenario.stages {
            if matches!(barrier, Barrier::Soak | Barrier::ApprovalAndWindow) {
                *barrier = Barrier::Approvals(1);
            }
        }
        scenario
    })
}

fn timeline(spans: &RunSpans, seen: Moment, is_gone: bool) -> Timeline {
    let mut recording = Recording::new();
    spans.record(&mut recording, None, is_gone);
    Timeline::of(&recording, seen)
}

fn end_of(simulated: &Simulated) -> Moment {
    spread(simulated.journal.last().expect("it began").0)
}

proptest! {
    #![proptest_config(Config { cases: 300, failure_persistence: None, ..Config::default() })]

    #[test]
    fn it_tells_when_each_instance_began_and_ended(scenario in timeless(0..=40)) {
        let simulated = simulate(&scenario);
        let timeline = timeline(&spans(&scenario, &simulated.journal), Moment(i64::MAX), false);
        prop_assert!(!timeline.is_open());
        prop_assert_eq!(timeline.begin, spread(simulated.run.started().expect("it started")));
        prop_assert_eq!(timeline.end, end_of(&simulated));
        prop_assert_eq!(timeline.lanes.len(), simulated.run.instances().len());
        for lane in &timeline.lanes {
            let one = simulated.run.instances().iter().find(|one| one.id.to_string() == lane.name).expect("it takes part");
            prop_assert_eq!(lane.begin(), one.started.map(spread), "{}", &lane.name);
            prop_assert_eq!(&lane.state, one.state.word());
            prop_assert!(lane.bars.iter().all(|bar| bar.outcome != SpanOutcome::Open));
            let was_applied = lane.bars.iter().any(|bar| bar.kind == SpanKind::Apply && bar.outcome == SpanOutcome::Succeeded);
            // What was applied may still not do what it should.
            let parts = scenario.parts.iter().enumerate();
            let verifies = parts.into_iter().any(|(at, part)| part.verifies && name(at) == one.id.stack);
            prop_assert!(!was_applied || one.state == InstanceState::Applied || verifies);
            // The end of what died is known only to be after the last entry before.
            let is_known = scenario.crash_after.is_empty() && scenario.abandon_after.is_none();
            if is_known && scenario.stop_after.is_none() && scenario.supersede_after.is_none() && one.started.is_some() {
                prop_assert_eq!(lane.end(), one.finished.map(spread), "{}", &lane.name);
            }
        }
        let waited: u64 = timeline.critical.iter().map(|link| link.waited_millis).sum();
        prop_assert!(timeline.critical_millis() + waited <= timeline.millis());
    }

    #[test]
    fn it_can_be_told_of_any_part_of_a_run(scenario in timeless(1..=20), part in 1_usize..80, is_gone in any::<bool>()) {
        let simulated = simulate(&scenario);
        let told = &simulated.journal[..part.min(simulated.journal.len())];
        let spans = spans(&scenario, told);
        let last = spans.last().expect("it began");
        let timeline = timeline(&spans, Moment(last.0 + 500), is_gone);
        for bar in timeline.lanes.iter().flat_map(|lane| &lane.bars).filter(|bar| bar.outcome == SpanOutcome::Open) {
            prop_assert!(!is_gone || bar.kind == SpanKind::People);
            prop_assert_eq!(bar.end, Moment(last.0 + 500));
        }
    }
}

#[test]
fn in_a_chain_that_nothing_disturbs_the_whole_is_critical() {
    let scenario = Scenario { stages: vec![Barrier::Nothing; 2], ..Scenario::chain(3) };
    let simulated = simulate(&scenario);
    let timeline = timeline(&spans(&scenario, &simulated.journal), Moment(0), false);
    let path: Vec<_> =
        timeline.critical.iter().map(|link| (timeline.lanes[link.lane].name.as_str(), link.after)).collect();
    assert_eq!(path[0], ("dev/s0", After::Start));
    assert_eq!(path.last(), Some(&("staging/s2", After::Upstream)));
    assert!(path[1..].iter().all(|(_, after)| *after == After::Upstream), "{path:?}");
}

#[test]
fn with_one_place_each_goes_on_after_the_one_that_left_it() {
    let scenario = Scenario { parallelism: 1, ..Scenario::of(vec![Part::default(); 4]) };
    let simulated = simulate(&scenario);
    let timeline = timeline(&spans(&scenario, &simulated.journal), Moment(0), false);
    assert_eq!(timeline.critical.len(), 4);
    assert!(timeline.critical[1..].iter().all(|link| link.after == After::Place && link.waited_millis == 0));
}

#[test]
fn people_are_waited_for_until_the_last_of_them_approves() {
    let scenario = Scenario { stages: vec![Barrier::Approvals(2)], ..Scenario::chain(1) };
    let simulated = simulate(&scenario);
    let timeline = timeline(&spans(&scenario, &simulated.journal), Moment(0), false);
    let lane = &timeline.lanes[0];
    let kinds: Vec<_> = lane.bars.iter().map(|bar| bar.kind).collect();
    assert_eq!(kinds, [SpanKind::Prepare, SpanKind::Plan, SpanKind::People, SpanKind::Apply]);
    assert_eq!(lane.millis_of(SpanKind::People), 2000, "two approvals, a second apart");
}

#[test]
fn a_failure_and_what_it_keeps_from_beginning_are_told() {
    let mut scenario = Scenario::chain(2);
    scenario.parts[0].fate = Fate::ApplyFails;
    let simulated = simulate(&scenario);
    let timeline = timeline(&spans(&scenario, &simulated.journal), Moment(0), false);
    let told: Vec<_> = timeline.lanes.iter().map(|lane| (lane.outcome, lane.bars.len())).collect();
    assert_eq!(told, [(SpanOutcome::Failed, 3), (SpanOutcome::Skipped, 0)]);
    assert_eq!(timeline.lanes[0].bars[2].outcome, SpanOutcome::Failed);
}

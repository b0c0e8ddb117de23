//! Properties of whole runs: random graphs, completion orders, failures, stops and killed processes. The rules that hold at each
//! moment are asserted by the simulation; here is what must hold at the end.

use proptest::prelude::*;
use proptest::test_runner::Config;
use terrace_domain::name::StackName;
use terrace_domain::run::{InstanceState, Run, SkipReason, Tally, advance};

use super::expectation;
use super::scenario::{Scenario, any_scenario, position, undisturbed};
use super::simulation::{Simulated, simulate};

fn config(cases: u32) -> Config {
    Config { cases, failure_persistence: None, ..Config::default() }
}

proptest! {
    #![proptest_config(config(600))]

    #[test]
    fn a_run_keeps_its_rules_and_comes_to_its_end(scenario in any_scenario(0..=60)) {
        let simulated = simulate(&scenario);
        check_end(&scenario, &simulated);
    }

    #[test]
    fn a_failure_stops_all_downstream_and_nobody_else(scenario in undisturbed(0..=60)) {
        let simulated = simulate(&scenario);
        check_end(&scenario, &simulated);
        let count = scenario.parts.len();
        for (at, expected) in expectation::states(&scenario).iter().enumerate() {
            let (state, first) = (simulated.state(at), at / count * count);
            let succeeded = |at: usize| simulated.state(at).is_success();
            let upstream = scenario.parts[at % count].upstream.keys().all(|up| succeeded(first + up));
            if upstream && at.checked_sub(count).is_none_or(succeeded) {
                prop_assert_eq!(state, expected);
            } else {
                // Where several reasons hold at once, the one that came first is told.
                prop_assert!(matches!(
                    state,
                    InstanceState::Skipped(SkipReason::Upstream(_) | SkipReason::NotProven(_)) | InstanceState::Blocked(_)
                ));
                prop_assert!(!expected.is_success());
            }
        }
    }

    #[test]
    fn the_same_events_make_the_same_run(scenario in any_scenario(0..=40)) {
        let simulated = simulate(&scenario);
        let mut run = Run::new(scenario.order());
        for ((at, event), effects) in simulated.journal.iter().zip(&simulated.effects) {
            let (after, again) = advance(run, *at, event.clone()).expect("it was possible before");
            prop_assert_eq!(&again, effects);
            run = after;
        }
        prop_assert_eq!(format!("{run:?}"), format!("{:?}", simulated.run));
    }
}

proptest! {
    #![proptest_config(config(1_000))]

    #[test]
    fn a_thousand_runs_of_two_hundred_stacks_come_to_their_end(scenario in any_scenario(200..=200)) {
        let simulated = simulate(&scenario);
        check_end(&scenario, &simulated);
    }
}

fn check_end(scenario: &Scenario, simulated: &Simulated) {
    let run = &simulated.run;
    assert_eq!(run.outcome(), expectation::outcome(run));
    let count = scenario.parts.len();
    assert_eq!(instances_of(&run.tally()), count * scenario.stages.len());
    for (at, instance) in run.instances().iter().enumerate() {
        let first = at / count * count;
        match &instance.state {
            InstanceState::Skipped(SkipReason::Upstream(cause)) => {
                assert!(hands_down(scenario, simulated, at, cause));
                let state = simulated.state(first + position(cause));
                assert!(is_cause(state), "{} is skipped because {cause} is {state:?}", instance.id);
            }
            InstanceState::Skipped(SkipReason::NotProven(before)) => {
                let state = simulated.state(at - count);
                assert_eq!(simulated.run.instances()[at - count].id.environment, *before);
                assert!(!state.is_evidence(), "{} has evidence: {state:?}", instance.id);
            }
            InstanceState::Blocked(upstream) => assert!(!upstream.is_empty()),
            _ => {}
        }
    }
}

/// Whether an instance in this state keeps others from going on, of itself.
fn is_cause(state: &InstanceState) -> bool {
    matches!(state, InstanceState::Failed(_) | InstanceState::Interrupted(_)) || state.is_refused()
}

fn instances_of(tally: &Tally) -> usize {
    tally.applied
        + tally.unchanged
        + tally.planned
        + tally.failed
        + tally.interrupted
        + tally.blocked
        + tally.skipped
        + tally.untouched
        + tally.current
        + tally.refused
        + tally.superseded
}

/// Whether a direct upstream is the cause, or was skipped for the same cause.
fn hands_down(scenario: &Scenario, simulated: &Simulated, at: usize, cause: &StackName) -> bool {
    let (count, because) = (scenario.parts.len(), InstanceState::Skipped(SkipReason::Upstream(cause.clone())));
    let (first, part) = (at / count * count, at % count);
    let mut upstream = scenario.parts[part].upstream.keys();
    upstream.any(|up| *up == position(cause) || *simulated.state(first + up) == because)
}

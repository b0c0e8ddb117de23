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
        for (at, expected) in expectation::states(&scenario).iter().enumerate() {
            let state = simulated.state(at);
            if scenario.parts[at].upstream.keys().all(|up| simulated.state(*up).is_success()) {
                prop_assert_eq!(state, expected);
            } else {
                prop_assert!(matches!(state, InstanceState::Skipped(SkipReason::Upstream(_)) | InstanceState::Blocked(_)));
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
    fn a_thousand_runs_of_two_hundred_stacks_come_to_their_end(scenario in undisturbed(200..=200)) {
        let simulated = simulate(&scenario);
        check_end(&scenario, &simulated);
    }
}

fn check_end(scenario: &Scenario, simulated: &Simulated) {
    let run = &simulated.run;
    assert_eq!(run.outcome(), expectation::outcome(run));
    assert_eq!(instances_of(&run.tally()), scenario.parts.len());
    for instance in run.instances() {
        match &instance.state {
            InstanceState::Skipped(SkipReason::Upstream(cause)) => {
                assert!(hands_down(scenario, simulated, position(&instance.stack), cause));
                let state = simulated.state(position(cause));
                let is_cause = matches!(state, InstanceState::Failed(_) | InstanceState::Interrupted(_));
                assert!(is_cause, "{} is skipped because {cause} is {state:?}", instance.stack);
            }
            InstanceState::Blocked(upstream) => assert!(!upstream.is_empty()),
            _ => {}
        }
    }
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
}

/// Whether a direct upstream is the cause, or was skipped for the same cause.
fn hands_down(scenario: &Scenario, simulated: &Simulated, at: usize, cause: &StackName) -> bool {
    let because = InstanceState::Skipped(SkipReason::Upstream(cause.clone()));
    scenario.parts[at].upstream.keys().any(|up| *up == position(cause) || *simulated.state(*up) == because)
}

//! Chains of ten thousand instances: whatever goes down a chain goes by a list, not by recursion.

use terrace_domain::run::{InstanceState, Outcome, SkipReason};

use super::scenario::{Fate, Scenario, name};
use super::simulation::{Simulated, simulate};

const LENGTH: usize = 10_000;

fn count(simulated: &Simulated, state: &InstanceState) -> usize {
    simulated.run.instances().iter().filter(|instance| instance.state == *state).count()
}

#[test]
fn a_long_chain_is_delivered() {
    let simulated = simulate(&Scenario::chain(LENGTH));
    assert_eq!(simulated.run.outcome(), Outcome::Succeeded);
    assert_eq!(count(&simulated, &InstanceState::Applied), LENGTH);
}

#[test]
fn a_failure_at_the_head_of_a_long_chain_skips_all_of_it() {
    let mut scenario = Scenario::chain(LENGTH);
    scenario.parts[0].fate = Fate::ApplyFails;
    let simulated = simulate(&scenario);
    assert_eq!(simulated.run.outcome(), Outcome::Failed);
    assert_eq!(count(&simulated, &InstanceState::Skipped(SkipReason::Upstream(name(0)))), LENGTH - 1);
}

#[test]
fn a_long_chain_in_which_nothing_changes_ends_with_its_head() {
    let mut scenario = Scenario::chain(LENGTH);
    scenario.parts[0].fate = Fate::Changes;
    scenario.parts[1..].iter_mut().for_each(|part| part.only_if_upstream_changes = true);
    let simulated = simulate(&scenario);
    assert_eq!(simulated.run.outcome(), Outcome::Succeeded);
    assert_eq!(count(&simulated, &InstanceState::Skipped(SkipReason::NothingChanged)), LENGTH - 1);
}

#[test]
fn a_long_chain_without_a_cause_ends_when_it_starts() {
    let mut scenario = Scenario::chain(LENGTH);
    scenario.parts.iter_mut().for_each(|part| part.only_if_upstream_changes = true);
    let simulated = simulate(&scenario);
    assert_eq!(simulated.journal.len(), 2);
    assert_eq!(count(&simulated, &InstanceState::Skipped(SkipReason::NothingChanged)), LENGTH);
}

#[test]
fn a_stop_ends_a_long_chain() {
    let mut scenario = Scenario::chain(LENGTH);
    scenario.stop_after = Some(10);
    let simulated = simulate(&scenario);
    assert_eq!(simulated.run.outcome(), Outcome::Interrupted);
    assert_eq!(count(&simulated, &InstanceState::Skipped(SkipReason::Stopped)), LENGTH - 4);
}

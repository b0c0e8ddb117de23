//! What a run must come to, computed without `advance`: in one pass over the order, as if there were no time.

use terrace_domain::run::{InstanceState, Mode, Outcome, Run, SkipReason, Step};

use super::scenario::{Fate, Part, Scenario, name};
use super::simulation::failure;

/// The states of all parts at the end of a run that nobody stops.
pub(crate) fn states(scenario: &Scenario) -> Vec<InstanceState> {
    let mut states: Vec<InstanceState> = Vec::new();
    for part in &scenario.parts {
        let state = if part.upstream.keys().any(|up| !states[*up].is_success()) {
            stopped_by_upstream(part, &states)
        } else if part.only_if_upstream_changes && !reads_a_change(scenario, part, &states) {
            InstanceState::Skipped(SkipReason::NothingChanged)
        } else {
            at_its_end(scenario.mode, part.fate)
        };
        states.push(state);
    }
    states
}

/// Where several upstream parts did not succeed, any of them may be the one that is named: the test compares loosely there.
fn stopped_by_upstream(part: &Part, states: &[InstanceState]) -> InstanceState {
    let at = *part.upstream.keys().find(|up| !states[**up].is_success()).expect("the caller saw one");
    match &states[at] {
        InstanceState::Skipped(reason) => InstanceState::Skipped(reason.clone()),
        InstanceState::Blocked(_) => InstanceState::Blocked([name(at)].into()),
        _ => InstanceState::Skipped(SkipReason::Upstream(name(at))),
    }
}

fn reads_a_change(scenario: &Scenario, part: &Part, states: &[InstanceState]) -> bool {
    let changed = |up: usize| {
        scenario.parts[up].fate == Fate::ChangesOutput
            && matches!(states[up], InstanceState::Applied | InstanceState::Planned)
    };
    part.upstream.iter().any(|(up, reads)| *reads && changed(*up))
}

fn at_its_end(mode: Mode, fate: Fate) -> InstanceState {
    match (mode, fate) {
        (Mode::Plan, Fate::InputsUnknown) => InstanceState::Blocked([name(0)].into()),
        (_, Fate::InputsUnknown | Fate::PrepareFails) => InstanceState::Failed(failure(Step::Prepare)),
        (_, Fate::PlanFails) => InstanceState::Failed(failure(Step::Plan)),
        (_, Fate::NothingToChange) => InstanceState::Unchanged,
        (Mode::Plan, _) => InstanceState::Planned,
        (Mode::Deliver, Fate::ApplyFails) => InstanceState::Failed(failure(Step::Apply)),
        (Mode::Deliver, _) => InstanceState::Applied,
    }
}

/// What the run comes to by the states that its instances ended in.
pub(crate) fn outcome(run: &Run) -> Outcome {
    let any = |test: fn(&InstanceState) -> bool| run.instances().iter().any(|instance| test(&instance.state));
    if any(|state| matches!(state, InstanceState::Abandoned(_))) {
        Outcome::Abandoned
    } else if any(|state| matches!(state, InstanceState::Failed(_))) {
        Outcome::Failed
    } else if any(|s| matches!(s, InstanceState::Interrupted(_) | InstanceState::Skipped(SkipReason::Stopped))) {
        Outcome::Interrupted
    } else {
        Outcome::Succeeded
    }
}

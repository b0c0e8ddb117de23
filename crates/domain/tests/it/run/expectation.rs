//! What a run must come to, computed without `advance`: in one pass over the order, stage by stage, as if there were no time.

use terrace_domain::rehearsal::Kind;
use terrace_domain::run::{InstanceState, Mode, Outcome, Refusal, Run, SkipReason, Step};

use super::scenario::{Barrier, Fate, Part, Scenario, There, environment, name};
use super::simulation::failure;

/// The states of all instances at the end of a run that nobody stops, and in which everything is approved.
pub(crate) fn states(scenario: &Scenario) -> Vec<InstanceState> {
    let mut before: Option<Vec<InstanceState>> = None;
    let mut all = Vec::new();
    for stage in 0..scenario.stages.len() {
        let states = stage_states(scenario, stage, before.as_deref());
        all.extend(states.iter().cloned());
        before = Some(states);
    }
    all
}

fn stage_states(scenario: &Scenario, stage: usize, before: Option<&[InstanceState]>) -> Vec<InstanceState> {
    let mut states: Vec<InstanceState> = Vec::new();
    for (at, part) in scenario.parts.iter().enumerate() {
        let there = part.there.get(&stage);
        let is_current = scenario.mode == Mode::Deliver && there == Some(&There::Same);
        let proven = before.is_some_and(|before| before[at].is_evidence())
            || matches!(there, Some(There::Same | There::OtherSettings | There::ProvenBefore));
        let may_rest = is_current || part.only_if_upstream_changes;
        let state = if before.is_some_and(|before| !before[at].is_success()) {
            InstanceState::Skipped(SkipReason::NotProven(environment(stage - 1)))
        } else if part.upstream.keys().any(|up| !states[*up].is_success()) {
            stopped_by_upstream(part, &states)
        } else if may_rest && !reads_a_change(scenario, part, &states) && !is_behind(scenario, stage, part) {
            InstanceState::Skipped(if is_current { SkipReason::Current } else { SkipReason::NothingChanged })
        } else if scenario.mode.applies() && stage > 0 && !proven {
            InstanceState::Skipped(SkipReason::NotProven(environment(stage - 1)))
        } else if scenario.mode.applies() && scenario.stages[stage] == Barrier::Undecidable {
            InstanceState::Refused(Refusal::Undecidable {
                gate: "window".to_owned(),
                why: "this version of Terrace does not know this kind of gate".to_owned(),
            })
        } else if scenario.mode.applies()
            && scenario.stages[stage] == Barrier::Soak
            && matches!(there, None | Some(There::OtherRelease))
            && before.is_some_and(|before| !matches!(before[at], InstanceState::Applied | InstanceState::Unchanged))
        {
            InstanceState::Refused(Refusal::Undecidable {
                gate: "soak".to_owned(),
                why: "it is not known since when the release runs in the stage before".to_owned(),
            })
        } else if scenario.mode.applies() && scenario.stages[stage] == Barrier::Evidence {
            InstanceState::Refused(Refusal::NotRehearsed([Kind::Zero].into()))
        } else {
            at_its_end(scenario.mode, part)
        };
        states.push(state);
    }
    states
}

/// Where several upstream parts did not succeed, any of them may be the one that is named: the test compares loosely there.
fn stopped_by_upstream(part: &Part, states: &[InstanceState]) -> InstanceState {
    let at = *part.upstream.keys().find(|up| !states[**up].is_success()).expect("the caller saw one");
    match &states[at] {
        InstanceState::Skipped(SkipReason::NotProven(_)) => InstanceState::Skipped(SkipReason::Upstream(name(at))),
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

/// Outputs changed before everything was delivered, in all scenarios: only what never was is behind.
fn is_behind(scenario: &Scenario, stage: usize, part: &Part) -> bool {
    let runs = |part: &Part| matches!(part.there.get(&stage), Some(there) if *there != There::ProvenBefore);
    !runs(part) && part.upstream.iter().any(|(up, reads)| *reads && runs(&scenario.parts[*up]))
}

fn at_its_end(mode: Mode, part: &Part) -> InstanceState {
    match (mode, part.fate) {
        (Mode::Plan, Fate::InputsUnknown) => InstanceState::Blocked([name(0)].into()),
        (_, Fate::InputsUnknown | Fate::PrepareFails) => InstanceState::Failed(failure(Step::Prepare)),
        (_, Fate::PlanFails) => InstanceState::Failed(failure(Step::Plan)),
        (Mode::Deliver, Fate::VerifyFails | Fate::UnchangedAndVerifyFails) if part.verifies => {
            InstanceState::Failed(failure(Step::Verify))
        }
        (_, Fate::NothingToChange | Fate::UnchangedAndVerifyFails) => InstanceState::Unchanged,
        (Mode::Plan, _) => InstanceState::Planned,
        (_, Fate::ApplyFails) => InstanceState::Failed(failure(Step::Apply)),
        (_, _) => InstanceState::Applied,
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
    } else if any(|s| {
        matches!(
            s,
            InstanceState::Refused(_)
                | InstanceState::Rejected { .. }
                | InstanceState::Skipped(SkipReason::NotProven(_))
        )
    }) {
        Outcome::Refused
    } else if any(|state| matches!(state, InstanceState::Skipped(SkipReason::Superseded(_)))) {
        Outcome::Superseded
    } else {
        Outcome::Succeeded
    }
}

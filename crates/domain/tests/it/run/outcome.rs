//! What a run came to, and its numbers.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use terrace_domain::run::{Event, InstanceState, Mode, Moment, Outcome, Run, SkipReason, advance};

use super::scenario::{Fate, Part, Scenario, environment, instance};
use super::simulation::{Simulated, changes, simulate};

/// Independent stacks with the given fates, the last one downstream of the first.
fn scenario(fates: &[Fate]) -> Scenario {
    let mut parts: Vec<_> = fates.iter().map(|fate| Part { fate: *fate, ..Part::default() }).collect();
    let last = parts.len() - 1;
    parts[last].upstream.insert(0, true);
    Scenario::of(parts)
}

fn render(simulated: &Simulated) -> String {
    let mut text = format!("{}\n", simulated.run.outcome().as_str());
    for instance in simulated.run.instances() {
        let because = match &instance.state {
            InstanceState::Skipped(SkipReason::Upstream(cause)) => format!(": {cause} did not succeed"),
            InstanceState::Skipped(SkipReason::Stopped) => ": stopped".to_owned(),
            InstanceState::Skipped(SkipReason::NothingChanged) => ": nothing changed".to_owned(),
            InstanceState::Blocked(upstream) => format!(": by {upstream:?}"),
            InstanceState::Interrupted(step) => format!(": in {}", step.as_str()),
            InstanceState::Abandoned(step) => format!(": in {:?}", step.map(terrace_domain::run::Step::as_str)),
            _ => String::new(),
        };
        writeln!(text, "{} {}{because}", instance.id.stack, instance.state.word()).expect("writing to a text");
    }
    text
}

#[test]
fn an_empty_order_succeeds_when_it_starts() {
    let simulated = simulate(&Scenario::of(Vec::new()));
    assert_eq!(simulated.journal.len(), 1);
    assert_eq!(simulated.run.outcome(), Outcome::Succeeded);
}

#[test]
fn a_failure_is_named_by_what_it_stopped() {
    let fates = [Fate::ApplyFails, Fate::NothingToChange, Fate::Changes, Fate::Changes];
    insta::assert_snapshot!(render(&simulate(&scenario(&fates))), @"
    failed
    s0 failed
    s1 unchanged
    s2 applied
    s3 skipped: s0 did not succeed
    ");
}

/// The same, and each is verified.
fn verified(fates: &[Fate]) -> Scenario {
    let mut scenario = scenario(fates);
    scenario.parts.iter_mut().for_each(|part| part.verifies = true);
    scenario
}

#[test]
fn what_does_not_do_what_it_should_stops_what_rests_on_it() {
    let fates = [Fate::VerifyFails, Fate::UnchangedAndVerifyFails, Fate::NothingToChange, Fate::Changes];
    let simulated = simulate(&verified(&fates));
    insta::assert_snapshot!(render(&simulated), @"
    failed
    s0 failed
    s1 failed
    s2 unchanged
    s3 skipped: s0 did not succeed
    ");
    // What was applied is counted, though it failed after that.
    assert_eq!(simulated.run.tally().add, 1);
}

#[test]
fn what_is_only_planned_is_not_verified() {
    let plan = Scenario { mode: Mode::Plan, ..verified(&[Fate::VerifyFails, Fate::UnchangedAndVerifyFails]) };
    insta::assert_snapshot!(render(&simulate(&plan)), @"
    succeeded
    s0 planned
    s1 unchanged
    ");
}

#[test]
fn a_process_that_dies_while_it_verifies_leaves_that_to_the_next() {
    // Entered, prepared, planned, applied: and then it dies.
    let part = Part { verifies: true, fate: Fate::Changes, ..Part::default() };
    let simulated = simulate(&Scenario { crash_after: [4].into(), ..Scenario::of(vec![part]) });
    let names: Vec<_> = simulated.journal.iter().map(|(_, event)| event.name()).collect();
    let before = ["Started", "Entered", "Prepared", "Planned", "Applied"];
    let after = ["Resumed", "Entered", "Prepared", "Planned", "Applied", "Verified"];
    assert_eq!(names, [&before[..], &after].concat());
    assert_eq!(*simulated.state(0), InstanceState::Applied);
}

#[test]
fn a_plan_that_is_blocked_in_places_succeeds() {
    let plan = Scenario { mode: Mode::Plan, ..scenario(&[Fate::InputsUnknown, Fate::Changes, Fate::Changes]) };
    insta::assert_snapshot!(render(&simulate(&plan)), @r#"
    succeeded
    s0 blocked: by {"s0"}
    s1 planned
    s2 blocked: by {"s0"}
    "#);
}

#[test]
fn a_stop_that_came_too_late_to_stop_anything_takes_nothing_from_success() {
    let late = Scenario {
        mode: Mode::Plan,
        stop_after: Some(3),
        ..scenario(&[Fate::InputsUnknown, Fate::Changes, Fate::Changes])
    };
    let simulated = simulate(&late);
    assert!(simulated.run.is_stopping());
    insta::assert_snapshot!(render(&simulated), @r#"
    succeeded
    s0 blocked: by {"s0"}
    s1 planned
    s2 blocked: by {"s0"}
    "#);
}

#[test]
fn a_killed_process_leaves_what_it_was_at() {
    let killed = Scenario { parallelism: 1, abandon_after: Some(5), ..scenario(&[Fate::Changes; 3]) };
    insta::assert_snapshot!(render(&simulate(&killed)), @r#"
    abandoned
    s0 applied
    s1 abandoned: in Some("plan")
    s2 abandoned: in None
    "#);
}

#[test]
fn an_interrupt_that_the_run_did_not_ask_for_is_no_success() {
    let run = Run::new(scenario(&[Fate::Changes, Fate::Changes]).order());
    let entered =
        Event::Entered { environment: environment(0), standings: BTreeMap::new(), recovered: BTreeMap::new() };
    let events = [Event::Started, entered, Event::Interrupted { instance: instance(0) }];
    let run = events.into_iter().fold(run, |run, event| advance(run, Moment(0), event).expect("possible").0);
    assert!(run.finished().is_some());
    assert_eq!(run.outcome(), Outcome::Interrupted);
}

#[test]
fn numbers_count_what_was_applied_and_nothing_else() {
    let fates = [Fate::Changes, Fate::ApplyFails, Fate::ChangesOutput, Fate::NothingToChange];
    let tally = simulate(&scenario(&fates)).run.tally();
    assert_eq!((tally.applied, tally.failed, tally.unchanged), (2, 1, 1));
    assert_eq!((tally.add, tally.change, tally.destroy), (2, 0, 0));
    assert_eq!(changes(Fate::ApplyFails).resources(), 1);
}

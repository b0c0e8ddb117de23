//! Gates on evidence, on recoveries and on losses, and runs that destroy.

use std::collections::{BTreeMap, BTreeSet};

use terrace_domain::plan::{Loss, LossKind};
use terrace_domain::rehearsal::{Kind, Lost, UpgradeAllowance};
use terrace_domain::run::{
    Changes, Effect, Event, Gate, InstanceState, Mode, Moment, Order, Refusal, Rehearsed, Run, Standing, advance,
};

use super::scenario::{Scenario, environment, instance, name};

fn taken(run: Run, events: impl IntoIterator<Item = Event>) -> (Run, Vec<Effect>) {
    let mut last = Vec::new();
    let run = events.into_iter().fold(run, |run, event| {
        let (run, effects) = advance(run, Moment(1_000_000), event).expect("possible");
        last = effects;
        run
    });
    (run, last)
}

fn gated(gate: Gate) -> Run {
    let mut order = Scenario::chain(2).order();
    order.stages[0].gates = vec![gate];
    Run::new(order)
}

fn entered(rehearsed: Rehearsed, recovered: BTreeMap<Lost, Moment>) -> Event {
    let standing = Standing { rehearsed, ..Standing::default() };
    let standings = [(name(0), standing), (name(1), Standing::default())].into();
    Event::Entered { environment: environment(0), standings, recovered }
}

#[test]
fn without_evidence_of_each_rehearsal_nothing_is_planned() {
    let gate = || Gate::Evidence { of: [Kind::Zero, Kind::Upgrade].into() };
    let zero = Rehearsed { zero: true, ..Rehearsed::default() };
    let (run, _) = taken(gated(gate()), [Event::Started, entered(zero, BTreeMap::new())]);
    let missing = Refusal::NotRehearsed([Kind::Upgrade].into());
    assert_eq!(run.instances()[0].state, InstanceState::Refused(missing));
    let both = Rehearsed { zero: true, upgrade: true, recovery: false };
    let (_, effects) = taken(gated(gate()), [Event::Started, entered(both, BTreeMap::new())]);
    assert_eq!(effects, [Effect::Prepare(instance(0))]);
}

#[test]
fn a_recovery_that_is_too_long_ago_does_not_count() {
    let gate = || Gate::Recovery { of: [Lost::Infrastructure].into(), younger_than_ms: 1000 };
    let with = |at: Option<i64>| {
        let recovered = at.map(|at| (Lost::Infrastructure, Moment(at))).into_iter().collect();
        taken(gated(gate()), [Event::Started, entered(Rehearsed::default(), recovered)]).0
    };
    let refused = InstanceState::Refused(Refusal::NotRecovered([Lost::Infrastructure].into()));
    assert_eq!(with(None).instances()[0].state, refused);
    assert_eq!(with(Some(998_999)).instances()[0].state, refused);
    assert_eq!(with(Some(999_000)).instances()[0].state, InstanceState::Preparing);
}

#[test]
fn a_plan_that_takes_away_too_much_is_not_applied() {
    let loss = |address: &str| Loss {
        address: address.to_owned(),
        resource_type: "db".to_owned(),
        kind: LossKind::Replace,
        is_stateful: true,
        is_protected: false,
        because: Vec::new(),
    };
    let planned = |losses: Vec<Loss>| Event::Planned {
        instance: instance(0),
        changes: Changes { add: 1, destroy: 1, ..Changes::default() },
        cover: None,
        losses,
        assessment: None,
    };
    let until_planned = || {
        let allowed = UpgradeAllowance { allow: vec!["db.old".to_owned()], budget: None };
        let run = gated(Gate::Losses { allowed: [(name(0), allowed)].into() });
        let events = [
            Event::Started,
            entered(Rehearsed::default(), BTreeMap::new()),
            Event::Prepared { instance: instance(0), provisional: false },
        ];
        taken(run, events).0
    };
    let (run, effects) = taken(until_planned(), [planned(vec![loss("db.old")])]);
    assert_eq!((effects, run.instances()[0].losses.len()), (vec![Effect::Apply(instance(0))], 1));
    let (run, effects) = taken(until_planned(), [planned(vec![loss("db.main")])]);
    let InstanceState::Refused(Refusal::Losses(why)) = &run.instances()[0].state else { panic!("it is refused") };
    assert_eq!(why[..], ["db.main would be replaced: it holds data"]);
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::Apply(_))), "{effects:?}");
}

#[test]
fn what_is_downstream_is_destroyed_first() {
    let mut order = Scenario::chain(3).order();
    order.mode = Mode::Destroy;
    order.stacks = Order::reversed(order.stacks);
    let sequence: Vec<_> = order.stacks.iter().map(|ordered| ordered.stack.clone()).collect();
    assert_eq!(sequence, [name(2), name(1), name(0)]);
    let waits: Vec<BTreeSet<_>> =
        order.stacks.iter().map(|ordered| ordered.upstream.keys().cloned().collect()).collect();
    assert_eq!(waits, [BTreeSet::new(), [name(2)].into(), [name(1)].into()]);
    let (run, effects) = taken(Run::new(order), [Event::Started, entered(Rehearsed::default(), BTreeMap::new())]);
    assert_eq!(effects, [Effect::Prepare(instance(2))]);
    let changes = Changes { destroy: 1, ..Changes::default() };
    let (run, _) = taken(
        run,
        [
            Event::Prepared { instance: instance(2), provisional: false },
            Event::Planned { instance: instance(2), changes, cover: None, losses: Vec::new(), assessment: None },
        ],
    );
    let (_, effects) = taken(run, [Event::Applied { instance: instance(2) }]);
    assert_eq!(effects, [Effect::Prepare(instance(1))]);
}

#[test]
fn what_is_due_is_due_once() {
    use terrace_domain::run::{Approvers, PlanCover};
    use terrace_domain::window::{Calendar, Freeze, Window, Zone};

    let mut window = Window::always(Zone::utc());
    let (from, to) = ("1970-01-01T00:00:00".parse().expect("a time"), "1970-01-01T00:00:02".parse().expect("a time"));
    window.freezes.push(Freeze { from, to, reason: String::new() });
    let mut order = Scenario::chain(1).order();
    let approval = Gate::Approval(Approvers { count: 1, ..Approvers::default() });
    order.stages[0].gates = vec![approval, Gate::Window(Calendar(vec![window]))];
    let cover: PlanCover = super::simulation::cover(0, 0);
    let entered =
        || Event::Entered { environment: environment(0), standings: BTreeMap::new(), recovered: BTreeMap::new() };
    let take = |run: Run, at: i64, event: Event| advance(run, Moment(at), event).expect("possible");
    let run = Run::new(order);
    let (run, _) = take(run, 1000, Event::Started);
    let (run, _) = take(run, 1001, entered());
    let (run, _) = take(run, 1002, Event::Prepared { instance: instance(0), provisional: false });
    let changes = Changes { add: 1, ..Changes::default() };
    let planned = Event::Planned {
        instance: instance(0),
        changes,
        cover: Some(Box::new(cover.clone())),
        losses: Vec::new(),
        assessment: None,
    };
    let (run, _) = take(run, 1003, planned);
    let (by, reason) = ("ada".to_owned(), String::new());
    let (run, _) = take(run, 1004, Event::Approved { instance: instance(0), by, reason, cover: Box::new(cover) });
    let (run, _) = take(run, 1005, entered());
    assert_eq!((run.due(), run.is_resting()), (Some(Moment(2000)), true));
    // Its time has come, and the environment is not free yet: nobody is told again.
    let (run, effects) = take(run, 2000, Event::Due);
    assert_eq!((run.due(), effects), (None, vec![Effect::Enter(environment(0))]));
    let (_, effects) = take(run, 2500, entered());
    assert_eq!(effects, [Effect::Apply(instance(0))]);
}

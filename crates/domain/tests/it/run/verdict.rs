//! For each kind of gate a table of cases: what is known, and what the gate says of it.

use std::collections::{BTreeMap, BTreeSet};

use terrace_domain::blast::{Level, RadiusSummary, Reason, Share};
use terrace_domain::name::StackName;
use terrace_domain::plan::{Loss, LossKind};
use terrace_domain::policy::{PolicyFinding, PolicyVerdict};
use terrace_domain::rehearsal::{Kind, Lost, UpgradeAllowance};
use terrace_domain::run::{
    Answer, Approvers, Assessment, Facts, Gate, Moment, RadiusLimits, Rehearsed, Standing, Verdict, Who,
};
use terrace_domain::window::{Calendar, Freeze, Window, Zone};

/// What is known when a gate is asked.
#[derive(Default)]
struct Known {
    standing: Standing,
    recovered: BTreeMap<Lost, Moment>,
    before_since: Option<Moment>,
    is_first: bool,
    losses: Vec<Loss>,
    plan: Option<Assessment>,
    now: i64,
}

/// `VERDICT: REASONS`.
fn says(gate: &Gate, known: &Known) -> String {
    let stack: StackName = "store".parse().expect("a name");
    let verdict = gate.verdict(&Facts {
        stack: &stack,
        standing: &known.standing,
        recovered: &known.recovered,
        before_since: known.before_since,
        has_before: !known.is_first,
        plan: known.plan.as_ref().map(|plan| (known.losses.as_slice(), plan)),
        now: Moment(known.now),
    });
    match verdict {
        Verdict::Pass(why) => format!("pass: {why}"),
        Verdict::NeedsPlan => "open".to_owned(),
        Verdict::Wait { until, why } => format!("wait until {:?}: {why}", until.map(|until| until.0)),
        Verdict::Ask(why) => format!("ask: {}", why.join("; ")),
        Verdict::Refuse(refusal) => format!("refuse ({}): {refusal}", refusal.gate()),
    }
}

fn planned(plan: Assessment) -> Known {
    Known { plan: Some(plan), ..Known::default() }
}

#[test]
fn evidence() {
    let gate = Gate::Evidence { of: [Kind::Zero, Kind::Upgrade].into() };
    let passed = |zero, upgrade| Known {
        standing: Standing { rehearsed: Rehearsed { zero, upgrade, recovery: false }, ..Standing::default() },
        ..Known::default()
    };
    for ((zero, upgrade), expected) in [
        ((true, true), "pass: zero, upgrade passed"),
        ((true, false), "refuse (evidence): the rehearsal upgrade of this release is not proven"),
        ((false, false), "refuse (evidence): the rehearsal zero and upgrade of this release is not proven"),
    ] {
        assert_eq!(says(&gate, &passed(zero, upgrade)), expected);
    }
}

#[test]
fn recovery() {
    let gate = Gate::Recovery { of: [Lost::State].into(), younger_than_ms: 100 };
    let practised = |at: Option<i64>| Known {
        recovered: at.map(|at| (Lost::State, Moment(at))).into_iter().collect(),
        now: 1000,
        ..Known::default()
    };
    let late = "refuse (recovery): the recovery of state was not practised lately enough";
    for (at, expected) in [
        (None, late),
        (Some(899), late),
        (Some(900), "pass: state was practised"),
        (Some(2000), "pass: state was practised"),
    ] {
        assert_eq!(says(&gate, &practised(at)), expected, "{at:?}");
    }
}

#[test]
fn soak() {
    let gate = Gate::Soak { for_ms: 50 };
    for (before_since, now, is_first, expected) in [
        (Some(100), 149, false, "wait until Some(150): the release has not run long enough in the stage before"),
        (Some(100), 150, false, "pass: the release has run long enough in the stage before"),
        (Some(100), 20, false, "wait until Some(150): the release has not run long enough in the stage before"),
        (None, 150, true, "pass: there is no stage before"),
        (
            None,
            150,
            false,
            "refuse (soak): the gate `soak` cannot be decided: it is not known since when the release runs in the stage before",
        ),
    ] {
        let known = Known { before_since: before_since.map(Moment), now, is_first, ..Known::default() };
        assert_eq!(says(&gate, &known), expected, "{before_since:?} at {now}");
    }
}

#[test]
fn window() {
    let mut window = Window::always(Zone::utc());
    let (from, to) = ("1970-01-01T00:00:01".parse().unwrap(), "1970-01-01T00:00:02".parse().unwrap());
    window.freezes.push(Freeze { from, to, reason: "stock".to_owned() });
    let gate = Gate::Window(Calendar(vec![window]));
    for (now, expected) in [
        (999, "pass: the window is open"),
        (1000, "wait until Some(2000): nothing is changed until 1970-01-01 00:00 UTC: stock"),
        (2000, "pass: the window is open"),
        (i64::MAX, "wait until None: changes are made every day UTC"),
    ] {
        assert_eq!(says(&gate, &Known { now, ..Known::default() }), expected, "{now}");
    }
}

#[test]
fn clean() {
    let unknown = "refuse (clean): the gate `clean` cannot be decided: it is not known what was changed by hand";
    assert_eq!(says(&Gate::Clean, &Known::default()), "open");
    for (drift, expected) in [
        (None, unknown),
        (Some(vec![]), "pass: nothing was changed behind Terraform's back"),
        (Some(vec!["a.b".to_owned(), "a.c".to_owned()]), "refuse (clean): changed by hand: a.b, a.c"),
    ] {
        assert_eq!(says(&Gate::Clean, &planned(Assessment { drift, ..Assessment::default() })), expected);
    }
}

#[test]
fn losses() {
    let loss = Loss {
        address: "db.a".to_owned(),
        resource_type: "db".to_owned(),
        kind: LossKind::Destroy,
        is_stateful: true,
        is_protected: false,
        because: Vec::new(),
    };
    let allowed = UpgradeAllowance { allow: vec!["db.a".to_owned()], budget: None };
    let known = || Known { losses: vec![loss.clone()], ..planned(Assessment::default()) };
    let gate = |allowed: BTreeMap<StackName, UpgradeAllowance>| Gate::Losses { allowed };
    assert_eq!(says(&gate(BTreeMap::new()), &Known::default()), "open");
    assert!(says(&gate(BTreeMap::new()), &known()).starts_with("refuse (losses): db.a would be destroyed"));
    let is_allowed = [("store".parse().unwrap(), allowed)].into();
    assert_eq!(says(&gate(is_allowed), &known()), "pass: it takes away no more than it may");
}

#[test]
fn policy() {
    let gate = Gate::Policy { paths: vec!["policy".to_owned()], namespaces: Vec::new() };
    let finding = |is_warning, message: &str| PolicyFinding {
        is_warning,
        file: "policy/a.rego".to_owned(),
        rule: "data.main.deny".to_owned(),
        message: message.to_owned(),
    };
    let verdict = |findings, undecidable: Option<&str>| {
        let policy = PolicyVerdict { findings, rules: 2, undecidable: undecidable.map(str::to_owned) };
        planned(Assessment { policy: Some(policy), ..Assessment::default() })
    };
    assert_eq!(says(&gate, &Known::default()), "open");
    for (known, expected) in [
        (planned(Assessment::default()), "refuse (policy): the gate `policy` cannot be decided: no policy was asked"),
        (verdict(vec![], None), "pass: 2 rules have nothing against it"),
        (verdict(vec![finding(true, "hm")], None), "pass: 2 rules have nothing against it"),
        (
            verdict(vec![finding(true, "hm"), finding(false, "no"), finding(false, "never")], None),
            "refuse (policy): policy/a.rego: no; policy/a.rego: never",
        ),
        (
            verdict(vec![finding(false, "no")], Some("it takes too long")),
            "refuse (policy): the gate `policy` cannot be decided: it takes too long",
        ),
    ] {
        assert_eq!(says(&gate, &known), expected);
    }
}

#[test]
fn approval() {
    let gate = Gate::Approval(Approvers::default());
    assert_eq!(says(&gate, &Known::default()), "open");
    assert_eq!(says(&gate, &planned(Assessment::default())), "ask: the stage asks for approval");
}

#[test]
fn blast_radius() {
    let radius = RadiusSummary {
        level: Level::High,
        reasons: vec![Reason { level: Level::High, rule: "r".to_owned(), text: "a database goes".to_owned() }],
        destroys: 2,
        stateful: vec!["db.a".to_owned()],
        irreversible: vec!["key.b".to_owned()],
        share: Share { touched: 3, total: 10 },
        ..RadiusSummary::default()
    };
    let known = || planned(Assessment { radius: Some(radius.clone()), ..Assessment::default() });
    let gate = |limits: RadiusLimits| Gate::BlastRadius(limits);
    let none = RadiusLimits::default;
    assert_eq!(says(&gate(none()), &Known::default()), "open");
    let unknown = "refuse (blast_radius): the gate `blast_radius` cannot be decided: the blast radius is not known";
    assert_eq!(says(&gate(none()), &planned(Assessment::default())), unknown);
    for (limits, expected) in [
        (none(), "pass: its blast radius is high"),
        (
            RadiusLimits { max_destroys: Some(2), max_share: Some(0.3), max_level: Some(Level::High), ..none() },
            "pass: its blast radius is high",
        ),
        (
            RadiusLimits { max_destroys: Some(1), ..none() },
            "refuse (blast_radius): it destroys or replaces 2 resources, and 1 are allowed",
        ),
        (
            RadiusLimits { max_share: Some(0.25), ..none() },
            "refuse (blast_radius): it changes 3 of the 10 resources of the environment (30 %), and 25 % are allowed",
        ),
        (
            RadiusLimits { max_level: Some(Level::Medium), ..none() },
            "refuse (blast_radius): its blast radius is high, and medium is allowed: a database goes",
        ),
        (RadiusLimits { approve_from: Some(Level::Critical), ..none() }, "pass: its blast radius is high"),
        (RadiusLimits { approve_from: Some(Level::High), ..none() }, "ask: its blast radius is high: a database goes"),
        (RadiusLimits { stateful: Answer::Approve, ..none() }, "ask: it changes what holds data: db.a"),
        (
            RadiusLimits { stateful: Answer::Approve, irreversible: Answer::Refuse, ..none() },
            "refuse (blast_radius): what it takes away cannot be had again: key.b",
        ),
    ] {
        assert_eq!(says(&gate(limits.clone()), &known()), expected, "{limits:?}");
    }
}

#[test]
fn a_gate_of_a_kind_that_is_not_known_refuses() {
    let said = says(&Gate::Undecidable("lunar".to_owned()), &planned(Assessment::default()));
    assert_eq!(
        said,
        "refuse (lunar): the gate `lunar` cannot be decided: this version of Terrace does not know this kind of gate"
    );
}

/// The people that may approve, or why nobody can.
fn people(who: Who, owners: &[&str]) -> String {
    let radius =
        RadiusSummary { owners: owners.iter().map(|&owner| owner.to_owned()).collect(), ..RadiusSummary::default() };
    match (Approvers { who, ..Approvers::default() }).people(Some(&radius)) {
        Ok((None, _)) => "everybody".to_owned(),
        Ok((Some(people), by)) => format!("{} for {}", Vec::from_iter(people).join(", "), by.join(", ")),
        Err(refusal) => refusal.to_string(),
    }
}

#[test]
fn owners_of_what_is_touched_are_asked() {
    let people_of =
        |members: &[&str]| -> BTreeSet<String> { members.iter().map(|&member| member.to_owned()).collect() };
    let known = || Who::Owners {
        people: [
            ("data".to_owned(), people_of(&["ada", "grace"])),
            ("shop".to_owned(), people_of(&["linus"])),
            ("all".to_owned(), people_of(&["*"])),
        ]
        .into(),
    };
    for (owners, expected) in [
        (&["data"][..], "ada, grace for data"),
        (&["data", "shop"], "ada, grace, linus for data, shop"),
        (&["shop", "all"], "everybody"),
        (&[], "nobody can approve it: nothing that the change touches has an owner"),
        (&["data", "ghost"], "nobody can approve it: nobody knows who ghost is: terrace.hcl has no such team"),
    ] {
        assert_eq!(people(known(), owners), expected);
    }
    let without = Approvers { who: known(), ..Approvers::default() }.people(None).unwrap_err().to_string();
    assert_eq!(without, "nobody can approve it: it is not known what the change touches");
}

#[test]
fn who_made_the_commit_is_known_by_name_and_address() {
    let authors = ["carol example".to_owned(), "carol@example.com".to_owned()].into();
    let approvers = Approvers { authors, ..Approvers::default() };
    for (person, expected) in [
        ("carol", true),
        ("Carol", true),
        ("carol@example.com", true),
        ("Carol Example", true),
        ("carol@other.org", false),
        ("caro", false),
        ("ada", false),
    ] {
        assert_eq!(approvers.is_author(person), expected, "{person}");
    }
}

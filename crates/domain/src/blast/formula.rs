//! The formula: rules, each with a level and a condition. The level of a radius is the highest of the rules that hold, and each rule that holds
//! is a reason. No rule weighs another, and none holds less when more is changed: so a change that is added never makes a radius smaller.
//! `docs/blast-radius.md` states the same table.

use std::fmt::{Display, Write};

use super::{Actual, Changed, Level, Reason, Touched};
use crate::estate::Layer;
use crate::name::StackName;
use crate::plan::Action;

/// One rule of the formula.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// Its name.
    pub name: &'static str,
    /// The level that a radius has at least where it holds.
    pub level: Level,
    /// When it holds.
    pub condition: &'static str,
    /// The reason in words, where it holds.
    holds: fn(&Actual) -> Option<String>,
}

/// From so many stacks on that are reached, a change is wide.
const WIDE_STACKS_MIN: usize = 10;
/// Shares of an environment matter only where so many resources are touched: most of an environment of three is not much.
const SHARE_RESOURCES_MIN: u64 = 10;
/// A quarter of an environment.
const QUARTER: u64 = 4;
/// Half of it.
const HALF: u64 = 2;
/// How many names a reason has; the radius has all.
const NAMED_MAX: usize = 3;

/// The rules, the gravest first.
pub const RULES: [Rule; 17] = [
    Rule {
        name: "irreversible-loss",
        level: Level::Critical,
        condition: "a resource is destroyed or replaced whose loss cannot be undone",
        holds: |actual| {
            let (lost, _) = lost(actual, |touched| touched.traits.is_irreversible)?;
            Some(format!("the loss of {lost} cannot be undone"))
        },
    },
    Rule {
        name: "protected-loss",
        level: Level::Critical,
        condition: "a resource is destroyed or replaced whose code says, or said in what runs, `prevent_destroy`",
        holds: |actual| {
            let (lost, _) = lost(actual, |touched| touched.is_protected)?;
            Some(format!("code says that what is lost must not be destroyed: {lost}"))
        },
    },
    Rule {
        name: "share-half",
        level: Level::Critical,
        condition: "at least 10 resources and at least half of all in the environment are touched",
        holds: |actual| share(actual, HALF),
    },
    Rule {
        name: "stateful-loss",
        level: Level::High,
        condition: "a resource that holds data is destroyed or replaced",
        holds: |actual| {
            let (lost, is_one) = lost(actual, |touched| touched.traits.is_stateful)?;
            Some(format!("{lost} {} data", if is_one { "holds" } else { "hold" }))
        },
    },
    Rule {
        name: "readers-lose",
        level: Level::High,
        condition: "a stack destroys or replaces a resource, and an output of it that other stacks read changes",
        holds: readers_lose,
    },
    Rule {
        name: "wide",
        level: Level::High,
        condition: "at least 10 stacks read an output that changes, or lie downstream of one that does",
        holds: wide,
    },
    Rule {
        name: "share-quarter",
        level: Level::High,
        condition: "at least 10 resources and at least a quarter of all in the environment are touched",
        holds: |actual| share(actual, QUARTER),
    },
    Rule {
        name: "unfinished-plan",
        level: Level::High,
        condition: "Terraform met an error while it planned: what else is changed is not known",
        holds: |actual| stacks(actual, |changed| changed.errored, "Terraform met an error while it planned"),
    },
    Rule {
        name: "loss",
        level: Level::Medium,
        condition: "a resource is destroyed or replaced",
        holds: |actual| resources(actual, "destroyed or replaced", |touched| touched.action.takes_away()),
    },
    Rule {
        name: "stateful-change",
        level: Level::Medium,
        condition: "a resource that holds data is changed in place",
        holds: |actual| {
            resources(actual, "changed in place where data are", |touched| {
                touched.action == Action::Update && touched.traits.is_stateful
            })
        },
    },
    Rule {
        name: "forgotten",
        level: Level::Medium,
        condition: "a resource leaves the state and stays in the cloud, where nobody looks after it",
        holds: |actual| {
            resources(actual, "left in the cloud without a state", |touched| touched.action == Action::Forget)
        },
    },
    Rule {
        name: "readers",
        level: Level::Medium,
        condition: "another stack reads an output that changes",
        holds: readers,
    },
    Rule {
        name: "business",
        level: Level::Medium,
        condition: "a resource is destroyed or replaced, and a business capability rests on what is changed or on what reads it",
        holds: business,
    },
    Rule {
        name: "partial-plan",
        level: Level::Medium,
        condition: "the plan is not all that there is to do: Terraform deferred some of it, or planned a part",
        holds: |actual| stacks(actual, |changed| changed.is_partial, "there is more to do than is planned in"),
    },
    Rule {
        name: "blocked",
        level: Level::Medium,
        condition: "a stack that takes part cannot be planned before another is applied",
        holds: |actual| {
            let blocked: Vec<_> = actual.blocked.iter().collect();
            (!blocked.is_empty())
                .then(|| format!("{} cannot be planned yet: {}", count(blocked.len(), "stack"), some(&blocked)))
        },
    },
    Rule {
        name: "change",
        level: Level::Low,
        condition: "a resource is made, changed in place, moved or imported",
        holds: |actual| {
            resources(actual, "made, changed in place, moved or imported", |touched| {
                matches!(touched.action, Action::Create | Action::Update | Action::Keep)
            })
        },
    },
    Rule { name: "outputs", level: Level::Low, condition: "an output changes", holds: outputs },
];

/// Every rule that holds, as a reason.
pub(super) fn reasons(actual: &Actual) -> Vec<Reason> {
    let reason = |rule: &Rule| {
        let text = (rule.holds)(actual)?;
        Some(Reason { level: rule.level, rule: rule.name.to_owned(), text })
    };
    RULES.iter().filter_map(reason).collect()
}

fn resources(actual: &Actual, what: &str, of: impl Fn(&Touched) -> bool) -> Option<String> {
    let found: Vec<&str> =
        actual.resources().filter(|(_, touched)| of(touched)).map(|(_, touched)| touched.address.as_str()).collect();
    let is = if found.len() == 1 { "is" } else { "are" };
    (!found.is_empty()).then(|| format!("{} {is} {what}: {}", count(found.len(), "resource"), some(&found)))
}

/// Of what is lost, that of which something is so; and whether it is one resource.
fn lost(actual: &Actual, is_so: impl Fn(&Touched) -> bool) -> Option<(String, bool)> {
    let lost = actual.resources().filter(|(_, touched)| touched.loses() && is_so(touched));
    let found: Vec<String> =
        lost.map(|(_, touched)| format!("{} ({})", touched.address, word(touched.action))).collect();
    (!found.is_empty()).then(|| (some(&found), found.len() == 1))
}

fn word(action: Action) -> &'static str {
    if matches!(action, Action::Replace { .. }) { "replaced" } else { "destroyed" }
}

fn share(actual: &Actual, part: u64) -> Option<String> {
    let share = actual.share;
    let holds = actual.is_counted && share.touched >= SHARE_RESOURCES_MIN && share.touched * part >= share.total;
    holds.then(|| {
        let percent = share.touched * 100 / share.total.max(1);
        format!("{} of {} resources of {} are touched ({percent} %)", share.touched, share.total, actual.environment)
    })
}

fn readers_lose(actual: &Actual) -> Option<String> {
    let is_so = |changed: &Changed| {
        changed.counts.taken_away() > 0 && changed.outputs.values().any(|output| !output.readers.is_empty())
    };
    let found: Vec<&StackName> =
        actual.changed.iter().filter(|(_, changed)| is_so(changed)).map(|(stack, _)| stack).collect();
    let (verb, whose) = if found.len() == 1 { ("loses", "it") } else { ("lose", "them") };
    (!found.is_empty())
        .then(|| format!("{} {verb} resources, and outputs that others read of {whose} change", some(&found)))
}

fn wide(actual: &Actual) -> Option<String> {
    let (direct, further) = (actual.readers.len(), actual.further.len());
    (direct + further >= WIDE_STACKS_MIN).then(|| {
        format!("{} may be reached: {direct} of them read an output that changes", count(direct + further, "stack"))
    })
}

fn readers(actual: &Actual) -> Option<String> {
    let found: Vec<&StackName> = actual.readers.keys().collect();
    let verb = if found.len() == 1 { "reads" } else { "read" };
    (!found.is_empty())
        .then(|| format!("{} {verb} an output that changes: {}", count(found.len(), "stack"), some(&found)))
}

fn business(actual: &Actual) -> Option<String> {
    let found: Vec<_> =
        actual.resting().filter(|(_, resting)| resting.layer == Layer::Business).map(|(name, _)| name).collect();
    let verb = if found.len() == 1 { "rests" } else { "rest" };
    (actual.counts.taken_away() > 0 && !found.is_empty()).then(|| format!("{} {verb} on it", some(&found)))
}

fn stacks(actual: &Actual, of: impl Fn(&Changed) -> bool, what: &str) -> Option<String> {
    let found: Vec<&StackName> =
        actual.changed.iter().filter(|(_, changed)| of(changed)).map(|(stack, _)| stack).collect();
    (!found.is_empty()).then(|| format!("{what} {}", some(&found)))
}

fn outputs(actual: &Actual) -> Option<String> {
    let all = actual
        .changed
        .iter()
        .flat_map(|(stack, changed)| changed.outputs.keys().map(move |name| format!("{stack}.{name}")));
    let found: Vec<String> = all.collect();
    let verb = if found.len() == 1 { "changes" } else { "change" };
    (!found.is_empty()).then(|| format!("{} {verb}: {}", count(found.len(), "output"), some(&found)))
}

/// The first names, and how many more there are.
fn some(names: &[impl Display]) -> String {
    let mut text = names.iter().take(NAMED_MAX).map(ToString::to_string).collect::<Vec<_>>().join(", ");
    if names.len() > NAMED_MAX {
        let _ = write!(text, " and {} more", names.len() - NAMED_MAX);
    }
    text
}

fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

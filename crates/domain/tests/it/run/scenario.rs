//! Scenarios: everything that a simulated run meets, fixed before it starts, so that the same scenario is the same run.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use proptest::collection::vec;
use proptest::prelude::*;
use terrace_domain::name::StackName;
use terrace_domain::run::{Mode, Order, OrderedInstance};

/// The output that every stack has.
pub(crate) const OUTPUT: &str = "id";

/// A run to be simulated.
#[derive(Debug, Clone)]
pub(crate) struct Scenario {
    pub(crate) mode: Mode,
    pub(crate) parallelism: usize,
    pub(crate) parts: Vec<Part>,
    /// Which of the steps at work ends next, and how an interrupted step ends; used round and round.
    pub(crate) picks: Vec<u16>,
    /// After how many answers somebody asks the run to stop.
    pub(crate) stop_after: Option<usize>,
    /// After how many answers the run's process is gone.
    pub(crate) abandon_after: Option<usize>,
}

/// An instance of a scenario.
#[derive(Debug, Clone, Default)]
pub(crate) struct Part {
    /// Positions of upstream parts, all before this one, with whether the output is read (`depends_on` alone otherwise).
    pub(crate) upstream: BTreeMap<usize, bool>,
    pub(crate) only_if_upstream_changes: bool,
    pub(crate) fate: Fate,
}

/// What the steps of an instance come to when nobody stops them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Inputs are known only after an apply (a failure in a run that delivers).
    InputsUnknown,
    PrepareFails,
    PlanFails,
    NothingToChange,
    ApplyFails,
    /// Resources change, outputs do not.
    Changes,
    /// Resources change, and [`OUTPUT`] too.
    #[default]
    ChangesOutput,
}

impl Scenario {
    /// A delivery in which all goes well.
    pub(crate) fn of(parts: Vec<Part>) -> Self {
        Self { mode: Mode::Deliver, parallelism: 4, parts, picks: vec![0], stop_after: None, abandon_after: None }
    }

    /// A delivery of a chain: each instance reads the one before.
    pub(crate) fn chain(length: usize) -> Self {
        let part = |at: usize| Part {
            upstream: at.checked_sub(1).map(|before| (before, true)).into_iter().collect(),
            ..Part::default()
        };
        Self::of((0..length).map(part).collect())
    }

    pub(crate) fn order(&self) -> Order {
        let ordered = |(at, part): (usize, &Part)| OrderedInstance {
            stack: name(at),
            upstream: part.upstream.iter().map(|(upstream, reads)| (name(*upstream), outputs(*reads))).collect(),
            only_if_upstream_changes: part.only_if_upstream_changes,
        };
        Order {
            mode: self.mode,
            stage: "dev".parse().expect("a name"),
            environment: "dev".parse().expect("a name"),
            commit: None,
            parallelism: self.parallelism,
            instances: self.parts.iter().enumerate().map(ordered).collect(),
        }
    }
}

/// The name of the part at a position.
pub(crate) fn name(at: usize) -> StackName {
    StackName::new(&format!("s{at}")).expect("a name")
}

/// The position of a part.
pub(crate) fn position(stack: &StackName) -> usize {
    stack.as_str()[1..].parse().expect("named by `name`")
}

/// The outputs that are read, or that change.
pub(crate) fn outputs(any: bool) -> BTreeSet<String> {
    any.then(|| OUTPUT.to_owned()).into_iter().collect()
}

/// Scenarios in which nobody stops the run.
pub(crate) fn undisturbed(size: RangeInclusive<usize>) -> impl Strategy<Value = Scenario> {
    let modes = prop_oneof![2 => Just(Mode::Deliver), 1 => Just(Mode::Plan)];
    let picks = vec(any::<u16>(), 1..200);
    (modes, 1_usize..=8, size.prop_flat_map(parts), picks).prop_map(|(mode, parallelism, parts, picks)| Scenario {
        mode,
        parallelism,
        parts,
        picks,
        stop_after: None,
        abandon_after: None,
    })
}

/// Scenarios in which the run is stopped, or its process killed, or both, or neither.
pub(crate) fn any_scenario(size: RangeInclusive<usize>) -> impl Strategy<Value = Scenario> {
    let moment = || proptest::option::of(0_usize..120);
    (undisturbed(size), moment(), proptest::option::weighted(0.2, 0_usize..120))
        .prop_map(|(scenario, stop_after, abandon_after)| Scenario { stop_after, abandon_after, ..scenario })
}

fn parts(count: usize) -> impl Strategy<Value = Vec<Part>> {
    // Edges that reach only a few positions back make deep graphs; edges that reach anywhere make wide ones.
    let reach = prop_oneof![Just(2_usize), Just(6), Just(usize::MAX)];
    let part = (vec((any::<u16>(), any::<bool>()), 0..4), proptest::bool::weighted(0.3), fates());
    (reach, vec(part, count)).prop_map(|(reach, parts)| {
        let with_place = parts.into_iter().enumerate();
        with_place
            .map(|(at, (edges, only_if_upstream_changes, fate))| {
                let back = |random: u16| 1 + usize::from(random) % at.min(reach);
                let edges = edges.into_iter().filter(|_| at > 0);
                Part {
                    upstream: edges.map(|(random, reads)| (at - back(random), reads)).collect(),
                    only_if_upstream_changes,
                    fate,
                }
            })
            .collect()
    })
}

fn fates() -> impl Strategy<Value = Fate> {
    prop_oneof![
        1 => Just(Fate::InputsUnknown),
        1 => Just(Fate::PrepareFails),
        1 => Just(Fate::PlanFails),
        1 => Just(Fate::ApplyFails),
        6 => Just(Fate::NothingToChange),
        12 => Just(Fate::Changes),
        24 => Just(Fate::ChangesOutput),
    ]
}

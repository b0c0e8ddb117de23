//! Scenarios: everything that a simulated run meets, fixed before it starts, so that the same scenario is the same run.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use proptest::collection::vec;
use proptest::prelude::*;
use terrace_domain::digest::Digest;
use terrace_domain::name::{EnvironmentName, StackName};
use terrace_domain::rehearsal::Kind;
use terrace_domain::run::{
    Approvers, Gate, InstanceId, Mode, Moment, Order, OrderedStack, OrderedStage, Rehearsed, Standing,
};
use terrace_domain::window::{Calendar, Freeze, Window, Zone};

/// The output that every stack has.
pub(crate) const OUTPUT: &str = "id";
/// The settings of every instance.
pub(crate) const SETTINGS: Digest = Digest([7; 32]);

/// A run to be simulated.
#[derive(Debug, Clone)]
pub(crate) struct Scenario {
    pub(crate) mode: Mode,
    pub(crate) parallelism: usize,
    /// The stages, each with how many approvals it asks for (0: no gate).
    pub(crate) stages: Vec<Barrier>,
    pub(crate) parts: Vec<Part>,
    /// Which of the steps at work ends next, and how an interrupted step ends; used round and round.
    pub(crate) picks: Vec<u16>,
    /// After how many answers somebody asks the run to stop.
    pub(crate) stop_after: Option<usize>,
    /// After how many answers the run's process is gone for good.
    pub(crate) abandon_after: Option<usize>,
    /// After how many answers the run's process dies and another takes the run up.
    pub(crate) crash_after: BTreeSet<usize>,
    /// After how many answers a newer run takes the stacks with an even number.
    pub(crate) supersede_after: Option<usize>,
    /// Whether people reject some plans, and let others become stale.
    pub(crate) is_moody: bool,
}

/// What is before a stage.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Barrier {
    #[default]
    Nothing,
    Approvals(u32),
    Undecidable,
    /// Rehearsals are asked for, and none was done.
    Evidence,
    /// A release must have run for a while in the stage before.
    Soak,
    /// People must approve, and what they approved waits for a window.
    ApprovalAndWindow,
}

/// A stack of a scenario: its instances meet the same fate in each stage.
#[derive(Debug, Clone, Default)]
pub(crate) struct Part {
    /// Positions of upstream parts, all before this one, with whether the output is read (`depends_on` alone otherwise).
    pub(crate) upstream: BTreeMap<usize, bool>,
    pub(crate) only_if_upstream_changes: bool,
    pub(crate) verifies: bool,
    /// What runs, in the stages of these numbers, already.
    pub(crate) there: BTreeMap<usize, There>,
    pub(crate) fate: Fate,
}

/// What earlier runs left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum There {
    /// The ordered release, with the same settings.
    Same,
    /// The ordered release, with other settings.
    OtherSettings,
    /// Another release.
    OtherRelease,
    /// The ordered release is proven in the stage before, and nothing is here.
    ProvenBefore,
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
    /// Resources change, and what runs then does not do what it should; nothing, where nothing is verified.
    VerifyFails,
    /// Nothing is to be changed, and the same.
    UnchangedAndVerifyFails,
    /// Resources change, outputs do not.
    Changes,
    /// Resources change, and [`OUTPUT`] too.
    #[default]
    ChangesOutput,
}

impl Scenario {
    /// A delivery in which all goes well, to one stage.
    pub(crate) fn of(parts: Vec<Part>) -> Self {
        Self {
            mode: Mode::Deliver,
            parallelism: 4,
            stages: vec![Barrier::Nothing],
            parts,
            picks: vec![0],
            stop_after: None,
            abandon_after: None,
            crash_after: BTreeSet::new(),
            supersede_after: None,
            is_moody: false,
        }
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
        let stack = |(at, part): (usize, &Part)| OrderedStack {
            stack: name(at),
            release: Some(release(at)),
            upstream: part.upstream.iter().map(|(upstream, reads)| (name(*upstream), outputs(*reads))).collect(),
            only_if_upstream_changes: part.only_if_upstream_changes,
            verifies: part.verifies,
        };
        let stage = |(at, barrier): (usize, &Barrier)| OrderedStage {
            stage: environment(at).as_str().parse().expect("a name"),
            environment: environment(at),
            after: at.checked_sub(1).map(environment),
            gates: gates(*barrier),
            settings: vec![SETTINGS; self.parts.len()],
        };
        Order {
            mode: self.mode,
            release: Some(Digest([1; 32])),
            commit: None,
            parallelism: self.parallelism,
            again: false,
            break_glass: None,
            stages: self.stages.iter().enumerate().map(stage).collect(),
            stacks: self.parts.iter().enumerate().map(stack).collect(),
        }
    }

    /// What earlier runs left in a stage.
    pub(crate) fn standings(&self, stage: usize) -> BTreeMap<StackName, Standing> {
        let there = |(at, part): (usize, &Part)| Some((name(at), standing(at, *part.there.get(&stage)?)));
        self.parts.iter().enumerate().filter_map(there).collect()
    }
}

fn standing(at: usize, there: There) -> Standing {
    let runs = Standing {
        release: Some(release(at)),
        settings: Some(SETTINGS),
        delivered: Some(Moment(10)),
        outputs_changed: Some(Moment(5)),
        proven: true,
        rehearsed: Rehearsed::default(),
        before_since: Some(Moment(10)),
    };
    match there {
        There::Same => runs,
        There::OtherSettings => Standing { settings: Some(Digest([8; 32])), ..runs },
        There::OtherRelease => Standing { release: Some(Digest([9; 32])), proven: false, before_since: None, ..runs },
        There::ProvenBefore => Standing { proven: true, before_since: Some(Moment(10)), ..Standing::default() },
    }
}

fn gates(barrier: Barrier) -> Vec<Gate> {
    match barrier {
        Barrier::Nothing => Vec::new(),
        Barrier::Approvals(count) => vec![Gate::Approval(Approvers { count, ..Approvers::default() })],
        Barrier::Undecidable => vec![Gate::Undecidable("window".to_owned())],
        Barrier::Evidence => vec![Gate::Evidence { of: [Kind::Zero].into() }],
        Barrier::Soak => vec![Gate::Soak { for_ms: SOAKS_MS }],
        Barrier::ApprovalAndWindow => {
            let approval = Gate::Approval(Approvers { count: 1, ..Approvers::default() });
            vec![approval, Gate::Window(Calendar(vec![frozen()]))]
        }
    }
}

/// How long a release must run in the stage before, where that is asked.
pub(crate) const SOAKS_MS: u64 = 20;
/// When the window opens, 40 milliseconds into a simulation.
pub(crate) const OPENS: Moment = Moment(1040);

/// A window that is closed until then.
fn frozen() -> Window {
    let mut window = Window::always(Zone::utc());
    let (from, to) = ("1970-01-01T00:00:00", "1970-01-01T00:00:01.04");
    let at = |text: &str| text.parse().expect("a time");
    window.freezes.push(Freeze { from: at(from), to: at(to), reason: String::new() });
    window
}

/// The release of the part at a position.
pub(crate) fn release(at: usize) -> Digest {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&(at as u64).to_be_bytes());
    Digest(bytes)
}

/// The environment of the stage at a position.
pub(crate) fn environment(at: usize) -> EnvironmentName {
    EnvironmentName::new(["dev", "staging", "prod"][at]).expect("a name")
}

/// The name of the part at a position.
pub(crate) fn name(at: usize) -> StackName {
    StackName::new(&format!("s{at}")).expect("a name")
}

/// The instance of the part at a position in the first stage.
pub(crate) fn instance(at: usize) -> InstanceId {
    InstanceId { environment: environment(0), stack: name(at) }
}

/// The position of a part.
pub(crate) fn position(stack: &StackName) -> usize {
    stack.as_str()[1..].parse().expect("named by `name`")
}

/// The outputs that are read, or that change.
pub(crate) fn outputs(any: bool) -> BTreeSet<String> {
    any.then(|| OUTPUT.to_owned()).into_iter().collect()
}

/// Scenarios in which nobody stops the run, and nothing dies.
pub(crate) fn undisturbed(size: RangeInclusive<usize>) -> impl Strategy<Value = Scenario> {
    let modes = prop_oneof![4 => Just(Mode::Deliver), 2 => Just(Mode::Plan), 1 => Just(Mode::Destroy)];
    let barrier = prop_oneof![
        6 => Just(Barrier::Nothing),
        2 => (1_u32..=2).prop_map(Barrier::Approvals),
        1 => Just(Barrier::Undecidable),
        1 => Just(Barrier::Evidence),
        1 => Just(Barrier::Soak),
        1 => Just(Barrier::ApprovalAndWindow)
    ];
    let picks = vec(any::<u16>(), 1..200);
    (modes, 1_usize..=8, vec(barrier, 1..=3), size.prop_flat_map(parts), picks).prop_map(
        |(mode, parallelism, mut stages, parts, picks)| {
            if mode != Mode::Deliver {
                stages.truncate(1);
            }
            Scenario { mode, parallelism, stages, picks, ..Scenario::of(parts) }
        },
    )
}

/// Scenarios in which the run is stopped, or its process killed, or superseded, or several of these, or none.
pub(crate) fn any_scenario(size: RangeInclusive<usize>) -> impl Strategy<Value = Scenario> {
    let moment = || proptest::option::weighted(0.3, 0_usize..120);
    let crashes = proptest::collection::btree_set(0_usize..150, 0..4);
    let others = (proptest::option::weighted(0.1, 0_usize..120), moment(), crashes, any::<bool>());
    (undisturbed(size), moment(), others).prop_map(
        |(scenario, stop_after, (abandon_after, supersede_after, crash_after, is_moody))| Scenario {
            stop_after,
            abandon_after,
            crash_after,
            supersede_after,
            is_moody,
            ..scenario
        },
    )
}

fn parts(count: usize) -> impl Strategy<Value = Vec<Part>> {
    // Edges that reach only a few positions back make deep graphs; edges that reach anywhere make wide ones.
    let reach = prop_oneof![Just(2_usize), Just(6), Just(usize::MAX)];
    let part =
        (vec((any::<u16>(), any::<bool>()), 0..4), proptest::bool::weighted(0.3), any::<bool>(), there(), fates());
    (reach, vec(part, count)).prop_map(|(reach, parts)| {
        let with_place = parts.into_iter().enumerate();
        with_place
            .map(|(at, (edges, only_if_upstream_changes, verifies, there, fate))| {
                let back = |random: u16| 1 + usize::from(random) % at.min(reach);
                let edges = edges.into_iter().filter(|_| at > 0);
                Part {
                    upstream: edges.map(|(random, reads)| (at - back(random), reads)).collect(),
                    only_if_upstream_changes,
                    verifies,
                    there,
                    fate,
                }
            })
            .collect()
    })
}

fn there() -> impl Strategy<Value = BTreeMap<usize, There>> {
    let one = prop_oneof![
        Just(There::Same),
        Just(There::OtherSettings),
        Just(There::OtherRelease),
        Just(There::ProvenBefore)
    ];
    proptest::collection::btree_map(0_usize..3, one, 0..3)
}

fn fates() -> impl Strategy<Value = Fate> {
    prop_oneof![
        1 => Just(Fate::InputsUnknown),
        1 => Just(Fate::PrepareFails),
        1 => Just(Fate::PlanFails),
        1 => Just(Fate::ApplyFails),
        1 => Just(Fate::VerifyFails),
        1 => Just(Fate::UnchangedAndVerifyFails),
        6 => Just(Fate::NothingToChange),
        12 => Just(Fate::Changes),
        24 => Just(Fate::ChangesOutput),
    ]
}

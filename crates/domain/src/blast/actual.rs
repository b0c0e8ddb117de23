//! The actual radius: what plans do, whom that reaches, and what rests on it, with the level that the formula gives.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Changed, Counts, Ground, Level, Owned, Plans, RadiusSummary, Reading, Reason, Resting, Ring, Share, Touched,
    formula, reach, rest,
};
use crate::name::{CapabilityName, EnvironmentName, StackName};

/// What plans do in an environment, and whom that reaches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actual {
    /// The environment.
    pub environment: EnvironmentName,
    /// The level: the highest of the reasons'.
    pub level: Level,
    /// Every reason for it, the gravest first.
    pub reasons: Vec<Reason>,
    /// The stacks that are changed.
    pub changed: BTreeMap<StackName, Changed>,
    /// The stacks whose plans change nothing.
    pub unchanged: BTreeSet<StackName>,
    /// The stacks that take part and cannot be planned yet: what they change is not known.
    pub blocked: BTreeSet<StackName>,
    /// How many resources of each action.
    pub counts: Counts,
    /// The resources that are touched, of all that the environment's states have.
    pub share: Share,
    /// Whether there are snapshots of the environment's states. Without them its resources are not counted, and the share is of the plans' own
    /// stacks alone: it gives no level.
    pub is_counted: bool,
    /// The stacks that read an output that changes, with what they read. One that is changed itself may be among them.
    pub readers: BTreeMap<StackName, Reading>,
    /// The stacks further downstream, each with the stack through which it may be reached.
    pub further: BTreeMap<StackName, StackName>,
    /// The capabilities that rest on any of them.
    pub capabilities: BTreeMap<CapabilityName, Resting>,
    /// Whom all of it belongs to.
    pub owners: BTreeMap<String, Owned>,
}

impl Actual {
    /// The radius of plans. `blocked` are stacks that take part and cannot be planned yet.
    pub fn of(ground: &Ground<'_>, plans: &Plans<'_>, blocked: &BTreeSet<StackName>) -> Self {
        let Ground { estate, graph, environment, holdings, .. } = *ground;
        let held = holdings.get(environment);
        let held_by = |stack: &StackName| held.and_then(|held| held.get(stack)).map_or(0, |holding| holding.resources);
        let all = plans.iter().map(|(stack, facts)| {
            let mut changed = Changed::of(facts, held_by(stack));
            if let Some(stack) = estate.stacks.get(stack) {
                changed.capability.clone_from(&stack.capability);
                changed.owner = estate.owner_of(stack).map(str::to_owned);
            }
            (stack.clone(), changed)
        });
        let (mut changed, idle): (BTreeMap<_, _>, BTreeMap<_, _>) = all.partition(|(_, changed)| !changed.is_empty());
        let readers = reach::readers(graph, &mut changed);
        let further = reach::further(graph, &readers);
        let rings = rings(&changed, &readers, &further);
        let capabilities = rest::capabilities(estate, rings.iter().copied());
        let owners = rest::owners(estate, rings.iter().map(|(stack, _)| *stack), &capabilities);
        let elsewhere = held.into_iter().flatten().filter(|(stack, _)| !plans.contains_key(*stack));
        let total = elsewhere.map(|(_, holding)| holding.resources).sum::<u64>()
            + changed.values().chain(idle.values()).map(|changed| changed.total).sum::<u64>();
        let mut actual = Self {
            environment: environment.clone(),
            level: Level::None,
            reasons: Vec::new(),
            counts: changed.values().fold(Counts::default(), |counts, changed| counts.plus(changed.counts)),
            share: Share { touched: changed.values().map(|changed| changed.touched).sum(), total },
            is_counted: held.is_some_and(|held| !held.is_empty()),
            changed,
            unchanged: idle.into_keys().collect(),
            blocked: blocked.clone(),
            readers,
            further,
            capabilities,
            owners,
        };
        actual.reasons = formula::reasons(&actual);
        actual.level = actual.reasons.iter().map(|reason| reason.level).max().unwrap_or_default();
        actual
    }

    /// All changes of resources with their stacks, in order of stack, the gravest of each first.
    pub fn resources(&self) -> impl Iterator<Item = (&StackName, &Touched)> {
        self.changed.iter().flat_map(|(stack, changed)| changed.resources.iter().map(move |touched| (stack, touched)))
    }

    /// The capabilities that rest on what is changed, or on what reads it.
    pub fn resting(&self) -> impl Iterator<Item = (&CapabilityName, &Resting)> {
        self.capabilities.iter().filter(|(_, resting)| resting.ring < Ring::Further)
    }

    /// What gates ask of it. Addresses have their stack before them where there are several.
    pub fn summary(&self) -> RadiusSummary {
        let is_of_one = self.changed.len() == 1;
        let addresses = |of: &dyn Fn(&Touched) -> bool| -> Vec<String> {
            let some = self.resources().filter(|(_, touched)| of(touched));
            let mut named: Vec<String> = some
                .map(
                    |(stack, touched)| {
                        if is_of_one { touched.address.clone() } else { format!("{stack}: {}", touched.address) }
                    },
                )
                .collect();
            named.sort_unstable();
            named
        };
        let owners = self.owners.iter().filter(|(_, owned)| {
            let is_near = |stack: &StackName| self.changed.contains_key(stack) || self.readers.contains_key(stack);
            owned.stacks.iter().any(is_near)
                || owned.capabilities.iter().any(|name| self.capabilities[name].ring < Ring::Further)
        });
        RadiusSummary {
            level: self.level,
            reasons: self.reasons.clone(),
            destroys: self.counts.taken_away(),
            stateful: addresses(&|touched| touched.touches() && touched.traits.is_stateful),
            irreversible: addresses(&|touched| touched.loses() && touched.traits.is_irreversible),
            share: self.share,
            downstream: self.readers.keys().cloned().collect(),
            capabilities: self.resting().map(|(name, _)| name.clone()).collect(),
            owners: owners.map(|(owner, _)| owner.clone()).collect(),
        }
    }
}

/// All stacks of the rings, each in its nearest, the nearest ring first.
fn rings<'a>(
    changed: &'a BTreeMap<StackName, Changed>,
    readers: &'a BTreeMap<StackName, Reading>,
    further: &'a BTreeMap<StackName, StackName>,
) -> Vec<(&'a StackName, Ring)> {
    let own = changed.keys().map(|stack| (stack, Ring::Own));
    let reading = readers.keys().filter(|stack| !changed.contains_key(*stack)).map(|stack| (stack, Ring::Reader));
    let beyond = further.keys().filter(|stack| !changed.contains_key(*stack)).map(|stack| (stack, Ring::Further));
    own.chain(reading).chain(beyond).collect()
}

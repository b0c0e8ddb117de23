//! A radius never shrinks when a change is added to a plan: neither its level, nor a reason of it, nor whom it reaches.

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prelude::*;
use terrace_domain::blast::{Actual, Ground, Holding, Holdings, Radius};
use terrace_domain::estate::{Estate, Layer};
use terrace_domain::graph::Graph;
use terrace_domain::name::StackName;
use terrace_domain::plan::{Action, OutputChange, PlanFacts, ResourceChange};

use super::{Build, Case, capability, change, estate, name, stack, traits};

const STACKS: usize = 12;
const OUTPUTS: [&str; 3] = ["a", "b", "c"];
const CAPABILITIES: usize = 5;

/// An estate: who reads which output of whom, and which capability each serves and needs.
fn estates() -> impl Strategy<Value = Estate> {
    let edges = vec((0..STACKS, 0..STACKS, 0..OUTPUTS.len(), any::<bool>()), 0..30);
    let serves = vec(0..=CAPABILITIES, STACKS);
    let needs = vec((0..CAPABILITIES, 0..CAPABILITIES), 0..8);
    (edges, serves, needs).prop_map(|(edges, serves, needs)| {
        let stacks = (0..STACKS).map(|at| {
            let mut one = stack(&format!("s{at}"));
            for (from, _, output, reads) in edges.iter().filter(|(from, to, ..)| *to == at && from < to) {
                one = if *reads {
                    one.reads(&format!("stack.s{from}.{}", OUTPUTS[*output]))
                } else {
                    one.after(&format!("s{from}"))
                };
            }
            if serves[at] < CAPABILITIES { one.serves(&format!("c{}", serves[at])) } else { one }
        });
        let mut all = estate(stacks);
        for at in 0..CAPABILITIES {
            let (id, mut one) = capability(&format!("c{at}"));
            one.owner = (at % 2 == 0).then(|| format!("team-{at}"));
            one.layer = if at + 1 == CAPABILITIES { Layer::Business } else { Layer::Technology };
            let needed = needs.iter().filter(|(needing, needed)| *needing == at && needed < needing);
            one.needs = needed.map(|(_, needed)| format!("c{needed}").parse().expect("a name")).collect();
            all.capabilities.insert(id, one);
        }
        all
    })
}

fn actions() -> impl Strategy<Value = Action> {
    prop_oneof![
        Just(Action::Keep),
        Just(Action::Create),
        Just(Action::Update),
        Just(Action::Forget),
        Just(Action::Delete),
        any::<bool>().prop_map(|creates_first| Action::Replace { creates_first }),
    ]
}

fn resources() -> impl Strategy<Value = ResourceChange> {
    let kinds = prop_oneof![Just("vpc"), Just("db"), Just("key")];
    (kinds, 0..1000_u16, actions(), any::<bool>(), any::<bool>()).prop_map(|(kind, at, action, protected, deposed)| {
        let deposed = deposed.then(|| "00ff".to_owned());
        ResourceChange { is_protected: protected, deposed, ..change(&format!("{kind}.n{at}"), action) }
    })
}

fn outputs() -> impl Strategy<Value = OutputChange> {
    (0..OUTPUTS.len(), any::<bool>())
        .prop_map(|(at, is_unknown)| OutputChange { is_unknown, ..super::output(OUTPUTS[at]) })
}

fn plans() -> impl Strategy<Value = PlanFacts> {
    (vec(resources(), 0..15), vec(outputs(), 0..2), 0..40_usize, any::<bool>(), any::<bool>()).prop_map(
        |(resources, mut outputs, unchanged, errored, complete)| {
            outputs.dedup_by(|a, b| a.name == b.name);
            PlanFacts { resources, outputs, unchanged, errored, complete, ..PlanFacts::default() }
        },
    )
}

#[derive(Debug, Clone)]
enum Added {
    Resource(Box<ResourceChange>),
    Output(OutputChange),
}

fn added() -> impl Strategy<Value = Added> {
    prop_oneof![resources().prop_map(|resource| Added::Resource(Box::new(resource))), outputs().prop_map(Added::Output)]
}

fn reached(actual: &Actual) -> BTreeSet<&StackName> {
    actual.changed.keys().chain(actual.readers.keys()).chain(actual.further.keys()).collect()
}

fn holds_all<T: Ord>(larger: impl IntoIterator<Item = T>, smaller: impl IntoIterator<Item = T>) -> bool {
    larger.into_iter().collect::<BTreeSet<T>>().is_superset(&smaller.into_iter().collect())
}

fn never_shrinks(before: &Radius, after: &Radius) -> Result<(), TestCaseError> {
    let (old, new) = (&before.actual, &after.actual);
    prop_assert!(new.level >= old.level, "{} -> {}", old.level, new.level);
    let rules = |actual: &Actual| actual.reasons.iter().map(|reason| reason.rule.clone()).collect::<BTreeSet<_>>();
    prop_assert!(holds_all(rules(new), rules(old)), "{:?} -> {:?}", rules(old), rules(new));
    prop_assert!(holds_all(new.readers.keys(), old.readers.keys()));
    prop_assert!(holds_all(reached(new), reached(old)));
    prop_assert!(holds_all(new.capabilities.keys(), old.capabilities.keys()));
    for (name, resting) in &old.capabilities {
        prop_assert!(new.capabilities[name].ring <= resting.ring, "{name} went away");
    }
    prop_assert!(holds_all(new.owners.keys(), old.owners.keys()));
    prop_assert!(new.share.touched >= old.share.touched);
    prop_assert!(new.share.touched * old.share.total >= old.share.touched * new.share.total, "the share");
    for action in [Action::Keep, Action::Create, Action::Update, Action::Forget, Action::Delete] {
        prop_assert!(new.counts.of(action) >= old.counts.of(action));
    }
    let (old, new) = (old.summary(), new.summary());
    prop_assert!(new.destroys >= old.destroys);
    prop_assert!(new.stateful.len() >= old.stateful.len() && new.irreversible.len() >= old.irreversible.len());
    prop_assert!(holds_all(&new.downstream, &old.downstream) && holds_all(&new.owners, &old.owners));
    prop_assert!(holds_all(&new.capabilities, &old.capabilities));
    Ok(())
}

fn holdings(held: &[u8]) -> Holdings {
    let addresses: Vec<String> = (0..255).map(|at| format!("vpc.n{at}")).collect();
    let held = held.iter().enumerate().filter(|(_, count)| **count > 0).map(|(at, count)| {
        let addresses = addresses.iter().take(usize::from(*count)).map(String::as_str);
        (name(&format!("s{at}")), Holding::of_addresses(addresses))
    });
    let held: std::collections::BTreeMap<_, _> = held.collect();
    if held.is_empty() { Holdings::new() } else { [("dev".parse().expect("a name"), held)].into() }
}

proptest! {
    #[test]
    fn a_radius_never_shrinks_when_a_change_is_added(
        estate in estates(),
        held in vec(0..40_u8, STACKS),
        plans in vec((0..STACKS, plans()), 1..4),
        into in any::<prop::sample::Index>(),
        added in added(),
    ) {
        let mut plans: std::collections::BTreeMap<StackName, PlanFacts> =
            plans.into_iter().map(|(at, facts)| (name(&format!("s{at}")), facts)).collect();
        let case = Case { holdings: holdings(&held), ..Case::of(estate) };
        let graph = Graph::of(&case.estate);
        let environment = "dev".parse().expect("a name");
        let ground = Ground {
            estate: &case.estate, graph: &graph, environment: &environment, holdings: &case.holdings, traits: &traits,
        };
        let radius = |plans: &std::collections::BTreeMap<StackName, PlanFacts>| {
            let plans = plans.iter().map(|(stack, facts)| (stack.clone(), facts)).collect();
            terrace_domain::blast::radius(&ground, &case.providers, &plans, &BTreeSet::new())
        };
        let before = radius(&plans);
        let into = into.index(plans.len());
        let facts = plans.values_mut().nth(into).expect("there is one");
        match added {
            Added::Resource(resource) => facts.resources.push(*resource),
            Added::Output(output) => {
                facts.outputs.retain(|known| known.name != output.name);
                facts.outputs.push(output);
            }
        }
        let after = radius(&plans);
        never_shrinks(&before, &after)?;
        prop_assert_eq!(&before.potential, &after.potential, "what could be done does not depend on what is planned");
    }
}

//! Questions to the capability map, and what is on it.

use std::collections::BTreeMap;
use std::fmt::Write;

use terrace_domain::digest::Digest;
use terrace_domain::estate::{Estate, Layer, Stack};
use terrace_domain::graph::Graph;
use terrace_domain::map::{CapabilityMap, Cloud, Known, Node, Reach, Recorded, StackCode, Status, Why};
use terrace_domain::name::{CapabilityName, EnvironmentName, StackName};

use crate::estate::{Build, capability, estate, stack};

/// A shop: `shop` and `search` serve business capabilities; `network` is below all; `audit` serves nothing.
fn harbour() -> Estate {
    let mut estate = estate([
        stack("network").serves("networking"),
        stack("database").serves("databases").reads("stack.network.id"),
        stack("cache").serves("databases").after("network"),
        stack("shop").serves("checkout").reads("stack.database.url").reads("stack.network.id"),
        stack("audit"),
    ]);
    estate.capabilities.clear();
    for (name, layer, owner, needs) in [
        ("checkout", Layer::Business, Some("team-shop"), &["databases"][..]),
        ("continuity", Layer::Business, None, &["databases"]),
        ("databases", Layer::Technology, Some("team-data"), &[]),
        ("networking", Layer::Technology, None, &[]),
        ("dreams", Layer::Technology, None, &[]),
    ] {
        let (name, mut capability) = capability(name);
        capability.layer = layer;
        capability.owner = owner.map(str::to_owned);
        capability.needs = needs.iter().map(|name| CapabilityName::new(name).expect("a name")).collect();
        estate.capabilities.insert(name, capability);
    }
    estate
}

fn with_map<T>(estate: &Estate, known: &Known, look: impl FnOnce(&CapabilityMap<'_>) -> T) -> T {
    look(&CapabilityMap::new(estate, &Graph::of(estate), known))
}

/// Each thing that was reached, with the way to it: `capability checkout: network -reads id-> shop -serves-> checkout`.
fn ways(reach: &Reach<'_>) -> String {
    let mut lines = String::new();
    for at in 0..reach.reached.len() {
        let node = reach.reached[at].node;
        let way: Vec<String> =
            reach.path(at).iter().map(|step| format!("-{}-> {}", why(step.why), step.to.name())).collect();
        let _ = writeln!(lines, "{} {}: {} {}", node.kind(), node.name(), reach.start.name(), way.join(" "));
    }
    lines
}

fn why(why: Why<'_>) -> String {
    match why {
        Why::Served => "served".to_owned(),
        Why::Needs => "needs".to_owned(),
        Why::Depends(dependency) => {
            let outputs: Vec<&str> = dependency.outputs.iter().map(String::as_str).collect();
            if outputs.is_empty() { "depends_on".to_owned() } else { format!("reads {}", outputs.join(" ")) }
        }
    }
}

#[test]
fn what_breaks_is_reached_by_the_shortest_way_with_each_reason() {
    let estate = harbour();
    with_map(&estate, &Known::default(), |map| {
        let reach = map.breaks(&estate.stacks["network"]);
        insta::assert_snapshot!(ways(&reach), @"
        stack cache: network -depends_on-> cache
        stack database: network -reads id-> database
        stack shop: network -reads id-> shop
        capability networking: network -served-> networking
        capability databases: network -depends_on-> cache -served-> databases
        capability checkout: network -reads id-> shop -served-> checkout
        capability continuity: network -depends_on-> cache -served-> databases -needs-> continuity
        ");
        let business: Vec<_> = CapabilityMap::business(&reach).iter().map(|one| one.name.as_str()).collect();
        assert_eq!(business, ["checkout", "continuity"]);
        assert_eq!(map.owners(&reach).into_iter().collect::<Vec<_>>(), ["team-data", "team-shop"]);
        assert!(map.breaks(&estate.stacks["audit"]).reached.is_empty());
    });
}

#[test]
fn what_a_capability_rests_on_includes_what_it_does_not_say() {
    let estate = harbour();
    with_map(&estate, &Known::default(), |map| {
        let reach = map.rests(Node::Capability(&estate.capabilities["checkout"]));
        insta::assert_snapshot!(ways(&reach), @"
        capability databases: checkout -needs-> databases
        stack shop: checkout -served-> shop
        stack cache: checkout -needs-> databases -served-> cache
        stack database: checkout -needs-> databases -served-> database
        stack network: checkout -served-> shop -reads id-> network
        ");
        let hidden = map.hidden(&reach);
        let named: Vec<_> =
            hidden.iter().map(|one| (one.capability.name.as_str(), reach.reached[one.through].node.name())).collect();
        assert_eq!(named, [("networking", "network")], "neither checkout nor databases says that it needs networking");
        let dreams = map.rests(Node::Capability(&estate.capabilities["dreams"]));
        assert!(dreams.reached.is_empty() && map.hidden(&dreams).is_empty());
    });
}

/// What breaks with a stack is exactly what rests on it.
#[test]
fn to_break_and_to_rest_are_the_same_seen_from_both_ends() {
    let estate = harbour();
    with_map(&estate, &Known::default(), |map| {
        for (name, stack) in &estate.stacks {
            let breaks = map.breaks(stack);
            for capability in estate.capabilities.values() {
                let rests = map.rests(Node::Capability(capability));
                let is_broken = breaks.capabilities().any(|(_, broken)| broken.name == capability.name);
                let rests_on = rests.stacks().any(|(_, one)| one.name == *name);
                assert_eq!(is_broken, rests_on, "{} and {name}", capability.name);
            }
        }
    });
}

#[test]
fn what_is_missing_is_named() {
    let estate = harbour();
    with_map(&estate, &Known::default(), |map| {
        let unowned = map.unowned();
        assert_eq!(capabilities(&unowned.capabilities), ["continuity", "dreams", "networking"]);
        assert_eq!(stacks(&unowned.stacks), ["audit", "network"]);
        let strays = map.strays();
        assert_eq!(stacks(&strays.stacks), ["audit"]);
        assert_eq!(capabilities(&strays.capabilities), ["dreams"], "continuity rests on the databases of others");
    });
}

fn capabilities<'a>(found: &[&'a terrace_domain::estate::Capability]) -> Vec<&'a str> {
    found.iter().map(|one| one.name.as_str()).collect()
}

fn stacks<'a>(found: &[&'a Stack]) -> Vec<&'a str> {
    found.iter().map(|one| one.name.as_str()).collect()
}

#[test]
fn clouds_are_those_of_providers_of_types_and_of_what_runs() {
    let cloud = |name: &str| Cloud::of_type(name).map(|cloud| cloud.to_string());
    assert_eq!(cloud("aws_vpc").as_deref(), Some("aws"));
    assert_eq!(cloud("azurerm_key_vault").as_deref(), Some("azure"));
    assert_eq!(cloud("sandbox_google_cluster").as_deref(), Some("sandbox google"));
    for none in ["random_pet", "kubernetes_namespace", "sandbox_", "", "terraform_data"] {
        assert_eq!(cloud(none), None, "{none}");
    }
    assert_eq!(Cloud::of_provider("google-beta"), Cloud::of_provider("google"));

    let estate = harbour();
    let mut known = Known::default();
    let code = StackCode { providers: ["aws".to_owned(), "random".to_owned()].into(), declared: BTreeMap::new() };
    known.code.insert(name("database"), code);
    let types = [("google_redis_instance".to_owned(), 1)].into();
    let recorded = Recorded { state: "applied".to_owned(), types, ..Recorded::default() };
    known.instances.insert(name("cache"), [(environment("dev"), recorded)].into());
    with_map(&estate, &known, |map| {
        let spreads = map.spreads();
        assert_eq!(spreads.len(), 1);
        assert_eq!(spreads[0].capability.name.as_str(), "databases");
        let clouds: Vec<_> = spreads[0].clouds.iter().map(|(cloud, stacks)| format!("{cloud} {}", stacks[0])).collect();
        assert_eq!(clouds, ["aws database", "google cache"]);
    });
}

fn name(name: &str) -> StackName {
    StackName::new(name).expect("a name")
}

fn environment(name: &str) -> EnvironmentName {
    EnvironmentName::new(name).expect("a name")
}

#[test]
fn a_status_says_what_came_of_the_last_delivery_and_who_is_behind() {
    let recorded = |state: &str, release: Option<&str>| Recorded {
        state: state.to_owned(),
        release: release.map(|text| Digest::of(text.as_bytes())),
        ..Recorded::default()
    };
    let new = Some(Digest::of(b"new"));
    for (state, release, leading, expected) in [
        ("applied", Some("new"), new, Status::Delivered),
        ("unchanged", Some("new"), None, Status::Delivered),
        ("applied", Some("old"), new, Status::Behind),
        ("skipped", Some("old"), new, Status::Behind),
        ("skipped", None, new, Status::Never),
        ("awaiting", Some("old"), new, Status::Waiting),
        ("applying", Some("old"), new, Status::Underway),
        ("waiting", None, None, Status::Underway),
        ("failed", Some("new"), new, Status::Failed),
        ("refused", Some("old"), new, Status::Failed),
        ("abandoned", None, None, Status::Failed),
        ("a word of a newer Terrace", Some("new"), new, Status::Failed),
    ] {
        assert_eq!(Status::of(&recorded(state, release), leading), expected, "{state} {release:?}");
    }
}

/// The environment before is the nearest that runs the stack at all: one that skips it says nothing.
#[test]
fn behind_is_seen_from_the_nearest_environment_that_runs_the_stack() {
    let estate = harbour();
    let of = |release: &str| Recorded {
        state: "applied".to_owned(),
        release: Some(Digest::of(release.as_bytes())),
        ..Recorded::default()
    };
    let mut known = Known::default();
    known.instances.insert(name("network"), [(environment("dev"), of("b")), (environment("prod"), of("a"))].into());
    known.instances.insert(name("shop"), [(environment("prod"), of("a"))].into());
    with_map(&estate, &known, |map| {
        let (dev, prod) = (environment("dev"), environment("prod"));
        assert_eq!(map.status(&name("network"), &dev), Status::Delivered);
        assert_eq!(map.status(&name("network"), &prod), Status::Behind);
        assert_eq!(map.status(&name("shop"), &prod), Status::Delivered);
        assert_eq!(map.status(&name("shop"), &dev), Status::Never);
        assert_eq!(map.gravest([&name("network"), &name("shop")], &prod), Status::Behind);
        assert_eq!(map.gravest([], &prod), Status::Never);
    });
}

#[test]
fn a_part_of_the_map_has_what_belongs_together() {
    let estate = harbour();
    with_map(&estate, &Known::default(), |map| {
        let part = map.part([&estate.capabilities["checkout"]], []);
        let named = |part: &terrace_domain::map::Part| {
            let capabilities = part.capabilities.iter().map(CapabilityName::as_str);
            capabilities.chain(part.stacks.iter().map(StackName::as_str)).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(named(&part), "checkout databases cache database network shop");
        let part = map.part([], [&estate.stacks["database"], &estate.stacks["audit"]]);
        assert_eq!(named(&part), "checkout continuity databases audit database");
        assert_eq!(named(&map.whole()).split(' ').count(), 10);
    });
}

/// A chain of ten thousand stacks: no recursion, no way written out.
#[test]
fn long_chains_are_walked() {
    let last = 10_000;
    let chain = (0..last).map(|at| {
        let one = stack(&format!("s{at}"));
        if at == 0 { one } else { one.reads(&format!("stack.s{}.id", at - 1)) }
    });
    let estate = estate(chain);
    with_map(&estate, &Known::default(), |map| {
        let reach = map.breaks(&estate.stacks["s0"]);
        assert_eq!(reach.reached.len(), last - 1);
        assert_eq!(reach.path(last - 2).len(), last - 1);
        assert_eq!(map.rests(Node::Stack(&estate.stacks["s9999"])).reached.len(), last - 1);
    });
}

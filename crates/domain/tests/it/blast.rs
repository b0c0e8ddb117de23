//! The blast radius: as a table of small cases, and as the property that it never shrinks when a change is added.

mod property;

use std::collections::{BTreeMap, BTreeSet};

use terrace_domain::blast::{Ground, Holding, Holdings, Level, Radius, Why, radius, summary};
use terrace_domain::estate::{Estate, Layer, Stack};
use terrace_domain::expression::{Expression, ExpressionKind, Span};
use terrace_domain::graph::Graph;
use terrace_domain::name::{CapabilityName, StackName};
use terrace_domain::plan::{Action, OutputChange, PlanFacts, ResourceChange, Traits};
use terrace_domain::value::Value;

use crate::estate::{Build, attribute, capability, estate, stack};

/// What types are in these tests: by the beginning of their names.
fn traits(kind: &str) -> Traits {
    Traits { is_stateful: kind.starts_with("db") || kind.starts_with("key"), is_irreversible: kind.starts_with("key") }
}

fn change(address: &str, action: Action) -> ResourceChange {
    let resource_type = terrace_domain::state::resource_type(address);
    ResourceChange {
        address: address.to_owned(),
        previous_address: None,
        name: address.rsplit('.').next().unwrap_or_default().to_owned(),
        provider: String::new(),
        deposed: None,
        action,
        reason: None,
        importing: None,
        attributes: Vec::new(),
        more: 0,
        because: Vec::new(),
        unknowns: 0,
        traits: traits(&resource_type),
        is_protected: false,
        resource_type,
    }
}

fn output(name: &str) -> OutputChange {
    OutputChange { name: name.to_owned(), action: Action::Update, is_unknown: false, is_sensitive: false }
}

/// A plan in short: `+ a.b`, `~ a.b`, `-/+ a.b`, `- a.b`, `x a.b` (forgotten), `> a.b` (moved), `output NAME`.
fn plan(lines: &[&str]) -> PlanFacts {
    let mut facts = PlanFacts { complete: true, ..PlanFacts::default() };
    for line in lines {
        let (sign, name) = line.split_once(' ').expect("a sign and a name");
        let action = match sign {
            "+" => Action::Create,
            "~" => Action::Update,
            "-/+" => Action::Replace { creates_first: false },
            "-" => Action::Delete,
            "x" => Action::Forget,
            ">" => Action::Keep,
            "output" => {
                facts.outputs.push(output(name));
                continue;
            }
            _ => panic!("`{sign}` is no sign"),
        };
        facts.resources.push(change(name, action));
    }
    facts
}

fn name(text: &str) -> StackName {
    text.parse().expect("a name")
}

/// network -> cluster -> shop, and audit that only comes after the network; shop serves checkout, which needs the platform of the cluster.
fn harbour() -> Estate {
    let mut all = estate([
        stack("network"),
        stack("cluster").reads("stack.network.id").serves("platform"),
        stack("shop").reads("stack.cluster.endpoint").serves("selling"),
        stack("audit").after("network"),
    ]);
    let mut selling = capability("selling");
    selling.1.needs.push("platform".parse().expect("a name"));
    selling.1.owner = Some("team-shop".to_owned());
    let mut checkout = capability("checkout");
    checkout.1.layer = Layer::Business;
    checkout.1.owner = Some("board".to_owned());
    checkout.1.needs.push("selling".parse().expect("a name"));
    all.capabilities.extend([selling, checkout]);
    all.capabilities.get_mut("platform").expect("a name").owner = Some("team-platform".to_owned());
    all
}

struct Case {
    estate: Estate,
    holdings: Holdings,
    providers: BTreeMap<StackName, BTreeSet<String>>,
}

impl Case {
    fn of(estate: Estate) -> Self {
        let providers = estate.stacks.keys().map(|name| (name.clone(), BTreeSet::from(["hashicorp/aws".to_owned()])));
        Self { providers: providers.collect(), estate, holdings: Holdings::new() }
    }

    fn holds(mut self, environment: &str, stack: &str, addresses: &[&str]) -> Self {
        let held = Holding::of_addresses(addresses.iter().copied());
        self.holdings.entry(environment.parse().expect("a name")).or_default().insert(name(stack), held);
        self
    }

    fn radius(&self, plans: &[(&str, PlanFacts)]) -> Radius {
        let graph = Graph::of(&self.estate);
        let environment = "dev".parse().expect("a name");
        let (estate, holdings) = (&self.estate, &self.holdings);
        let ground = Ground { estate, graph: &graph, environment: &environment, holdings, traits: &traits };
        let plans = plans.iter().map(|(stack, facts)| (name(stack), facts)).collect();
        radius(&ground, &self.providers, &plans, &BTreeSet::new())
    }
}

fn rules(radius: &Radius) -> Vec<String> {
    let actual = &radius.actual;
    actual.reasons.iter().map(|reason| format!("{} {}: {}", reason.level, reason.rule, reason.text)).collect()
}

fn words<T: ToString>(all: impl IntoIterator<Item = T>) -> Vec<String> {
    all.into_iter().map(|one| one.to_string()).collect()
}

#[test]
fn a_plan_that_changes_nothing_has_no_radius() {
    let radius = Case::of(harbour()).radius(&[("network", plan(&[]))]);
    assert_eq!((radius.actual.level, rules(&radius)), (Level::None, vec![]));
    assert_eq!(words(&radius.actual.unchanged), ["network"]);
    assert!(radius.actual.owners.is_empty());
}

#[test]
fn what_only_its_own_stack_has_is_low() {
    let radius = Case::of(harbour()).radius(&[("network", plan(&["+ vpc.new", "~ vpc.main", "> vpc.moved"]))]);
    insta::assert_debug_snapshot!(rules(&radius), @r#"
    [
        "low change: 3 resources are made, changed in place, moved or imported: vpc.main, vpc.new, vpc.moved",
    ]
    "#);
}

#[test]
fn only_readers_of_what_changes_are_reached_and_the_rest_may_be() {
    let radius = Case::of(harbour()).radius(&[("network", plan(&["~ vpc.main", "output id"]))]);
    let actual = &radius.actual;
    assert_eq!(words(actual.readers.keys()), ["cluster"]);
    assert_eq!(
        actual.further.iter().map(|(to, from)| format!("{from} -> {to}")).collect::<Vec<_>>(),
        ["cluster -> shop"]
    );
    let near = |name: &str| actual.capabilities[&name.parse::<CapabilityName>().unwrap()].ring.as_str();
    assert_eq!(["platform", "selling", "checkout"].map(near), ["reader", "reader", "reader"]);
    assert_eq!(words(actual.owners.keys()), ["board", "team-platform", "team-shop"]);
    insta::assert_debug_snapshot!(rules(&radius), @r#"
    [
        "medium readers: 1 stack reads an output that changes: cluster",
        "low change: 1 resource is made, changed in place, moved or imported: vpc.main",
        "low outputs: 1 output changes: network.id",
    ]
    "#);

    let other = Case::of(harbour()).radius(&[("network", plan(&["~ vpc.main", "output unread"]))]);
    assert!(other.actual.readers.is_empty() && other.actual.capabilities.is_empty());
    assert_eq!(other.actual.level, Level::Low);
}

#[test]
fn what_is_lost_weighs_by_what_it_was() {
    let lost = |lines: &[&str]| Case::of(harbour()).radius(&[("cluster", plan(lines))]);
    insta::assert_debug_snapshot!(rules(&lost(&["-/+ node.a", "~ db.main", "x node.b"])), @r#"
    [
        "medium loss: 1 resource is destroyed or replaced: node.a",
        "medium stateful-change: 1 resource is changed in place where data are: db.main",
        "medium forgotten: 1 resource is left in the cloud without a state: node.b",
        "medium business: checkout rests on it",
        "low change: 1 resource is made, changed in place, moved or imported: db.main",
    ]
    "#);
    insta::assert_debug_snapshot!(rules(&lost(&["-/+ db.main", "- key.main", "output endpoint"])), @r#"
    [
        "critical irreversible-loss: the loss of key.main (destroyed) cannot be undone",
        "high stateful-loss: key.main (destroyed), db.main (replaced) hold data",
        "high readers-lose: cluster loses resources, and outputs that others read of it change",
        "medium loss: 2 resources are destroyed or replaced: key.main, db.main",
        "medium readers: 1 stack reads an output that changes: shop",
        "medium business: checkout rests on it",
        "low outputs: 1 output changes: cluster.endpoint",
    ]
    "#);
    let mut protected = plan(&["- node.a"]);
    protected.resources[0].is_protected = true;
    let radius = Case::of(harbour()).radius(&[("cluster", protected)]);
    assert_eq!(radius.actual.level, Level::Critical);
    let mut left_over = plan(&["- db.main"]);
    left_over.resources[0].deposed = Some("00ff".to_owned());
    let radius = Case::of(harbour()).radius(&[("cluster", left_over)]);
    assert_eq!(
        (radius.actual.level, radius.actual.share.touched),
        (Level::Medium, 0),
        "its data went with the replacement"
    );
}

#[test]
fn a_plan_that_is_not_whole_says_so() {
    let mut errored = plan(&[]);
    errored.errored = true;
    let radius = Case::of(harbour()).radius(&[("cluster", errored)]);
    assert_eq!(rules(&radius), ["high unfinished-plan: Terraform met an error while it planned cluster"]);
    let partial = PlanFacts { complete: false, ..plan(&["+ node.a"]) };
    assert_eq!(Case::of(harbour()).radius(&[("cluster", partial)]).actual.level, Level::Medium);
}

#[test]
fn shares_count_where_the_environment_is_known_and_enough_is_touched() {
    let lines: Vec<String> = (0..10).map(|at| format!("~ vpc.n{at}")).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let others: Vec<String> = (0..30).map(|at| format!("node.n{at}")).collect();
    let others: Vec<&str> = others.iter().map(String::as_str).collect();
    let level = |case: Case, lines: &[&str]| {
        let radius = case.radius(&[("network", plan(lines))]);
        (radius.actual.level, radius.actual.share.touched, radius.actual.share.total)
    };
    assert_eq!(level(Case::of(harbour()), &lines), (Level::Low, 10, 10), "nothing is known of the environment");
    let known = || Case::of(harbour()).holds("dev", "cluster", &others);
    assert_eq!(level(known(), &lines), (Level::High, 10, 40));
    assert_eq!(level(known(), &lines[..9]), (Level::Low, 9, 39));
    let small = Case::of(harbour()).holds("dev", "cluster", &others[..10]);
    assert_eq!(level(small, &lines), (Level::Critical, 10, 20));
    let elsewhere = Case::of(harbour()).holds("prod", "cluster", &others);
    assert_eq!(level(elsewhere, &lines), (Level::Low, 10, 10));
}

#[test]
fn the_summary_is_what_gates_ask() {
    let case = Case::of(harbour()).holds("dev", "cluster", &["db.main", "key.main", "node.a", "node.b"]);
    let plans = [("cluster", plan(&["-/+ db.main", "- key.main", "~ node.a", "output endpoint"]))];
    let found = summary(&case.radius(&plans));
    assert_eq!((found.level, found.destroys, found.share.touched, found.share.total), (Level::Critical, 2, 3, 4));
    assert_eq!(found.stateful, ["db.main", "key.main"]);
    assert_eq!(found.irreversible, ["key.main"]);
    assert_eq!(words(&found.downstream), ["shop"]);
    assert_eq!(words(&found.capabilities), ["checkout", "platform", "selling"]);
    assert_eq!(found.owners, ["board", "team-platform", "team-shop"].map(str::to_owned).into());
    let both = case.radius(&[plans[0].clone(), ("network", plan(&["- db.old"]))]);
    assert_eq!(summary(&both).stateful, ["cluster: db.main", "cluster: key.main", "network: db.old"]);
}

fn named(mut stack: Stack, identity: &str) -> Stack {
    let kind = ExpressionKind::Literal(Value::String(identity.to_owned()));
    stack.identity = Some(Expression { kind, span: Span::default() });
    stack
}

fn reached(radius: &Radius) -> Vec<String> {
    let all = radius.potential.instances.iter().map(|reached| {
        let why = match &reached.why {
            Why::Own => "own".to_owned(),
            Why::SameIdentity(providers) => words(providers).join(" "),
        };
        format!("{}/{} {why}", reached.environment, reached.stack)
    });
    all.collect()
}

#[test]
fn a_stack_without_an_identity_reaches_what_shares_its_environments() {
    let mut case = Case::of(harbour()).holds("dev", "network", &["vpc.a"]).holds(
        "dev",
        "cluster",
        &["node.a", "db.main", "key.k"],
    );
    case.providers.insert(name("audit"), BTreeSet::from(["hashicorp/google".to_owned()]));
    let radius = case.radius(&[("network", plan(&[]))]);
    assert_eq!(reached(&radius), ["dev/cluster hashicorp/aws", "dev/network own", "dev/shop hashicorp/aws"]);
    let potential = &radius.potential;
    assert_eq!((potential.share.touched, potential.share.total, potential.unseen()), (4, 4, 1));
    assert_eq!((potential.held.stateful, potential.held.irreversible), (2, 1));
    let cluster = potential.instances[0].held.as_ref().unwrap();
    assert_eq!(cluster.named, ["db.main", "key.k"]);
    assert_eq!(words(potential.downstream.keys()), ["audit"], "what only comes after may be in the way, too");
    assert_eq!(words(potential.capabilities.keys()), ["checkout", "platform", "selling"]);
}

#[test]
fn an_identity_narrows_the_reach_and_its_name_decides_how_far_it_goes() {
    let own = |identity: &str| {
        let mut all = harbour();
        let network = all.stacks["network"].clone();
        all.stacks.insert(name("network"), named(network, identity));
        all
    };
    let radius = Case::of(own("network")).radius(&[("network", plan(&[]))]);
    assert_eq!(reached(&radius), ["dev/network own", "prod/network hashicorp/aws"], "one name, one identity");
    let mut all = own("x");
    all.stacks.get_mut("network").unwrap().identity = Some(attribute("env", "name", 0));
    let radius = Case::of(all).radius(&[("network", plan(&[]))]);
    assert_eq!(reached(&radius), ["dev/network own"], "a name that differs by environment ends with it");
    let radius = Case::of(own("network")).radius(&[("cluster", plan(&[]))]);
    assert_eq!(reached(&radius), ["dev/audit hashicorp/aws", "dev/cluster own", "dev/shop hashicorp/aws"]);
}

//! Figures of the blast radius: of one stack that many rest on, of all stacks at once, and what states hold, as the database tells it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use divan::{Bencher, black_box};
use tempfile::TempDir;
use terrace_bench::{load, load_all_code, memory_tree};
use terrace_config::fixture::MemoryTree;
use terrace_domain::blast::{Ground, Holding, Holdings, Providers, radius};
use terrace_domain::estate::Estate;
use terrace_domain::graph::Graph;
use terrace_domain::name::{EnvironmentName, StackName};
use terrace_domain::plan::{Action, OutputChange, PlanFacts, ResourceChange, Traits};
use terrace_domain::run::Moment;
use terrace_driver::database;
use terrace_driver::snapshots::{self, Occasion, Taken};

/// How many resources each state has.
const HELD: usize = 12;
const KINDS: [&str; 4] = ["aws_vpc", "aws_subnet", "aws_db_instance", "aws_kms_key"];

static TREE: LazyLock<MemoryTree> = LazyLock::new(memory_tree);
static ESTATE: LazyLock<Estate> = LazyLock::new(|| load(&*TREE));
static GRAPH: LazyLock<Graph> = LazyLock::new(|| Graph::of(&ESTATE));
static ENVIRONMENT: LazyLock<EnvironmentName> =
    LazyLock::new(|| ESTATE.environments.keys().next().expect("there are three").clone());
static PROVIDERS: LazyLock<Providers> = LazyLock::new(|| {
    let code = load_all_code(&*TREE, &ESTATE);
    ESTATE.stacks.keys().map(|name| (name.clone(), code.providers(name))).collect()
});
static HOLDINGS: LazyLock<Holdings> = LazyLock::new(|| {
    let held: BTreeMap<StackName, Holding> = ESTATE.stacks.keys().map(|name| (name.clone(), holding())).collect();
    ESTATE.environments.keys().map(|environment| (environment.clone(), held.clone())).collect()
});

fn main() {
    LazyLock::force(&GRAPH);
    LazyLock::force(&PROVIDERS);
    LazyLock::force(&HOLDINGS);
    divan::main();
}

fn addresses() -> Vec<String> {
    (0..HELD).map(|at| format!("module.parts.{}.part[{at}]", KINDS[at % KINDS.len()])).collect()
}

fn holding() -> Holding {
    Holding::of_addresses(addresses().iter().map(String::as_str))
}

fn traits(kind: &str) -> Traits {
    Traits { is_stateful: kind == KINDS[2], is_irreversible: kind == KINDS[3] }
}

fn ground() -> Ground<'static> {
    Ground { estate: &ESTATE, graph: &GRAPH, environment: &ENVIRONMENT, holdings: &HOLDINGS, traits: &traits }
}

/// A plan that touches a third of a stack and changes every output that others read.
fn plan(stack: &StackName) -> PlanFacts {
    let change = |address: String| {
        let resource_type = terrace_domain::state::resource_type(&address);
        ResourceChange {
            previous_address: None,
            name: "part".to_owned(),
            provider: "registry.terraform.io/hashicorp/aws".to_owned(),
            deposed: None,
            action: Action::Replace { creates_first: false },
            reason: Some("replace_because_cannot_update".to_owned()),
            importing: None,
            attributes: Vec::new(),
            more: 0,
            because: vec!["engine".to_owned()],
            unknowns: 3,
            traits: traits(&resource_type),
            is_protected: false,
            resource_type,
            address,
        }
    };
    let read: BTreeSet<&String> =
        GRAPH.downstream_of(stack.as_str()).into_values().flat_map(|dependency| &dependency.outputs).collect();
    let output = |name: &String| OutputChange {
        name: name.clone(),
        action: Action::Update,
        is_unknown: true,
        is_sensitive: false,
    };
    PlanFacts {
        resources: addresses().into_iter().step_by(3).map(change).collect(),
        unchanged: HELD - HELD.div_ceil(3),
        outputs: read.into_iter().map(output).collect(),
        complete: true,
        ..PlanFacts::default()
    }
}

/// The stack with the most below it.
fn hub() -> StackName {
    let below = |name: &&StackName| GRAPH.downstream_closure([*name]).len();
    GRAPH.waves()[0].iter().copied().max_by_key(below).expect("there are stacks").clone()
}

#[divan::bench]
fn radius_of_one_stack_that_many_rest_on(bencher: Bencher) {
    let stack = hub();
    let facts = plan(&stack);
    bencher.bench_local(|| {
        let plans = [(stack.clone(), black_box(&facts))].into();
        radius(&ground(), &PROVIDERS, &plans, &BTreeSet::new())
    });
}

#[divan::bench(sample_count = 20)]
fn radius_of_all_stacks_at_once(bencher: Bencher) {
    let facts: BTreeMap<StackName, PlanFacts> = ESTATE.stacks.keys().map(|name| (name.clone(), plan(name))).collect();
    bencher.bench_local(|| {
        let plans = facts.iter().map(|(stack, facts)| (stack.clone(), black_box(facts))).collect();
        radius(&ground(), &PROVIDERS, &plans, &BTreeSet::new())
    });
}

#[divan::bench(sample_count = 20)]
fn holdings_from_the_database(bencher: Bencher) {
    let folder = TempDir::new().expect("a writable folder");
    let mut connection = database::open(&folder.path().join("terrace.db")).expect("a new database");
    let taken = Taken {
        digest: terrace_vault::Digest::of(b""),
        size: 0,
        serial: 1,
        lineage: "l".to_owned(),
        resources: HELD as u64,
        holding: Some(holding()),
    };
    database::write::<_, snapshots::SnapshotError>(&mut connection, |transaction| {
        for stack in ESTATE.stacks.keys() {
            let of = Occasion { environment: ENVIRONMENT.as_str(), stack: stack.as_str(), at: Moment(1), run: None };
            snapshots::record(transaction, &of, &taken)?;
        }
        Ok(())
    })
    .expect("the database takes them");
    bencher.bench_local(|| snapshots::holdings(&connection).expect("it can be read"));
}

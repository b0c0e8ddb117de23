//! The sandbox cloud: what exists as a tree, its calls, its faults.

use console::style;
use serde::Serialize;
use termtree::Tree;
use terrace_sandbox::{Call, CallWire, Contained, FaultWire, Inventory, InventoryWire, Outcome, StoredFault};

use super::{print, print_json, say, table};

/// What exists.
pub fn show(inventory: &Inventory) {
    for region in &inventory.lost_regions {
        say(&format!("{} region {region} is lost", style("!").for_stderr().red()));
    }
    if inventory.clouds.is_empty() {
        say("The sandbox cloud is empty.");
    }
    for cloud in &inventory.clouds {
        let mut tree = Tree::new(style(cloud.vendor.as_str()).bold().to_string());
        for region in &cloud.regions {
            let leaves = region.resources.iter().map(branch);
            tree.push(Tree::new(region.region.clone()).with_leaves(leaves));
        }
        print(&tree.to_string());
    }
}

/// Attributes that are worth a place on the line.
const SHOWN: [&str; 9] =
    ["cidr", "version", "nodes", "machine_type", "engine", "size_gb", "image", "replicas", "values"];

fn branch(contained: &Contained) -> Tree<String> {
    let resource = &contained.resource;
    let shown = SHOWN.iter().filter_map(|name| Some((name, contained.attributes.get(*name)?)));
    let facts: Vec<_> = shown.map(|(name, value)| format!("{name}={}", plain(value))).collect();
    let line = format!(
        "{} {}  {}",
        resource.kind,
        style(&resource.name).green(),
        style(std::iter::once(resource.id.clone()).chain(facts).collect::<Vec<_>>().join("  ")).dim()
    );
    Tree::new(line).with_leaves(contained.holds.iter().map(branch))
}

fn plain(value: &serde_json::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
}

/// What exists, `terrace.sandbox/1`.
pub fn show_json(inventory: &Inventory) {
    print_json("terrace.sandbox/1", &InventoryWire::from(inventory));
}

/// Calls.
pub fn calls(calls: &[Call]) {
    let mut out = table::with_headings(["AT", "IDENTITY", "CALL", "RESOURCE", "NAME", "OUTCOME", "TOOK"]);
    for call in calls {
        let outcome = match &call.outcome {
            Outcome::Failed(error) => style(format!("failed: {error}")).red().to_string(),
            other => other.as_str().to_owned(),
        };
        let resource = call.vendor.map_or_else(|| call.kind.clone(), |vendor| format!("{vendor}/{}", call.kind));
        out.add_row([
            call.at.to_string(),
            call.identity.clone(),
            call.operation.as_str().to_owned(),
            resource,
            call.name.clone(),
            outcome,
            format!("{} ms", call.duration_ms),
        ]);
    }
    print(&table::to_text(&mut out));
}

/// Calls, `terrace.sandbox.calls/1`.
pub fn calls_json(calls: &[Call]) {
    #[derive(Serialize)]
    struct Calls {
        calls: Vec<CallWire>,
    }
    print_json("terrace.sandbox.calls/1", &Calls { calls: calls.iter().map(CallWire::from).collect() });
}

/// Faults.
pub fn faults(faults: &[StoredFault]) {
    if faults.is_empty() {
        say("No faults are set.");
        return;
    }
    let mut out = table::with_headings(["FAULT", "RESOURCES", "CALL", "NAME", "IDENTITY", "EFFECT", "TIMES LEFT"]);
    for stored in faults {
        let wire = FaultWire::from(stored);
        let effect = match (&wire.message, wire.after_ms) {
            (Some(message), _) => format!("{}: {message}", wire.effect),
            (None, Some(millis)) => format!("{} after {millis} ms", wire.effect),
            (None, None) => wire.effect.to_owned(),
        };
        out.add_row([
            wire.id.to_string(),
            wire.matching,
            wire.operation.to_owned(),
            wire.name,
            wire.identity,
            effect,
            wire.times.map_or("for ever".to_owned(), |times| times.to_string()),
        ]);
    }
    print(&table::to_text(&mut out));
}

/// Faults, `terrace.sandbox.faults/1`.
pub fn faults_json(faults: &[StoredFault]) {
    #[derive(Serialize)]
    struct Faults {
        faults: Vec<FaultWire>,
    }
    print_json("terrace.sandbox.faults/1", &Faults { faults: faults.iter().map(FaultWire::from).collect() });
}

//! Figures of policies: compiled once a run, asked once an instance. The policies and the plans are made up, in memory.

use std::fmt::Write;

use divan::Bencher;
use divan::counter::ItemsCount;
use rayon::prelude::*;
use serde_json::{Value as Json, json};
use terrace_policy::input::{Own, document};
use terrace_policy::{Limits, Namespaces, Policies, PolicyFile};

fn main() {
    divan::main();
}

/// So many files with five rules each: half of them in the old syntax.
fn files(count: usize) -> Vec<PolicyFile> {
    let file = |number: usize| {
        let mut text = String::from("package main\n\n");
        for rule in 0..5 {
            let _ = if number.is_multiple_of(2) {
                writeln!(
                    text,
                    "deny_{number}_{rule} contains msg if {{\n\tsome resource in input.resource_changes\n\tresource.type == \"aws_kind_{rule}\"\n\
                     \t\"delete\" in resource.change.actions\n\tmsg := sprintf(\"%s goes\", [resource.address])\n}}\n"
                )
            } else {
                writeln!(
                    text,
                    "deny_{number}_{rule}[msg] {{\n  resource := input.resource_changes[_]\n  resource.type == \"aws_kind_{rule}\"\n\
                     \x20 not resource.change.after.tags.owner\n  msg := sprintf(\"%s belongs to nobody\", [resource.address])\n}}\n"
                )
            };
        }
        let name = format!("rules_{number}.rego");
        PolicyFile { path: format!("policy/{name}"), within: name, bytes: text.into() }
    };
    (0..count).map(file).collect()
}

/// A plan with so many changes, one in a hundred of which is denied.
fn plan(changes: usize) -> Json {
    let change = |number: usize| {
        let tags = if number.is_multiple_of(100) { json!({}) } else { json!({ "owner": "team-shop" }) };
        json!({
            "address": format!("aws_kind_{}.r{number}", number % 20), "type": format!("aws_kind_{}", number % 20),
            "change": {
                "actions": ["create"], "before": null,
                "after": { "name": format!("r{number}"), "tags": tags, "password": "secret", "list": [1, 2, 3] },
                "before_sensitive": false, "after_sensitive": { "password": true, "tags": {} },
            },
        })
    };
    json!({ "format_version": "1.2", "resource_changes": (0..changes).map(change).collect::<Vec<_>>() })
}

fn input(changes: usize) -> Json {
    document(plan(changes), &Own::default()).expect("it is a plan")
}

fn policies(files_count: usize) -> Policies {
    Policies::load(files(files_count)).expect("they compile")
}

#[divan::bench(args = [1, 10, 100], sample_count = 10)]
fn compile_files_of_five_rules(bencher: Bencher, count: usize) {
    bencher.counter(ItemsCount::new(count)).with_inputs(|| files(count)).bench_local_values(Policies::load);
}

#[divan::bench(args = [10, 1_000, 10_000], sample_count = 20, sample_size = 1)]
fn ask_fifty_rules_about_changes(bencher: Bencher, changes: usize) {
    let policies = policies(10);
    bencher.counter(ItemsCount::new(changes)).with_inputs(|| input(changes)).bench_local_values(|input| {
        let found = policies.evaluate(input, &Namespaces::default(), &Limits::default());
        assert!(found.problems.is_empty(), "{:?}", found.problems);
        found
    });
}

#[divan::bench(args = [1_000, 10_000], sample_count = 20, sample_size = 1)]
fn mask_changes(bencher: Bencher, changes: usize) {
    bencher
        .counter(ItemsCount::new(changes))
        .with_inputs(|| plan(changes))
        .bench_local_values(|plan| document(plan, &Own::default()));
}

/// As many instances as an estate has, with the few changes that most plans have, on all cores.
#[divan::bench(sample_count = 3, sample_size = 1)]
fn ask_fifty_rules_for_1000_instances(bencher: Bencher) {
    let policies = policies(10);
    let inputs = || (0..1_000).map(|_| input(10)).collect::<Vec<_>>();
    bencher.counter(ItemsCount::new(1_000_usize)).with_inputs(inputs).bench_local_values(|inputs| {
        inputs
            .into_par_iter()
            .map(|input| policies.evaluate(input, &Namespaces::default(), &Limits::default()).findings.len())
            .sum::<usize>()
    });
}

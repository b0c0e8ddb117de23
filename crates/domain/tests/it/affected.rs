//! Tests of what a change affects: a table of changes, each rendered as `stack: reasons`, and the property that more changes never
//! affect less.

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::Config;
use terrace_domain::affected::{Affected, ChangeKind, ChangedFile, Comparison, ReachedModule, Reason, affected};
use terrace_domain::estate::{Estate, Gate, GateRule, Recipient, Stack, Stage, Team, TrustedKey};
use terrace_domain::expression::Span;
use terrace_domain::graph::Graph;
use terrace_domain::key::PublicKey;
use terrace_domain::name::{KeyName, StackName, TeamName};
use terrace_domain::path::RepoPath;
use terrace_domain::value::Value;

use crate::estate::{Build, attribute, capability, environment, estate, path, stack};

/// A network; a cluster that reads it and calls modules; an application that reads the cluster; DNS for itself.
fn harbour() -> Estate {
    estate([
        stack("stacks/network").reads("env.region"),
        stack("stacks/cluster").reads("stack.network.id").reads("env.nodes").serves("platform"),
        stack("stacks/app").reads("stack.cluster.endpoint").watches("charts/app/**"),
        stack("stacks/dns").reads("estate.name"),
    ])
}

/// The module folders that stacks reach: `cluster` calls `modules/nodes`, which calls `modules/tags`; `dns` calls one of its own.
fn modules(stack: &StackName) -> Vec<ReachedModule> {
    let (nodes, tags, records) = (path("modules/nodes"), path("modules/tags"), path("stacks/dns/records"));
    match stack.as_str() {
        "cluster" => vec![(nodes.clone(), vec![nodes.clone()]), (tags.clone(), vec![nodes, tags])],
        "dns" => vec![(records.clone(), vec![records])],
        _ => Vec::new(),
    }
}

/// The patterns of these tests are paths, or end in `/**`.
fn matches(pattern: &str, file: &RepoPath) -> bool {
    pattern.strip_suffix("/**").map_or_else(|| file.as_str() == pattern, |folder| file.is_within(&path(folder)))
}

/// A change in a line: `M path`, `A path`, `D path`, and `via link` where it is read through a link.
fn change(line: &str) -> ChangedFile {
    let words: Vec<_> = line.split(' ').collect();
    let kind = match words[0] {
        "A" => ChangeKind::Added,
        "M" => ChangeKind::Modified,
        "D" => ChangeKind::Removed,
        other => panic!("`{other}` is no kind of change"),
    };
    ChangedFile { path: path(words[1]), kind, link: words.get(3).map(|link| path(link)) }
}

fn compare(before: Option<&Estate>, now: &Estate, changes: &[ChangedFile]) -> Affected {
    affected(&Comparison { before, now, changes, modules: &modules, watches: &matches }, &Graph::of(now))
}

/// What the change of `before` into `now`, with these changed files, affects.
fn check(before: Option<&Estate>, now: &Estate, changes: &[&str]) -> String {
    let changes: Vec<_> = changes.iter().map(|line| change(line)).collect();
    let affected = compare(before, now, &changes);
    let mut lines = Vec::new();
    for (stack, reasons) in &affected.stacks {
        lines.extend(reasons.iter().map(|reason| format!("{stack}: {}", render(reason))));
    }
    lines.extend(affected.downstream.iter().map(|(stack, through)| format!("{stack}: downstream of {through}")));
    lines.extend(affected.removed.iter().map(|stack| format!("{stack}: removed")));
    if lines.is_empty() { "nothing".to_owned() } else { lines.join("\n") }
}

fn render(reason: &Reason) -> String {
    let file = |file: &ChangedFile| match &file.link {
        Some(link) => format!("{} {} through {link}", file.kind.as_str(), file.path),
        None => format!("{} {}", file.kind.as_str(), file.path),
    };
    match reason {
        Reason::New => "new".to_owned(),
        Reason::OwnFile(changed) => file(changed),
        Reason::Module { chain, file: changed } => {
            let chain: Vec<_> = chain.iter().map(RepoPath::as_str).collect();
            format!("{} in {}", file(changed), chain.join(" -> "))
        }
        Reason::Watched { pattern, file: changed } => format!("{} by {pattern}", file(changed)),
        Reason::Estate(part) => format!("{part:?}"),
    }
}

/// What a change of `terrace.hcl` alone affects.
fn check_estate(change: impl FnOnce(&mut Estate)) -> String {
    let before = harbour();
    let mut now = before.clone();
    change(&mut now);
    check(Some(&before), &now, &["M terrace.hcl"])
}

#[test]
fn a_file_of_the_stacks_folder() {
    insta::assert_snapshot!(check(None, &harbour(), &["M stacks/network/files/policy.json"]), @"
    network: modified stacks/network/files/policy.json
    app: downstream of cluster
    cluster: downstream of network
    ");
}

#[test]
fn the_stack_file() {
    insta::assert_snapshot!(check(Some(&harbour()), &harbour(), &["M stacks/cluster/stack.hcl"]), @"
    cluster: modified stacks/cluster/stack.hcl
    app: downstream of cluster
    ");
}

#[test]
fn a_stack_that_changed_itself_is_not_named_as_downstream() {
    insta::assert_snapshot!(check(None, &harbour(), &["M stacks/network/main.tf", "D stacks/app/old.tf"]), @"
    app: removed stacks/app/old.tf
    network: modified stacks/network/main.tf
    cluster: downstream of network
    ");
}

#[test]
fn a_module_at_depth_two_with_its_chain() {
    insta::assert_snapshot!(check(None, &harbour(), &["M modules/tags/main.tf"]), @"
    cluster: modified modules/tags/main.tf in modules/nodes -> modules/tags
    app: downstream of cluster
    ");
}

#[test]
fn a_module_in_the_stacks_folder_is_an_own_file() {
    insta::assert_snapshot!(check(None, &harbour(), &["M stacks/dns/records/main.tf"]), @"dns: modified stacks/dns/records/main.tf");
}

#[test]
fn a_module_that_no_stack_uses_and_folders_with_a_longer_name() {
    insta::assert_snapshot!(check(None, &harbour(), &["M modules/unused/main.tf", "M stacks/network-2/main.tf", "A README.md"]), @"nothing");
}

#[test]
fn a_watched_file() {
    insta::assert_snapshot!(check(None, &harbour(), &["A charts/app/templates/web.yaml", "M charts/other/web.yaml"]), @"app: added charts/app/templates/web.yaml by charts/app/**");
}

#[test]
fn a_file_behind_a_link() {
    let changes = ["M shared/versions.tf", "M shared/versions.tf via stacks/dns/versions.tf"];
    insta::assert_snapshot!(check(None, &harbour(), &changes), @"dns: modified shared/versions.tf through stacks/dns/versions.tf");
}

#[test]
fn a_watched_file_behind_a_link() {
    let changes = ["M shared/values.yaml", "M shared/values.yaml via charts/app/values.yaml"];
    insta::assert_snapshot!(check(None, &harbour(), &changes), @"app: modified shared/values.yaml through charts/app/values.yaml by charts/app/**");
}

#[test]
fn an_estate_file_behind_a_link() {
    let before = harbour();
    let mut now = harbour();
    now.name = "haven".parse().expect("a name");
    let changes = ["M shared/estate.hcl", "M shared/estate.hcl via terrace.hcl"];
    insta::assert_snapshot!(check(Some(&before), &now, &changes), @"dns: Name");
}

#[test]
fn a_new_stack() {
    let mut now = harbour();
    let vault = stack("stacks/vault");
    now.stacks.insert(vault.name.clone(), vault);
    let changes = ["A stacks/vault/stack.hcl", "A stacks/vault/main.tf"];
    insta::assert_snapshot!(check(Some(&harbour()), &now, &changes), @"vault: new");
}

#[test]
fn a_stack_that_moved_is_not_new() {
    let mut now = harbour();
    let moved = Stack { folder: path("edge/dns"), ..now.stacks["dns"].clone() };
    now.stacks.insert(moved.name.clone(), moved);
    let changes = ["D stacks/dns/stack.hcl", "A edge/dns/stack.hcl"];
    insta::assert_snapshot!(check(Some(&harbour()), &now, &changes), @"dns: added edge/dns/stack.hcl");
}

#[test]
fn a_removed_stack() {
    let mut now = harbour();
    now.stacks.remove("dns");
    insta::assert_snapshot!(check(Some(&harbour()), &now, &["D stacks/dns/stack.hcl"]), @"dns: removed");
}

#[test]
fn a_renamed_stack() {
    let mut now = harbour();
    let old = now.stacks.remove("dns").expect("it is there");
    let renamed = Stack { name: "names".parse().expect("a name"), ..old };
    now.stacks.insert(renamed.name.clone(), renamed);
    insta::assert_snapshot!(check(Some(&harbour()), &now, &["M stacks/dns/stack.hcl"]), @"
    names: modified stacks/dns/stack.hcl
    dns: removed
    ");
}

#[test]
fn a_value_of_an_environment_affects_who_reads_it() {
    let prod = |now: &mut Estate| {
        now.environments.insert("prod".parse().expect("a name"), environment("prod", 9).1);
    };
    insta::assert_snapshot!(check_estate(prod), @r#"
    cluster: EnvironmentVar("prod", "nodes")
    app: downstream of cluster
    "#);
}

#[test]
fn a_value_that_nobody_reads_or_that_is_there_before_it_is_read() {
    let colour = |now: &mut Estate| {
        for environment in now.environments.values_mut() {
            environment.vars.insert("colour".to_owned(), Value::from("blue"));
        }
    };
    insta::assert_snapshot!(check_estate(colour), @"nothing");
}

#[test]
fn a_value_that_is_gone() {
    let gone = |now: &mut Estate| {
        now.environments.get_mut("dev").expect("it is there").vars.remove("region");
    };
    insta::assert_snapshot!(check_estate(gone), @r#"
    network: EnvironmentVar("dev", "region")
    app: downstream of cluster
    cluster: downstream of network
    "#);
}

#[test]
fn the_whole_environment_read_is_each_of_its_values_read() {
    let before = estate([stack("one").reads("env"), stack("other").reads("env.region")]);
    let mut now = before.clone();
    now.environments.get_mut("dev").expect("it is there").vars.insert("colour".to_owned(), Value::from("blue"));
    insta::assert_snapshot!(check(Some(&before), &now, &["M terrace.hcl"]), @r#"one: EnvironmentVar("dev", "colour")"#);
}

#[test]
fn a_value_that_the_state_reads_is_used_by_all() {
    let mut before = harbour();
    before.state.settings.insert("region".to_owned(), attribute("env", "region", 10));
    let mut now = before.clone();
    now.environments.get_mut("dev").expect("it is there").vars.insert("region".to_owned(), Value::from("eu-north-1"));
    insta::assert_snapshot!(check(Some(&before), &now, &["M terrace.hcl"]), @r#"
    app: EnvironmentVar("dev", "region")
    cluster: EnvironmentVar("dev", "region")
    dns: EnvironmentVar("dev", "region")
    network: EnvironmentVar("dev", "region")
    "#);
}

#[test]
fn a_new_environment_affects_all_and_a_removed_one_none() {
    let new = |now: &mut Estate| now.environments.extend([environment("staging", 2)]);
    insta::assert_snapshot!(check_estate(new), @r#"
    app: NewEnvironment("staging")
    cluster: NewEnvironment("staging")
    dns: NewEnvironment("staging")
    network: NewEnvironment("staging")
    "#);
    let removed = |now: &mut Estate| drop(now.environments.remove("dev"));
    insta::assert_snapshot!(check_estate(removed), @"nothing");
}

#[test]
fn a_capability_affects_the_stacks_that_serve_it() {
    let owner = |now: &mut Estate| {
        now.capabilities.get_mut("platform").expect("it is there").owner = Some("team-platform".to_owned());
    };
    insta::assert_snapshot!(check_estate(owner), @r#"
    cluster: Capability("platform")
    app: downstream of cluster
    "#);
    let other = |now: &mut Estate| now.capabilities.extend([capability("secrets")]);
    insta::assert_snapshot!(check_estate(other), @"nothing");
}

#[test]
fn the_terraform_block_affects_all() {
    let version = |now: &mut Estate| now.terraform.version = Some(">= 1.9".to_owned());
    insta::assert_snapshot!(check_estate(version), @"
    app: Terraform
    cluster: Terraform
    dns: Terraform
    network: Terraform
    ");
}

#[test]
fn the_state_block_affects_all() {
    let kind = |now: &mut Estate| now.state.kind = "s3".to_owned();
    let all = "app: State\ncluster: State\ndns: State\nnetwork: State";
    assert_eq!(check_estate(kind), all);
    let key = |now: &mut Estate| drop(now.state.settings.insert("key".to_owned(), attribute("stack", "name", 4)));
    assert_eq!(check_estate(key), all);
    let keyed = |by: &str| {
        let mut estate = harbour();
        estate.state.settings.insert("key".to_owned(), attribute("stack", by, 4));
        estate
    };
    assert_eq!(check(Some(&keyed("name")), &keyed("path"), &["M terrace.hcl"]), all);
}

#[test]
fn comments_and_layout_affect_nothing() {
    let mut before = harbour();
    before.state.settings.insert("key".to_owned(), attribute("stack", "name", 40));
    let mut now = before.clone();
    now.state.settings.insert("key".to_owned(), attribute("stack", "name", 99));
    now.state.span = Some(Span { start: 90, end: 120 });
    now.terraform.version_span = Some(Span { start: 5, end: 9 });
    insta::assert_snapshot!(check(Some(&before), &now, &["M terrace.hcl"]), @"nothing");
}

#[test]
fn the_pipeline_affects_nothing() {
    let gate = Gate { rule: GateRule::Clean, span: Span::default() };
    let stage = Stage {
        name: "prod".parse().expect("a name"),
        environment: Some("prod".parse().expect("a name")),
        rehearse: vec![terrace_domain::rehearsal::Kind::Zero],
        gates: vec![gate],
        span: Span::default(),
    };
    insta::assert_snapshot!(check_estate(|now| now.stages.push(stage)), @"nothing");
    let protect = |now: &mut Estate| now.environments.get_mut("prod").expect("it is there").protected = true;
    insta::assert_snapshot!(check_estate(protect), @"nothing");
}

#[test]
fn an_estate_that_could_not_be_read_before_is_all_changed() {
    insta::assert_snapshot!(check(None, &harbour(), &["M terrace.hcl"]), @"
    app: Everything
    cluster: Everything
    dns: Everything
    network: Everything
    ");
}

fn any_change() -> impl Strategy<Value = ChangedFile> {
    let paths = vec![
        "terrace.hcl",
        "README.md",
        "stacks/network/main.tf",
        "stacks/network/stack.hcl",
        "stacks/cluster/stack.hcl",
        "stacks/app/main.tf",
        "modules/nodes/main.tf",
        "modules/tags/a/b.tf",
        "charts/app/web.yaml",
    ];
    let kinds = vec![ChangeKind::Added, ChangeKind::Modified, ChangeKind::Removed];
    let links = prop_oneof![4 => Just(None), 1 => select(vec!["stacks/dns/shared.tf", "terrace.hcl"]).prop_map(Some)];
    (select(paths), select(kinds), links).prop_map(|(file, kind, link)| ChangedFile {
        path: path(file),
        kind,
        link: link.map(path),
    })
}

/// The estates before that a change may have come from; `None` could not be read.
fn befores() -> Vec<Option<Estate>> {
    let mut other = harbour();
    other.environments.extend([environment("dev", 7)]);
    let mut without = harbour();
    without.stacks.remove("network");
    vec![None, Some(harbour()), Some(other), Some(without)]
}

proptest! {
    #![proptest_config(Config { cases: 300, failure_persistence: None, ..Config::default() })]

    #[test]
    fn one_more_changed_file_never_affects_less(
        changes in vec(any_change(), 0..8),
        more in any_change(),
        before in select(befores()),
    ) {
        let all = |affected: &Affected| -> BTreeSet<StackName> {
            affected.stacks.keys().chain(affected.downstream.keys()).cloned().collect()
        };
        let now = harbour();
        let fewer = compare(before.as_ref(), &now, &changes);
        let changes: Vec<_> = changes.into_iter().chain([more]).collect();
        let further = compare(before.as_ref(), &now, &changes);
        prop_assert!(fewer.stacks.keys().all(|stack| further.stacks.contains_key(stack)));
        prop_assert!(all(&fewer).is_subset(&all(&further)));
        prop_assert_eq!(fewer.removed, further.removed);
        prop_assert!(further.stacks.values().all(|reasons| !reasons.is_empty()));
        prop_assert!(further.downstream.keys().all(|stack| !further.stacks.contains_key(stack)));
    }
}

#[test]
fn who_decides_and_whose_keys_count_affect_nothing() {
    let shown = check_estate(|estate| {
        let name: TeamName = "team-platform".parse().unwrap();
        estate.teams = [(name.clone(), Team { name, members: vec!["ada".to_owned()], span: Span::default() })].into();
        let name: KeyName = "release-bot".parse().unwrap();
        let key = TrustedKey { name: name.clone(), public_key: PublicKey::from_bytes([7; 32]), span: Span::default() };
        estate.trust = [(name, key)].into();
        estate.recipients = vec![Recipient { key: "age1".to_owned(), span: Span::default() }];
    });
    assert_eq!(shown, "nothing");
}

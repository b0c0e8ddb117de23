//! Delivering a whole estate: the smallest one and the example, on each Terraform at hand.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;

use serde_json::Value as Json;
use terrace_testkit::tools;

use crate::desk::Desk;
use crate::{harbour, small};

/// The state of each instance of a run, in the run's order.
pub(crate) fn states(run: &Json) -> Vec<(String, String)> {
    let text = |json: &Json| json.as_str().expect("a text").to_owned();
    let instances = run["instances"].as_array().expect("instances");
    instances.iter().map(|one| (text(&one["stack"]), text(&one["state"]))).collect()
}

fn all_are(run: &Json, word: &str) -> bool {
    states(run).iter().all(|(_, state)| state == word)
}

#[test]
fn the_smallest_estate_is_delivered_by_each_terraform() {
    for terraform in tools::terraforms() {
        let desk = Desk::empty(&terraform);
        desk.ok(&["init"]);
        desk.commit("Begin");
        let done = desk.ok(&["deliver", "--to", "dev"]).says(&[
            "Delivering 1 stack of commit ",
            "\"Begin\" in dev",
            "✓ first  applied: 1 added, 0 changed, 0 destroyed",
            "Run 1 in dev succeeded: 1 applied; resources: 1 added, 0 changed, 0 destroyed, in ",
        ]);
        assert_eq!(done.stdout, "", "stdout is data");
        assert_eq!(desk.changes(), ["create dev/first bucket repository-dev"]);
        assert_eq!(desk.exists(), ["bucket repository-dev"]);
        desk.ok(&["deliver", "--to", "dev", "--again"])
            .says(&["= first  unchanged", "Run 2 in dev succeeded: 1 unchanged"]);
        desk.ok(&["deliver", "--to", "dev"]).says(&["Run 3 in dev succeeded: 1 current"]);
        assert_eq!(desk.changes().len(), 1);
    }
}

#[test]
fn harbour_is_delivered_by_each_terraform() {
    for terraform in tools::terraforms() {
        let desk = harbour::estate(&terraform);
        let first = desk.json(&["deliver", "--to", "dev", "--json"]);
        assert!(all_are(&first, "applied"), "{first:#}");
        let changes = desk.changes();
        assert!(changes.iter().all(|change| change.starts_with("create dev/")), "{changes:#?}");
        assert_eq!(changes.len(), desk.exists().len());
        the_waves_are_kept(&first);
        nobody_is_created_before_its_upstream(&changes);

        let second = desk.json(&["deliver", "--to", "dev", "--again", "--json"]);
        assert!(all_are(&second, "unchanged"), "{second:#}");
        assert_eq!(desk.changes(), changes, "delivering again changed something");
        what_is_said_of_runs_agrees(&desk, &second);
        let calls = desk.calls().len();
        let current = desk.json(&["deliver", "--to", "dev", "--json"]);
        assert!(all_are(&current, "skipped"), "{current:#}");
        assert_eq!(desk.calls().len(), calls, "what runs already was looked at");
        later_stages_want_evidence_and_people(&desk);
    }
}

/// No instance begins before all that it depends on has ended.
fn the_waves_are_kept(run: &Json) {
    let time = |stack: &str, when: &str| -> String {
        let instances = run["instances"].as_array().unwrap();
        let one = instances.iter().find(|one| one["stack"] == stack).expect("takes part");
        one[when].as_str().expect("a time").to_owned()
    };
    for (stack, upstream) in [
        ("aws-cluster", "aws-network"),
        ("aws-database", "aws-vault"),
        ("google-database", "google-network"),
        ("dns", "aws-cluster"),
        ("dns", "google-cluster"),
        ("shop", "dns"),
        ("shop", "google-database"),
    ] {
        let (begun, ended): (jiff::Timestamp, jiff::Timestamp) =
            (time(stack, "started_at").parse().unwrap(), time(upstream, "finished_at").parse().unwrap());
        assert!(begun >= ended, "{stack} began at {begun}, {upstream} ended at {ended}");
    }
}

/// The cloud's record says the same, without a word of Terrace.
fn nobody_is_created_before_its_upstream(changes: &[String]) {
    let mut places: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (place, change) in changes.iter().enumerate() {
        let stack = change.split([' ', '/']).nth(2).expect("create ENVIRONMENT/STACK …");
        places.entry(stack).or_default().push(place);
    }
    let stacks: usize = harbour::WAVES.iter().map(|wave| wave.len()).sum();
    assert_eq!(places.len(), stacks);
    for (stack, upstream) in [("aws-cluster", "aws-network"), ("google-cluster", "google-network"), ("shop", "dns")] {
        assert!(places[upstream].last() < places[stack].first(), "{stack} before {upstream}: {changes:#?}");
    }
}

fn what_is_said_of_runs_agrees(desk: &Desk, last: &Json) {
    let mut shown = desk.json(&["run", "show", "--json"]);
    assert_eq!(&shown, last, "`deliver --json` and `run show --json`");
    shown = desk.json(&["run", "show", "1", "--json"]);
    let runs = desk.json(&["run", "list", "--json"]);
    assert_eq!(runs["schema"], "terrace.runs/2");
    let ids: Vec<_> = runs["runs"].as_array().unwrap().iter().map(|run| run["id"].as_u64().unwrap()).collect();
    assert_eq!(ids, [2, 1], "the newest first");
    for field in ["id", "stages", "release", "outcome", "commit", "subject", "actor", "terraform", "finished_at"] {
        assert_eq!(runs["runs"][1][field], shown[field], "{field}");
    }
    let status = desk.json(&["status", "--json"]);
    let instances = status["instances"].as_array().unwrap();
    assert_eq!(instances.len(), last["instances"].as_array().unwrap().len());
    for instance in instances {
        assert_eq!((&instance["environment"], &instance["commit"]), (&"dev".into(), &last["commit"]));
        assert_eq!((&instance["last_run"], &instance["last_state"]), (&2.into(), &"unchanged".into()));
        let one = last["instances"].as_array().unwrap().iter().find(|one| one["stack"] == instance["stack"]);
        assert_eq!(instance["last_at"], one.expect("took part")["finished_at"]);
    }
    let text = desk.ok(&["status"]).stdout;
    let short = &last["commit"].as_str().unwrap()[..8];
    assert_eq!(text.matches(&format!("({short})")).count(), instances.len(), "{text}");
}

/// As the example's pipeline says: to prod goes what has succeeded in staging, when people have approved it.
fn later_stages_want_evidence_and_people(desk: &Desk) {
    let changes = desk.changes_of(|| {
        let refused = desk.run(&["deliver", "--stage", "prod", "--confirm", "prod", "backups"]).expect(4);
        refused.says(&["- backups  not started: there is no evidence that this release succeeded in staging"]);
    });
    assert_eq!(changes, [""; 0]);
    desk.ok(&["deliver", "--env", "staging", "backups"]).says(&["1 applied"]);
    let changes = desk.changes_of(|| {
        // A name on the command line is not the people that the gate asks.
        let waiting = desk.run(&["deliver", "--stage", "prod", "--confirm", "prod", "backups"]).expect(3);
        waiting.says(&["? backups  waits for approval", "terrace run approve"]);
    });
    assert_eq!(changes, [""; 0]);
}

#[test]
fn a_gate_that_nobody_can_decide_refuses() {
    let Some(terraform) = tools::terraform() else { return };
    let desk = small::estate(&terraform);
    let open = "stage \"test\" { environment = \"test\" }";
    let gated = "stage \"test\" {\n    environment = \"test\"\n    gate \"approval\" {}\n  }";
    desk.edit("terrace.hcl", open, gated);
    desk.commit("Gate");
    let refused = desk.run(&["deliver", "--to", "test", "side"]).expect(4);
    refused.says(&["✗ test/side", "refused by the gate `approval`: nobody can approve it", "1 applied, 1 refused"]);
    assert_eq!(desk.changes(), ["create dev/side bucket side-dev"]);
}

#[test]
fn a_protected_environment_waits_for_an_approval_or_wants_its_name() {
    let Some(terraform) = tools::terraform() else { return };
    let desk = small::estate(&terraform);
    let wrong = desk.run(&["deliver", "--env", "prod", "--confirm", "dev", "side"]).expect(2);
    wrong.says(&["`dev` is no protected environment of this delivery", "Protected: `prod`."]);
    desk.run(&["deliver", "--env", "prod", "--confirm", "prod", "side"]).expect(4).says(&["succeeded in test"]);
    assert_eq!(desk.changes(), [""; 0]);
    let before_prod = ["create dev/side bucket side-dev", "create test/side bucket side-test"];
    desk.run(&["deliver", "side"]).expect(3).says(&["? prod     side  waits for approval", "terrace run approve 2"]);
    assert_eq!(desk.changes(), before_prod);
    desk.ok(&["deliver", "--env", "prod", "--confirm", "prod", "side"]);
    assert_eq!(desk.changes(), [&before_prod[..], &["create prod/side bucket side-prod"]].concat());
}

#[test]
fn environments_are_apart() {
    let Some(terraform) = tools::terraform() else { return };
    let desk = small::delivered(&terraform);
    let mut changes = desk.changes_of(|| drop(desk.ok(&["deliver", "--env", "test"])));
    changes.sort();
    assert_eq!(
        changes,
        [
            "create test/base bucket base-test",
            "create test/middle bucket middle-test",
            "create test/side bucket side-test",
            "create test/top bucket top-test"
        ]
    );
    let text = desk.ok(&["status"]).stdout;
    assert_eq!(text.matches("✓ ").count(), 8, "{text}");
}

#[test]
fn some_stacks_are_delivered_by_name_glob_and_folder() {
    let Some(terraform) = tools::terraform() else { return };
    let desk = small::estate(&terraform);
    desk.ok(&["deliver", "--to", "dev", "s*"]).says(&["Delivering 1 stack of"]);
    desk.ok(&["deliver", "--to", "dev", "stacks/base", "middle"]).says(&["Delivering 2 stacks of"]);
    let changes = ["side", "base", "middle"].map(|name| format!("create dev/{name} bucket {name}-dev"));
    assert_eq!(desk.changes(), changes);
}

#[test]
fn only_what_is_committed_is_delivered() {
    let Some(terraform) = tools::terraform() else { return };
    let desk = small::delivered(&terraform);
    desk.edit("terrace.hcl", "blue", "green");
    desk.write("stacks/side/extra.tf", "output \"extra\" {\n  value = 1\n}\n");
    desk.ok(&["deliver", "--to", "dev", "--again"])
        .says(&["warning: not committed, and so not part of it: stacks/side/extra.tf, terrace.hcl", "4 unchanged"]);
    desk.commit("Green");
    let changes = desk.changes_of(|| drop(desk.ok(&["deliver", "--to", "dev"]).without(&["warning"])));
    assert_eq!(changes, ["update dev/side bucket side-dev"]);
}

#[test]
fn an_older_commit_can_be_delivered_again() {
    let Some(terraform) = tools::terraform() else { return };
    let desk = small::delivered(&terraform);
    desk.edit("terrace.hcl", "blue", "green");
    desk.commit("Green");
    desk.ok(&["deliver", "--to", "dev", "side"]);
    let changes = desk.changes_of(|| {
        drop(desk.ok(&["deliver", "--to", "dev", "--commit", "HEAD~1", "side"]).says(&["\"Begin\" in dev"]));
    });
    assert_eq!(changes, ["update dev/side bucket side-dev"]);
    desk.run(&["deliver", "--to", "dev", "--commit", "HEAD~7"]).expect(2).says(&["HEAD~7"]);
}

#[test]
fn an_estate_without_stacks_is_delivered_at_once() {
    let Some(terraform) = tools::terraform() else { return };
    let head = small::FILES.split("//- shared").next().unwrap();
    let desk = Desk::with(&terraform, head);
    desk.ok(&["deliver", "--to", "dev"]).says(&["Nothing to deliver: the estate has no stacks."]);
    desk.ok(&["list"]).says(&["no stacks yet"]);
}

#[test]
fn nothing_is_left_in_the_folder_for_temporary_files_nor_in_home() {
    let Some(terraform) = tools::terraform() else { return };
    let desk = small::delivered(&terraform);
    assert_eq!(files_below(&desk.repository().beside("tmp")), [""; 0].map(std::path::PathBuf::from));
    // The user's own keys, which nobody else can read.
    let mut keys = files_below(&desk.repository().beside("home"));
    keys.sort();
    let own =
        ["identity.txt", "signing-key.pem"].map(|name| desk.repository().beside("home/.config/terrace").join(name));
    assert_eq!(keys, own);
    let mode = |path: &std::path::PathBuf| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(own.each_ref().map(mode), [0o600; 2]);
    let stranger = desk.repository().git(&["status", "--porcelain"]);
    assert_eq!(stranger, "", "the work tree is as it was");
}

#[test]
fn a_delivery_can_be_started_from_anywhere() {
    let Some(terraform) = tools::terraform() else { return };
    let desk = small::estate(&terraform);
    let root = desk.repository().root().to_str().unwrap().to_owned();
    desk.ok(&["-C", "stacks/side", "deliver", "--to", "dev", "side"]).says(&["1 applied"]);
    let desk = desk.in_folder("stacks/base");
    desk.ok(&["deliver", "--to", "dev", "--again", "side"]).says(&["1 unchanged"]);
    let desk = desk.in_folder("../elsewhere");
    desk.ok(&["-C", &root, "deliver", "--to", "dev", "--again", "side"]).says(&["1 unchanged"]);
    desk.run(&["deliver", "--to", "dev", "side"]).expect(2).says(&["there is no terrace.hcl in"]);
}

#[test]
fn one_at_a_time_is_one_at_a_time() {
    let Some(terraform) = tools::terraform() else { return };
    let desk = small::estate(&terraform);
    let run = desk.json(&["deliver", "--to", "dev", "-j", "1", "--json"]);
    let time = |json: &Json| json.as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    let instances = run["instances"].as_array().unwrap().iter();
    let mut spans: Vec<_> = instances.map(|one| (time(&one["started_at"]), time(&one["finished_at"]))).collect();
    spans.sort();
    assert!(spans.windows(2).all(|pair| pair[0].1 <= pair[1].0), "{spans:?}");
}

#[test]
fn a_failed_delivery_is_told_as_json_too() {
    let Some(terraform) = tools::terraform() else { return };
    let desk = small::estate(&terraform);
    desk.ok(&["sandbox", "fault", "add", "aws/bucket", "--name", "side-*", "--time-out", "1", "--times", "1"]);
    let run = desk.run(&["deliver", "--to", "dev", "side", "--json"]).expect(1).json();
    assert_eq!((&run["schema"], &run["outcome"]), (&"terrace.run/2".into(), &"failed".into()));
    let failure = &run["instances"][0]["failure"];
    assert_eq!((&failure["step"], &failure["diagnostics"][0]["severity"]), (&"apply".into(), &"error".into()));
    assert_eq!(failure["diagnostics"][0]["address"], "sandbox_aws_bucket.this");
}

#[test]
fn secrets_are_in_states_alone() {
    let Some(terraform) = tools::terraform() else { return };
    let desk = harbour::estate(&terraform);
    let told = desk.ok(&["deliver", "--to", "dev", "--verbose", "aws-vault", "aws-network", "aws-database"]);
    let mut secrets = secrets_in(&desk.home("state/dev/aws-database.tfstate"), "password");
    secrets.extend(secrets_in(&desk.home("state/dev/aws-vault.tfstate"), "value"));
    assert!(secrets.len() >= 2, "{secrets:?}");
    let shown =
        [&["run", "show"][..], &["run", "show", "--json"], &["status", "--json"], &["plan"], &["plan", "--json"]];
    let said = shown.map(|arguments| desk.run(arguments).to_string()).concat() + &told.to_string();
    for secret in &secrets {
        assert!(!said.contains(secret.as_str()), "a secret is said");
        for file in files_below(&desk.home("")) {
            // The cloud itself and the states know them: that is what they are for.
            let knows = file.starts_with(desk.home("state")) || file.to_string_lossy().contains("sandbox.db");
            let bytes = std::fs::read(&file).unwrap();
            let holds = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(knows || !holds, "a secret is in {}", file.display());
        }
    }
}

/// The values of an attribute in a state's resources.
fn secrets_in(state: &std::path::Path, attribute: &str) -> Vec<String> {
    let state: Json = serde_json::from_slice(&std::fs::read(state).unwrap()).unwrap();
    let instances = state["resources"].as_array().unwrap().iter().flat_map(|one| one["instances"].as_array().unwrap());
    instances.filter_map(|one| Some(one["attributes"][attribute].as_str()?.to_owned())).collect()
}

fn files_below(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let inside = |entry: std::fs::DirEntry| match entry.file_type().unwrap() {
        kind if kind.is_dir() => files_below(&entry.path()),
        kind if kind.is_file() => vec![entry.path()],
        _ => Vec::new(),
    };
    entries.flat_map(inside).collect()
}

//! A lost state is made again by imports, by the real Terraform: from a snapshot, whole or as far as it goes, and nothing but the state is
//! written.

use std::fs;
use std::path::PathBuf;

use serde_json::Value as Json;
use terrace_testkit::tools;

use crate::desk::{Desk, Done, Signal, wait_until};
use crate::small;

/// What `side` is made of here: keys that are hard to write, a module, a count.
const MANY: &str = r#"
//- stacks/side/many.tf
resource "sandbox_aws_network" "main" {
  name = "${var.name}-net"
  cidr = "10.0.0.0/16"
}

resource "sandbox_aws_subnet" "by_key" {
  for_each   = { "a \"b\" $${x} %%{y} ü" = 0, "plain" = 1 }
  name       = "${var.name}-${each.value}"
  network_id = sandbox_aws_network.main.id
  cidr       = "10.0.${each.value}.0/24"
}

resource "sandbox_aws_bucket" "counted" {
  count = 2
  name  = "${var.name}-${count.index}"
}

module "more" {
  source   = "../../modules/store"
  for_each = toset(["one"])
  name     = "${var.name}-more-${each.key}"
}

output "network" {
  value = sandbox_aws_network.main.id
}
"#;

const SIDE: [&str; 3] = ["side", "--env", "dev"];

/// The small estate with `side` delivered, and more in it.
fn desk() -> Option<Desk> {
    let desk = small::estate(&tools::terraform()?);
    desk.write_all(MANY);
    desk.commit("More in it");
    desk.ok(&["deliver", "--to", "dev", "side"]);
    Some(desk)
}

fn import(desk: &Desk, more: &[&str]) -> Done {
    desk.run(&[&["state", "import"], &SIDE[..], more].concat())
}

fn state(desk: &Desk) -> PathBuf {
    desk.home("state/dev/side.tfstate")
}

fn lose_state(desk: &Desk) {
    fs::remove_file(state(desk)).unwrap();
}

/// The addresses in the state, as Terraform would list them, by type and name.
fn resources(desk: &Desk) -> usize {
    let state: Json = serde_json::from_slice(&fs::read(state(desk)).unwrap()).unwrap();
    let managed = state["resources"].as_array().unwrap().iter().filter(|one| one["mode"] == "managed");
    managed.map(|one| one["instances"].as_array().unwrap().len()).sum()
}

/// What the ledger has of imports.
fn kinds(desk: &Desk) -> Vec<String> {
    let report = desk.json(&["ledger", "log", "--json", "--oldest-first", "--kind", "state_import*"]);
    report["entries"].as_array().unwrap().iter().map(|entry| entry["kind"].as_str().unwrap().to_owned()).collect()
}

fn names(list: &Json) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|one| one.as_str().or_else(|| one["address"].as_str()).unwrap()).collect()
}

/// Nothing of an import lies about.
fn is_clean(desk: &Desk) {
    let left = [
        "tree/stacks/side/terrace_import.tf",
        "tree/stacks/side/terrace_import_override.tf",
        "tree/modules/store/terrace_import_override.tf",
        "plan.tfplan",
        "inputs.tfvars.json",
    ];
    for file in left {
        assert!(!desk.home("work/dev/side").join(file).exists(), "{file} is left");
    }
}

/// The id that the sandbox cloud gave to something.
fn id_of(desk: &Desk, kind: &str, name: &str) -> String {
    let calls = desk.json(&["sandbox", "calls", "--limit", "100000", "--json"]);
    let made = |call: &&Json| call["operation"] == "create" && call["kind"] == kind && call["name"] == name;
    calls["calls"].as_array().unwrap().iter().find(made).unwrap()["id"].as_str().unwrap().to_owned()
}

#[test]
fn a_lost_state_is_made_again_and_nothing_else_is_changed() {
    for terraform in tools::terraforms() {
        let Some(desk) = desk().map(|desk| desk.with_terraform(&terraform)) else { return };
        let (before, existing) = (resources(&desk), desk.exists());
        assert_eq!(before, 7);
        lose_state(&desk);
        let changes = desk.changes_of(|| {
            import(&desk, &[]).expect(3).says(&["7 resources to import", "nobody is there to be asked", "--yes"]);
            let looked = import(&desk, &["--dry-run", "--json"]).expect(0).json();
            assert_eq!((&looked["schema"], &looked["written"]), (&"terrace.state.import/1".into(), &false.into()));
            let imported = names(&looked["imported"]);
            assert!(imported.contains(&r#"module.more["one"].sandbox_aws_bucket.this"#), "{imported:?}");
            assert!(imported.contains(&r#"sandbox_aws_subnet.by_key["a \"b\" $${x} %%{y} ü"]"#), "{imported:?}");
            assert!(!state(&desk).exists(), "it was only looked");
            assert_eq!(kinds(&desk), [""; 0]);
            let done = import(&desk, &["--yes", "--reason", "the disk died", "--json"]).expect(0).json();
            assert_eq!(done["imported"], looked["imported"]);
            assert_eq!((&done["plan_empty"], &done["written"]), (&true.into(), &true.into()));
            desk.ok(&["deliver", "--to", "dev", "--again", "side"]).says(&["1 unchanged"]);
        });
        assert_eq!((changes, desk.exists()), (vec![], existing), "nothing was made or changed");
        assert_eq!(resources(&desk), before);
        is_clean(&desk);
        assert_eq!(kinds(&desk), ["state_import_begun", "state_imported"]);
        let entry = &desk.json(&["ledger", "log", "--json", "--kind", "state_imported"])["entries"][0];
        assert_eq!((&entry["reason"], &entry["environment"]), (&"the disk died".into(), &"dev".into()));
        let body: Json = serde_json::from_str(entry["body"].as_str().unwrap()).unwrap();
        assert_eq!((&body["snapshot"], names(&body["imported"]).len()), (&1.into(), 7));
        desk.ok(&["ledger", "verify"]);
        let snapshots = desk.json(&[&["state", "snapshots", "--json"], &SIDE[..]].concat());
        assert_eq!(snapshots["snapshots"].as_array().unwrap().len(), 2, "the new state is kept");
    }
}

#[test]
fn what_is_gone_is_listed_and_the_rest_is_imported() {
    for terraform in tools::terraforms() {
        let Some(desk) = desk().map(|desk| desk.with_terraform(&terraform)) else { return };
        let gone = [id_of(&desk, "bucket", "side-dev-1"), id_of(&desk, "subnet", "side-dev-1")];
        desk.ok(&["sandbox", "tamper", "bucket/side-dev-1", "--delete"]);
        desk.ok(&["sandbox", "tamper", "subnet/side-dev-1", "--delete"]);
        lose_state(&desk);
        let changes = desk.changes_of(|| {
            let looked = import(&desk, &["--dry-run", "--json"]).expect(0).json();
            assert_eq!(names(&looked["refused"]).len(), 2, "{looked:#}");
            let done = import(&desk, &["--yes", "--json"]).expect(1).json();
            assert_eq!(names(&done["imported"]).len(), 5);
            let refused = done["refused"].as_array().unwrap();
            assert_eq!(
                names(&done["refused"]),
                ["sandbox_aws_bucket.counted[1]", "sandbox_aws_subnet.by_key[\"plain\"]"]
            );
            for (one, id) in refused.iter().zip(&gone) {
                assert_eq!(one["id"], format!("{id}@eu-west-1"));
                assert!(one["why"].as_str().unwrap().contains(&format!("'{id}' does not exist")), "{one}");
            }
            assert_eq!((&done["plan_empty"], names(&done["differing"]).len()), (&false.into(), 0));
        });
        assert_eq!(changes, [""; 0], "nothing is made anew by an import");
        assert_eq!(resources(&desk), 5);
        is_clean(&desk);
        desk.ok(&["deliver", "--to", "dev", "--again", "side"]).says(&["1 applied"]);
        desk.ok(&["deliver", "--to", "dev", "--again", "side"]).says(&["1 unchanged"]);
    }
}

#[test]
fn what_differs_is_imported_and_told_by_its_attributes() {
    let Some(desk) = desk() else { return };
    for bucket in ["bucket/side-dev", "bucket/side-dev-more-one"] {
        desk.ok(&["sandbox", "tamper", bucket, "--set", "tags={\"colour\":\"pink\",\"team\":\"one\"}"]);
    }
    lose_state(&desk);
    let changes = desk.changes_of(|| {
        let done = import(&desk, &["--yes"]).expect(1);
        assert!(done.stdout.contains("7 resources imported"), "{done}");
        assert!(done.stdout.contains("~ sandbox_aws_bucket.this (update): tags.colour, tags.team\n"), "{done}");
        assert!(
            done.stdout.contains("~ module.more[\"one\"].sandbox_aws_bucket.this (update): tags.colour\n"),
            "{done}"
        );
        assert!(done.stdout.contains("The plan is not empty"), "{done}");
        assert!(!done.stdout.contains("pink"), "no value is told: {done}");
    });
    assert_eq!(changes, [""; 0], "what differs stays as it is");
    is_clean(&desk);
    assert!(!desk.home("plan/dev/side.import.jsonl").exists(), "all were imported together");
    assert_eq!(resources(&desk), 7);
    desk.ok(&["deliver", "--to", "dev", "--again", "side"]).says(&["1 applied"]);
}

#[test]
fn what_is_only_its_state_is_left_to_do_by_hand() {
    let Some(desk) = desk() else { return };
    desk.write("stacks/side/data.tf", "resource \"terraform_data\" \"kept\" {\n  input = \"x\"\n}\n");
    desk.commit("Something that is only its state");
    desk.ok(&["deliver", "--to", "dev", "side"]);
    lose_state(&desk);
    let done = import(&desk, &["--yes"]).expect(1);
    assert!(done.stdout.contains("✗ terraform_data.kept: an import keeps its id and loses `input`"), "{done}");
    assert!(done.stdout.contains("7 resources imported"), "{done}");
    assert_eq!(resources(&desk), 7);
}

#[test]
fn a_state_with_something_in_it_is_refused() {
    let Some(desk) = desk() else { return };
    let before = fs::read(state(&desk)).unwrap();
    import(&desk, &["--yes"]).expect(1).says(&["the state of side is not empty: it holds 7 resources", "--go-on"]);
    assert_eq!(fs::read(state(&desk)).unwrap(), before);
    assert_eq!(kinds(&desk), ["state_import_begun", "state_import_failed"]);
    is_clean(&desk);
}

#[test]
fn an_import_that_was_cut_off_goes_on() {
    let Some(desk) = desk() else { return };
    // As an import leaves it that came as far as this.
    let mut part: Json = serde_json::from_slice(&fs::read(state(&desk)).unwrap()).unwrap();
    part["resources"].as_array_mut().unwrap().retain(|one| one["type"] == "sandbox_aws_network");
    fs::write(state(&desk), part.to_string()).unwrap();
    let done = import(&desk, &["--yes", "--go-on", "--json"]).expect(0).json();
    assert_eq!((names(&done["imported"]).len(), &done["plan_empty"]), (6, &true.into()));
    // A state that is not of an import is none to go on with.
    let mut other: Json = serde_json::from_slice(&fs::read(state(&desk)).unwrap()).unwrap();
    other["resources"][0]["name"] = "strange".into();
    fs::write(state(&desk), other.to_string()).unwrap();
    import(&desk, &["--yes", "--go-on"]).expect(1).says(&["is not of an import that was cut off"]);
}

#[test]
fn snapshots_that_do_not_serve_are_refused() {
    let Some(desk) = desk() else { return };
    desk.run(&["state", "import", "base", "--env", "dev", "--yes"]).expect(2).says(&["no snapshot of base in dev"]);
    desk.ok(&["deliver", "--to", "dev", "base"]);
    lose_state(&desk);
    let of_base = desk.json(&["state", "list", "--json"])["states"][0]["snapshot"].to_string();
    import(&desk, &["--yes", "--snapshot", &of_base]).expect(2).says(&["is of base in dev"]);
    import(&desk, &["--yes", "--snapshot", "99"]).expect(2).says(&["there is no snapshot `99`"]);
    import(&desk, &["--yes", "--snapshot", "1"]).expect(0);
    assert_eq!(kinds(&desk), ["state_import_begun", "state_imported"]);
}

#[test]
fn a_snapshot_of_another_lineage_serves_and_one_without_resources_does_not() {
    let Some(desk) = desk() else { return };
    let lineage = |desk: &Desk| {
        let state: Json = serde_json::from_slice(&fs::read(state(desk)).unwrap()).unwrap();
        state["lineage"].as_str().unwrap().to_owned()
    };
    let first = lineage(&desk);
    lose_state(&desk);
    import(&desk, &["--yes"]).expect(0);
    assert_ne!(lineage(&desk), first, "a state that is made again has a lineage of its own");
    lose_state(&desk);
    import(&desk, &["--yes", "--snapshot", "1"]).expect(0);
    fs::write(
        state(&desk),
        r#"{"version":4,"serial":1,"lineage":"empty","terraform_version":"1.11.4","outputs":{},"resources":[]}"#,
    )
    .unwrap();
    desk.ok(&[&["state", "save"], &SIDE[..]].concat());
    import(&desk, &["--yes"]).expect(1).says(&["there is nothing to import", "holds no resources"]);
    import(&desk, &["--yes", "--snapshot", "1"]).expect(0);
}

#[test]
fn what_the_code_does_not_have_any_more_is_told() {
    let Some(desk) = desk() else { return };
    let text = fs::read_to_string(desk.repository().root().join("stacks/side/many.tf")).unwrap();
    desk.write("stacks/side/many.tf", text.replace("count = 2", "count = 1"));
    desk.commit("One less");
    lose_state(&desk);
    let done = import(&desk, &["--yes", "--json"]).expect(1).json();
    assert_eq!(names(&done["refused"]), ["sandbox_aws_bucket.counted[1]"]);
    assert_eq!((names(&done["imported"]).len(), &done["plan_empty"]), (6, &true.into()), "{done:#}");
}

#[test]
fn an_interrupt_leaves_no_import_file_and_nothing_half_done() {
    let Some(desk) = desk() else { return };
    // A call that does not come back while it is waited for.
    desk.ok(&["sandbox", "fault", "add", "aws/bucket", "--operation", "read", "--time-out", "3"]);
    lose_state(&desk);
    let file = desk.home("work/dev/side/tree/stacks/side/terrace_import.tf");
    let terrace = desk.start(&[&["state", "import"], &SIDE[..], &["--yes"]].concat());
    wait_until("Terraform plans with the import file", || file.exists());
    terrace.signal(Signal::INT);
    terrace.wait().expect(1).says(&["interrupted"]);
    is_clean(&desk);
    assert!(!state(&desk).exists(), "nothing was imported");
    assert_eq!(kinds(&desk), ["state_import_begun", "state_import_failed"]);
    desk.ok(&["sandbox", "fault", "clear"]);
    import(&desk, &["--yes"]).expect(0);
}

#[test]
fn what_a_killed_terrace_left_is_gone_before_anything_is_planned_again() {
    let Some(desk) = desk() else { return };
    desk.ok(&["sandbox", "fault", "add", "aws/bucket", "--operation", "read", "--time-out", "2"]);
    lose_state(&desk);
    let file = desk.home("work/dev/side/tree/stacks/side/terrace_import.tf");
    let terrace = desk.start(&[&["state", "import"], &SIDE[..], &["--yes"]].concat());
    wait_until("Terraform plans with the import file", || file.exists());
    terrace.signal(Signal::KILL);
    assert_eq!(terrace.wait().code, None);
    assert!(file.exists(), "nobody was left to remove it");
    desk.ok(&["sandbox", "fault", "clear"]);
    wait_until("Terraform has ended", || desk.run(&["plan", "--env", "dev", "side"]).code == Some(0));
    is_clean(&desk);
    import(&desk, &["--yes"]).expect(0);
}

#[test]
fn what_depends_on_something_missing_is_imported_one_by_one_and_an_interrupt_keeps_what_was() {
    let Some(desk) = desk() else { return };
    desk.write(
        "stacks/side/after.tf",
        "resource \"sandbox_aws_bucket\" \"first\" {\n  name = \"${var.name}-first\"\n}\n\n\
         resource \"sandbox_aws_bucket\" \"after\" {\n  count = 6\n  name  = \"${sandbox_aws_bucket.first.name}-${count.index}\"\n}\n",
    );
    desk.commit("Some that depend on one");
    desk.ok(&["deliver", "--to", "dev", "side"]);
    desk.ok(&["sandbox", "tamper", "bucket/side-dev-first", "--delete"]);
    lose_state(&desk);
    let terrace = desk.start(&[&["state", "import"], &SIDE[..], &["--yes"]].concat());
    wait_until("the first of them is imported", || {
        fs::read_to_string(state(&desk)).is_ok_and(|text| text.contains("\"name\": \"after\""))
    });
    terrace.signal(Signal::INT);
    terrace.wait().expect(1).says(&["interrupted"]);
    is_clean(&desk);
    let before = resources(&desk);
    assert!((8..13).contains(&before), "seven at once, then one after the other: {before}");
    let changes = desk.changes_of(|| {
        let done = import(&desk, &["--yes", "--go-on", "--json"]).expect(1).json();
        assert_eq!(
            (names(&done["imported"]).len(), names(&done["refused"])),
            (13 - before, vec!["sandbox_aws_bucket.first"])
        );
    });
    assert_eq!((changes, resources(&desk)), (vec![], 13));
    assert!(desk.home("plan/dev/side.import.jsonl").exists());
}

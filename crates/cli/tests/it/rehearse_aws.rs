//! Rehearsals of the example on the real AWS provider, with its states in S3, against an emulator of AWS on loopback.

use serde_json::{Value as Json, json};
use terrace_testkit::tools;

use crate::aws::{BUCKET, example};
use crate::deliver::states;
use crate::desk::Desk;
use crate::emulator::Emulator;
use crate::rehearse::{findings, phases, standing};

/// The example, committed, and an emulator with its bucket; `None` where either cannot be had.
fn desk() -> Option<(Emulator, Desk)> {
    let (tools_folder, terraform) = (tools::aws()?, tools::terraform()?);
    let emulator = Emulator::start(&tools_folder);
    emulator.make_bucket(BUCKET);
    let desk = example(&terraform, &tools_folder, &emulator);
    Some((emulator, desk))
}

fn name_of(report: &Json) -> &str {
    report["environment"]["name"].as_str().unwrap()
}

/// What is in the emulator of what a rehearsal makes: the names of networks, clusters, secrets and roles that are named by an environment.
fn made_by(emulator: &Emulator, environment: &str) -> Vec<String> {
    let all: Vec<_> = emulator.others().into_iter().chain([emulator.networks()]).collect();
    let words = all.iter().flat_map(|answer| answer.split(|c: char| !(c.is_ascii_alphanumeric() || "-/".contains(c))));
    let mut found: Vec<_> = words.filter(|word| word.contains(environment)).map(ToOwned::to_owned).collect();
    found.sort();
    found.dedup();
    found
}

#[test]
fn the_example_is_deployed_from_nothing_and_nothing_is_left() {
    let Some((emulator, desk)) = desk() else { return };
    desk.ok(&["rehearse", "zero", "network", "--keep", "--name", "seen"]);
    let made = made_by(&emulator, "seen");
    for name in ["landing-seen", "landing-seen-nat"] {
        assert!(made.iter().any(|found| found == name), "{name}: {made:?}");
    }
    assert_eq!(emulator.objects(BUCKET), ["seen/network/terraform.tfstate"], "a state of its own, and no lock is left");
    desk.ok(&["sweep", "seen"]);
    assert_eq!(made_by(&emulator, "seen"), [""; 0]);

    let report = desk.json(&["rehearse", "zero", "--again", "--json"]);
    assert_eq!(phases(&report), ["deploy passed", "again passed", "destroy passed", "look passed"]);
    assert_eq!((&report["verdict"], findings(&report)), (&json!("passed"), Vec::new()));
    let name = name_of(&report);
    assert_eq!(made_by(&emulator, name), [""; 0]);
    assert_eq!(standing(&desk), [""; 0]);
    // Terraform empties states and removes none: it is said where they are.
    let keys = ["cluster", "network", "secrets"].map(|stack| format!("{name}/{stack}/terraform.tfstate"));
    let objects: Vec<_> = emulator.objects(BUCKET).into_iter().filter(|key| key.starts_with(name)).collect();
    assert_eq!(objects, keys);
    let mut told: Vec<_> = report["empty_states"].as_array().unwrap().iter().map(|one| one.as_str().unwrap()).collect();
    told.sort_unstable();
    assert_eq!(told, keys.map(|key| format!("s3 bucket={BUCKET} key={key}")));
}

#[test]
fn over_what_runs_a_tag_passes_a_replaced_secret_is_refused_and_a_loss_is_recovered() {
    let Some((emulator, desk)) = desk() else { return };
    let all = |word: &str| ["network", "cluster", "secrets"].map(|stack| (stack.to_owned(), word.to_owned()));
    assert_eq!(states(&desk.json(&["deliver", "--env", "emulator", "--json"])), all("applied"));
    let delivered = made_by(&emulator, "emulator");

    let vpc = "enable_dns_hostnames = true\n\n  tags = {\n";
    desk.edit("stacks/network/main.tf", vpc, &format!("{vpc}    Team = \"network\"\n"));
    desk.commit("Say whose the network is");
    let report = desk.json(&["rehearse", "upgrade", "network", "--from", "emulator", "--json"]);
    let passed = ["baseline passed", "deploy passed", "again passed", "destroy passed", "look passed"];
    assert_eq!((phases(&report), findings(&report)), (passed.map(ToOwned::to_owned).to_vec(), Vec::new()));
    assert_eq!(report["stacks"][0]["upgrade"], json!({ "add": 0, "change": 1, "destroy": 0 }));

    desk.edit("stacks/secrets/stack.hcl", "landing/${env.name}/cluster", "landing/${env.name}/kubernetes");
    desk.commit("Another name for the secret");
    let report = desk.run(&["rehearse", "upgrade", "secrets", "--from", "emulator", "--json"]).expect(1).json();
    assert_eq!(phases(&report), ["baseline passed", "deploy failed", "destroy passed", "look passed"]);
    let told = findings(&report).join("\n");
    let refused = "aws_secretsmanager_secret.cluster would be replaced (because of name): it holds data";
    assert!(told.contains(refused), "{told}");
    assert_eq!(made_by(&emulator, name_of(&report)), [""; 0]);

    let report = desk.json(&["rehearse", "recovery", "--lost", "infrastructure", "--env", "emulator", "--json"]);
    assert_eq!((&report["verdict"], findings(&report)), (&json!("passed"), Vec::new()));
    assert_eq!(report["critical_path"], json!(["network", "cluster", "secrets"]));
    assert_eq!(made_by(&emulator, name_of(&report)), [""; 0]);

    assert_eq!(made_by(&emulator, "emulator"), delivered, "what was delivered is as it was");
    assert_eq!(states(&desk.json(&["plan", "--env", "emulator", "--commit", "HEAD~2", "--json"])), all("unchanged"));
}

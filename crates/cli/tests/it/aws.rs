//! The example on the real AWS provider, against an emulator of AWS.

use std::path::Path;

use serde_json::Value as Json;
use terrace_testkit::tools;

use crate::deliver::states;
use crate::desk::Desk;
use crate::emulator::Emulator;

/// The bucket that the example keeps its states in.
pub(crate) const BUCKET: &str = "landing-emulator-state";

/// The example as `terrace init` writes it, delivering to this emulator.
pub(crate) fn example(terraform: &Path, tools: &Path, emulator: &Emulator) -> Desk {
    let mut desk = Desk::empty(terraform);
    desk.ok(&["init", "--example", "aws"]);
    desk.edit("terrace.hcl", "127.0.0.1:5000", emulator.address());
    desk.commit("Begin");
    desk.set("TF_CLI_CONFIG_FILE", tools.join("terraformrc"));
    Emulator::surround(&mut desk);
    desk
}

#[test]
fn the_example_is_delivered_with_the_real_provider_by_each_terraform() {
    let Some(tools_folder) = tools::aws() else { return };
    for terraform in tools::terraforms() {
        let emulator = Emulator::start(&tools_folder);
        emulator.make_bucket(BUCKET);
        let desk = example(&terraform, &tools_folder, &emulator);
        let all = |word: &str| ["network", "cluster", "secrets"].map(|stack| (stack.to_owned(), word.to_owned()));

        assert_eq!(states(&desk.json(&["deliver", "--env", "emulator", "--json"])), all("applied"));
        let objects = ["cluster", "network", "secrets"].map(|stack| format!("emulator/{stack}/terraform.tfstate"));
        assert_eq!(emulator.objects(BUCKET), objects, "three states, and no lock is left");
        assert!(emulator.cluster().contains("\"ACTIVE\""), "{}", emulator.cluster());
        assert!(!emulator.networks().contains("<key>Team</key>"), "{}", emulator.networks());
        assert_eq!(states(&desk.json(&["deliver", "--env", "emulator", "--again", "--json"])), all("unchanged"));

        let vpc = "enable_dns_hostnames = true\n\n  tags = {\n";
        desk.edit("stacks/network/main.tf", vpc, &format!("{vpc}    Team = \"network\"\n"));
        desk.commit("Say whose the network is");
        desk.ok(&["list", "--affected", "HEAD~1", "--why"]);
        let run = desk.json(&["deliver", "--env", "emulator", "--affected", "HEAD~1", "--json"]);
        let expected = [("network", "applied"), ("cluster", "skipped"), ("secrets", "skipped")];
        assert_eq!(states(&run), expected.map(|(stack, state)| (stack.to_owned(), state.to_owned())));
        assert!(emulator.networks().contains("<key>Team</key>"), "{}", emulator.networks());
        assert_eq!(emulator.objects(BUCKET), objects);
    }
}

#[test]
fn a_failure_of_the_real_provider_is_shown_with_its_place_and_mended() {
    let (Some(tools_folder), Some(terraform)) = (tools::aws(), tools::terraform()) else { return };
    let emulator = Emulator::start(&tools_folder);
    let desk = example(&terraform, &tools_folder, &emulator);
    // The bucket is not there yet.
    desk.run(&["deliver", "--env", "emulator", "network"]).expect(1).says(&["✗ network", BUCKET]);
    emulator.make_bucket(BUCKET);
    desk.edit("terrace.hcl", "10.10.0.0/16", "10.10.0.0/8");
    desk.commit("A network that is too wide");
    desk.run(&["deliver", "--env", "emulator", "network"]).expect(1).says(&["✗ network", "stacks/network/main.tf:"]);
    assert!(
        !emulator.objects(BUCKET).iter().any(|object| object.ends_with(".tflock")),
        "{:?}",
        emulator.objects(BUCKET)
    );
    desk.edit("terrace.hcl", "10.10.0.0/8", "10.10.0.0/16");
    desk.commit("Mend");
    desk.ok(&["deliver", "--env", "emulator", "network"]).says(&["1 applied"]);
}

#[test]
fn a_lost_state_is_made_again_by_imports_with_the_real_provider() {
    let (Some(tools_folder), Some(terraform)) = (tools::aws(), tools::terraform()) else { return };
    let emulator = Emulator::start(&tools_folder);
    emulator.make_bucket(BUCKET);
    let desk = example(&terraform, &tools_folder, &emulator);
    desk.ok(&["deliver", "--env", "emulator", "network"]).says(&["1 applied"]);
    let key = "emulator/network/terraform.tfstate";
    let before = emulator.object(BUCKET, key);
    let networks = emulator.networks();
    emulator.remove(BUCKET, key);
    let import = ["state", "import", "network", "--env", "emulator", "--yes", "--json", "--snapshot", "1"];
    let done = desk.json(&import);
    let imported = addresses(&done["imported"]);
    for kind in ["aws_vpc.", "aws_subnet.", "aws_route_table_association.", "aws_route."] {
        assert!(imported.iter().any(|address| address.starts_with(kind)), "{kind}: {done:#}");
    }
    assert_eq!((addresses(&done["refused"]).len(), addresses(&done["not_importable"]).len()), (0, 0), "{done:#}");
    assert_eq!(done["plan_empty"], true, "{done:#}");
    assert_eq!(emulator.networks(), networks, "nothing was made a second time");

    // Something is gone: Terraform's own words tell what, and the rest is imported.
    let state: Json = serde_json::from_str(&before).unwrap();
    let is_route = |one: &&Json| one["type"] == "aws_route" && one["name"] == "public";
    let route = state["resources"].as_array().unwrap().iter().find(is_route).unwrap();
    let table = route["instances"][0]["attributes"]["route_table_id"].as_str().unwrap();
    emulator.delete_route(table, "0.0.0.0/0");
    emulator.remove(BUCKET, key);
    let done = desk.run(&import).expect(1).json();
    assert_eq!(addresses(&done["refused"]), ["aws_route.public"], "{done:#}");
    assert_eq!(done["refused"][0]["id"], format!("{table}_0.0.0.0/0"));
    assert_eq!(addresses(&done["imported"]).len(), imported.len() - 1, "{done:#}");
}

fn addresses(list: &Json) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|one| one.as_str().or_else(|| one["address"].as_str()).unwrap()).collect()
}

//! The blast radius from the outside: what a change reaches on the example and the small estate, and plans that somebody brings along.

use std::io::Write;
use std::process::Stdio;

use serde_json::{Value as Json, json};
use terrace_testkit::tools;

use crate::desk::{Desk, Done};
use crate::{harbour, small};

fn rules(blast: &Json) -> Vec<&str> {
    let reasons = blast["reasons"].as_array().unwrap();
    reasons.iter().map(|reason| reason["rule"].as_str().unwrap()).collect()
}

fn names<'a>(list: &'a Json, key: &str) -> Vec<&'a str> {
    list.as_array().unwrap().iter().map(|one| one[key].as_str().unwrap()).collect()
}

#[test]
fn a_database_that_is_replaced_reaches_its_readers_their_capabilities_and_owners() {
    let Some(terraform) = tools::terraform() else { return };
    let desk = harbour::estate(&terraform);
    desk.ok(&["deliver", "--to", "dev"]);
    desk.edit("stacks/aws/database/main.tf", "\"postgres\"", "\"mysql\"");
    desk.edit("stacks/aws/database/stack.hcl", "capability", "owner = \"team-storage\"\n  capability");
    desk.commit("Another engine");
    let before = desk.changes();
    let blast = desk.json(&["blast", "aws-database", "--json"]);
    assert_eq!((&blast["schema"], &blast["level"]), (&"terrace.blast/1".into(), &"high".into()), "{blast:#}");
    assert_eq!(&rules(&blast)[..2], ["stateful-loss", "readers-lose"]);
    let changed = &blast["actual"]["changed"][0];
    let database = &changed["resources"][0];
    assert_eq!(
        (&database["address"], &database["action"], &database["stateful"], &database["because"]),
        (&"sandbox_aws_database.shop".into(), &"replace".into(), &true.into(), &json!(["engine"]))
    );
    assert_eq!(names(&blast["actual"]["readers"], "stack"), ["shop"]);
    let capabilities = names(&blast["actual"]["capabilities"], "name");
    assert_eq!(capabilities, ["checkout", "continuity", "databases"]);
    assert_eq!(names(&blast["actual"]["owners"], "owner"), ["team-data", "team-risk", "team-shop", "team-storage"]);
    let share = &blast["actual"]["share"];
    assert!(share["touched"].as_u64().unwrap() >= 1 && share["total"].as_u64().unwrap() > 20, "{share}");
    assert_eq!(blast["actual"]["is_counted"], true);
    let potential = &blast["potential"];
    assert_eq!(names(&potential["instances"], "environment"), ["dev"; 11], "all share the environment's identity");
    assert_eq!(potential["share"]["touched"], potential["share"]["total"]);
    assert!(potential["stateful"].as_u64().unwrap() >= 2, "{potential:#}");
    assert_eq!(desk.changes(), before, "nothing was applied");

    let shown = desk.ok(&["blast", "aws-database"]).stdout;
    assert!(shown.starts_with("Blast radius of aws-database in dev: high\n"), "{shown}");
    assert!(shown.contains("-/+ sandbox_aws_database.shop  holds data; because of engine"), "{shown}");
    desk.ok(&["blast", "aws-database", "--output", "radius.svg"]);
    let picture = std::fs::read_to_string(desk.folder().join("radius.svg")).unwrap();
    assert!(picture.starts_with("<svg") && picture.contains("\ncheckout\n"), "{picture}");
    let comment = desk.ok(&["blast", "aws-database", "--format", "markdown"]).stdout;
    assert!(
        comment.contains("- **high**, stateful-loss: sandbox_aws_database.shop (replaced) holds data"),
        "{comment}"
    );
}

#[test]
fn only_what_reads_a_changed_output_is_reached() {
    let Some(terraform) = tools::terraform() else { return };
    let desk = small::delivered(&terraform);
    let blast = desk.json(&["blast", "side", "--json"]);
    assert_eq!((&blast["level"], &blast["actual"]["unchanged"]), (&"none".into(), &json!(["side"])));

    desk.edit("stacks/base/main.tf", "\"one\"", "\"two\"");
    desk.commit("Change an output");
    let blast = desk.json(&["blast", "base", "--json"]);
    assert_eq!((&blast["level"], rules(&blast)), (&"medium".into(), vec!["readers", "outputs"]), "{blast:#}");
    assert_eq!(names(&blast["actual"]["readers"], "stack"), ["middle"]);
    assert_eq!(names(&blast["actual"]["further"], "stack"), ["top"]);

    desk.edit("stacks/base/main.tf", "use = \"base\"", "use = \"basis\"");
    desk.edit("stacks/base/main.tf", "\"two\"", "\"one\"");
    desk.commit("Change a tag, and the output back");
    let blast = desk.json(&["blast", "--affected", "HEAD~2", "--json"]);
    assert_eq!((&blast["level"], rules(&blast)), (&"medium".into(), vec!["stateful-change", "change"]), "{blast:#}");
    assert_eq!(blast["actual"]["readers"], json!([]));
    assert_eq!(blast["actual"]["share"], json!({ "touched": 1, "total": 4, "ratio": 0.25 }));
}

#[test]
fn an_identity_narrows_what_could_be_reached() {
    let Some(terraform) = tools::terraform() else { return };
    let desk = small::delivered(&terraform);
    let reached = |blast: &Json| {
        let instances = blast["potential"]["instances"].as_array().unwrap().iter();
        instances
            .map(|one| format!("{}/{}", one["environment"].as_str().unwrap(), one["stack"].as_str().unwrap()))
            .collect::<Vec<_>>()
    };
    let blast = desk.json(&["blast", "side", "--json"]);
    assert_eq!(reached(&blast), ["dev/base", "dev/middle", "dev/side", "dev/top"]);
    desk.edit("stacks/side/stack.hcl", "watch", "identity = \"side\"\n  watch");
    desk.commit("Give it an identity");
    let blast = desk.json(&["blast", "side", "--json"]);
    assert_eq!(reached(&blast), ["dev/side", "prod/side", "test/side"], "one name, one identity");
    assert_eq!(blast["potential"]["unseen"], 2);
    desk.edit("stacks/side/stack.hcl", "\"side\"\n", "\"side-${env.name}\"\n");
    desk.commit("One for each environment");
    assert_eq!(reached(&desk.json(&["blast", "side", "--json"])), ["dev/side"]);
}

/// A plan as Terraform prints it, with these changes.
fn plan(changes: &[(&str, &[&str])]) -> Json {
    let change = |(address, actions): &(&str, &[&str])| {
        let mut parts = address.rsplit('.');
        let (name, kind) = (parts.next().unwrap(), parts.next().unwrap());
        json!({
            "address": address, "mode": "managed", "type": kind, "name": name,
            "provider_name": "registry.terraform.io/terrace/sandbox",
            "change": { "actions": actions, "before": {}, "after": {}, "after_unknown": {},
                "before_sensitive": {}, "after_sensitive": {} },
        })
    };
    json!({
        "format_version": "1.2", "terraform_version": "1.11.4", "complete": true, "errored": false, "applyable": true,
        "planned_values": { "root_module": {} },
        "resource_changes": changes.iter().map(change).collect::<Vec<_>>(),
        "output_changes": { "url": { "actions": ["update"], "before": "a", "after": "b", "after_unknown": false,
            "before_sensitive": false, "after_sensitive": false } },
    })
}

fn with_input(desk: &Desk, arguments: &[&str], input: &[u8]) -> Done {
    let mut child =
        desk.command(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    Done::of(child.wait_with_output().unwrap())
}

#[test]
fn a_plan_that_was_made_already_is_weighed_without_terraform() {
    let desk = Desk::at(terrace_testkit::repository::Repository::empty());
    desk.write_all(small::FILES);
    desk.commit("Begin");
    let text = plan(&[("sandbox_aws_bucket.this", &["delete", "create"])]).to_string();
    desk.write("plan.json", &text);
    let blast = desk.json(&["blast", "--plan", "plan.json", "--stack", "middle", "--env", "prod", "--json"]);
    assert_eq!((&blast["environment"], &blast["level"]), (&"prod".into(), &"critical".into()), "{blast:#}");
    assert_eq!(names(&blast["actual"]["readers"], "stack"), ["top"]);
    assert_eq!(blast["actual"]["is_counted"], false);

    let piped = with_input(&desk, &["blast", "--plan", "-", "--stack", "middle", "--json"], text.as_bytes());
    assert_eq!(piped.expect(0).json()["environment"], "dev");

    // In the code of `base` the bucket is in a module, and only `base` has that.
    let text = plan(&[("module.store.sandbox_aws_bucket.this", &["update"])]).to_string();
    desk.write("plan.json", &text);
    let blast = desk.json(&["blast", "--plan", "plan.json", "--json"]);
    assert_eq!(blast["actual"]["changed"][0]["stack"], "base");
}

#[test]
fn a_plan_of_another_stack_or_of_several_is_refused() {
    let desk = Desk::at(terrace_testkit::repository::Repository::empty());
    desk.write_all(small::FILES);
    desk.commit("Begin");
    desk.write("plan.json", plan(&[("sandbox_aws_bucket.this", &["update"])]).to_string());
    desk.run(&["blast", "--plan", "plan.json", "--stack", "base"]).expect(2).says(&[
        "error: the plan is not of base: its code does not have the resource `sandbox_aws_bucket.this`",
        "It fits `middle`.",
    ]);
    desk.write("plan.json", plan(&[("aws_vpc.main", &["create"])]).to_string());
    desk.run(&["blast", "--plan", "plan.json"])
        .expect(2)
        .says(&["error: the plan fits the code of no stack of this estate", "--stack STACK"]);
    desk.run(&["blast", "--plan", "plan.json", "--stack", "midle"]).expect(2).says(&["Did you mean `middle`?"]);
    desk.run(&["blast", "--plan", "plan.json", "middle"]).expect(2);
    desk.run(&["blast", "--stack", "middle"]).expect(2);
    desk.run(&["blast", "--plan", "plan.json", "--env", "porod"]).expect(2).says(&["Did you mean `prod`?"]);
}

#[test]
fn a_plan_that_is_damaged_is_refused_with_its_place() {
    let desk = Desk::at(terrace_testkit::repository::Repository::empty());
    desk.write_all(small::FILES);
    desk.commit("Begin");
    let whole = plan(&[("sandbox_aws_bucket.this", &["update"])]).to_string();
    let refused = |text: &[u8], says: &str| {
        desk.write("plan.json", text);
        desk.run(&["blast", "--plan", "plan.json", "--stack", "middle"]).expect(2).says(&["plan.json: ", says]);
    };
    refused(&whole.as_bytes()[..whole.len() / 2], "the plan is cut off at line 1");
    refused(whole.replace("\"1.2\"", "\"2.0\"").as_bytes(), "the format version 2.0");
    refused(b"", "the plan is empty");
    refused(b"Plan: 1 to add", "no plan");
    refused(whole.replace("\"update\"", "\"explode\"").as_bytes(), "explode");
    desk.run(&["blast", "--plan", "nowhere.json"])
        .expect(2)
        .says(&["cannot read nowhere.json", "terraform show -json"]);
    desk.run(&["blast", "--plan", "."]).expect(2).says(&["cannot read ."]);
}

#[test]
fn a_circle_of_capabilities_is_told_with_its_places() {
    let desk = Desk::at(terrace_testkit::repository::Repository::empty());
    desk.write_all(small::FILES);
    let circle = "\ncapability \"one\" {\n  layer = \"technology\"\n  needs = [\"two\"]\n}\ncapability \"two\" {\n  layer = \"technology\"\n  needs = [\"one\"]\n}\npipeline {";
    desk.edit("terrace.hcl", "\npipeline {", circle);
    desk.commit("Begin");
    desk.run(&["blast"]).expect(2).says(&[
        "capabilities need each other in a circle: one -> two -> one",
        "terrace.hcl:",
        "`two` needs `one`",
    ]);
}

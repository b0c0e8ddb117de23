//! Deliveries in which something goes wrong, and the next one, which goes on from there.

use terrace_testkit::tools;

use crate::deliver::states;
use crate::desk::Desk;
use crate::{harbour, small};

const REFUSED: &str = "InsufficientCapacity: no buckets left in this zone";

#[test]
fn a_failed_stack_stops_its_dependents_and_nobody_else() {
    let Some(terraform) = tools::terraform() else { return };
    let desk = small::estate(&terraform);
    let fault = ["sandbox", "fault", "add", "aws/bucket", "--operation", "create", "--name", "middle-*"];
    desk.ok(&[&fault[..], &["--fail", REFUSED, "--times", "1"]].concat());

    let done = desk.run(&["deliver", "--to", "dev"]).expect(1).says(&[
        "✗ middle  failed in apply",
        REFUSED,
        "at stacks/middle/main.tf:23, with sandbox_aws_bucket.this",
        "resource \"sandbox_aws_bucket\" \"this\" {",
        "- top  not started: middle did not succeed",
        "✓ side    applied: 1 added",
        "Run 1 in dev failed: 2 applied, 1 failed, 1 not started",
        "terrace run show 1",
        "deliver again to go on from there",
    ]);
    assert_eq!(done.stdout, "");
    assert_eq!(desk.exists(), ["bucket base-dev", "bucket side-dev"]);
    let run = desk.json(&["run", "show", "--json"]);
    let expected = [("base", "applied"), ("middle", "failed"), ("side", "applied"), ("top", "skipped")]
        .map(|(a, b)| (a.to_owned(), b.to_owned()));
    let mut found = states(&run);
    found.sort();
    assert_eq!((found, &run["outcome"]), (expected.to_vec(), &"failed".into()));
    let failed = run["instances"].as_array().unwrap().iter().find(|one| one["stack"] == "middle").unwrap();
    let diagnostic = &failed["failure"]["diagnostics"][0];
    assert_eq!((&diagnostic["file"], &diagnostic["line"]), (&"stacks/middle/main.tf".into(), &23.into()));
    let shown = desk.ok(&["run", "show"]).stdout;
    assert!(shown.contains(REFUSED) && shown.contains("stacks/middle/main.tf:23"), "{shown}");
    let status = desk.ok(&["status"]).stdout;
    assert!(status.contains("✗ nothing, failed in run 1"), "{status}");

    let changes = desk.changes_of(|| drop(desk.ok(&["deliver", "--to", "dev"]).says(&["2 applied, 2 current"])));
    assert_eq!(changes, ["create dev/middle bucket middle-dev", "create dev/top bucket top-dev"]);
}

#[test]
fn in_harbour_one_cloud_fails_and_the_other_is_delivered() {
    let Some(terraform) = tools::terraform() else { return };
    let desk = harbour::estate(&terraform);
    desk.ok(&[
        "sandbox",
        "fault",
        "add",
        "aws/cluster",
        "--operation",
        "create",
        "--fail",
        "QuotaExceeded: clusters",
        "--times",
        "1",
    ]);
    desk.run(&["deliver", "--to", "dev"]).expect(1).says(&[
        "✗ aws-cluster",
        "QuotaExceeded: clusters",
        "at modules/kubernetes/aws.tf:",
        "- dns  not started: aws-cluster did not succeed",
        "✓ google-cluster ",
        "✓ aws-database ",
        "8 applied, 1 failed, 2 not started",
    ]);
    desk.ok(&["deliver", "--to", "dev"]).says(&["3 applied, 8 current"]);
    desk.ok(&["deliver", "--to", "dev", "--again"]).says(&["11 unchanged"]);
}

#[test]
fn a_call_that_timed_out_but_was_done_is_not_done_twice() {
    let Some(terraform) = tools::terraform() else { return };
    let desk = small::estate(&terraform);
    desk.ok(&["sandbox", "fault", "add", "aws/bucket", "--operation", "update", "--succeed-late", "--times", "1"]);
    desk.ok(&["deliver", "--to", "dev", "side"]);
    desk.edit("terrace.hcl", "blue", "green");
    desk.commit("Green");
    desk.run(&["deliver", "--to", "dev", "--again", "side"])
        .expect(1)
        .says(&["✗ side  failed in apply", "stacks/side/main.tf:"]);
    desk.ok(&["deliver", "--to", "dev", "--again", "side"]).says(&["1 unchanged"]);
}

#[test]
fn broken_terraform_code_is_shown_with_its_place() {
    let Some(terraform) = tools::terraform() else { return };
    let desk = small::estate(&terraform);
    desk.edit("stacks/side/main.tf", "tags = { colour = var.colour }", "tags = { colour = var.tint }");
    desk.commit("Break");
    desk.run(&["deliver", "--to", "dev"]).expect(1).says(&[
        "Reference to undeclared input variable",
        "at stacks/side/main.tf:",
        "1 failed",
        "3 applied",
    ]);
}

#[test]
fn terraform_code_that_cannot_be_parsed_is_shown_with_its_place() {
    for terraform in tools::terraforms() {
        let desk = small::estate(&terraform);
        desk.write("stacks/side/broken.tf", "locals {\n  a = [1, 2\n}\n");
        desk.write("modules/labels/broken.tf", "locals {\n  b = {\n");
        desk.commit("Break");
        desk.run(&["deliver", "--to", "dev"]).expect(1).says(&[
            "✗ side    failed in prepare",
            "at stacks/side/broken.tf:3",
            "Missing item separator",
            "✗ base    failed in prepare",
            "at modules/labels/broken.tf:",
            "2 failed, 2 not started",
        ]);
        // Nobody else is stopped by it.
        desk.edit("modules/labels/broken.tf", "{\n  b = {\n", "{\n}\n");
        desk.commit("Mend one");
        desk.run(&["deliver", "--to", "dev"]).expect(1).says(&["3 applied, 1 failed"]);
    }
}

#[test]
fn an_upstream_that_was_never_delivered_is_named() {
    let Some(terraform) = tools::terraform() else { return };
    let desk = harbour::estate(&terraform);
    desk.run(&["deliver", "--to", "dev", "aws-cluster"]).expect(1).says(&[
        "✗ aws-cluster",
        "aws-network",
        "help: ",
        "--upstream",
    ]);
    assert_eq!(desk.changes(), [""; 0]);
    desk.ok(&["deliver", "--to", "dev", "--again", "aws-cluster", "--upstream"])
        .says(&["Delivering 2 stacks", "2 applied"]);
    desk.ok(&["deliver", "--to", "dev", "--again", "aws-cluster"]).says(&["1 unchanged"]);
}

#[test]
fn what_was_changed_by_hand_is_set_right() {
    let Some(terraform) = tools::terraform() else { return };
    let desk = small::delivered(&terraform);
    desk.ok(&["sandbox", "tamper", "bucket/side-dev", "--set", "versioning=true"]).says(&["Terraform does not know"]);
    desk.ok(&["sandbox", "tamper", "bucket/top-dev", "--delete"]);
    let changes =
        desk.changes_of(|| drop(desk.ok(&["deliver", "--to", "dev", "--again"]).says(&["2 applied, 2 unchanged"])));
    let mut changes = changes;
    changes.sort();
    assert_eq!(changes, ["create dev/top bucket top-dev", "update dev/side bucket side-dev"]);
}

#[test]
fn a_lost_region_fails_what_is_in_it_alone() {
    let Some(terraform) = tools::terraform() else { return };
    let desk: Desk = small::delivered(&terraform);
    desk.ok(&["sandbox", "lose", "--region", "eu-west-1"]).says(&["eu-west-1 is lost, with 4 resources"]);
    desk.run(&["deliver", "--to", "dev", "--again"]).expect(1).says(&["2 failed", "2 not started"]);
    desk.ok(&["deliver", "--env", "test"]).says(&["4 applied"]);
    desk.ok(&["sandbox", "restore", "--region", "eu-west-1"]);
    desk.ok(&["deliver", "--to", "dev", "--again"]).says(&["4 applied"]);
}

#[test]
fn downstream_that_failed_is_not_passed_over_when_its_upstream_has_nothing_left_to_do() {
    let Some(terraform) = tools::terraform() else { return };
    let desk = small::delivered(&terraform);
    desk.edit("stacks/base/main.tf", "\"one\"", "\"two\"");
    desk.commit("Change an output");
    let fault = ["sandbox", "fault", "add", "aws/bucket", "--operation", "update", "--name", "middle-*"];
    desk.ok(&[&fault[..], &["--fail", REFUSED, "--times", "1"]].concat());
    desk.run(&["deliver", "--to", "dev", "--affected", "HEAD~1"]).expect(1).says(&["✓ base", "✗ middle"]);
    let changes = desk
        .changes_of(|| drop(desk.ok(&["deliver", "--to", "dev", "--affected", "HEAD~1"]).says(&["✓ middle  applied"])));
    assert_eq!(changes, ["update dev/middle bucket middle-dev"]);
    desk.ok(&["deliver", "--to", "dev", "--again"]).says(&["4 unchanged"]);
}

#[test]
fn downstream_is_not_passed_over_when_its_upstream_was_delivered_alone_before() {
    let Some(terraform) = tools::terraform() else { return };
    let desk = small::delivered(&terraform);
    desk.edit("stacks/base/main.tf", "\"one\"", "\"two\"");
    desk.commit("Change an output");
    desk.ok(&["deliver", "--to", "dev", "base"]);
    let changes = desk.changes_of(|| drop(desk.ok(&["deliver", "--to", "dev", "--affected", "HEAD~1"])));
    assert_eq!(changes, ["update dev/middle bucket middle-dev"]);
}

//! The commands of the sandbox cloud, as somebody uses them who practises.

use terrace_testkit::tools;

use crate::desk::Desk;
use crate::{harbour, small};

#[test]
fn what_exists_is_drawn_and_who_made_it_is_known() {
    let Some(terraform) = tools::terraform() else { return };
    let desk = small::delivered(&terraform);
    let drawn = desk.ok(&["sandbox", "show"]).stdout;
    for text in ["aws", "eu-west-1", "bucket base-dev", "bucket top-dev"] {
        assert!(drawn.contains(text), "{drawn}");
    }
    let calls = |arguments: &[&str]| {
        let report = desk.json(&[&["sandbox", "calls", "--json"], arguments].concat());
        assert_eq!(report["schema"], "terrace.sandbox.calls/1");
        report["calls"].as_array().unwrap().len()
    };
    assert_eq!(calls(&["--identity", "dev/side", "--operation", "create"]), 1);
    assert_eq!(calls(&["--identity", "prod/*"]), 0);
    assert_eq!(calls(&["--kind", "aws/bucket", "--operation", "create", "--limit", "2"]), 2);
    let text = desk.ok(&["sandbox", "calls"]).stdout;
    assert!(text.contains("dev/side") && text.contains("create"), "{text}");
}

#[test]
fn faults_come_and_go() {
    let Some(terraform) = tools::terraform() else { return };
    let desk = small::estate(&terraform);
    desk.ok(&["sandbox", "fault", "list"]).says(&["No faults are set"]);
    desk.ok(&["sandbox", "fault", "add", "aws/bucket", "--fail", "Throttled: later"]).says(&["Fault 1 is set"]);
    desk.ok(&["sandbox", "fault", "add", "*/network", "--time-out", "1", "--times", "2"]);
    let faults = desk.json(&["sandbox", "fault", "list", "--json"])["faults"].clone();
    assert_eq!((faults.as_array().unwrap().len(), &faults[0]["effect"]), (2, &"fail".into()));
    desk.run(&["deliver", "--to", "dev", "side"]).expect(1).says(&["Throttled: later"]);
    desk.ok(&["sandbox", "fault", "clear", "1"]);
    desk.run(&["sandbox", "fault", "clear", "1"]).expect(2).says(&["there is no fault 1"]);
    desk.ok(&["deliver", "--to", "dev", "side"]).says(&["1 applied"]);
    desk.ok(&["sandbox", "fault", "clear"]).says(&["Removed 1 fault"]);
    desk.run(&["sandbox", "fault", "add", "aws/bucket"]).expect(2);
}

#[test]
fn a_resource_that_is_not_there_cannot_be_tampered_with() {
    let Some(terraform) = tools::terraform() else { return };
    let desk = small::delivered(&terraform);
    desk.run(&["sandbox", "tamper", "bucket/nothing", "--delete"]).expect(2).says(&["nothing"]);
    desk.run(&["sandbox", "tamper", "bucket/side-dev", "--set", "colour=red"]).expect(2).says(&["colour"]);
    desk.run(&["sandbox", "tamper", "bucket/side-dev", "--set", "versioning"]).expect(2).says(&["ATTRIBUTE=VALUE"]);
}

#[test]
fn a_network_in_use_cannot_be_deleted_and_the_cloud_says_why() {
    let Some(terraform) = tools::terraform() else { return };
    let desk = harbour::estate(&terraform);
    desk.ok(&["deliver", "--to", "dev", "aws-network", "aws-cluster"]);
    // Another name is another network: the one in use would have to go.
    desk.edit("stacks/aws/network/stack.hcl", "environment = env.name", "environment = \"new-${env.name}\"");
    desk.commit("Rename the network");
    let done =
        desk.run(&["deliver", "--to", "dev", "aws-network"]).expect(1).says(&["✗ aws-network", "failed in apply"]);
    assert!(done.stderr.contains("DependencyViolation") || done.stderr.contains("in use"), "{done}");
    assert!(desk.exists().iter().any(|resource| resource.starts_with("cluster ")));
}

#[test]
fn the_cloud_can_be_emptied_by_those_who_mean_it() {
    let Some(terraform) = tools::terraform() else { return };
    let desk: Desk = small::delivered(&terraform);
    desk.run(&["sandbox", "reset"]).expect(2).says(&["4 resources", "--yes"]);
    assert_eq!(desk.exists().len(), 4);
    desk.ok(&["sandbox", "reset", "--yes"]);
    assert_eq!((desk.exists().len(), desk.calls().len()), (0, 0));
    desk.ok(&["deliver", "--to", "dev", "--again"]).says(&["4 applied"]);
    assert_eq!(desk.exists().len(), 4);
}

#[test]
fn latency_is_a_number_within_bounds() {
    let Some(terraform) = tools::terraform() else { return };
    let desk = small::estate(&terraform);
    assert_eq!(desk.ok(&["sandbox", "latency"]).stdout, "0\n");
    assert_eq!(desk.ok(&["sandbox", "latency", "0.25"]).stdout, "0.25\n");
    for wrong in ["11", "much", "NaN"] {
        desk.run(&["sandbox", "latency", wrong]).expect(2);
    }
    assert_eq!(desk.ok(&["sandbox", "latency"]).stdout, "0.25\n");
}

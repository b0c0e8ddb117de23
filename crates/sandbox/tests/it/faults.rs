//! Calls that go wrong on request.

use std::time::Duration;

use terrace_sandbox::{CallFilter, Effect, Fault, Operation, Outcome};

use crate::estate::{database, network};
use crate::terraform::Sandbox;

fn fault(matching: &str, operation: Operation, effect: Effect) -> Fault {
    Fault {
        matching: matching.to_owned(),
        operation: Some(operation),
        name: "*".to_owned(),
        identity: "*".to_owned(),
        effect,
        times: Some(1),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_fails_once_and_then_no_more() {
    let sandbox = Sandbox::new().await;
    let fail = Effect::Fail { message: "the disks are on fire".to_owned() };
    sandbox.cloud().add_fault(&fault("aws/database", Operation::Create, fail)).expect("added");
    let stack = sandbox.stack("fails", &database("size_gb = 20")).await;
    stack.apply().await.failed_with("InternalFailure: the disks are on fire");
    assert_eq!(sandbox.count(), 1, "the network is there, the database is not");
    assert_eq!(sandbox.cloud().faults().expect("faults"), []);
    stack.apply().await.succeeded();
    assert_eq!(sandbox.count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_times_out_without_effect() {
    let sandbox = Sandbox::new().await;
    let time_out = Effect::TimeOut { after: Duration::from_millis(50) };
    sandbox.cloud().add_fault(&fault("*/network", Operation::Create, time_out)).expect("added");
    let stack = sandbox.stack("slow", &network("main")).await;
    stack.apply().await.failed_with("RequestTimeout: the request did not complete within");
    assert_eq!(sandbox.count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_succeeds_late_exists_though_terraform_does_not_know() {
    let sandbox = Sandbox::new().await;
    sandbox.cloud().add_fault(&fault("aws/network", Operation::Create, Effect::SucceedLate)).expect("added");
    let stack = sandbox.stack("late", &network("main")).await;
    stack.apply().await.failed_with("RequestTimeout");
    assert_eq!(sandbox.count(), 1);
    stack.apply().await.failed_with("ResourceAlreadyExists");
    stack.run(&["import", "sandbox_aws_network.main", &sandbox.id("aws/network/main")]).await.succeeded();
    assert!(!stack.plan().await.0);
    let calls = sandbox.cloud().calls(&CallFilter { outcome: Some("done-late".to_owned()), ..CallFilter::default() });
    assert_eq!(calls.expect("calls").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn late_changes_and_deletions_are_found_by_the_next_plan() {
    let sandbox = Sandbox::new().await;
    let stack = sandbox.stack("late", &database("size_gb = 20")).await;
    stack.apply().await.succeeded();
    sandbox.cloud().add_fault(&fault("*", Operation::Update, Effect::SucceedLate)).expect("added");
    stack.write(&database("size_gb = 30"));
    stack.apply().await.failed_with("RequestTimeout");
    assert!(!stack.plan().await.0, "the change was made after all");
    sandbox.cloud().add_fault(&fault("aws/database", Operation::Delete, Effect::SucceedLate)).expect("added");
    stack.destroy().await.failed_with("RequestTimeout");
    assert_eq!(sandbox.count(), 1);
    stack.destroy().await.succeeded();
    assert_eq!(sandbox.count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_hits_only_whom_it_names() {
    let sandbox = Sandbox::new().await;
    let fail = Effect::Fail { message: "not you".to_owned() };
    let read = Fault { identity: "second*".to_owned(), times: None, ..fault("*", Operation::Read, fail) };
    let id = sandbox.cloud().add_fault(&read).expect("added");
    let first = sandbox.stack("first", &network("one")).await;
    let second = sandbox.stack("second", &network("two")).await;
    for stack in [&first, &second] {
        stack.apply().await.succeeded();
    }
    assert!(!first.plan().await.0);
    second.run(&["plan"]).await.failed_with("InternalFailure: not you");
    assert!(sandbox.cloud().remove_fault(id).expect("removed"));
    assert!(!second.plan().await.0);
    let failed = CallFilter { outcome: Some("failed".to_owned()), ..CallFilter::default() };
    let failed = sandbox.cloud().calls(&failed).expect("calls");
    assert_eq!(failed.len(), 1);
    assert_eq!(failed[0].outcome, Outcome::Failed("InternalFailure: not you".to_owned()));
}

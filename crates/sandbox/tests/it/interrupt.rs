//! Terraform ends before its work does.

use terrace_sandbox::{Call, CallFilter, Effect, Fault, Operation};

use crate::estate::network;
use crate::terraform::{Sandbox, said};

/// Slow enough that a test acts while a creation is under way: a network then takes 20 s, and no test waits that long.
const SLOW: f64 = 2.0;

fn late_creation() -> Fault {
    Fault {
        matching: "*/network".to_owned(),
        operation: Some(Operation::Create),
        name: "*".to_owned(),
        identity: "*".to_owned(),
        effect: Effect::SucceedLate,
        times: Some(1),
    }
}

/// The creations that the cloud recorded, once there is one.
async fn creations(sandbox: &Sandbox) -> Vec<Call> {
    let filter = CallFilter { operation: Some(Operation::Create), ..CallFilter::default() };
    sandbox.eventually(|| Some(sandbox.cloud().calls(&filter).expect("calls")).filter(|calls| !calls.is_empty())).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_terraform_leaves_nothing() {
    let sandbox = Sandbox::new().await;
    sandbox.cloud().set_latency(SLOW).expect("set");
    // That the fault is used up tells that the creation is under way; it would only change what the caller hears.
    sandbox.cloud().add_fault(&late_creation()).expect("added");
    let stack = sandbox.stack("killed", &network("main")).await;
    let mut child = stack.start(&["apply", "-auto-approve"]);
    sandbox.eventually(|| sandbox.cloud().faults().expect("faults").is_empty().then_some(())).await;
    child.kill().await.expect("killed");
    let calls = creations(&sandbox).await;
    assert_eq!(calls.len(), 1);
    assert_eq!(calls[0].outcome.as_str(), "abandoned");
    assert_eq!(sandbox.count(), 0);

    sandbox.cloud().set_latency(0.0).expect("set");
    stack.run(&["apply", "-auto-approve", "-lock=false"]).await.succeeded();
    assert_eq!(sandbox.count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_terraform_ends_what_it_began() {
    let sandbox = Sandbox::new().await;
    sandbox.cloud().set_latency(0.1).expect("set");
    let stack = sandbox.stack("interrupted", &network("main")).await;
    let (child, output) = stack.start_until(&["apply", "-auto-approve"], "Creating...").await;
    let pid = rustix::process::Pid::from_raw(i32::try_from(child.id().expect("running")).expect("a pid"));
    rustix::process::kill_process(pid.expect("a pid"), rustix::process::Signal::INT).expect("signalled");
    let text = output.rest().await + &said(child).await.text;
    assert!(text.contains("Creation complete"), "{text}");
    assert_eq!(sandbox.count(), 1);
    assert!(stack.state().contains(&sandbox.id("network/main")), "Terraform knows what was made");
    assert_eq!(creations(&sandbox).await[0].outcome.as_str(), "done");
}

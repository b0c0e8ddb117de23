//! What happens behind Terraform's back.

use terrace_sandbox::{CallFilter, TAMPER_IDENTITY};

use crate::estate::{EVERY_KIND, database, every_kind};
use crate::terraform::Sandbox;

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_attribute_is_drift() {
    let sandbox = Sandbox::new().await;
    let stack = sandbox.stack("drift", &database("size_gb = 20")).await;
    stack.apply().await.succeeded();
    sandbox.cloud().tamper_set("database/orders", "size_gb", "40").expect("tampered");
    let drift = stack.run(&["plan", "-refresh-only", "-detailed-exitcode"]).await;
    assert_eq!(drift.code, Some(2), "{}", drift.text);
    assert!(drift.text.contains("20 -> 40"), "{}", drift.text);
    stack.run(&["plan"]).await.failed_with("it is 40 and would become 20");

    sandbox.cloud().tamper_set("aws/database/orders", "size_gb", "20").expect("tampered");
    sandbox.cloud().tamper_set("database/orders", "engine", "mysql").expect("tampered");
    let (changes, text) = stack.plan().await;
    assert!(changes && text.contains("forces replacement"), "{text}");
    let tampered = CallFilter { identity: Some(TAMPER_IDENTITY.to_owned()), ..CallFilter::default() };
    assert_eq!(sandbox.cloud().calls(&tampered).expect("calls").len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_deleted_is_made_again() {
    let sandbox = Sandbox::new().await;
    let stack = sandbox.stack("gone", &database("size_gb = 20")).await;
    stack.apply().await.succeeded();
    let refused = sandbox.cloud().tamper_delete("network/main").expect_err("in use").to_string();
    assert!(refused.starts_with("DependencyViolation"), "{refused}");
    sandbox.cloud().tamper_delete(&sandbox.id("database/orders")).expect("deleted");
    let said = stack.apply().await.succeeded();
    assert!(said.contains("1 added, 0 changed, 0 destroyed"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_region_is_rebuilt_once_it_is_back() {
    let sandbox = Sandbox::new().await;
    let stack = sandbox.stack("region", &every_kind("google")).await;
    stack.apply().await.succeeded();
    assert_eq!(sandbox.cloud().lose_region("us-east-1").expect("lost"), 0);
    assert_eq!(sandbox.cloud().lose_region("eu-west-1").expect("lost"), EVERY_KIND);
    stack.run(&["plan"]).await.failed_with("backendError: the region eu-west-1 is not available");
    stack.run(&["apply", "-auto-approve", "-refresh=false"]).await.succeeded();
    assert_eq!(sandbox.count(), 0);
    assert!(sandbox.cloud().restore_region("eu-west-1").expect("restored"));
    stack.apply().await.succeeded();
    assert_eq!(sandbox.count(), EVERY_KIND);
    assert!(!stack.plan().await.0);
}

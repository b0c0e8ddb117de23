//! Resources come, change and go.

use crate::terraform::Sandbox;

#[tokio::test(flavor = "multi_thread")]
async fn a_network_is_created_and_destroyed() {
    let sandbox = Sandbox::new().await;
    let stack = sandbox
        .stack(
            "network",
            r#"resource "sandbox_aws_network" "main" {
            name = "main"
            cidr = "10.0.0.0/16"
        }"#,
        )
        .await;
    stack.apply().await.succeeded();
    assert_eq!(sandbox.cloud().inventory().expect("readable").count(), 1);
    let (changes, text) = stack.plan().await;
    assert!(!changes, "{text}");
    stack.destroy().await.succeeded();
    assert_eq!(sandbox.cloud().inventory().expect("readable").count(), 0);
}

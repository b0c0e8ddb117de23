//! Several Terraforms at once on one cloud.

use crate::estate::{EVERY_KIND, every_kind};
use crate::terraform::Sandbox;
use terrace_sandbox::Server;

#[tokio::test(flavor = "multi_thread")]
async fn parallel_terraforms_do_not_disturb_each_other() {
    const STACKS: usize = 6;
    let sandbox = Sandbox::new().await;
    sandbox.cloud().set_latency(0.0005).expect("set");
    let mut stacks = Vec::new();
    for index in 0..STACKS {
        // Each in a region of its own; the bucket's name is unique over the cloud.
        let code = every_kind("aws").replace("orders-archive", &format!("archive-{index}"));
        let stack = sandbox.stack(&format!("stack-{index}"), &code).await;
        let head = std::fs::read_to_string(stack.folder().join("main.tf")).expect("readable");
        let head = head.replace("eu-west-1", &format!("region-{index}"));
        std::fs::write(stack.folder().join("main.tf"), head).expect("written");
        stacks.push(stack);
    }
    let running: Vec<_> = stacks.iter().map(|stack| stack.start(&["apply", "-auto-approve", "-input=false"])).collect();
    for child in running {
        crate::terraform::said(child).await.succeeded();
    }
    assert_eq!(sandbox.count(), STACKS * EVERY_KIND);
    let running: Vec<_> =
        stacks.iter().map(|stack| stack.start(&["destroy", "-auto-approve", "-input=false"])).collect();
    for child in running {
        crate::terraform::said(child).await.succeeded();
    }
    assert_eq!(sandbox.count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_cloud_is_served_by_several_servers() {
    let sandbox = Sandbox::new().await;
    let sockets = tempfile::tempdir().expect("a folder");
    let other = Server::start(&sandbox.path(), sockets.path()).await.expect("a second server");
    sandbox.stack("first", &every_kind("aws")).await.apply().await.succeeded();
    assert_eq!(other.cloud().inventory().expect("readable"), sandbox.cloud().inventory().expect("readable"));
    other.cloud().reset().expect("reset");
    assert_eq!(sandbox.count(), 0);
}

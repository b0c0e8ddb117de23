//! What is pushed is what others read: skopeo copies it back, digest for digest, and what skopeo pushes is pulled.

use std::path::Path;
use std::process::Command;

use terrace_registry::Blobs;
use terrace_testkit::registry::{Access, Registry};
use terrace_testkit::tools;

use crate::layout::{assert_sound, contents, empty, pull, push, release, target};

fn skopeo(program: &Path, arguments: &[&str], home: &Path) {
    let done = Command::new(program)
        .args(["--insecure-policy", "--tmpdir"])
        .arg(home)
        .args(arguments)
        .env("HOME", home)
        .output()
        .unwrap();
    assert!(done.status.success(), "skopeo {arguments:?}:\n{}", String::from_utf8_lossy(&done.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn skopeo_reads_what_was_pushed() {
    let (Some(program), Some(skopeo_program)) = (tools::registry(), tools::skopeo()) else { return };
    let registry = Registry::start(&program, Access::Open);
    let made = release(100_000);
    let pushed = push(&made, &target(registry.address(), "estates/harbour:v1")).await.unwrap();
    assert_eq!(pushed.digest, made.root.digest);
    assert_eq!((pushed.manifests, pushed.referrers, pushed.fallback_tags), (5, 2, 2));

    let copied = made.folder.path().join("copied");
    let from = format!("docker://{}/estates/harbour:v1", registry.address());
    let to = format!("oci:{}:v1", copied.display());
    skopeo(&skopeo_program, &["copy", "--all", "--src-tls-verify=false", &from, &to], made.folder.path());
    let copied_layout = terrace_registry::ImageLayout::open(&copied).unwrap();
    assert_eq!(copied_layout.resolve("v1").unwrap().unwrap().digest, made.root.digest);
    assert_sound(&copied);
    assert!(contents(&copied).is_subset(&contents(made.layout.root())));
    assert!(contents(&copied).contains(&made.layer.digest.hex()));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_skopeo_pushed_is_pulled() {
    let (Some(program), Some(skopeo_program)) = (tools::registry(), tools::skopeo()) else { return };
    let registry = Registry::start(&program, Access::Open);
    let made = release(100_000);
    let from = format!("oci:{}:v1", made.layout.root().display());
    let to = format!("docker://{}/estates/harbour:v1", registry.address());
    skopeo(&skopeo_program, &["copy", "--all", "--dest-tls-verify=false", &from, &to], made.folder.path());

    let (layout, _folder) = empty();
    let pulled = pull(&target(registry.address(), "estates/harbour:v1"), &layout).await.unwrap();
    assert_eq!(pulled.root.digest, made.root.digest);
    assert_eq!((pulled.manifests, pulled.referrers), (3, 0), "skopeo does not copy what is attached");
    assert_sound(layout.root());
    assert_eq!(layout.resolve("pulled").unwrap().unwrap().digest, made.root.digest);
}

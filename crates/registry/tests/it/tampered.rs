//! What was changed on its way, or on a disk, is refused before anything refers to it.

use std::fs;

use terrace_registry::{Blobs, RegistryError};
use terrace_testkit::registry::{Access, Registry};
use terrace_testkit::tools;

use crate::layout::{empty, pull, push, release, target};

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_blob_is_refused() {
    let Some(program) = tools::registry() else { return };
    let registry = Registry::start(&program, Access::Open);
    let made = release(1000);
    let there = target(registry.address(), "harbour:v1");
    push(&made, &there).await.unwrap();
    let path = registry.blob(&made.layer.digest.hex());
    let mut bytes = fs::read(&path).unwrap();
    bytes[7] ^= 1;
    fs::write(&path, &bytes).unwrap();

    let (layout, _folder) = empty();
    let error = pull(&there, &layout).await.unwrap_err();
    assert!(
        matches!(&error, RegistryError::WrongDigest { expected, .. } if *expected == made.layer.digest),
        "{error:?}"
    );
    assert!(!error.is_transient());
    assert_eq!(layout.resolve("pulled").unwrap(), None);
    assert_eq!(layout.size(&made.layer.digest).unwrap(), None, "the changed blob is not kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_manifest_is_refused() {
    let Some(program) = tools::registry() else { return };
    let registry = Registry::start(&program, Access::Open);
    let made = release(1000);
    let there = target(registry.address(), "harbour:v1");
    push(&made, &there).await.unwrap();
    let path = registry.blob(&made.stack.digest.hex());
    let changed = fs::read_to_string(&path).unwrap().replace("network", "notwork");
    fs::write(&path, changed).unwrap();

    let (layout, _folder) = empty();
    let error = pull(&there, &layout).await.unwrap_err();
    assert!(!error.is_transient(), "{error}");
    assert_eq!(layout.resolve("pulled").unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_layout_that_is_not_whole_is_not_pushed() {
    let made = release(1000);
    // Nobody listens there: it is found before anybody is asked.
    let nowhere = "127.0.0.1:9/harbour:v1".parse().unwrap();
    fs::write(made.layout.root().join("blobs/sha256").join(made.stack.digest.hex()), "{}").unwrap();
    let error = push(&made, &nowhere).await.unwrap_err();
    assert!(matches!(error, RegistryError::WrongSize { .. }), "{error:?}");
    fs::remove_file(made.layout.root().join("blobs/sha256").join(made.layer.digest.hex())).unwrap();
    let error = push(&release(1000), &nowhere).await.unwrap_err();
    assert!(matches!(error, RegistryError::Unreachable { .. }), "{error:?}");
    let error =
        terrace_registry::push(&made.layout, "v2", &nowhere, &crate::layout::quick(), &|_| ()).await.unwrap_err();
    assert_eq!(error.to_string(), "the layout has no tag `v2`");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_named() {
    let Some(program) = tools::registry() else { return };
    let registry = Registry::start(&program, Access::Open);
    let (layout, _folder) = empty();
    let error = pull(&target(registry.address(), "harbour:v9"), &layout).await.unwrap_err();
    assert_eq!(error.to_string(), format!("{} has no harbour:v9", registry.address()));
    let error = pull(&target(registry.address(), "harbour"), &layout).await.unwrap_err();
    assert!(error.to_string().contains("a pull needs a tag or a digest"), "{error}");
}

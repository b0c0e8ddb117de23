//! A registry that lists referrers itself (the API of distribution specification 1.1): no fallback tag is written.

use std::net::SocketAddr;
use std::sync::Arc;

use ferro_oci_server::{AppState, Config, InMemoryRegistryMeta, router};
use terrace_registry::Blobs;

use crate::layout::{assert_sound, contents, empty, pull, push, release, target};

async fn start() -> SocketAddr {
    let blobs = Config::from_raw(None, None).blob_store().unwrap();
    let app = router(AppState::new(blobs, Arc::new(InMemoryRegistryMeta::new())));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn evidence_is_listed_by_the_registry() {
    let address = start().await;
    let made = release(100_000);
    let there = target(address, "estates/harbour:v1");
    let pushed = push(&made, &there).await.unwrap();
    assert_eq!((pushed.referrers, pushed.fallback_tags), (2, 0));

    let (layout, _folder) = empty();
    let pulled = pull(&there, &layout).await.unwrap();
    assert_eq!((pulled.manifests, pulled.referrers), (5, 2));
    assert_eq!(contents(layout.root()), contents(made.layout.root()));
    assert_sound(layout.root());
    assert_eq!(layout.referrers(&[made.root.digest].into()).unwrap().len(), 1);
}

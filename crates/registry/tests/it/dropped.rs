//! Connections that break in the middle, or never come about: nothing half done is referred to, and the next push ends well.

use terrace_registry::{Blobs, Options, RegistryError};
use terrace_testkit::registry::{Access, Registry};
use terrace_testkit::tools;

use crate::layout::{LARGE, Made, assert_sound, contents, empty, ignore, pull, push, quick, release, target};
use crate::proxy::{Cut, Proxy};

/// Breaks a push, looks at what the registry has, and pushes again.
async fn broken(made: &Made, cut: Cut) {
    let Some(program) = tools::registry() else { return };
    let registry = Registry::start(&program, Access::Open);
    let proxy = Proxy::before(registry.address(), cut);
    let through = target(proxy.address, "harbour:v1");
    let error = push(made, &through).await.unwrap_err();
    assert!(proxy.is_cut());
    assert!(matches!(error, RegistryError::Dropped { .. } | RegistryError::Unreachable { .. }), "{error:?}");
    assert!(error.is_transient() && error.help().unwrap().contains("again"), "{error}");

    let directly = target(registry.address(), "harbour:v1");
    let (layout, _folder) = empty();
    let error = pull(&directly, &layout).await.unwrap_err();
    assert!(matches!(error, RegistryError::NotFound { .. }), "nothing is tagged: {error}");
    assert_eq!(layout.resolve("pulled").unwrap(), None);

    proxy.mend();
    push(made, &through).await.unwrap();
    pull(&directly, &layout).await.unwrap();
    assert_eq!(contents(layout.root()), contents(made.layout.root()));
    assert_sound(layout.root());
}

#[tokio::test(flavor = "multi_thread")]
async fn in_the_middle_of_a_blob() {
    broken(&release(LARGE), Cut::AfterBytes(LARGE / 2)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn between_manifests() {
    for at in [1, 3, 5] {
        broken(&release(1000), Cut::AtRequest("PUT /v2/harbour/manifests/sha256:", at)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn at_the_fallback_tag_and_at_the_tag() {
    broken(&release(1000), Cut::AtRequest("PUT /v2/harbour/manifests/sha256-", 2)).await;
    broken(&release(1000), Cut::AtRequest("PUT /v2/harbour/manifests/v1", 1)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pull_that_breaks_refers_to_nothing() {
    let Some(program) = tools::registry() else { return };
    let registry = Registry::start(&program, Access::Open);
    let made = release(1000);
    push(&made, &target(registry.address(), "harbour:v1")).await.unwrap();
    let proxy = Proxy::before(registry.address(), Cut::AtRequest("GET /v2/harbour/blobs/", 3));
    let through = target(proxy.address, "harbour:v1");
    let (layout, _folder) = empty();
    let error = pull(&through, &layout).await.unwrap_err();
    assert!(error.is_transient(), "{error}");
    assert_eq!(layout.resolve("pulled").unwrap(), None);
    assert_sound(layout.root());
    proxy.mend();
    pull(&through, &layout).await.unwrap();
    assert_eq!(contents(layout.root()), contents(made.layout.root()));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_break_is_bridged_by_another_try() {
    let Some(program) = tools::registry() else { return };
    let registry = Registry::start(&program, Access::Open);
    let proxy = Proxy::before(registry.address(), Cut::AtRequest("PUT /v2/harbour/manifests/", 2));
    let made = release(1000);
    let options = Options { retries: 4, ..quick() };
    let mend = |_| {
        if proxy.is_cut() {
            proxy.mend();
        }
    };
    terrace_registry::push(&made.layout, "v1", &target(proxy.address, "harbour:v1"), &options, &mend).await.unwrap();
    assert!(!proxy.is_cut());
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_there() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let made = release(10);
    let error = push(&made, &target(nobody, "harbour:v1")).await.unwrap_err();
    assert!(matches!(error, RegistryError::Unreachable { .. }), "{error:?}");
    assert!(error.to_string().contains("refused"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_tls_is_named() {
    let Some(program) = tools::registry() else { return };
    let registry = Registry::start(&program, Access::Open);
    // Loopback under a name that nobody knows for it: TLS is spoken, and nothing there understands it.
    let text = format!("0.0.0.0:{}/harbour:v1", registry.address().port());
    let made = release(10);
    let error =
        terrace_registry::push(&made.layout, "v1", &text.parse().unwrap(), &quick(), &ignore).await.unwrap_err();
    assert!(matches!(error, RegistryError::Tls { .. }), "{error:?}");
    let plain = Options { plain_http: true, ..quick() };
    terrace_registry::push(&made.layout, "v1", &text.parse().unwrap(), &plain, &ignore).await.unwrap();
}

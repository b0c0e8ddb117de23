//! A registry that wants to know who one is.

use std::fs;

use terrace_registry::{Credentials, Options, RegistryError};
use terrace_testkit::registry::{ADA, Registry};
use terrace_testkit::tools;

use crate::layout::{empty, ignore, pull, push, quick, release, target};

#[tokio::test(flavor = "multi_thread")]
async fn strangers_are_told_to_log_in() {
    let Some(program) = tools::registry() else { return };
    let registry = Registry::start(&program, ADA);
    let made = release(1000);
    let there = target(registry.address(), "harbour:v1");
    let (layout, _folder) = empty();
    for error in [push(&made, &there).await.unwrap_err(), pull(&there, &layout).await.unwrap_err()] {
        assert!(matches!(error, RegistryError::Unauthorised { anonymous: true, .. }), "{error:?}");
        assert!(error.help().unwrap().contains(&format!("docker login {}", registry.address())), "{error}");
        assert!(!error.is_transient());
    }
    let wrong = Options { credentials: Credentials::user("ada", "byron"), ..quick() };
    let error = terrace_registry::push(&made.layout, "v1", &there, &wrong, &ignore).await.unwrap_err();
    assert!(matches!(error, RegistryError::Unauthorised { anonymous: false, .. }), "{error:?}");
    assert!(!error.to_string().contains("byron"));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_logged_in_pushes_and_pulls() {
    let Some(program) = tools::registry() else { return };
    let registry = Registry::start(&program, ADA);
    let made = release(1000);
    let home = made.folder.path();
    fs::create_dir(home.join(".docker")).unwrap();
    let config = format!(r#"{{"auths": {{"{}": {{"auth": "YWRhOmxvdmVsYWNl"}}}}}}"#, registry.address());
    fs::write(home.join(".docker/config.json"), config).unwrap();
    let there = target(registry.address(), "harbour:v1");
    let credentials = Credentials::of_home(home, there.registry()).unwrap();
    let options = Options { credentials, ..quick() };
    terrace_registry::push(&made.layout, "v1", &there, &options, &ignore).await.unwrap();
    let (layout, _folder) = empty();
    let pulled = terrace_registry::pull(&there, &layout, "v1", &options, &ignore).await.unwrap();
    assert_eq!(pulled.root.digest, made.root.digest);
}

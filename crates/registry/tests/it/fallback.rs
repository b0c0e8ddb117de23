//! A registry that keeps no list of referrers (docker-registry 2.8): the fallback tag is written, merged and read.

use std::sync::Mutex;

use terrace_registry::{Blobs, Options, Progress};
use terrace_testkit::registry::{Access, Registry};
use terrace_testkit::tools;

use crate::layout::{assert_sound, attach, contents, empty, ignore, pull, push, quick, release, target};

#[tokio::test(flavor = "multi_thread")]
async fn everything_comes_back_with_its_evidence() {
    let Some(program) = tools::registry() else { return };
    let registry = Registry::start(&program, Access::Open);
    let made = release(100_000);
    let there = target(registry.address(), "harbour:v1");
    let first = push(&made, &there).await.unwrap();
    assert_eq!((first.blobs, first.blobs_there), (7, 0));

    let (layout, _folder) = empty();
    let pulled = pull(&there, &layout).await.unwrap();
    assert_eq!((pulled.manifests, pulled.referrers, pulled.blobs), (5, 2, 7));
    assert_eq!(contents(layout.root()), contents(made.layout.root()));
    assert_sound(layout.root());
    let attached = layout.referrers(&[made.stack.digest, made.root.digest].into()).unwrap();
    let subjects: Vec<_> = attached.iter().map(|(subject, _)| *subject).collect();
    assert_eq!(subjects.len(), 2);
    assert!(subjects.contains(&made.stack.digest) && subjects.contains(&made.root.digest));
    assert!(attached.iter().all(|(_, it)| it.artifact_type.as_deref() == Some("application/vnd.in-toto+json")));

    // By its digest it is the same; and nothing is fetched twice.
    let by_digest = target(registry.address(), &format!("harbour@{}", made.root.digest));
    let again = pull(&by_digest, &layout).await.unwrap();
    assert_eq!((again.blobs, again.blobs_there, again.bytes), (0, 7, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_have_attached_stays() {
    let Some(program) = tools::registry() else { return };
    let registry = Registry::start(&program, Access::Open);
    let there = target(registry.address(), "harbour:v1");
    let (made, other) = (release(1000), release(1000));
    push(&made, &there).await.unwrap();
    let again = push(&made, &there).await.unwrap();
    assert_eq!((again.blobs, again.blobs_there, again.fallback_tags), (0, 7, 0));
    // Another has the same release, but evidence of its own.
    attach(&other.layout, &other.stack, "upgrade");
    assert_eq!(push(&other, &there).await.unwrap().fallback_tags, 1);
    attach(&made.layout, &made.stack, "recovery");
    push(&made, &there).await.unwrap();

    let (layout, _folder) = empty();
    assert_eq!(pull(&there, &layout).await.unwrap().referrers, 4);
    assert_eq!(layout.referrers(&[made.stack.digest].into()).unwrap().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_two_who_attach_at_once_lose_comes_back_with_the_next_push() {
    let Some(program) = tools::registry() else { return };
    let registry = Registry::start(&program, Access::Open);
    let there = target(registry.address(), "harbour:v1");
    let (made, other) = (release(1000), release(1000));
    attach(&made.layout, &made.stack, "mine");
    attach(&other.layout, &other.stack, "theirs");
    let patient = Options { retries: 6, ..quick() };
    let patiently = |made| terrace_registry::push(made, "v1", &there, &patient, &ignore);
    let (mine, theirs) = tokio::join!(patiently(&made.layout), patiently(&other.layout));
    mine.unwrap();
    theirs.unwrap();
    let (layout, _folder) = empty();
    // A registry has no way to write a tag only if nobody else has: the later of two may overwrite the earlier.
    patiently(&made.layout).await.unwrap();
    patiently(&other.layout).await.unwrap();
    assert_eq!(pull(&there, &layout).await.unwrap().referrers, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn something_else_under_the_fallback_tag_is_not_overwritten() {
    let Some(program) = tools::registry() else { return };
    let registry = Registry::start(&program, Access::Open);
    let made = release(1000);
    let stack = terrace_registry::Reference { descriptor: made.stack.clone(), tag: Some("stack".to_owned()) };
    made.layout.refer(&[stack]).unwrap();
    let (bare, _folder) = empty();
    let squatter = target(registry.address(), &format!("harbour:sha256-{}", made.root.digest.hex()));
    terrace_registry::push(&made.layout, "stack", &squatter, &quick(), &|_| ()).await.unwrap();
    let error = push(&made, &target(registry.address(), "harbour:v1")).await.unwrap_err();
    assert!(error.to_string().contains("something else has this tag"), "{error}");
    assert!(pull(&target(registry.address(), "harbour:v1"), &bare).await.is_err(), "nothing is tagged");
}

#[tokio::test(flavor = "multi_thread")]
async fn progress_is_told() {
    let Some(program) = tools::registry() else { return };
    let registry = Registry::start(&program, Access::Open);
    let made = release(1000);
    let told = Mutex::new(Vec::new());
    let listen = |progress| told.lock().unwrap().push(progress);
    let there = target(registry.address(), "harbour:v1");
    terrace_registry::push(&made.layout, "v1", &there, &quick(), &listen).await.unwrap();
    let told = told.into_inner().unwrap();
    assert!(matches!(told[0], Progress::Planned { blobs: 7, manifests: 5, .. }), "{:?}", told[0]);
    assert_eq!(told.iter().filter(|told| matches!(told, Progress::Blob { was_there: false, .. })).count(), 7);
    assert_eq!(told.iter().filter(|told| matches!(told, Progress::Manifest { .. })).count(), 5);
}

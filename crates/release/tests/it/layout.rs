//! The layout by itself: names, referrers, writers at the same time, processes that are killed.

use std::fs;
use std::path::Path;

use terrace_release::layout::{Layout, LayoutError};
use terrace_release::oci::{Descriptor, Manifest, digest_of};

const TYPE: &str = "application/vnd.example.v1";

fn empty() -> (tempfile::TempDir, Layout) {
    let folder = tempfile::tempdir().unwrap();
    let layout = Layout::open_or_create(&folder.path().join("a/b")).unwrap();
    (folder, layout)
}

fn manifest(layout: &Layout, text: &str, subject: Option<&Descriptor>) -> Vec<u8> {
    let config = layout.write_blob("application/vnd.oci.empty.v1+json", b"{}").unwrap();
    let layer = layout.write_blob("text/plain", text.as_bytes()).unwrap();
    let mut manifest = Manifest::new(TYPE, config, vec![layer]);
    manifest.subject = subject.cloned();
    manifest.to_bytes()
}

fn tagged(layout: &Layout, tag: &str, text: &str) -> Descriptor {
    let bytes = manifest(layout, text, None);
    let descriptor = layout.write_blob("application/vnd.oci.image.manifest.v1+json", &bytes).unwrap().with_type(TYPE);
    layout.tag(tag, &descriptor).unwrap();
    descriptor
}

#[test]
fn names_are_moved_and_what_had_them_stays() {
    let (_folder, layout) = empty();
    let one = tagged(&layout, "latest", "one");
    let two = tagged(&layout, "latest", "two");
    tagged(&layout, "second", "two");
    let tags: Vec<_> = layout.tags().unwrap().into_iter().map(|(tag, entry)| (tag, entry.digest)).collect();
    assert_eq!(tags, [("latest".to_owned(), two.digest), ("second".to_owned(), two.digest)]);
    assert_eq!(layout.resolve("latest").unwrap().digest, two.digest);
    assert_eq!(layout.resolve(&one.digest.to_string()).unwrap().digest, one.digest);
    assert_eq!(layout.resolve(&one.digest.short()).unwrap().digest, one.digest);
    assert_eq!(layout.resolve(&one.digest.to_string()[..20]).unwrap().digest, one.digest);
    assert_eq!(layout.resolve("lat").unwrap_err().to_string(), "nothing here is called `lat`");
    for tag in ["", "-x", "a/b", "a b", &"x".repeat(129)] {
        assert!(matches!(layout.tag(tag, &one), Err(LayoutError::Tag(_))), "{tag}");
    }
    let missing = Descriptor::of("application/vnd.oci.image.manifest.v1+json", b"nowhere");
    assert!(matches!(layout.tag("x", &missing), Err(LayoutError::NotWritten(_))));
}

#[test]
fn an_ambiguous_beginning_names_what_it_may_mean() {
    let (_folder, layout) = empty();
    tagged(&layout, "abcd1", "one");
    tagged(&layout, "abcd2", "two");
    let error = layout.resolve("abcd").unwrap_err().to_string();
    assert!(error.starts_with("`abcd` is ambiguous: sha256:"), "{error}");
}

#[test]
fn referrers_are_found_by_subject_and_type() {
    let (_folder, layout) = empty();
    let subject = tagged(&layout, "release", "files");
    let attached = layout.attach(&manifest(&layout, "evidence", Some(&subject))).unwrap();
    // Attaching the same again changes nothing.
    layout.attach(&manifest(&layout, "evidence", Some(&subject))).unwrap();
    assert_eq!(layout.referrers(&subject.digest, None).unwrap(), std::slice::from_ref(&attached));
    assert_eq!(layout.referrers(&subject.digest, Some(TYPE)).unwrap(), std::slice::from_ref(&attached));
    assert_eq!(layout.referrers(&subject.digest, Some("other")).unwrap(), []);
    assert_eq!(layout.referrers(&attached.digest, None).unwrap(), []);
    assert!(matches!(layout.attach(&manifest(&layout, "x", None)), Err(LayoutError::NoSubject)));
    // As another tool lists it: without saying what it refers to.
    layout.settle().unwrap();
    let path = layout.folder().join("index.json");
    let text = fs::read_to_string(&path).unwrap();
    let mut index: serde_json::Value = serde_json::from_str(&text).unwrap();
    index["manifests"][1]["annotations"].take();
    index["manifests"][1].as_object_mut().unwrap().remove("annotations");
    fs::write(&path, index.to_string()).unwrap();
    assert_eq!(layout.referrers(&subject.digest, None).unwrap()[0].digest, attached.digest);
}

#[test]
fn damage_is_told_by_name() {
    let (_folder, layout) = empty();
    let blob = layout.write_blob("application/vnd.oci.image.layer.v1.tar", b"content").unwrap();
    let path = layout.blob_path(&blob.digest);
    fs::write(&path, b"CONTENT").unwrap();
    assert_eq!(
        layout.read(&blob).unwrap_err().to_string(),
        format!("a layer of files is damaged: the blob {} has the content of {}", blob.digest, digest_of(b"CONTENT"))
    );
    assert!(layout.read_blob(&blob.digest).unwrap_err().to_string().starts_with("a blob is damaged"));
    fs::write(&path, b"short").unwrap();
    assert!(layout.read(&blob).unwrap_err().to_string().ends_with("has 5 bytes, not 7"));
    fs::remove_file(&path).unwrap();
    assert_eq!(
        layout.read(&blob).unwrap_err().to_string(),
        format!("a layer of files is missing: there is no blob {}", blob.digest)
    );
    // Written again, it is whole again, also over a damaged one.
    fs::write(&path, b"CONTENT").unwrap();
    layout.write_blob(&blob.media_type, b"content").unwrap();
    assert_eq!(layout.read(&blob).unwrap(), b"content");
}

#[test]
fn sizes_have_limits() {
    let (_folder, layout) = empty();
    let mut blob = layout.write_blob("application/vnd.oci.image.manifest.v1+json", b"{}").unwrap();
    fs::File::options().write(true).open(layout.blob_path(&blob.digest)).unwrap().set_len(1 << 40).unwrap();
    assert!(layout.read(&blob).unwrap_err().to_string().contains("1099511627776 bytes, not 2"));
    blob.size = 1 << 40;
    assert!(matches!(layout.read(&blob), Err(LayoutError::TooLarge { .. })));
    fs::File::options().write(true).open(layout.folder().join("index.json")).unwrap().set_len(1 << 40).unwrap();
    assert!(matches!(layout.index(), Err(LayoutError::TooLarge { .. })));
}

#[test]
fn a_cut_index_is_told_and_never_written_over() {
    let (_folder, layout) = empty();
    let one = tagged(&layout, "one", "one");
    let path = layout.folder().join("index.json");
    let whole = fs::read(&path).unwrap();
    for length in 0..whole.len() {
        fs::write(&path, &whole[..length]).unwrap();
        let error = layout.tag("two", &one).unwrap_err().to_string();
        assert!(error.contains("index.json cannot be read"), "{error}");
        assert_eq!(fs::read(&path).unwrap(), &whole[..length]);
    }
}

#[test]
fn other_folders_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("letter.txt"), "dear").unwrap();
    let error = Layout::open_or_create(folder.path()).unwrap_err().to_string();
    assert!(
        error.ends_with("is not an OCI image layout: it has no `oci-layout`, and `letter.txt` is in it"),
        "{error}"
    );
    assert!(Layout::open(folder.path()).is_err());
    fs::write(folder.path().join("oci-layout"), "{\"imageLayoutVersion\":\"2.0.0\"}").unwrap();
    assert!(Layout::open(folder.path()).unwrap_err().to_string().ends_with("it has the version `2.0.0`, not 1.0.0"));
}

#[test]
fn a_writing_that_does_not_end_lists_nothing_and_is_cleaned_up() {
    let (_folder, layout) = empty();
    tagged(&layout, "one", "one");
    let before = fs::read(layout.folder().join("index.json")).unwrap();
    let mut batch = layout.begin().unwrap();
    let bytes = manifest(&layout, "two", None);
    let descriptor = batch.write("application/vnd.oci.image.manifest.v1+json", &bytes).unwrap();
    batch.tag("two", descriptor).unwrap();
    let ingest = layout.folder().join("ingest");
    let count = |folder: &Path| fs::read_dir(folder).unwrap().count();
    assert_eq!(count(&ingest), 1);
    // Another writer leaves it alone while it lives.
    tagged(&layout, "three", "three");
    assert_eq!(count(&ingest), 1);
    drop(batch);
    assert_eq!(count(&ingest), 0);
    assert!(layout.tags().unwrap().contains_key("three") && !layout.tags().unwrap().contains_key("two"));
    assert_ne!(fs::read(layout.folder().join("index.json")).unwrap(), before);
    // As a killed process leaves it.
    fs::create_dir(ingest.join("killed")).unwrap();
    fs::write(ingest.join("killed/alive"), "").unwrap();
    fs::write(ingest.join("killed/.new-x"), "half").unwrap();
    fs::create_dir(ingest.join("killed-early")).unwrap();
    tagged(&layout, "four", "four");
    assert_eq!(count(&ingest), 0);
}

#[test]
fn writers_at_the_same_time_lose_nothing() {
    let (folder, _) = empty();
    let path = folder.path().join("new");
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let path = &path;
            scope.spawn(move || {
                let layout = Layout::open_or_create(path).unwrap();
                for number in 0..10 {
                    tagged(&layout, &format!("w{writer}-{number}"), &format!("{writer} {number}"));
                }
            });
        }
    });
    let layout = Layout::open(&path).unwrap();
    assert_eq!(layout.tags().unwrap().len(), 40);
    for entry in layout.index().unwrap().manifests {
        layout.read(&entry).unwrap();
    }
}

/// The entries of `index.json`, as another tool reads it.
fn seen_by_others(layout: &Layout) -> usize {
    let text = fs::read_to_string(layout.folder().join("index.json")).unwrap();
    let index: serde_json::Value = serde_json::from_str(&text).unwrap();
    index["manifests"].as_array().unwrap().len()
}

fn waiting(layout: &Layout) -> std::path::PathBuf {
    layout.folder().join("terrace-referrers-1")
}

#[test]
fn referrers_wait_beside_the_index_and_count_at_once() {
    let (_folder, layout) = empty();
    let subject = tagged(&layout, "release", "files");
    let digests = |layout: &Layout| -> Vec<_> {
        layout.referrers(&subject.digest, None).unwrap().into_iter().map(|entry| entry.digest).collect()
    };
    let one = layout.attach(&manifest(&layout, "one", Some(&subject))).unwrap().digest;
    let two = layout.attach(&manifest(&layout, "two", Some(&subject))).unwrap().digest;
    assert_eq!((digests(&layout), seen_by_others(&layout)), (vec![one, two], 1));
    // As a process leaves it that is killed in the middle of a line, and one that is killed before it removes what has moved.
    let whole = fs::read(waiting(&layout)).unwrap();
    fs::write(waiting(&layout), [&whole[..], b"\n{\"mediaType\":\"appl"].concat()).unwrap();
    assert_eq!(digests(&Layout::open(layout.folder()).unwrap()), [one, two]);
    let three = layout.attach(&manifest(&layout, "three", Some(&subject))).unwrap().digest;
    assert_eq!(digests(&layout), [one, two, three]);
    let again = fs::read(waiting(&layout)).unwrap();
    layout.settle().unwrap();
    assert_eq!((digests(&layout), seen_by_others(&layout)), (vec![one, two, three], 4));
    assert!(!waiting(&layout).exists());
    fs::write(waiting(&layout), again).unwrap();
    assert_eq!(digests(&layout), [one, two, three]);
    // A name is seen by others at once, and brings along what waits.
    let four = layout.attach(&manifest(&layout, "four", Some(&subject))).unwrap().digest;
    tagged(&layout, "second", "two");
    assert_eq!((digests(&layout), seen_by_others(&layout)), (vec![one, two, three, four], 6));
    assert!(!waiting(&layout).exists());
}

#[test]
fn what_waits_is_never_longer_than_the_index_for_long() {
    let (_folder, layout) = empty();
    let subject = tagged(&layout, "release", "files");
    let (mut moved, mut longest) = (0, 0);
    let long = "x".repeat(4_000);
    for number in 0..200 {
        let mut text = manifest(&layout, "evidence", Some(&subject));
        text.pop();
        text.extend(format!(r#","annotations":{{"number":"{number}{long}"}}}}"#).bytes());
        let before = waiting(&layout).exists();
        layout.attach(&text).unwrap();
        let size = fs::metadata(waiting(&layout)).map_or(0, |found| found.len());
        moved += usize::from(before && size == 0);
        longest = longest.max(size);
    }
    assert_eq!(layout.referrers(&subject.digest, None).unwrap().len(), 200);
    assert!((1..=3).contains(&moved), "index.json was written anew {moved} times");
    assert!(longest <= 512 << 10, "{longest} bytes");
    layout.settle().unwrap();
    assert_eq!(seen_by_others(&layout), 201);
}

#[test]
fn evidence_that_comes_from_many_at_the_same_time_is_all_there() {
    let (_folder, layout) = empty();
    let subject = tagged(&layout, "release", "files");
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let (layout, subject) = (&layout, &subject);
            scope.spawn(move || {
                for number in 0..10 {
                    let evidence = manifest(layout, &format!("evidence {writer} {number}"), Some(subject));
                    layout.attach(&evidence).unwrap();
                    // Names make what waits move meanwhile.
                    if number % 3 == writer % 3 {
                        layout.tag(&format!("w{writer}-{number}"), subject).unwrap();
                    }
                    let found = layout.referrers(&subject.digest, None).unwrap();
                    assert!(found.iter().any(|entry| entry.digest == digest_of(&evidence)));
                }
            });
        }
    });
    assert_eq!(layout.referrers(&subject.digest, None).unwrap().len(), 40);
}

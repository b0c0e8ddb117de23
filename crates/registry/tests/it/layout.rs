//! Layouts made by hand, as a release makes them: an index over two stacks, each with a layer, and evidence attached to one and to the
//! index.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;
use terrace_domain::digest::Digest;
use terrace_registry::{Blobs, Descriptor, ImageLayout, Options, Progress, RegistryError, Target};

pub(crate) const INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub(crate) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const EVIDENCE: &str = "application/vnd.in-toto+json";
const EMPTY: &str = "application/vnd.oci.empty.v1+json";
/// Larger than a piece in which blobs are sent, so that a connection can break between two of one blob.
pub(crate) const LARGE: usize = 9 * 1024 * 1024;

/// A layout in a folder of its own.
pub(crate) struct Made {
    pub(crate) layout: ImageLayout,
    pub(crate) root: Descriptor,
    /// The stack's manifest that evidence is attached to.
    pub(crate) stack: Descriptor,
    pub(crate) layer: Descriptor,
    pub(crate) folder: TempDir,
}

/// An empty layout.
pub(crate) fn empty() -> (ImageLayout, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    (ImageLayout::open_or_create(folder.path().join("layout")).unwrap(), folder)
}

/// A layout with the estate release `v1`, whose first stack has a layer of so many bytes.
pub(crate) fn release(layer_bytes: usize) -> Made {
    let (layout, folder) = empty();
    let bytes: Vec<u8> = (0..layer_bytes).map(|at| u8::try_from(at * 31 % 251).unwrap()).collect();
    let layer = put(&layout, "application/vnd.terrace.stack.v1.tar+gzip", &bytes);
    let stack = stack_of(&layout, "network", &layer);
    let other_layer = put(&layout, "application/vnd.terrace.stack.v1.tar+gzip", b"another layer");
    let other = stack_of(&layout, "cluster", &other_layer);
    let index = json!({
        "schemaVersion": 2, "mediaType": INDEX, "artifactType": "application/vnd.terrace.estate.v1",
        "manifests": [described(&stack), described(&other)],
    });
    let root = put(&layout, INDEX, index.to_string().as_bytes());
    tag(&layout, &root, "v1");
    let made = Made { layout, root, stack, layer, folder };
    attach(&made.layout, &made.stack, "zero");
    attach(&made.layout, &made.root, "approved");
    made
}

fn stack_of(layout: &ImageLayout, name: &str, layer: &Descriptor) -> Descriptor {
    let config =
        put(layout, "application/vnd.terrace.contract.v1+json", format!("{{\"stack\":\"{name}\"}}").as_bytes());
    let manifest = json!({
        // Spaces and this order: a registry must keep the bytes as they are.
        "schemaVersion": 2, "mediaType": MANIFEST, "artifactType": "application/vnd.terrace.stack.v1",
        "config": described(&config), "layers": [described(layer)], "annotations": {"stack": name},
    });
    put(layout, MANIFEST, serde_json::to_string_pretty(&manifest).unwrap().as_bytes())
}

/// Attaches a piece of evidence.
pub(crate) fn attach(layout: &ImageLayout, subject: &Descriptor, says: &str) -> Descriptor {
    let config = put(layout, EMPTY, b"{}");
    let envelope = put(layout, EVIDENCE, format!("{{\"says\":\"{says}\"}}").as_bytes());
    let manifest = json!({
        "schemaVersion": 2, "mediaType": MANIFEST, "artifactType": EVIDENCE,
        "config": described(&config), "layers": [described(&envelope)], "subject": described(subject),
        "annotations": {"in-toto.io/predicate-type": says},
    });
    let descriptor = put(layout, MANIFEST, manifest.to_string().as_bytes());
    layout.refer(&[terrace_registry::Reference { descriptor: descriptor.clone(), tag: None }]).unwrap();
    descriptor
}

pub(crate) fn tag(layout: &ImageLayout, descriptor: &Descriptor, tag: &str) {
    let reference = terrace_registry::Reference { descriptor: descriptor.clone(), tag: Some(tag.to_owned()) };
    layout.refer(&[reference]).unwrap();
}

pub(crate) fn put(layout: &ImageLayout, media_type: &str, bytes: &[u8]) -> Descriptor {
    let digest = Digest::of(bytes);
    let mut file = layout.collect().unwrap();
    file.write_all(bytes).unwrap();
    layout.keep(&digest, file).unwrap();
    let size = bytes.len() as u64;
    Descriptor { media_type: media_type.to_owned(), digest, size, artifact_type: None, annotations: [].into() }
}

fn described(descriptor: &Descriptor) -> Value {
    json!({ "mediaType": descriptor.media_type, "digest": descriptor.digest.to_string(), "size": descriptor.size })
}

/// The digests of everything in a layout that is not `index.json`.
pub(crate) fn contents(root: &Path) -> BTreeSet<String> {
    let entries = std::fs::read_dir(root.join("blobs/sha256")).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// Everything in a layout has the digest that it is called by.
pub(crate) fn assert_sound(root: &Path) {
    for name in contents(root) {
        let mut bytes = Vec::new();
        std::fs::File::open(root.join("blobs/sha256").join(&name)).unwrap().read_to_end(&mut bytes).unwrap();
        assert_eq!(Digest::of(&bytes).hex(), name);
    }
}

pub(crate) fn target(address: std::net::SocketAddr, rest: &str) -> Target {
    format!("{address}/{rest}").parse().unwrap()
}

/// As in real use, but without waiting long.
pub(crate) fn quick() -> Options {
    Options { retries: 1, first_pause: std::time::Duration::from_millis(10), ..Options::default() }
}

pub(crate) fn ignore(_: Progress) {}

/// Pushes `v1`.
pub(crate) async fn push(made: &Made, target: &Target) -> Result<terrace_registry::Pushed, RegistryError> {
    terrace_registry::push(&made.layout, "v1", target, &quick(), &ignore).await
}

/// Pulls into a layout, where it is called `pulled`.
pub(crate) async fn pull(target: &Target, layout: &ImageLayout) -> Result<terrace_registry::Pulled, RegistryError> {
    terrace_registry::pull(target, layout, "pulled", &quick(), &ignore).await
}

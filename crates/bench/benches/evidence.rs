//! Figures of evidence: each of so many releases gets the signed statement that it was applied, as each instance of a run attaches it, ten
//! at once. Makes layouts in a temporary folder, and removes them.

use std::sync::atomic::{AtomicUsize, Ordering};

use divan::Bencher;
use divan::counter::ItemsCount;
use tempfile::TempDir;
use terrace_domain::digest::Digest;
use terrace_domain::run::{InstanceId, RunId};
use terrace_driver::witness::{Delivered, Known, Witness};
use terrace_evidence::keys::SigningKey;
use terrace_evidence::trusted::TrustedKeys;
use terrace_release::layout::Layout;
use terrace_release::oci::{MANIFEST_MEDIA_TYPE, Manifest};

/// How many instances end at once.
const AT_ONCE: usize = 10;

fn main() {
    divan::main();
}

/// Releases without contents: what counts here is what is attached to them.
struct Shelf {
    _folder: TempDir,
    witness: Witness,
    releases: Vec<(InstanceId, Digest)>,
}

fn shelf(count: usize) -> Shelf {
    let folder = TempDir::new().expect("a temporary folder");
    let layout = Layout::open_or_create(&folder.path().join("releases")).expect("a fresh folder");
    let batch = layout.begin().expect("a fresh layout");
    let config = batch.write("application/vnd.oci.empty.v1+json", b"{}").expect("a writable folder");
    let release = |number: usize| {
        let mut manifest = Manifest::new("application/vnd.example.v1", config.clone(), vec![config.clone()]);
        manifest.annotations.insert("number".to_owned(), number.to_string());
        let written = batch.write(MANIFEST_MEDIA_TYPE, &manifest.to_bytes()).expect("a writable folder");
        let stack = format!("stack-{number}").parse().expect("a name");
        (InstanceId { environment: "dev".parse().expect("a name"), stack }, written.digest)
    };
    let releases = (0..count).map(release).collect();
    batch.commit().expect("a writable folder");
    let key = SigningKey::generate().expect("random numbers");
    let witness = Witness {
        layout,
        trusted: TrustedKeys::new([("own".parse().expect("a name"), key.public_key())]).expect("one key"),
        key,
        run: RunId(1),
        stages: [("dev".parse().expect("a name"), "dev".parse().expect("a name"))].into(),
        actor: "ada@desk".to_owned(),
        known: Known::default(),
    };
    Shelf { _folder: folder, witness, releases }
}

#[divan::bench(args = [1_000, 10_000], sample_count = 1, sample_size = 1)]
fn attach_to_each(bencher: Bencher, count: usize) {
    bencher.counter(ItemsCount::new(count)).with_inputs(|| shelf(count)).bench_local_refs(|shelf| {
        let next = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..AT_ONCE {
                scope.spawn(|| {
                    while let Some((id, release)) = shelf.releases.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let settings = Digest::of(b"settings");
                        let terraform = "terraform 1.11.4";
                        let delivered = Delivered { id, release, settings, terraform, state: None };
                        shelf.witness.attest(&delivered).expect("a writable folder");
                    }
                });
            }
        });
    });
}

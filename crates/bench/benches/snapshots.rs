//! Figures of snapshots: sealing and opening a state of 10 MB, and reading the facts of one of 100 MB.

use std::fmt::Write;
use std::sync::LazyLock;

use divan::Bencher;
use divan::counter::BytesCount;
use tempfile::TempDir;
use terrace_domain::state::StateFacts;
use terrace_vault::{Identity, Vault};

static SMALL: LazyLock<Vec<u8>> = LazyLock::new(|| state(10_000_000));
static LARGE: LazyLock<Vec<u8>> = LazyLock::new(|| state(100_000_000));

fn main() {
    divan::main();
}

/// A state of about so many bytes, as hard to compress as real ones: a third of it is ids and digests.
fn state(size: usize) -> Vec<u8> {
    let mut text = String::from(
        r#"{"version":4,"terraform_version":"1.11.4","serial":9,"lineage":"l","outputs":{},"resources":["#,
    );
    let mut seed = 1_u64;
    let mut next = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        seed ^ (seed >> 29)
    };
    for at in 0.. {
        let comma = if at == 0 { "" } else { "," };
        let (id, digest, policy) = (next(), [next(), next(), next(), next()], next());
        let _ = write!(
            text,
            r#"{comma}
    {{
      "mode": "managed",
      "type": "aws_s3_bucket",
      "name": "bucket_{at}",
      "provider": "provider[\"registry.example/hashicorp/aws\"]",
      "instances": [
        {{
          "schema_version": 0,
          "attributes": {{
            "id": "bucket-{id:016x}",
            "arn": "arn:aws:s3:::bucket-{id:016x}",
            "etag": "{digest:016x?}",
            "policy": "{{\"Statement\":[{{\"Effect\":\"Allow\",\"Action\":\"s3:*\",\"Resource\":\"{policy:x}\"}}]}}",
            "tags": {{ "team": "shop", "environment": "prod" }},
            "versioning": [{{ "enabled": true, "mfa_delete": false }}]
          }},
          "sensitive_attributes": []
        }}
      ]
    }}"#
        );
        if text.len() >= size {
            break;
        }
    }
    text.push_str("\n  ]\n}\n");
    text.into_bytes()
}

fn vault(folder: &TempDir) -> Vault {
    Vault::open(&folder.path().join("snapshots"), vec![Identity::generate()], Vec::new()).expect("a writable folder")
}

#[divan::bench(sample_size = 1, sample_count = 15)]
fn put_10_mb(bencher: Bencher) {
    let folder = TempDir::new().expect("a temporary folder");
    let vault = vault(&folder);
    let mut state = SMALL.clone();
    let mut at = 0_usize;
    bencher.counter(BytesCount::new(state.len())).bench_local(|| {
        // Another state each time: the same would not be written again.
        at += 1;
        let end = state.len();
        state[end - 1] = if at.is_multiple_of(2) { b' ' } else { b'\n' };
        state.extend_from_slice(b" ");
        vault.put(&state).expect("room on the disk")
    });
}

#[divan::bench(sample_size = 1, sample_count = 15)]
fn get_10_mb(bencher: Bencher) {
    let folder = TempDir::new().expect("a temporary folder");
    let vault = vault(&folder);
    let digest = vault.put(&SMALL).expect("room on the disk").digest;
    bencher.counter(BytesCount::new(SMALL.len())).bench_local(|| vault.get(digest).expect("it is there"));
}

#[divan::bench(sample_size = 1, sample_count = 7)]
fn read_facts_of_100_mb(bencher: Bencher) {
    let state = &*LARGE;
    bencher
        .counter(BytesCount::new(state.len()))
        .bench_local(|| StateFacts::read(state).expect("a state").resources.len());
}

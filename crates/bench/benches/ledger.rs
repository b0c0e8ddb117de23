//! Figures of the ledger on disk: appending, one entry a commit and many, and checking and exporting a million. Everything is in a
//! temporary folder.

use std::io;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::OnceLock;

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use rusqlite::{Connection, TransactionBehavior};
use tempfile::TempDir;
use terrace_domain::ledger::{Kind, NewEntry, Trust};
use terrace_domain::run::{Moment, RunId};
use terrace_driver::database;
use terrace_driver::ledger::{Filter, append, each, export, journal, log, verify};

/// How many entries the ledger is built for.
const ENTRIES: u64 = 1_000_000;
/// How many entries a run of the large ledger has.
const RUN: u64 = 1_000;
const BATCH: u64 = 100;

static EVENT: Kind = Kind::known("run_event");
static RARE: Kind = Kind::known("state_restored");
static LARGE: OnceLock<std::path::PathBuf> = OnceLock::new();

fn main() {
    let folder = TempDir::new().expect("a temporary folder");
    LARGE.set(folder.path().join("large.db")).expect("set once");
    divan::main();
}

/// A ledger of a million entries of a thousand runs, made when it is first asked for.
fn large() -> Connection {
    let path: &Path = LARGE.get().expect("set in main");
    if !path.exists() {
        let mut connection = database::open(path).expect("a writable folder");
        fill(&mut connection, 0, ENTRIES);
    }
    database::open(path).expect("a sound file")
}

fn fill(connection: &mut Connection, from: u64, count: u64) {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).expect("nobody else writes");
    for at in from..from + count {
        let stack = format!("stack-{:04}", at % 997);
        let body =
            format!(r#"{{"event":"planned","stack":"{stack}","changes":{{"add":{at},"change":0,"destroy":0}}}}"#);
        let moment = Moment(1_700_000_000_000 + i64::try_from(at).expect("small"));
        let mut entry = NewEntry::new(moment, "ada@build-7", &EVENT, &body);
        if at % 100_000 == 99_999 {
            entry.kind = &RARE;
        }
        (entry.run, entry.run_seq) = (Some(RunId(at / RUN + 1)), Some(at % RUN + 1));
        (entry.stage, entry.environment, entry.stack) = (Some("dev"), Some("dev"), Some(stack.as_str()));
        append(&transaction, &entry).expect("a sound entry");
    }
    transaction.commit().expect("room on the disk");
}

fn append_batches(bencher: Bencher, batch: u64) {
    let folder = TempDir::new().expect("a temporary folder");
    let mut connection = database::open(&folder.path().join("small.db")).expect("a writable folder");
    let mut next = 0;
    bencher.counter(ItemsCount::new(batch)).bench_local(|| {
        fill(&mut connection, next, batch);
        next += batch;
    });
}

#[divan::bench(sample_size = 100, sample_count = 100)]
fn append_single(bencher: Bencher) {
    append_batches(bencher, 1);
}

#[divan::bench(sample_size = 10, sample_count = 50)]
fn append_batch_of_100(bencher: Bencher) {
    append_batches(bencher, BATCH);
}

#[divan::bench(sample_size = 1, sample_count = 5)]
fn verify_million(bencher: Bencher) {
    let connection = large();
    bencher.counter(ItemsCount::new(ENTRIES)).bench_local(|| {
        let verdict = verify(&connection, [], |_| Trust::Unknown).expect("a readable ledger");
        assert!(verdict.is_sound() && verdict.entries == ENTRIES);
    });
}

#[divan::bench(sample_size = 1, sample_count = 3)]
fn export_million(bencher: Bencher) {
    let connection = large();
    bencher.bench_local(|| export(&connection, &Filter::default(), &mut io::sink()).expect("a readable ledger"));
}

/// The same as an export without writing: what reading alone takes.
#[divan::bench(sample_size = 1, sample_count = 3)]
fn read_million(bencher: Bencher) {
    let connection = large();
    bencher.bench_local(|| each(&connection, &Filter::default(), |_, _| ControlFlow::Continue(())).expect("readable"));
}

#[divan::bench(sample_size = 1, sample_count = 20)]
fn journal_of_one_run(bencher: Bencher) {
    let connection = large();
    bencher.bench_local(|| assert_eq!(black_box(journal(&connection, RunId(500))).count(), 1000));
}

#[divan::bench(args = ["newest", "environment", "stack", "kind", "pattern", "actor", "time", "nothing"], sample_size = 1, sample_count = 9)]
fn log_20_of_a_million(bencher: Bencher, by: &str) {
    let connection = large();
    let mut filter = Filter { limit: Some(20), newest_first: true, ..Filter::default() };
    let text = |text: &str| Some(text.to_owned());
    match by {
        "environment" => filter.environment = text("dev"),
        "stack" => filter.stack = text("stack-0500"),
        "kind" => filter.kind = text("state_restored"),
        "pattern" => filter.kind = text("state_*"),
        "actor" => filter.actor = text("nobody@nowhere"),
        "time" => filter.until = Some(Moment(1_700_000_000_000 + 500_000)),
        "nothing" => filter.stack = text("none"),
        _ => {}
    }
    bencher.bench_local(|| log(&connection, &filter).expect("a readable ledger").len());
}

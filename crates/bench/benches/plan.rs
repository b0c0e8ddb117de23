//! Figures of reading plans of the largest size, from a temporary file.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufWriter, Write};

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use tempfile::NamedTempFile;
use terrace_bench::plan::{PLAN_BYTES, write_plan};
use terrace_domain::digest::Digest;
use terrace_domain::plan::{ChangeRecords, PlanFacts, ResourceTypes, read_plan};

fn main() {
    divan::main();
}

/// The plan in a file that goes with what is returned.
fn plan() -> NamedTempFile {
    let file = NamedTempFile::new().expect("room for a temporary file");
    let mut out = BufWriter::new(file.as_file());
    write_plan(&mut out, PLAN_BYTES).expect("room for the plan");
    out.flush().expect("room for the plan");
    drop(out);
    file
}

fn measure<T>(bencher: Bencher<'_, '_>, read: impl Fn(File) -> T) {
    let file = plan();
    let bytes = file.as_file().metadata().expect("it is there").len();
    bencher.counter(BytesCount::new(bytes)).bench_local(|| read(black_box(file.reopen().expect("it is there"))));
}

#[divan::bench(sample_size = 1, sample_count = 5)]
fn facts_of_500_megabytes(bencher: Bencher) {
    let types = ResourceTypes::default();
    measure(bencher, |file| PlanFacts::read(file, &types, &BTreeSet::new()).expect("a sound plan"));
}

#[divan::bench(sample_size = 1, sample_count = 5)]
fn records_of_500_megabytes(bencher: Bencher) {
    measure(bencher, |file| {
        let mut records = ChangeRecords::new(Digest::of);
        read_plan(file, &mut [&mut records]).expect("a sound plan");
        records.into_records()
    });
}

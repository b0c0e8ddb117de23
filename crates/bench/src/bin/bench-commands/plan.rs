//! Measures how long it takes to read the facts of a large plan, and how much memory: in a process of its own, this program again.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use anyhow::{Context, Result, ensure};
use terrace_bench::plan::write_plan;
use terrace_domain::plan::{PlanFacts, ResourceTypes};

use crate::measure::{self, Figure, in_milliseconds};

/// Writes a plan into the folder, and measures.
pub(crate) fn measure(folder: &Path, megabytes: u64, runs: usize) -> Result<String> {
    let file = folder.join("plan.json");
    let mut out = BufWriter::new(File::create(&file).context("make a plan")?);
    let resources = write_plan(&mut out, megabytes * 1_000_000).and_then(|count| out.flush().map(|()| count))?;
    let this = std::env::current_exe().context("find this program")?;
    let name = file.to_str().context("a temporary folder with a name in UTF-8")?;
    let Figure { times, memory_max } = measure::measure(&this, &["--read-plan", name], folder, runs)?;
    let mut text = "| resources | wall time, median | fastest to slowest | peak memory |\n|-:|-:|-:|-:|\n".to_owned();
    writeln!(
        text,
        "| {resources} | {} | {} to {} | {} MB |",
        in_milliseconds(times.median()),
        in_milliseconds(times.fastest()),
        in_milliseconds(times.slowest()),
        memory_max.div_ceil(1_000_000),
    )?;
    Ok(text)
}

/// Reads the facts of a plan.
pub(crate) fn read(file: &Path) -> Result<()> {
    let file = File::open(file).context("open the plan")?;
    let facts = PlanFacts::read(file, &ResourceTypes::default(), &BTreeSet::new())?;
    ensure!(!facts.is_empty(), "the plan changes something");
    Ok(())
}

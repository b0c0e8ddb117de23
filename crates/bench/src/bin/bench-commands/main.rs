//! Measures whole commands of Terrace, as a user meets them, and prints tables in Markdown for `docs/benchmarks.md`. Owns what is
//! measured and how it is shown. Works in a temporary folder and leaves nothing behind.
#![allow(clippy::disallowed_methods, reason = "a tool of this repository reads its own environment")]

mod measure;
mod overhead;
mod plan;
mod recording;
mod rehearsal;
mod replay;

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::Parser;
use measure::{Figure, in_milliseconds, measure};
use xtask::estate::{Blueprint, DEFAULT_SEED};

/// Measures whole commands of Terrace on generated estates
#[derive(Debug, Parser)]
struct Options {
    /// The release build of Terrace
    #[arg(value_name = "TERRACE", required_unless_present = "read_plan")]
    terrace: Option<PathBuf>,
    /// Sizes of the estates that commands read; 0 leaves that out
    #[arg(long, value_delimiter = ',', default_value = "1000,10000")]
    stacks: Vec<usize>,
    /// How often each command runs, after one run that does not count
    #[arg(long, default_value_t = 7)]
    runs: usize,
    /// How many stacks are delivered; 0 leaves that out
    #[arg(long, default_value_t = 12)]
    deliver: usize,
    /// How many of them at once
    #[arg(long, default_value_t = 2)]
    parallelism: usize,
    /// How often the example is rehearsed; 0 leaves that out
    #[arg(long, default_value_t = 5)]
    rehearse: usize,
    /// How long calls to the sandbox cloud take in that, as a share of what they take in real clouds
    #[arg(long, default_value = "0.005")]
    latency: String,
    /// How large a plan is read, in megabytes; 0 leaves that out
    #[arg(long, default_value_t = 500)]
    plan: u64,
    /// Reads this plan, and does nothing else: the process that is measured
    #[arg(long, hide = true, value_name = "FILE")]
    read_plan: Option<PathBuf>,
}

/// The commands that read, each with its options.
const COMMANDS: [&[&str]; 8] = [
    &["list"],
    &["list", "--json"],
    &["list", "--affected", "HEAD~1"],
    &["validate"],
    &["graph", "--format", "dot"],
    &["map"],
    &["map", "--json"],
    &["map", "--format", "svg"],
];

fn main() -> Result<()> {
    let options = Options::parse();
    if let Some(file) = &options.read_plan {
        return plan::read(file);
    }
    ensure!(options.runs > 0 && options.parallelism > 0, "nothing can be measured with 0");
    let terrace = options.terrace.as_deref().context("the release build of Terrace")?;
    let terrace = terrace.canonicalize().context("the release build of Terrace")?;
    let folder = tempfile::Builder::new().prefix("terrace-bench").tempdir().context("make a temporary folder")?;
    let mut text = String::new();
    for stacks in options.stacks.iter().filter(|stacks| **stacks > 0) {
        let root = folder.path().join(format!("estate-{stacks}"));
        let files = generate(&Blueprint::new(*stacks, DEFAULT_SEED), &root)?;
        writeln!(text, "\n{stacks} stacks, {files} files:\n")?;
        text.push_str(&reading(&terrace, &root, options.runs)?);
    }
    if options.deliver > 0 {
        let root = folder.path().join("delivered");
        let blueprint = Blueprint::new(options.deliver, DEFAULT_SEED);
        generate(&blueprint, &root)?;
        let overhead = overhead::measure(&terrace, &root, &blueprint, options.parallelism, options.runs)?;
        writeln!(
            text,
            "\nA `deliver` of {} stacks where nothing changed, {} at once:\n",
            options.deliver, options.parallelism
        )?;
        text.push_str(&overhead.table());
    }
    if options.rehearse > 0 {
        let root = folder.path().join("rehearsed");
        let measured = rehearsal::measure(&terrace, &root, options.parallelism, options.rehearse, &options.latency)?;
        writeln!(
            text,
            "\nA rehearsal from zero of the example `harbour`, {} at once, latency {}:\n",
            options.parallelism, options.latency
        )?;
        text.push_str(&measured.whole.table());
        writeln!(
            text,
            "\nOf `dns` alone, with fixtures: {} ({} to {}).",
            in_milliseconds(measured.alone.median()),
            in_milliseconds(measured.alone.fastest()),
            in_milliseconds(measured.alone.slowest()),
        )?;
    }
    if options.plan > 0 {
        writeln!(text, "\nThe facts of a plan of {} MB:\n", options.plan)?;
        text.push_str(&plan::measure(folder.path(), options.plan, options.runs)?);
    }
    std::io::stdout().write_all(text.as_bytes())?;
    Ok(())
}

fn generate(blueprint: &Blueprint, root: &Path) -> Result<usize> {
    let files = blueprint.write(root)?;
    blueprint.commit_twice(root)?;
    Ok(files)
}

fn reading(terrace: &Path, root: &Path, runs: usize) -> Result<String> {
    let mut text = "| command | wall time, median | fastest to slowest | peak memory |\n|-|-:|-:|-:|\n".to_owned();
    for arguments in COMMANDS {
        let Figure { times, memory_max } = measure(terrace, arguments, root, runs)?;
        writeln!(
            text,
            "| `terrace {}` | {} | {} to {} | {} MB |",
            arguments.join(" "),
            in_milliseconds(times.median()),
            in_milliseconds(times.fastest()),
            in_milliseconds(times.slowest()),
            memory_max.div_ceil(1_000_000),
        )?;
    }
    Ok(text)
}

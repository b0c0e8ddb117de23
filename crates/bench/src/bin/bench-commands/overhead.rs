//! What Terrace adds to Terraform: a `deliver` where nothing changed beside the bare processes that it starts.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use terrace_bench::path_of;
use terrace_config::fixture::MemoryTree;
use terrace_config::load_estate;
use terrace_config::tree::FileKind;
use terrace_domain::estate::Estate;
use terrace_domain::path::RepoPath;
use xtask::estate::Blueprint;

use crate::measure::{Times, in_milliseconds};
use crate::recording::StandIn;
use crate::replay::Replay;

/// Both figures.
pub(crate) struct Overhead {
    /// The command of Terrace.
    pub(crate) what: &'static str,
    /// What it takes.
    pub(crate) terrace: Times,
    /// What the bare processes take.
    pub(crate) bare: Times,
    /// How many there are of each Terraform command.
    pub(crate) commands: BTreeMap<String, usize>,
}

impl Overhead {
    /// The figures as a table.
    pub(crate) fn table(&self) -> String {
        let (terrace, bare) = (self.terrace.median(), self.bare.median());
        let added = terrace.as_secs_f64() - bare.as_secs_f64();
        let share = added / bare.as_secs_f64() * 100.0;
        let commands: Vec<_> = self.commands.iter().map(|(name, count)| format!("{count} `{name}`")).collect();
        let row = |what: &str, times: &Times| {
            let [median, fastest, slowest] = [times.median(), times.fastest(), times.slowest()].map(in_milliseconds);
            format!("| {what} | {median} | {fastest} to {slowest} |\n")
        };
        format!(
            "| | wall time, median | fastest to slowest |\n|-|-:|-:|\n{}{}| overhead | {:+.0} ms | {share:+.1} % |\n",
            row(&format!("`terrace {}`", self.what), &self.terrace),
            row(&format!("the bare processes: {}", commands.join(", ")), &self.bare),
            added * 1000.0,
        )
    }
}

/// Delivers the estate that was written to `root`, then measures delivering it again, in turns with the bare processes.
pub(crate) fn measure(
    terrace: &Path,
    root: &Path,
    blueprint: &Blueprint,
    parallelism: usize,
    runs: usize,
) -> Result<Overhead> {
    let stand_in = StandIn::new(&root.with_file_name("stand-in"))?;
    let jobs = parallelism.to_string();
    let deliver = || run(terrace, root, &stand_in, &["deliver", "--env", "dev", "--again", "--parallelism", &jobs]);
    stand_in.be_terraform()?;
    deliver().context("the first delivery")?;
    stand_in.be_recorder()?;
    deliver().context("the recorded delivery")?;
    let calls = stand_in.calls()?;
    stand_in.be_terraform()?;
    let cloud = root.join(".terrace").join("sandbox.db");
    let replay = Replay::new(stand_in.program(), calls, &estate(blueprint)?, parallelism, cloud)?;
    let (mut delivered, mut bare) = (Vec::new(), Vec::new());
    deliver()?;
    replay.run()?;
    for _ in 0..runs {
        delivered.push(deliver()?);
        bare.push(replay.run()?);
    }
    let (terrace, bare) = (Times::new(delivered), Times::new(bare));
    Ok(Overhead { what: "deliver", terrace, bare, commands: replay.commands() })
}

/// Runs a command of Terrace with the stand-in as its Terraform; returns the wall time.
pub(crate) fn run(terrace: &Path, root: &Path, stand_in: &StandIn, arguments: &[&str]) -> Result<Duration> {
    let bin = stand_in.program().parent().context("a program lies in a folder")?.to_owned();
    let own = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths(std::iter::once(bin).chain(std::env::split_paths(&own)))?;
    let begin = Instant::now();
    let output = Command::new(terrace)
        .args(arguments)
        .current_dir(root)
        .env("PATH", path)
        // The key that signs is one of the benchmark's own.
        .env("TERRACE_CONFIG_HOME", root.with_file_name("configuration"))
        .stdin(Stdio::null())
        .output()
        .context("start Terrace")?;
    let time = begin.elapsed();
    let said = || String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "terrace {} failed:\n{}", arguments.join(" "), said());
    Ok(time)
}

/// The delivered estate: it tells which stack a process was started for.
fn estate(blueprint: &Blueprint) -> Result<Estate> {
    let files = blueprint.files().into_iter();
    let tree = MemoryTree::new(files.map(|(path, text)| (path_of(&path), FileKind::Regular, text.into())));
    load_estate(&tree, &RepoPath::root()).estate.context("the generated estate is sound")
}

//! Runs a command several times and measures it from outside: wall time, and the peak of its memory as the kernel counted it.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use wait4::Wait4;

/// Wall times in order; at least one.
#[derive(Debug, Clone)]
pub(crate) struct Times(Vec<Duration>);

impl Times {
    pub(crate) fn new(mut times: Vec<Duration>) -> Self {
        assert!(!times.is_empty(), "something was measured");
        times.sort_unstable();
        Self(times)
    }

    pub(crate) fn median(&self) -> Duration {
        self.0[self.0.len() / 2]
    }

    pub(crate) fn fastest(&self) -> Duration {
        self.0[0]
    }

    pub(crate) fn slowest(&self) -> Duration {
        self.0[self.0.len() - 1]
    }
}

/// What a command took.
pub(crate) struct Figure {
    pub(crate) times: Times,
    /// The most memory of any run, in bytes (maximum resident set size).
    pub(crate) memory_max: u64,
}

/// Runs a command once without counting it, then `runs` times.
pub(crate) fn measure(program: &Path, arguments: &[&str], folder: &Path, runs: usize) -> Result<Figure> {
    run(program, arguments, folder)?;
    let measured = (0..runs).map(|_| run(program, arguments, folder)).collect::<Result<Vec<_>>>()?;
    let memory_max = measured.iter().map(|(_, memory)| *memory).max().unwrap_or(0);
    Ok(Figure { times: Times::new(measured.into_iter().map(|(time, _)| time).collect()), memory_max })
}

/// Runs a command to its end; returns its wall time and its peak memory in bytes.
pub(crate) fn run(program: &Path, arguments: &[&str], folder: &Path) -> Result<(Duration, u64)> {
    let shown = || format!("{} {}", program.display(), arguments.join(" "));
    let errors = tempfile::tempfile().context("make a temporary file")?;
    let begin = Instant::now();
    let child = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(errors.try_clone()?)
        .spawn()
        .with_context(shown)?;
    let ended = child.wait4().with_context(shown)?;
    let time = begin.elapsed();
    ensure!(ended.status.success(), "{} ended with {}:\n{}", shown(), ended.status, text_of(errors)?);
    Ok((time, ended.rusage.maxrss))
}

fn text_of(mut file: std::fs::File) -> Result<String> {
    use std::io::{Read, Seek};
    let mut text = String::new();
    file.rewind()?;
    file.read_to_string(&mut text)?;
    Ok(text)
}

/// A time as tables show it.
pub(crate) fn in_milliseconds(time: Duration) -> String {
    format!("{:.0} ms", time.as_secs_f64() * 1000.0)
}

//! Builds what `bench-commands` of the crate `terrace-bench` needs, in release, and starts it. Measures nothing itself: this program
//! stays quick to build.

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// Builds and measures; `options` are those of `bench-commands`.
///
/// # Errors
/// When something does not build, or cannot be measured.
pub fn run(root: &Path, options: &[OsString]) -> Result<()> {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |own| root.join(own));
    cargo(root, &["build", "--locked", "--release", "--package", "terrace", "--package", "terrace-bench", "--bins"])?;
    let release = target.join("release");
    let status = Command::new(release.join("bench-commands"))
        .arg(release.join("terrace"))
        .args(options)
        .status()
        .context("start bench-commands")?;
    ensure!(status.success(), "bench-commands ended with {status}");
    Ok(())
}

fn cargo(root: &Path, arguments: &[&str]) -> Result<()> {
    let status = Command::new("cargo").current_dir(root).args(arguments).status().context("start cargo")?;
    ensure!(status.success(), "cargo {} ended with {status}", arguments.join(" "));
    Ok(())
}

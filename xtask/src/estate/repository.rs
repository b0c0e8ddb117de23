//! Makes a generated estate a git repository, with commits that are the same each time. Reads none of the user's git settings.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// The time of the first commit, in seconds since 1970; those after it follow a minute apart.
const FIRST_COMMIT_TIME: u64 = 1_700_000_000;

pub(super) fn begin(folder: &Path) -> Result<()> {
    git(folder, 0, &["init", "--quiet", "--initial-branch=main", "."])
}

/// Commits all that is there, as commit number `number` from 0.
pub(super) fn commit(folder: &Path, message: &str, number: u64) -> Result<()> {
    git(folder, number, &["add", "--all"])?;
    git(folder, number, &["commit", "--quiet", "--message", message])
}

/// Packs the objects, as those of a repository of some age are.
pub(super) fn pack(folder: &Path) -> Result<()> {
    git(folder, 0, &["gc", "--quiet"])
}

fn git(folder: &Path, number: u64, arguments: &[&str]) -> Result<()> {
    let time = format!("{} +0000", FIRST_COMMIT_TIME + 60 * number);
    let mut command = Command::new("git");
    command.current_dir(folder).args(["-c", "gc.auto=0", "-c", "core.hooksPath="]).args(arguments);
    for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR"] {
        command.env_remove(name);
    }
    for who in ["AUTHOR", "COMMITTER"] {
        command
            .env(format!("GIT_{who}_NAME"), "Generated estate")
            .env(format!("GIT_{who}_EMAIL"), "generated@example.com")
            .env(format!("GIT_{who}_DATE"), &time);
    }
    let output = command
        .envs([
            ("GIT_CONFIG_GLOBAL", "/dev/null"),
            ("GIT_CONFIG_NOSYSTEM", "1"),
            ("GIT_TEMPLATE_DIR", ""),
            ("LC_ALL", "C"),
        ])
        .output()
        .context("run git")?;
    ensure!(output.status.success(), "git {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr).trim());
    Ok(())
}

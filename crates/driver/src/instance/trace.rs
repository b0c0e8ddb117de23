//! The traces of a Terraform that locks a state: written while it is at work, so that after a crash it is known when it was, and whose a lock
//! is that nobody lets go of. Decides nothing about a lock.

use std::fs;
use std::io;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use terrace_domain::run::Moment;

use super::folder::InstanceFolder;

/// What is known of a Terraform that is at work, or was when its Terrace died.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct TraceWire {
    version: u32,
    command: String,
    began_at_ms: i64,
    /// When it was last heard of.
    heard_at_ms: Option<i64>,
}

const VERSION: u32 = 1;

/// When a Terraform that died was at work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LeftBehind {
    /// When it was started.
    pub(super) began: Moment,
    /// When it was last heard of.
    pub(super) heard: Moment,
}

/// Notes that a Terraform is about to begin. What an earlier one left that did not come to its end is kept apart until it is known that it
/// left no lock.
pub(super) fn begin(folder: &InstanceFolder, command: &str, log: &Path) -> io::Result<()> {
    if let Some(mut died) = read(&folder.trace())
        && read(&folder.left_behind()).is_none()
    {
        died.heard_at_ms = modified(log).or(died.heard_at_ms);
        write(&folder.left_behind(), &died)?;
    }
    let trace = TraceWire { version: VERSION, command: command.to_owned(), began_at_ms: now(), heard_at_ms: None };
    write(&folder.trace(), &trace)
}

/// Notes that it came to its end, and was waited for.
pub(super) fn end(folder: &InstanceFolder) -> io::Result<()> {
    super::steps::remove(&folder.trace())
}

/// Notes that the state could be locked: nothing is left of an earlier one.
pub(super) fn forget(folder: &InstanceFolder) -> io::Result<()> {
    super::steps::remove(&folder.left_behind())
}

/// What an earlier Terraform left, if it died.
pub(super) fn left_behind(folder: &InstanceFolder) -> Option<LeftBehind> {
    let trace = read(&folder.left_behind())?;
    let began = Moment(trace.began_at_ms);
    Some(LeftBehind { began, heard: Moment(trace.heard_at_ms.unwrap_or(trace.began_at_ms)) })
}

fn read(path: &Path) -> Option<TraceWire> {
    serde_json::from_slice::<TraceWire>(&fs::read(path).ok()?).ok().filter(|trace| trace.version == VERSION)
}

fn write(path: &Path, trace: &TraceWire) -> io::Result<()> {
    fs::write(path, serde_json::to_vec(trace).expect("texts and numbers become JSON"))
}

fn modified(path: &Path) -> Option<i64> {
    millis(fs::metadata(path).ok()?.modified().ok()?)
}

fn now() -> i64 {
    millis(SystemTime::now()).unwrap_or(0)
}

fn millis(time: SystemTime) -> Option<i64> {
    i64::try_from(time.duration_since(UNIX_EPOCH).ok()?.as_millis()).ok()
}

#[cfg(test)]
mod tests {
    use terrace_domain::path::RepoPath;

    use super::*;

    #[test]
    fn what_died_first_is_remembered_until_the_state_could_be_locked() {
        let root = tempfile::tempdir().unwrap();
        let folder = InstanceFolder::new(root.path().to_owned(), RepoPath::root());
        let log = root.path().join("log");
        begin(&folder, "apply", &log).unwrap();
        assert_eq!(left_behind(&folder), None, "it may be at work");
        fs::write(&log, "said").unwrap();
        begin(&folder, "plan", &log).unwrap();
        let first = left_behind(&folder).unwrap();
        assert!(first.heard >= first.began);
        begin(&folder, "plan", &log).unwrap();
        assert_eq!(left_behind(&folder), Some(first), "the one that came after it has met its lock, if there is one");
        end(&folder).unwrap();
        forget(&folder).unwrap();
        begin(&folder, "plan", &log).unwrap();
        assert_eq!(left_behind(&folder), None);
    }
}

//! The traces of a Terraform that locks a state: written while it is at work, so that after a crash it is known when it was, and whose a lock
//! is that nobody lets go of. Decides nothing about a lock.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use terrace_domain::run::Moment;

use super::folder::InstanceFolder;

/// What is known of a Terraform that is at work, or was when its Terrace died.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct TraceWire {
    version: u32,
    command: String,
    began_at_ms: i64,
    /// What it says goes there.
    log: PathBuf,
    /// When it was last heard of.
    heard_at_ms: Option<i64>,
}

const VERSION: u32 = 1;
/// So many that died are remembered, the newest: a lock is of one of the last.
const LEFT_BEHIND_MAX: usize = 16;

/// When a Terraform that died was at work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LeftBehind {
    /// When it was started.
    pub(super) began: Moment,
    /// When it was last heard of.
    pub(super) heard: Moment,
}

/// Notes that a Terraform is about to begin. What earlier ones left that did not come to their end is kept apart until it is known that they
/// left no lock.
pub(super) fn begin(folder: &InstanceFolder, command: &str, log: &Path) -> io::Result<()> {
    if let Some(mut died) = read::<TraceWire>(&folder.trace()).filter(|trace| trace.version == VERSION) {
        died.heard_at_ms = modified(&died.log);
        let mut all = all_left_behind(folder);
        all.push(died);
        let first = all.len().saturating_sub(LEFT_BEHIND_MAX);
        write(&folder.left_behind(), &all[first..])?;
    }
    let trace = TraceWire {
        version: VERSION,
        command: command.to_owned(),
        began_at_ms: now().0,
        log: log.to_owned(),
        heard_at_ms: None,
    };
    write(&folder.trace(), &trace)
}

/// Notes that it came to its end, and was waited for.
pub(super) fn end(folder: &InstanceFolder) -> io::Result<()> {
    super::private_file::remove(&folder.trace())
}

/// Notes that the state could be locked: nothing is left of earlier ones.
pub(super) fn forget(folder: &InstanceFolder) -> io::Result<()> {
    super::private_file::remove(&folder.left_behind())
}

/// When earlier Terraforms were at work that died, and of which it is not known that they left no lock.
pub(super) fn left_behind(folder: &InstanceFolder) -> Vec<LeftBehind> {
    let when = |trace: TraceWire| LeftBehind {
        began: Moment(trace.began_at_ms),
        // Times of files are coarser than the clock.
        heard: Moment(trace.heard_at_ms.unwrap_or(trace.began_at_ms).max(trace.began_at_ms)),
    };
    all_left_behind(folder).into_iter().map(when).collect()
}

fn all_left_behind(folder: &InstanceFolder) -> Vec<TraceWire> {
    let mut all: Vec<TraceWire> = read(&folder.left_behind()).unwrap_or_default();
    all.retain(|trace| trace.version == VERSION);
    all
}

fn read<T: DeserializeOwned>(path: &Path) -> Option<T> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

fn write<T: Serialize + ?Sized>(path: &Path, traces: &T) -> io::Result<()> {
    fs::write(path, serde_json::to_vec(traces).expect("texts and numbers become JSON"))
}

fn modified(path: &Path) -> Option<i64> {
    millis(fs::metadata(path).ok()?.modified().ok()?)
}

/// The time by the clock that Terraform dates its locks with.
pub(super) fn now() -> Moment {
    Moment(millis(SystemTime::now()).unwrap_or(0))
}

fn millis(time: SystemTime) -> Option<i64> {
    i64::try_from(time.duration_since(UNIX_EPOCH).ok()?.as_millis()).ok()
}

#[cfg(test)]
mod tests {
    use terrace_domain::path::RepoPath;

    use super::*;

    #[test]
    fn what_died_is_remembered_until_the_state_could_be_locked() {
        let root = tempfile::tempdir().unwrap();
        let folder = InstanceFolder::new(root.path().to_owned(), RepoPath::root());
        let log = root.path().join("log");
        begin(&folder, "apply", &log).unwrap();
        assert_eq!(left_behind(&folder), [], "it may be at work");
        // Well after it began: times of files are coarser than the clock.
        let said = SystemTime::now() + std::time::Duration::from_secs(10);
        fs::File::create(&log).and_then(|file| file.set_modified(said)).unwrap();
        begin(&folder, "plan", &root.path().join("other")).unwrap();
        let first = left_behind(&folder);
        assert_eq!(
            first.iter().map(|left| Some(left.heard.0)).collect::<Vec<_>>(),
            [millis(said)],
            "its own log tells"
        );
        begin(&folder, "plan", &log).unwrap();
        let both = left_behind(&folder);
        assert_eq!((both.len(), both[0]), (2, first[0]));
        end(&folder).unwrap();
        forget(&folder).unwrap();
        begin(&folder, "plan", &log).unwrap();
        assert_eq!(left_behind(&folder), []);
    }

    #[test]
    fn only_the_newest_are_remembered() {
        let root = tempfile::tempdir().unwrap();
        let folder = InstanceFolder::new(root.path().to_owned(), RepoPath::root());
        for _ in 0..2 * LEFT_BEHIND_MAX {
            begin(&folder, "plan", &root.path().join("log")).unwrap();
        }
        assert_eq!(left_behind(&folder).len(), LEFT_BEHIND_MAX);
    }
}

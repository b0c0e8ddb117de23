//! What a step tells while it goes on: to those who watch, and for the record. Does neither itself.

use std::sync::Arc;
use std::time::Duration;

use terrace_domain::run::{InstanceId, Step};
use terrace_domain::state::LockInfo;
use terrace_world::terraform::Message;

use crate::local::Notice;
use crate::snapshots::Taken;

/// Something that happened in a step and is recorded.
#[derive(Debug, Clone)]
pub enum Noted {
    /// A snapshot of the state was taken.
    Snapshot {
        /// The instance.
        instance: InstanceId,
        /// What it is known by.
        taken: Taken,
    },
    /// The lock of a process that died was released.
    LockReleased {
        /// The instance.
        instance: InstanceId,
        /// The lock.
        lock: LockInfo,
    },
}

/// What became of a check.
#[derive(Debug, Clone, Copy)]
pub enum CheckNews<'a> {
    /// It holds.
    Holds,
    /// It does not hold, and is tried again.
    NotYet {
        /// What was answered.
        why: &'a str,
        /// How long it is waited before.
        pause: Duration,
    },
    /// Terraform can tell only while it applies, and nothing was to be applied: it is passed over.
    Unknown,
}

/// Those who watch a run.
pub type Watcher = Arc<dyn Fn(Notice<'_>) + Send + Sync>;

/// Tells of one step of one instance.
pub struct Teller {
    /// The instance.
    pub instance: InstanceId,
    /// The step.
    pub step: Step,
    /// Those who watch.
    pub watcher: Watcher,
    /// Takes what is recorded.
    pub record: Arc<dyn Fn(Noted) + Send + Sync>,
}

impl Teller {
    pub(super) fn say(&self, message: &Message) {
        (self.watcher)(Notice::Terraform { instance: &self.instance, step: self.step, message });
    }

    pub(super) fn note(&self, noted: Noted) {
        if let Noted::LockReleased { lock, .. } = &noted {
            (self.watcher)(Notice::LockReleased { instance: &self.instance, lock });
        }
        (self.record)(noted);
    }

    pub(super) fn waits(&self, lock: &LockInfo) {
        (self.watcher)(Notice::StateLocked { instance: &self.instance, lock });
    }

    pub(super) fn check(&self, check: &str, news: &CheckNews<'_>) {
        (self.watcher)(Notice::Check { instance: &self.instance, check, news });
    }

    pub(super) fn outlived(&self) {
        (self.watcher)(Notice::Outlived { instance: &self.instance });
    }
}

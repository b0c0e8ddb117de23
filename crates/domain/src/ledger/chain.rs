//! Checks a chain of entries, one by one, and names what is wrong with which. Owns what counts as a fault. Goes on after one, so that
//! all are found. Never reads entries itself.

use std::fmt;

use super::{Checkpoint, Hash, Record, Trust};

/// How many faults are told one by one: enough to see what happened, where a whole ledger was written anew.
pub const FAULTS_MAX: usize = 100;

/// Something that is wrong with a ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The entry that it is about.
    pub seq: u64,
    /// What is wrong with it.
    pub what: What,
}

/// What is wrong with an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// Its hash is not that of its content: one of both was changed.
    HashDiffers,
    /// It does not name the hash of the entry before: that one was exchanged.
    DoesNotFollow,
    /// It and those after it up to this one are not there: removed.
    Missing {
        /// The last that is not there.
        until: u64,
    },
    /// It stands after an entry that has the same or a higher number: moved, or put in.
    OutOfOrder {
        /// The number of the entry that it stands after.
        after: u64,
    },
    /// It cannot be read.
    Unreadable {
        /// Why.
        why: String,
    },
    /// A checkpoint says that it had another hash.
    CheckpointDiffers {
        /// Who says so.
        key: String,
    },
    /// A checkpoint says that it was there, and the ledger ends before it: its end was cut off.
    CutOff {
        /// Who says so.
        key: String,
        /// The last entry that is there; 0 when there is none.
        last: u64,
    },
    /// The signature of its checkpoint is not of the key that it names.
    CheckpointForged {
        /// The key.
        key: String,
    },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seq = self.seq;
        match &self.what {
            What::HashDiffers => write!(f, "entry {seq}: its hash is not that of its content; it was changed"),
            What::DoesNotFollow => {
                write!(f, "entry {seq}: it does not name the hash of the entry before, which was exchanged")
            }
            What::Missing { until } if *until == seq => write!(f, "entry {seq}: it is missing"),
            What::Missing { until } => write!(f, "entries {seq} to {until}: they are missing"),
            What::OutOfOrder { after } => {
                write!(f, "entry {seq}: it stands after entry {after}; it was moved or put in")
            }
            What::Unreadable { why } => write!(f, "entry {seq}: it cannot be read: {why}"),
            What::CheckpointDiffers { key } => {
                write!(f, "entry {seq}: it is not the one that the checkpoint of {key} was made of")
            }
            What::CutOff { key, last: 0 } => {
                write!(f, "entry {seq}: a checkpoint of {key} names it, and the ledger is empty")
            }
            What::CutOff { key, last } => {
                write!(f, "entry {seq}: a checkpoint of {key} names it, and the ledger ends with entry {last}")
            }
            What::CheckpointForged { key } => {
                write!(f, "entry {seq}: the signature of its checkpoint is not of the key {key}")
            }
        }
    }
}

/// What checking came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// How many entries were checked.
    pub entries: u64,
    /// The last entry and its hash: worth to be kept elsewhere. `None` in an empty ledger.
    pub head: Option<(u64, Hash)>,
    /// How many checkpoints were signed by trusted keys.
    pub trusted: u64,
    /// How many were signed by keys that are not known here. They were compared all the same.
    pub unknown: u64,
    /// What is wrong, in the order in which it was found; at most [`FAULTS_MAX`].
    pub faults: Vec<Fault>,
    /// How many more faults there are.
    pub more: u64,
}

impl Verdict {
    /// Whether nothing is wrong.
    pub fn is_sound(&self) -> bool {
        self.faults.is_empty()
    }
}

/// A chain while it is checked.
#[derive(Debug)]
pub struct Chain {
    /// The last entry, and its hash where that is known.
    last: (u64, Option<Hash>),
    /// What checkpoints say, in order, the next one last.
    points: Vec<Checkpoint>,
    verdict: Verdict,
    buffer: Vec<u8>,
}

impl Chain {
    /// The beginning of a chain that these checkpoints speak of; `trust` judges each one's signature.
    pub fn new(checkpoints: impl IntoIterator<Item = Checkpoint>, trust: impl Fn(&Checkpoint) -> Trust) -> Self {
        let verdict = Verdict { entries: 0, head: None, trusted: 0, unknown: 0, faults: Vec::new(), more: 0 };
        let mut chain = Self { last: (0, Some(Hash::ZERO)), points: Vec::new(), verdict, buffer: Vec::new() };
        for checkpoint in checkpoints {
            match trust(&checkpoint) {
                Trust::Trusted => chain.verdict.trusted += 1,
                Trust::Unknown => chain.verdict.unknown += 1,
                Trust::Forged => {
                    chain.fault(checkpoint.seq, What::CheckpointForged { key: checkpoint.key });
                    continue;
                }
            }
            chain.points.push(checkpoint);
        }
        chain.points.sort_by_key(|point| std::cmp::Reverse(point.seq));
        chain
    }

    /// Takes the next entry, with its hash as stored.
    pub fn feed(&mut self, record: &Record<'_>, stored: Hash) {
        self.verdict.entries += 1;
        if record.hash_with(&mut self.buffer) != stored {
            self.fault(record.seq, What::HashDiffers);
        }
        if self.comes_next(record.seq) {
            if self.last.1.is_some_and(|hash| hash != record.prev) {
                self.fault(record.seq, What::DoesNotFollow);
            }
            self.last = (record.seq, Some(stored));
            self.compare(record.seq, stored);
        }
    }

    /// Takes the next entry, which cannot be read.
    pub fn feed_unreadable(&mut self, seq: u64, why: impl Into<String>) {
        self.verdict.entries += 1;
        self.fault(seq, What::Unreadable { why: why.into() });
        if self.comes_next(seq) {
            self.last = (seq, None);
        }
    }

    /// Ends the chain.
    pub fn finish(mut self) -> Verdict {
        let (last, hash) = self.last;
        while let Some(point) = self.points.pop() {
            let what = if point.seq > last {
                What::CutOff { key: point.key, last }
            } else {
                What::CheckpointDiffers { key: point.key }
            };
            self.fault(point.seq, what);
        }
        self.verdict.head = hash.filter(|_| last > 0).map(|hash| (last, hash));
        self.verdict
    }

    /// Whether the entry stands where it may; what is missing before it is a fault.
    fn comes_next(&mut self, seq: u64) -> bool {
        let (last, _) = self.last;
        if seq <= last {
            self.fault(seq, What::OutOfOrder { after: last });
            return false;
        }
        if seq > last + 1 {
            self.fault(last + 1, What::Missing { until: seq - 1 });
            self.last.1 = None;
        }
        true
    }

    /// Holds the entry against the checkpoints that name it, or one before it that is missing.
    fn compare(&mut self, seq: u64, hash: Hash) {
        while let Some(point) = self.points.pop_if(|point| point.seq <= seq) {
            if point.seq != seq || point.hash != hash {
                self.fault(point.seq, What::CheckpointDiffers { key: point.key });
            }
        }
    }

    fn fault(&mut self, seq: u64, what: What) {
        if self.verdict.faults.len() < FAULTS_MAX {
            self.verdict.faults.push(Fault { seq, what });
        } else {
            self.verdict.more += 1;
        }
    }
}

#[cfg(test)]
mod tests;

//! Tampers with chains in every way and asks whether it is found, and the right entry named.

use proptest::prelude::*;
use proptest::sample::Index;

use super::*;
use crate::ledger::{Entry, Kind, NewEntry};
use crate::run::{Moment, RunId};

/// What an entry has in its fields.
#[derive(Debug, Clone)]
struct Content {
    at: i64,
    numbers: [Option<u64>; 2],
    texts: [Option<String>; 5],
    body: String,
}

fn content() -> impl Strategy<Value = Content> {
    let number = || proptest::option::of(1..1_000_000u64);
    let text = || proptest::option::of("[ -~é]{0,12}");
    ((0..2_000_000_000_000_i64), [number(), number()], [text(), text(), text(), text(), text()], "[ -~]{0,40}")
        .prop_map(|(at, numbers, texts, body)| Content { at, numbers, texts, body })
}

fn chained(contents: &[Content]) -> Vec<Entry> {
    let kind = Kind::known("run_event");
    let mut prev = Hash::ZERO;
    let mut entries = Vec::new();
    for (content, seq) in contents.iter().zip(1..) {
        let mut new = NewEntry::new(Moment(content.at), "ada@host", &kind, &content.body);
        (new.run, new.run_seq) = (content.numbers[0].map(RunId), content.numbers[1]);
        let [stage, environment, stack, release, reason] = content.texts.each_ref().map(Option::as_deref);
        (new.stage, new.environment, new.stack, new.release, new.reason) = (stage, environment, stack, release, reason);
        let record = new.chained(seq, prev);
        prev = record.hash();
        entries.push(record.to_entry(prev));
    }
    entries
}

fn chain() -> impl Strategy<Value = Vec<Entry>> {
    proptest::collection::vec(content(), 2..12).prop_map(|contents| chained(&contents))
}

fn plain(count: u8) -> Vec<Entry> {
    let content = |at: u8| Content {
        at: i64::from(at),
        numbers: [None, None],
        texts: [const { None }; 5],
        body: "{}".to_owned(),
    };
    chained(&(0..count).map(content).collect::<Vec<_>>())
}

fn checked_with(entries: &[Entry], checkpoints: Vec<Checkpoint>) -> Verdict {
    let trust = |checkpoint: &Checkpoint| match checkpoint.key.as_str() {
        "forged" => Trust::Forged,
        "unknown" => Trust::Unknown,
        _ => Trust::Trusted,
    };
    let mut chain = Chain::new(checkpoints, trust);
    for entry in entries {
        chain.feed(&entry.record(), entry.hash);
    }
    chain.finish()
}

fn checked(entries: &[Entry]) -> Verdict {
    checked_with(entries, Vec::new())
}

fn told(verdict: &Verdict) -> Vec<String> {
    verdict.faults.iter().map(ToString::to_string).collect()
}

fn checkpoint_of(entry: &Entry, key: &str) -> Checkpoint {
    Checkpoint { seq: entry.seq, hash: entry.hash, at: Moment(9), key: key.to_owned(), signature: vec![1] }
}

/// Changes one bit of a text, which stays UTF-8: of an ASCII character one of the lower seven bits.
fn flip_text(text: &mut String, at: Index, bit: u8) -> bool {
    let mut bytes = std::mem::take(text).into_bytes();
    let ascii: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at].is_ascii()).collect();
    let found = (!ascii.is_empty()).then(|| ascii[at.index(ascii.len())]);
    if let Some(found) = found {
        bytes[found] ^= 1 << (bit % 7);
    }
    *text = String::from_utf8(bytes).unwrap();
    found.is_some()
}

/// Changes one bit of one field; says whether there was one to change.
fn flip(entry: &mut Entry, field: usize, at: Index, bit: u8) -> bool {
    let numbered = 1_u64 << (bit % 63);
    match field {
        0 => entry.seq ^= numbered,
        1 => entry.at.0 ^= 1_i64 << (bit % 63),
        2 => entry.prev.0[at.index(32)] ^= 1 << (bit % 8),
        3 => entry.hash.0[at.index(32)] ^= 1 << (bit % 8),
        4 => return entry.run.as_mut().is_some_and(|run| flipped(&mut run.0, numbered)),
        5 => return entry.run_seq.as_mut().is_some_and(|seq| flipped(seq, numbered)),
        6 => return flip_text(&mut entry.actor, at, bit),
        7 => return flip_text(&mut entry.kind, at, bit),
        8 => return flip_text(&mut entry.body, at, bit),
        _ => {
            let Entry { stage, environment, stack, release, reason, .. } = entry;
            let text = [stage, environment, stack, release, reason][field % 5].as_mut();
            return text.is_some_and(|text| flip_text(text, at, bit));
        }
    }
    true
}

fn flipped(number: &mut u64, bit: u64) -> bool {
    *number ^= bit;
    true
}

proptest! {
    #[test]
    fn a_sound_chain_has_no_faults(entries in chain()) {
        let verdict = checked(&entries);
        prop_assert!(verdict.is_sound(), "{:?}", verdict.faults);
        let last = entries.last().unwrap();
        prop_assert_eq!(verdict.head, Some((last.seq, last.hash)));
        prop_assert_eq!(verdict.entries, entries.len() as u64);
    }

    #[test]
    fn any_changed_bit_is_found_and_the_entry_named(
        mut entries in chain(), row in any::<Index>(), field in 0..14_usize, at in any::<Index>(), bit in any::<u8>()
    ) {
        let row = row.index(entries.len());
        let before = entries[row].seq;
        prop_assume!(flip(&mut entries[row], field, at, bit));
        let now = entries[row].seq;
        let verdict = checked(&entries);
        let first = verdict.faults.first().expect("a fault");
        prop_assert!([before, now].contains(&first.seq), "{:?}", told(&verdict));
        // The hash covers every other field, and a changed hash is not that of its content.
        let differs = Fault { seq: now, what: What::HashDiffers };
        prop_assert!(verdict.faults.contains(&differs), "{:?}", told(&verdict));
    }

    #[test]
    fn a_removed_entry_is_found_and_named(mut entries in chain(), row in any::<Index>()) {
        let checkpoint = checkpoint_of(entries.last().unwrap(), "k1");
        let removed = entries.remove(row.index(entries.len()));
        let verdict = checked_with(&entries, vec![checkpoint]);
        prop_assert!(verdict.faults.iter().all(|fault| fault.seq == removed.seq), "{:?}", told(&verdict));
        prop_assert!(!verdict.is_sound());
    }

    #[test]
    fn swapped_entries_are_found_and_named(mut entries in chain(), row in any::<Index>(), renumbered in any::<bool>()) {
        let row = row.index(entries.len() - 1);
        entries.swap(row, row + 1);
        if renumbered {
            let (one, other) = (entries[row].seq, entries[row + 1].seq);
            (entries[row].seq, entries[row + 1].seq) = (other, one);
        }
        let verdict = checked(&entries);
        let named = |seq| verdict.faults.iter().any(|fault| fault.seq == seq);
        prop_assert!(named(row as u64 + 1), "{:?}", told(&verdict));
        prop_assert!(!renumbered || named(row as u64 + 2), "{:?}", told(&verdict));
    }

    #[test]
    fn an_inserted_entry_is_found(mut entries in chain(), row in any::<Index>(), content in content(), shifts in any::<bool>()) {
        let row = row.index(entries.len());
        let (seq, prev) = (entries[row].seq, entries[row].prev);
        let mut forged = chained(&[content]).remove(0);
        (forged.seq, forged.prev) = (seq, prev);
        forged.hash = forged.record().hash();
        if shifts {
            entries[row..].iter_mut().for_each(|entry| entry.seq += 1);
        }
        entries.insert(row, forged);
        let verdict = checked(&entries);
        prop_assert_eq!(verdict.faults.first().map(|fault| fault.seq), Some(seq + u64::from(shifts)));
    }

    #[test]
    fn a_rewritten_end_contradicts_a_checkpoint(mut entries in chain(), row in any::<Index>()) {
        let checkpoint = checkpoint_of(entries.last().unwrap(), "k1");
        let row = row.index(entries.len());
        entries[row].actor.push('x');
        let mut prev = entries[row].prev;
        for entry in &mut entries[row..] {
            entry.prev = prev;
            entry.hash = entry.record().hash();
            prev = entry.hash;
        }
        prop_assert!(checked(&entries).is_sound());
        let verdict = checked_with(&entries, vec![checkpoint]);
        let what = What::CheckpointDiffers { key: "k1".to_owned() };
        prop_assert_eq!(verdict.faults, vec![Fault { seq: entries.len() as u64, what }]);
    }
}

#[test]
fn a_cut_off_end_is_found_by_a_checkpoint() {
    let mut entries = plain(5);
    let checkpoints = || vec![checkpoint_of(&plain(5)[2], "k1"), checkpoint_of(&plain(5)[4], "k2")];
    assert!(checked_with(&entries, checkpoints()).is_sound());
    entries.truncate(3);
    assert!(checked(&entries).is_sound(), "the chain alone cannot know");
    let verdict = checked_with(&entries, checkpoints());
    assert_eq!(told(&verdict), ["entry 5: a checkpoint of k2 names it, and the ledger ends with entry 3"]);
    assert_eq!(verdict.trusted, 2);
    let verdict = checked_with(&[], vec![checkpoint_of(&entries[2], "k1")]);
    assert_eq!(told(&verdict), ["entry 3: a checkpoint of k1 names it, and the ledger is empty"]);
}

#[test]
fn checkpoints_are_judged_by_who_signed_them() {
    let entries = plain(3);
    let mut unknown = checkpoint_of(&entries[0], "unknown");
    let verdict = checked_with(
        &entries,
        vec![checkpoint_of(&entries[2], "k"), unknown.clone(), checkpoint_of(&entries[1], "forged")],
    );
    assert_eq!((verdict.trusted, verdict.unknown), (1, 1));
    assert_eq!(told(&verdict), ["entry 2: the signature of its checkpoint is not of the key forged"]);
    unknown.hash = Hash::ZERO;
    let verdict = checked_with(&entries, vec![unknown]);
    assert_eq!(told(&verdict), ["entry 1: it is not the one that the checkpoint of unknown was made of"]);
}

#[test]
fn checking_goes_on_after_a_fault_and_tells_a_bounded_number() {
    let mut entries = plain(200);
    entries.remove(9);
    entries[2].actor = "eve@host".to_owned();
    assert_eq!(
        told(&checked(&entries)),
        ["entry 3: its hash is not that of its content; it was changed", "entry 10: it is missing"]
    );
    for entry in &mut entries {
        entry.actor = "eve@host".to_owned();
    }
    let verdict = checked(&entries);
    assert_eq!((verdict.faults.len(), verdict.more), (FAULTS_MAX, 100));
}

#[test]
fn what_cannot_be_read_is_named_and_passed() {
    let entries = plain(3);
    let mut chain = Chain::new([], |_| Trust::Unknown);
    chain.feed(&entries[0].record(), entries[0].hash);
    chain.feed_unreadable(2, "the body is not a text");
    chain.feed(&entries[2].record(), entries[2].hash);
    assert_eq!(told(&chain.finish()), ["entry 2: it cannot be read: the body is not a text"]);
}

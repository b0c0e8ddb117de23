//! The ledger on a real file: several processes' worth of connections, rows that somebody tampers with, and files that are damaged.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, Transaction, TransactionBehavior};
use tempfile::TempDir;
use terrace_domain::ledger::{Checkpoint, Entry, Hash, Kind, NewEntry, Trust, Verdict};
use terrace_domain::run::{Moment, RunId};

use super::*;
use crate::database;
use crate::store::StoreError;

static EVENT: Kind = Kind::known("run_event");
static RELEASE: Kind = Kind::known("release_built");

struct Fixture {
    folder: TempDir,
}

impl Fixture {
    /// A ledger of `count` events of two runs in turns, and a release.
    fn of(count: u64) -> Self {
        let fixture = Self { folder: tempfile::tempdir().unwrap() };
        fixture.write(|transaction| {
            for at in 0..count {
                let body = format!(r#"{{"event": "number {at}"}}"#);
                let mut entry = NewEntry::new(moment(at), "ada@host", &EVENT, &body);
                (entry.run, entry.run_seq) = (Some(RunId(1 + at % 2)), Some(1 + at / 2));
                (entry.environment, entry.stack) = (Some("dev"), Some(if at % 2 == 0 { "network" } else { "cluster" }));
                append(transaction, &entry).unwrap();
            }
            let mut entry = NewEntry::new(moment(count), "eve@host", &RELEASE, "{}");
            entry.release = Some("sha256:abc123");
            append(transaction, &entry).unwrap();
        });
        fixture
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("terrace.db")
    }

    fn open(&self) -> Connection {
        database::open(&self.path()).unwrap()
    }

    fn write<T>(&self, work: impl FnOnce(&Transaction<'_>) -> T) -> T {
        let mut connection = self.open();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
        let done = work(&transaction);
        transaction.commit().unwrap();
        done
    }

    /// Somebody who has the file and SQLite, and does not mind triggers.
    fn tamper(&self, sql: &str) {
        let connection = Connection::open(self.path()).unwrap();
        connection
            .execute_batch(
                "DROP TRIGGER ledger_is_kept_update; DROP TRIGGER ledger_is_kept_delete;
                 DROP TRIGGER checkpoint_is_kept_delete; PRAGMA ignore_check_constraints = 1;",
            )
            .unwrap();
        connection.execute_batch(sql).unwrap();
    }

    fn verdict(&self) -> Verdict {
        verify(&self.open(), [], |_| Trust::Trusted).unwrap()
    }

    fn faults(&self) -> Vec<String> {
        self.verdict().faults.iter().map(ToString::to_string).collect()
    }
}

fn moment(at: u64) -> Moment {
    Moment(1_700_000_000_000 + i64::try_from(at).unwrap())
}

fn seqs(entries: &[Entry]) -> Vec<u64> {
    entries.iter().map(|entry| entry.seq).collect()
}

#[test]
fn what_is_appended_can_be_read_and_verified() {
    let fixture = Fixture::of(6);
    let connection = fixture.open();
    let entries = log(&connection, &Filter::default()).unwrap();
    assert_eq!(seqs(&entries), [1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(entries[0].prev, Hash::ZERO);
    assert!(entries.windows(2).all(|pair| pair[1].prev == pair[0].hash));
    let verdict = fixture.verdict();
    assert!(verdict.is_sound(), "{verdict:?}");
    assert_eq!(verdict.head, Some((7, entries[6].hash)));
    assert_eq!(head(&connection).unwrap(), verdict.head);
}

#[test]
fn an_empty_ledger_is_sound() {
    let folder = tempfile::tempdir().unwrap();
    let connection = database::open(&folder.path().join("terrace.db")).unwrap();
    let verdict = verify(&connection, [], |_| Trust::Unknown).unwrap();
    assert_eq!((verdict.is_sound(), verdict.entries, verdict.head), (true, 0, None));
    assert_eq!(head(&connection).unwrap(), None);
}

#[test]
fn the_journal_of_a_run_is_in_order() {
    let fixture = Fixture::of(1000);
    let connection = fixture.open();
    let entries: Vec<_> = journal(&connection, RunId(2)).collect::<Result<_, _>>().unwrap();
    assert_eq!(entries.len(), 500);
    assert_eq!(
        entries[499],
        JournalEntry { run_seq: 500, at: moment(999), body: r#"{"event": "number 999"}"#.to_owned() }
    );
    assert_eq!(journal(&connection, RunId(9)).count(), 0);
    drop(connection);
    fixture.tamper("DELETE FROM ledger WHERE run = 2 AND run_seq = 300");
    let connection = fixture.open();
    let mut entries = journal(&connection, RunId(2));
    assert_eq!(entries.by_ref().take(299).flatten().count(), 299);
    let error = entries.next().unwrap().unwrap_err().to_string();
    assert!(entries.next().is_none());
    assert_eq!(error, "the journal of run 2 has 301 where entry 300 belongs");
}

#[test]
fn two_entries_cannot_have_the_same_place_in_a_journal() {
    let fixture = Fixture::of(2);
    fixture.write(|transaction| {
        let mut entry = NewEntry::new(moment(1), "ada@host", &EVENT, "{}");
        (entry.run, entry.run_seq) = (Some(RunId(1)), Some(1));
        assert!(append(transaction, &entry).is_err());
        entry.run_seq = None;
        append(transaction, &entry).unwrap();
        append(transaction, &entry).unwrap();
    });
    assert!(fixture.verdict().is_sound());
}

#[test]
fn filters_leave_what_they_say() {
    let fixture = Fixture::of(6);
    let connection = fixture.open();
    let found = |filter: Filter| seqs(&log(&connection, &filter).unwrap());
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(found(Filter { run: Some(RunId(2)), ..Filter::default() }), [2, 4, 6]);
    assert_eq!(found(Filter { stack: text("network"), ..Filter::default() }), [1, 3, 5]);
    assert_eq!(found(Filter { environment: text("prod"), ..Filter::default() }), [0; 0]);
    assert_eq!(found(Filter { kind: text("release_built"), ..Filter::default() }), [7]);
    assert_eq!(found(Filter { kind: text("run_*"), limit: Some(2), ..Filter::default() }), [1, 2]);
    assert_eq!(found(Filter { kind: text("run_*"), limit: Some(2), newest_first: true, ..Filter::default() }), [6, 5]);
    assert_eq!(found(Filter { actor: text("eve@*"), ..Filter::default() }), [7]);
    assert_eq!(found(Filter { actor: text("eve"), ..Filter::default() }), [0; 0]);
    for release in ["abc", "sha256:abc1", "sha256:abc123"] {
        assert_eq!(found(Filter { release: text(release), ..Filter::default() }), [7], "{release}");
    }
    assert_eq!(found(Filter { release: text("abd"), ..Filter::default() }), [0; 0]);
    let window = Filter { since: Some(moment(2)), until: Some(moment(4)), ..Filter::default() };
    assert_eq!(found(window.clone()), [3, 4]);
    assert_eq!(found(Filter { stack: text("cluster"), kind: text("run_event"), ..window }), [4]);
}

#[test]
fn rows_are_kept() {
    let fixture = Fixture::of(2);
    let connection = fixture.open();
    let columns = "at, actor, kind, run, run_seq, stage, environment, stack, release, reason, body, prev, hash";
    for sql in [
        "UPDATE ledger SET actor = 'eve'",
        "DELETE FROM ledger",
        "INSERT OR REPLACE INTO ledger SELECT * FROM ledger WHERE seq = 1",
        &format!("INSERT OR REPLACE INTO ledger SELECT 4, {columns} FROM ledger WHERE seq = 1"),
        &format!("INSERT INTO ledger SELECT 9, {columns} FROM ledger WHERE seq = 3"),
        &format!("INSERT INTO ledger ({columns}) SELECT {columns} FROM ledger WHERE seq = 3"),
    ] {
        let error = connection.execute_batch(sql).unwrap_err().to_string();
        assert!(error.contains("append-only"), "{sql}: {error}");
    }
    assert!(fixture.verdict().is_sound());
}

#[test]
fn tampering_is_found_and_the_row_named() {
    let changed = "entry 3: its hash is not that of its content; it was changed";
    for (sql, expected) in [
        ("UPDATE ledger SET actor = 'eve@host' WHERE seq = 3", vec![changed]),
        ("UPDATE ledger SET body = '{\"event\":\"number 2\"}' WHERE seq = 3", vec![changed]),
        ("UPDATE ledger SET at = at + 1 WHERE seq = 3", vec![changed]),
        ("UPDATE ledger SET stack = NULL WHERE seq = 3", vec![changed]),
        ("UPDATE ledger SET reason = '' WHERE seq = 3", vec![changed]),
        ("DELETE FROM ledger WHERE seq = 3", vec!["entry 3: it is missing"]),
        ("DELETE FROM ledger WHERE seq IN (2, 3)", vec!["entries 2 to 3: they are missing"]),
        (
            "UPDATE ledger SET hash = zeroblob(32) WHERE seq = 3",
            vec![changed, "entry 4: it does not name the hash of the entry before, which was exchanged"],
        ),
        (
            "UPDATE ledger SET hash = zeroblob(3) WHERE seq = 3",
            vec!["entry 3: it cannot be read: `hash` has not 32 bytes"],
        ),
        (
            "UPDATE ledger SET seq = 30 WHERE seq = 3",
            vec![
                "entry 3: it is missing",
                "entry 30: its hash is not that of its content; it was changed",
                "entries 8 to 29: they are missing",
            ],
        ),
        ("UPDATE ledger SET run = -1 WHERE seq = 3", vec!["entry 3: it cannot be read: `run` is below 0"]),
        (
            "UPDATE ledger SET actor = CAST(x'ff' AS TEXT) WHERE seq = 3",
            vec!["entry 3: it cannot be read: `actor`: invalid utf-8 sequence of 1 bytes from index 0"],
        ),
    ] {
        let fixture = Fixture::of(6);
        fixture.tamper(sql);
        assert_eq!(fixture.faults(), expected, "{sql}");
    }
}

#[test]
fn a_cut_off_end_is_found_by_a_checkpoint_here_or_elsewhere() {
    let fixture = Fixture::of(6);
    let checkpoint = fixture.write(|transaction| {
        let head = head(transaction).unwrap().unwrap();
        let checkpoint = Checkpoint::sign(head, moment(9), "k1", |message| Ok::<_, ()>(message.to_vec())).unwrap();
        add_checkpoint(transaction, &checkpoint).unwrap();
        let wrong = Checkpoint { seq: 2, ..checkpoint.clone() };
        assert!(matches!(add_checkpoint(transaction, &wrong), Err(LedgerError::Checkpoint { seq: 2 })));
        checkpoint
    });
    let connection = fixture.open();
    assert_eq!(checkpoints(&connection).unwrap(), std::slice::from_ref(&checkpoint));
    assert!(connection.execute("DELETE FROM checkpoint", []).is_err());
    drop(connection);
    let trust = |found: &Checkpoint| if found.signature == found.message() { Trust::Trusted } else { Trust::Forged };
    assert_eq!(verify(&fixture.open(), [], trust).unwrap().trusted, 1);
    fixture.tamper("DELETE FROM ledger WHERE seq > 5");
    assert_eq!(fixture.faults(), ["entry 7: a checkpoint of k1 names it, and the ledger ends with entry 5"]);
    fixture.tamper_again("DELETE FROM checkpoint");
    assert!(fixture.verdict().is_sound(), "nobody is left who knows");
    let verdict = verify(&fixture.open(), [checkpoint.clone()], trust).unwrap();
    assert_eq!(verdict.faults.len(), 1);
    let forged = Checkpoint { signature: vec![0], ..checkpoint };
    let verdict = verify(&fixture.open(), [forged], trust).unwrap();
    assert_eq!(verdict.faults[0].to_string(), "entry 7: the signature of its checkpoint is not of the key k1");
}

impl Fixture {
    fn tamper_again(&self, sql: &str) {
        let connection = Connection::open(self.path()).unwrap();
        connection.execute_batch("DROP TRIGGER IF EXISTS checkpoint_is_kept_delete").unwrap();
        connection.execute_batch(sql).unwrap();
    }
}

#[test]
fn several_connections_append_to_one_chain() {
    let fixture = Fixture::of(0);
    let path = fixture.path();
    std::thread::scope(|scope| {
        for writer in 0..4_u64 {
            let path = &path;
            scope.spawn(move || append_alone(path, writer));
        }
    });
    let verdict = fixture.verdict();
    assert!(verdict.is_sound(), "{:?}", verdict.faults);
    assert_eq!(verdict.entries, 201);
}

fn append_alone(path: &Path, writer: u64) {
    let mut connection = database::open(path).unwrap();
    for at in 0..50 {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
        append(&transaction, &NewEntry::new(moment(at), &format!("{writer}@host"), &EVENT, "{}")).unwrap();
        transaction.commit().unwrap();
    }
}

#[test]
fn an_entry_that_is_not_committed_is_not_there() {
    let fixture = Fixture::of(2);
    let mut connection = fixture.open();
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
    append(&transaction, &NewEntry::new(moment(0), "ada@host", &EVENT, "{}")).unwrap();
    drop(transaction);
    assert_eq!(fixture.verdict().entries, 3);
    let refused = fixture.write(|transaction| append(transaction, &NewEntry::new(moment(0), "ada@host", &EVENT, "{")));
    assert!(matches!(refused, Err(LedgerError::Entry(_))), "{refused:?}");
    assert_eq!(fixture.verdict().entries, 3);
}

#[test]
fn a_locked_file_is_an_error_and_loses_nothing() {
    let fixture = Fixture::of(2);
    let (mut holder, mut other) = (fixture.open(), fixture.open());
    other.busy_timeout(std::time::Duration::from_millis(10)).unwrap();
    let held = holder.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
    let error = other.transaction_with_behavior(TransactionBehavior::Immediate).unwrap_err();
    assert_eq!(error.sqlite_error_code(), Some(rusqlite::ErrorCode::DatabaseBusy));
    // Reading goes on meanwhile.
    assert_eq!(verify(&other, [], |_| Trust::Unknown).unwrap().entries, 3);
    drop(held);
    append_alone(&fixture.path(), 1);
}

#[test]
fn a_truncated_or_overwritten_file_is_told() {
    let fixture = Fixture::of(2000);
    let connection = fixture.open();
    connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    drop(connection);
    let whole = std::fs::read(fixture.path()).unwrap();
    std::fs::write(fixture.path(), &whole[..whole.len() / 2]).unwrap();
    match database::open(&fixture.path()) {
        Ok(connection) => match verify(&connection, [], |_| Trust::Unknown) {
            Ok(verdict) => {
                assert!(verdict.faults.iter().any(|fault| fault.to_string().contains("damaged")), "{verdict:?}");
            }
            Err(error) => assert!(error.to_string().contains("malformed"), "{error}"),
        },
        Err(error) => assert!(error.to_string().contains("malformed"), "{error}"),
    }
    std::fs::write(fixture.path(), b"this is no database, and long enough to be looked at as one".repeat(20)).unwrap();
    let error = database::open(&fixture.path()).unwrap_err().to_string();
    assert!(error.contains("not a database"), "{error}");
}

#[test]
fn a_newer_file_is_left_alone() {
    let fixture = Fixture::of(2);
    fixture.open().pragma_update(None, "user_version", 99).unwrap();
    assert!(matches!(database::open(&fixture.path()), Err(StoreError::Newer { found: 99, .. })));
}

#[test]
fn an_export_is_one_line_an_entry() {
    let fixture = Fixture::of(1);
    let mut lines = Vec::new();
    assert_eq!(export(&fixture.open(), &Filter::default(), &mut lines).unwrap(), 2);
    let text = String::from_utf8(lines).unwrap();
    let first = text.lines().next().unwrap();
    let zeros = "0".repeat(64);
    let expected = [
        r#"{"seq":1,"at":1700000000000,"actor":"ada@host","kind":"run_event","run":1,"run_seq":1,"stage":null,"#,
        r#""environment":"dev","stack":"network","release":null,"reason":null,"#,
        r#""body":"{\"event\": \"number 0\"}","prev":""#,
        &zeros,
        r#"","hash":""#,
    ];
    assert!(first.starts_with(&expected.concat()), "{first}");
}

/// The document's example is what this program writes and computes.
#[test]
fn the_documented_example_is_true() {
    let document = include_str!("../../../../docs/ledger.md");
    let block = |language: &str| {
        let begin = document.split_once("held against the code by a test").unwrap().1;
        let block = begin.split_once(&format!("```{language}\n")).unwrap().1;
        block.split_once("\n```").unwrap().0.to_owned()
    };
    let (line, canonical) = (block("json"), block("text"));
    let json: serde_json::Value = serde_json::from_str(&line).unwrap();
    let text = |name: &str| json[name].as_str();
    let kind = Kind::new(text("kind").unwrap()).unwrap();
    let (actor, body) = (text("actor").unwrap(), text("body").unwrap());
    let mut entry = NewEntry::new(Moment(json["at"].as_i64().unwrap()), actor, &kind, body);
    entry.run = json["run"].as_u64().map(RunId);
    (entry.environment, entry.stack, entry.reason) = (text("environment"), text("stack"), text("reason"));
    let record = entry.chained(1, Hash::ZERO);
    let mut bytes = Vec::new();
    record.encode(&mut bytes);
    assert_eq!(String::from_utf8(bytes).unwrap(), canonical);
    assert_eq!(record.hash().to_string(), text("hash").unwrap());
    let mut written = Vec::new();
    write_line(&record, record.hash(), &mut written).unwrap();
    assert_eq!(String::from_utf8(written).unwrap(), line + "\n");
}

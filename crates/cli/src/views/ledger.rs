//! The ledger for people and programs.

use std::fmt::Write;
use std::ops::ControlFlow;

use console::style;
use serde::Serialize;
use terrace_domain::ledger::{Entry, Hash, Record, Verdict};
use terrace_driver::ledger::write_line;

use super::{print, print_json, say, table, takes_more, time};

/// How much is gathered before it is printed.
const PIECE_BYTES: usize = 64 << 10;
/// How much of a reason is shown in a column.
const REASON_CHARS: usize = 60;

/// `ledger log`.
pub fn log(entries: &[Entry], limit: Option<usize>) {
    if entries.is_empty() {
        say("No entries.");
        return;
    }
    let mut out = table::with_headings(["ENTRY", "AT", "KIND", "RUN", "ENVIRONMENT", "STACK", "BY", "REASON"]);
    for entry in entries {
        let or_nothing = |text: &Option<String>| text.as_deref().map_or_else(|| "-".to_owned(), harmless);
        out.add_row([
            entry.seq.to_string(),
            time::rfc3339(entry.at),
            harmless(&entry.kind),
            entry.run.map_or_else(|| "-".to_owned(), |run| run.to_string()),
            or_nothing(&entry.environment),
            or_nothing(&entry.stack),
            harmless(&entry.actor),
            entry.reason.as_deref().map_or_else(String::new, |reason| shortened(&harmless(reason))),
        ]);
    }
    print(&table::to_text(&mut out));
    if limit == Some(entries.len()) {
        say(&format!("{}; more with `--limit`.", in_words(entries.len() as u64)));
    }
}

/// A text without anything that a terminal would obey: whoever writes into the ledger must not write on the reader's screen.
fn harmless(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

fn shortened(text: &str) -> String {
    if text.chars().count() <= REASON_CHARS {
        return text.to_owned();
    }
    let kept: String = text.chars().take(REASON_CHARS - 1).collect();
    format!("{}…", kept.trim_end())
}

/// Entries as JSON, printed while they are read: one a line, or in one document (`terrace.ledger/1`).
pub struct Entries {
    in_document: bool,
    is_first: bool,
    buffer: Vec<u8>,
}

impl Entries {
    /// Begins.
    pub fn begin(in_document: bool) -> Self {
        let opening = if in_document { "{\n  \"schema\": \"terrace.ledger/1\",\n  \"entries\": [" } else { "" };
        Self { in_document, is_first: true, buffer: opening.as_bytes().to_vec() }
    }

    /// Adds an entry; says to stop when nobody reads on.
    pub fn add(&mut self, record: &Record<'_>, hash: Hash) -> ControlFlow<()> {
        if self.in_document {
            self.buffer.extend_from_slice(if self.is_first { b"\n    " } else { b",\n    " });
            self.is_first = false;
        }
        write_line(record, hash, &mut self.buffer).expect("memory can be written to");
        if self.in_document {
            self.buffer.pop();
        }
        if self.buffer.len() >= PIECE_BYTES {
            self.flush();
        }
        if takes_more() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    }

    /// Ends.
    pub fn end(mut self) {
        if self.in_document {
            self.buffer.extend_from_slice(if self.is_first { b"]\n}\n" } else { b"\n  ]\n}\n" });
        }
        self.flush();
    }

    fn flush(&mut self) {
        print(std::str::from_utf8(&self.buffer).expect("JSON is UTF-8"));
        self.buffer.clear();
    }
}

/// `ledger verify`.
pub fn verdict(verdict: &Verdict) {
    for fault in &verdict.faults {
        say(&format!("{} {fault}", style("✗").for_stderr().red().bold()));
    }
    if verdict.more > 0 {
        say(&format!("… and {} more", verdict.more));
    }
    let entries = in_words(verdict.entries);
    let word = if verdict.is_sound() { style("sound").green() } else { style("NOT SOUND").red().bold() };
    let mut text = format!("The ledger is {word}: {entries}, {}", checkpoints(verdict));
    if let Some((seq, hash)) = verdict.head {
        let _ = write!(text, "\nhead {seq}:{hash}");
    }
    print(&format!("{text}\n"));
}

fn in_words(entries: u64) -> String {
    if entries == 1 { "1 entry".to_owned() } else { format!("{entries} entries") }
}

fn checkpoints(verdict: &Verdict) -> String {
    match (verdict.trusted, verdict.unknown) {
        (0, 0) => "no checkpoints".to_owned(),
        (trusted, 0) => format!("{trusted} trusted checkpoints"),
        (trusted, unknown) => format!("{trusted} trusted checkpoints, {unknown} of keys that are not known here"),
    }
}

/// `ledger verify` as JSON, `terrace.ledger.verify/1`.
pub fn verdict_json(verdict: &Verdict) {
    #[derive(Serialize)]
    struct Json {
        sound: bool,
        entries: u64,
        head: Option<Head>,
        checkpoints: Checkpoints,
        faults: Vec<Fault>,
        more_faults: u64,
    }
    #[derive(Serialize)]
    struct Head {
        seq: u64,
        hash: String,
    }
    #[derive(Serialize)]
    struct Checkpoints {
        trusted: u64,
        unknown: u64,
    }
    #[derive(Serialize)]
    struct Fault {
        seq: u64,
        message: String,
    }
    let faults = verdict.faults.iter().map(|fault| Fault { seq: fault.seq, message: fault.to_string() });
    print_json(
        "terrace.ledger.verify/1",
        &Json {
            sound: verdict.is_sound(),
            entries: verdict.entries,
            head: verdict.head.map(|(seq, hash)| Head { seq, hash: hash.to_string() }),
            checkpoints: Checkpoints { trusted: verdict.trusted, unknown: verdict.unknown },
            faults: faults.collect(),
            more_faults: verdict.more,
        },
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_not_shown() {
        assert_eq!(harmless("a\u{1b}[31mb\r\nc\u{9b}d"), "a\u{fffd}[31mb\u{fffd}\u{fffd}c\u{fffd}d");
        assert_eq!(shortened(&"é".repeat(61)), format!("{}…", "é".repeat(59)));
        assert_eq!(shortened(&"é".repeat(60)), "é".repeat(60));
    }
}

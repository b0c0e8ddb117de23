//! What people and programs see: text and JSON made from report values. The only place that prints.

pub mod blast;
pub mod diagnostics;
mod drawing;
pub mod error;
pub mod exchange;
pub mod gate;
pub mod graph;
pub mod history;
pub mod instance;
pub mod key;
pub mod ledger;
pub mod list;
pub mod map;
pub mod plan;
pub mod policy;
pub mod progress;
pub mod rehearsal;
pub mod release;
pub mod run;
pub mod sandbox;
pub mod slice;
pub mod slice_move;
pub mod state;
pub mod state_import;
pub mod status;
pub mod table;
pub mod time;
pub mod timeline;

use std::io::{self, Write};
use std::sync::OnceLock;

use serde::Serialize;

use crate::error::Exit;

/// Why standard output takes nothing more; empty while it does.
static CLOSED: OnceLock<io::ErrorKind> = OnceLock::new();

/// Prints data: standard output. A reader that has gone away (`terrace list | head`) gets no more and changes nothing else: what
/// the command does and how it ends stand. Where the data cannot be written for another reason, that is said.
pub fn print(text: &str) {
    if CLOSED.get().is_some() {
        return;
    }
    if let Err(error) = io::stdout().write_all(text.as_bytes()).and_then(|()| io::stdout().flush()) {
        if error.kind() != io::ErrorKind::BrokenPipe {
            error::warn(&format!("standard output cannot be written: {error}"));
        }
        let _ = CLOSED.set(error.kind());
    }
}

/// Whether standard output still takes what is printed.
pub fn takes_more() -> bool {
    CLOSED.get().is_none()
}

/// How a command ends, now that it has printed: what was done stands, but data that somebody waits for and that could not be
/// written is a failure.
pub fn printed(exit: Exit) -> Exit {
    match CLOSED.get() {
        None | Some(io::ErrorKind::BrokenPipe) => exit,
        Some(_) if exit == Exit::Done => Exit::Failed,
        Some(_) => exit,
    }
}

/// Prints data as JSON, with its schema's name as the first field.
pub fn print_json<T: Serialize>(schema: &'static str, value: &T) {
    #[derive(Serialize)]
    struct WithSchema<'a, T> {
        schema: &'static str,
        #[serde(flatten)]
        value: &'a T,
    }
    let text = serde_json::to_string_pretty(&WithSchema { schema, value }).expect("reports become JSON");
    print(&format!("{text}\n"));
}

/// Says something to people: standard error. Nobody listening is no reason to stop.
pub fn say(text: &str) {
    let _ = io::stderr().write_all(format!("{text}\n").as_bytes());
}

/// A number with its noun: `1 stack`, `2 stacks`.
pub fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

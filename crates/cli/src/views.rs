//! What people and programs see: text and JSON made from report values. The only place that prints.

pub mod diagnostics;
pub mod error;
pub mod graph;
pub mod instance;
pub mod list;
pub mod plan;
pub mod progress;
pub mod run;
pub mod sandbox;
pub mod status;
pub mod table;
pub mod time;

use std::io::{self, Write};

use serde::Serialize;

/// Prints data: standard output. A reader that has gone away (`terrace list | head`) ends the command quietly.
pub fn print(text: &str) {
    if let Err(error) = io::stdout().write_all(text.as_bytes()).and_then(|()| io::stdout().flush()) {
        let exit = i32::from(error.kind() != io::ErrorKind::BrokenPipe);
        std::process::exit(exit);
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

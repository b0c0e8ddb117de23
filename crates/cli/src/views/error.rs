//! Errors of commands.

use std::process::ExitCode;

use console::style;

use super::{diagnostics, say};
use crate::error::CommandError;

/// Says what is wrong and what to do next; gives the exit code.
pub fn show(error: &CommandError) -> ExitCode {
    if let Some(found) = &error.diagnostics {
        diagnostics::say_all(&found.0, &found.1);
    }
    say(&format!("{} {}", style("error:").for_stderr().red().bold(), error.message));
    if let Some(help) = &error.help {
        say(&format!("  {} {help}", style("help:").for_stderr().cyan().bold()));
    }
    error.exit.into()
}

/// Says something that does not stop the work.
pub fn warn(text: &str) {
    say(&warning(text));
}

/// The line of a warning.
pub fn warning(text: &str) -> String {
    format!("{} {text}", style("warning:").for_stderr().yellow().bold())
}

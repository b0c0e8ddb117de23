//! The `terrace` command: reads arguments and settings, runs one command, and ends with its exit code.

#![allow(unreachable_pub, reason = "a program exports nothing")]

mod arguments;
mod commands;
mod delivery;
mod error;
mod keys;
mod known;
mod project;
mod record;
mod rehearsal;
mod selection;
mod settings;
mod views;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let arguments = arguments::Arguments::parse();
    let settings = match settings::Settings::read(&arguments.global) {
        Ok(settings) => settings,
        Err(error) => return views::error::show(&error),
    };
    match commands::run(arguments.command, &settings) {
        Ok(exit) => views::printed(exit).into(),
        Err(error) => views::error::show(&error),
    }
}

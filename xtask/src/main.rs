//! The command line of `cargo xtask`. Owns arguments and what is printed; the work is done in the library.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;
use xtask::{bench_commands, estate, tidy};

/// Work on the repository itself.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum Arguments {
    /// Checks the habits of this repository; ends with exit code 1 when one is broken
    Tidy,
    /// Writes an estate of any size, the same one each time
    GenerateEstate {
        /// How many stacks it has
        #[arg(long, default_value_t = 100)]
        stacks: usize,
        /// Another seed makes another estate
        #[arg(long, default_value_t = estate::DEFAULT_SEED)]
        seed: u64,
        /// Make it a git repository with two commits: the second changes a module and a stack
        #[arg(long)]
        git: bool,
        /// A folder that does not exist, or is empty
        #[arg(value_name = "DIR")]
        folder: PathBuf,
    },
    /// Measures commands of the release build on generated estates, and prints the tables of docs/benchmarks.md
    BenchCommands {
        /// Options of `bench-commands`: `-- --help` shows them
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "OPTIONS")]
        options: Vec<OsString>,
    },
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn run(arguments: &Arguments) -> Result<ExitCode> {
    match arguments {
        Arguments::Tidy => {
            let violations = tidy::check(&tidy::Repository::read(repository_root()?)?);
            for violation in &violations {
                println!("{violation}");
            }
            if violations.is_empty() {
                return Ok(ExitCode::SUCCESS);
            }
            eprintln!("tidy: {} to mend", violations.len());
            Ok(ExitCode::from(1))
        }
        Arguments::GenerateEstate { stacks, seed, git, folder } => {
            let blueprint = estate::Blueprint::new(*stacks, *seed);
            let files = blueprint.write(folder)?;
            if *git {
                blueprint.commit_twice(folder)?;
            }
            eprintln!("{} stacks, {} modules, {files} files in {}", stacks, blueprint.modules(), folder.display());
            Ok(ExitCode::SUCCESS)
        }
        Arguments::BenchCommands { options } => {
            bench_commands::run(repository_root()?, options)?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// The checkout that this was built in.
fn repository_root() -> Result<&'static Path> {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("xtask lies in the repository")
}

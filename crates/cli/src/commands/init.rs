//! `terrace init`.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use include_dir::{Dir, include_dir};
use terrace_domain::estate::ESTATE_FILE;
use terrace_domain::name::EstateName;
use terrace_world::git::Repository;

use crate::error::{CommandError, CommandResult, Exit};
use crate::project::in_utf8;
use crate::settings::Settings;
use crate::views;

const AFTER_HELP: &str = "\
Examples:
  git init shop && cd shop && terrace init      one stack, one environment, one stage
  terrace init --example harbour                two clouds, three environments, eleven stacks
  terrace init --example aws                    three stacks on the real AWS provider";

static FIRST: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/templates/first");
static HARBOUR: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../examples/harbour");
static AWS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../examples/aws");

/// What stands for the estate's name in the templates.
const PLACEHOLDER: &str = "ESTATE";
/// What Terraform and Terrace leave in a folder, and git is not to have.
const IGNORED: [&str; 4] = [".terrace/", ".terraform/", "*.tfstate", "*.tfstate.*"];

/// Make an estate: the smallest one that delivers, or an example
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct Init {
    /// A whole example instead of the smallest estate
    #[arg(long, value_enum, value_name = "NAME")]
    example: Option<Example>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Example {
    /// Two clouds, three environments, on the sandbox cloud
    Harbour,
    /// Three stacks on the real AWS provider
    Aws,
}

impl Init {
    /// Writes the files; never over a file that is there.
    pub fn run(self, settings: &Settings) -> CommandResult {
        let folder = &settings.folder;
        in_utf8(folder)?;
        Repository::discover(folder)?;
        if let Some(above) = folder.ancestors().find(|folder| folder.join(ESTATE_FILE).exists()) {
            return Err(CommandError::usage(format!(
                "there is an estate already: {}",
                above.join(ESTATE_FILE).display()
            )));
        }
        let template = match self.example {
            None => &FIRST,
            Some(Example::Harbour) => &HARBOUR,
            Some(Example::Aws) => &AWS,
        };
        let name = estate_name(folder);
        let mut files = Vec::new();
        collect(template, &mut files);
        let files: Vec<(PathBuf, Vec<u8>)> =
            files.into_iter().map(|(path, content)| (folder.join(path), fill_in(content, &name))).collect();
        let taken: Vec<_> = files.iter().map(|(path, _)| path).filter(|path| path.exists()).collect();
        if let Some(first) = taken.first() {
            let more = if taken.len() > 1 { format!(" and {} more", taken.len() - 1) } else { String::new() };
            return Err(CommandError::usage(format!(
                "{} is there already{more}: nothing was written",
                first.display()
            ))
            .help("Use an empty folder or repository, or move the file away."));
        }
        for (path, content) in &files {
            write_new(path, content).map_err(|error| cannot_write(path, &error))?;
        }
        let ignore = folder.join(".gitignore");
        complete_ignores(&ignore).map_err(|error| cannot_write(&ignore, &error))?;
        say_next(self.example, files.len());
        Ok(Exit::Done)
    }
}

fn cannot_write(path: &Path, error: &io::Error) -> CommandError {
    CommandError::failed(format!("cannot write {}: {error}", path.display()))
}

/// The folder's name as an estate's: what names do not have becomes `-`.
fn estate_name(folder: &Path) -> EstateName {
    let folder = folder.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    let text: String = folder.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).take(40).collect();
    let text = text.trim_matches('-');
    EstateName::new(text).unwrap_or_else(|_| EstateName::new("estate").expect("is a name"))
}

/// The template's files, without what running it in place may have left there.
fn collect(folder: &Dir<'static>, files: &mut Vec<(&'static Path, &'static [u8])>) {
    files.extend(folder.files().map(|file| (file.path(), file.contents())));
    for inner in folder.dirs().filter(|inner| !is_left_over(inner.path())) {
        collect(inner, files);
    }
}

fn is_left_over(folder: &Path) -> bool {
    folder.file_name().is_some_and(|name| name == ".terraform" || name == ".terrace")
}

fn fill_in(content: &[u8], name: &EstateName) -> Vec<u8> {
    match std::str::from_utf8(content) {
        Ok(text) => text.replace(PLACEHOLDER, name.as_str()).into_bytes(),
        Err(_) => content.to_vec(),
    }
}

fn write_new(path: &Path, content: &[u8]) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    OpenOptions::new().write(true).create_new(true).open(path)?.write_all(content)
}

/// Adds what is missing to `.gitignore`.
fn complete_ignores(path: &Path) -> io::Result<()> {
    let present = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error),
    };
    let has = |pattern: &str| present.lines().any(|line| line.trim().trim_start_matches('/') == pattern);
    let missing: Vec<_> =
        IGNORED.iter().filter(|pattern| !has(pattern)).map(|pattern| format!("{pattern}\n")).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let gap = if present.is_empty() || present.ends_with('\n') { "" } else { "\n" };
    fs::write(path, format!("{present}{gap}{}", missing.concat()))
}

fn say_next(example: Option<Example>, files: usize) {
    views::say(&format!("Wrote {} and .gitignore. Next:", views::count(files, "file")));
    views::say("  git add . && git commit -m 'Begin the estate'");
    match example {
        Some(Example::Aws) => views::say("  see README.md: this example wants an AWS account, or an emulator of one"),
        _ => views::say("  terrace deliver        carries the commit through the pipeline, on the sandbox cloud"),
    }
    views::say("  terrace status         shows what runs where");
}

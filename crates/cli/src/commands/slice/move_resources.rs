//! `terrace slice move`.

use std::io::{BufRead, IsTerminal};

use clap::Args;
use terrace_config::{ChangedText, MoveRefused, MoveRequest, MovedCode, Overlay, move_code};
use terrace_domain::diagnostic::nearest;
use terrace_domain::estate::Stack;
use terrace_domain::moves::MovedAddress;
use terrace_domain::name::StackName;
use terrace_driver::home::Home;

use super::states::{Known, look_up};
use super::write::write_all;
use crate::error::{CommandError, CommandResult, Exit};
use crate::project::{Opened, Project};
use crate::settings::Settings;
use crate::views;
use crate::views::slice_move::Report;

const AFTER_HELP: &str = "\
Shows what would change in the files of both stacks, and in those that read from them. Nothing on any cloud is touched, by this or by the deliveries
that follow: the stack that gives forgets the resources (`removed` blocks), and the one that takes imports them, by a `move` block in its stack.hcl. By
which ids is looked up in each environment when it is delivered there; where there is nothing, it is made. docs/slice-move.md tells all of it.

Whole resources and whole modules move. What no machine can move is refused, each with its place and what to do by hand.

Examples:
  terrace slice move aws_s3_bucket.logs --to storage                           show it
  terrace slice move aws_s3_bucket.logs --from network --to storage --write    and write it
  terrace slice move module.queue aws_sns_topic.news --from shop --to events --json | jq -r '.files[].path'

Exit codes: 2 when something stands in the way: then nothing is written.";

/// Move the code of resources to another stack, without touching the resources
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct Move {
    /// What moves: `TYPE.NAME` or `module.NAME`
    #[arg(value_name = "ADDRESS", required = true)]
    addresses: Vec<String>,
    /// The stack that has it [default: the only one whose code has it]
    #[arg(long, value_name = "STACK")]
    from: Option<String>,
    /// The stack that takes it over
    #[arg(long, value_name = "STACK")]
    to: String,
    /// Write the files
    #[arg(long)]
    write: bool,
    /// Also where no snapshot of a state tells what is moved: as before the first delivery
    #[arg(long)]
    without_state: bool,
    /// Print JSON (terrace.slice.move/1)
    #[arg(long)]
    json: bool,
}

impl Move {
    /// Moves.
    pub fn run(self, settings: &Settings) -> CommandResult {
        let addresses = self.parsed()?;
        let project = Project::find(settings)?;
        let opened = project.open_work_tree()?;
        let (from, to) = self.stacks(&project, &opened, &addresses)?;
        let request = MoveRequest { from, to, addresses: &addresses };
        let moved = move_code(&*opened.tree, &opened.estate, request).map_err(|refused| unmoved(&opened, refused))?;
        let known = look_up(&project, settings, &opened.estate, from, &addresses)?;
        self.refuse_unknown(from, &known, &addresses, &project.home())?;
        let mut report = Report { from, to, addresses: &addresses, moved: &moved, known: &known, written: false };
        if self.json {
            if self.write {
                Self::write(&project, &moved, settings)?;
                report.written = true;
            }
            views::slice_move::json(&report);
            return Ok(Exit::Done);
        }
        views::slice_move::show(&*opened.tree, &report);
        if !self.write && !asked() {
            views::slice_move::not_written();
            return Ok(Exit::Done);
        }
        Self::write(&project, &moved, settings)?;
        views::slice_move::next(&report);
        Ok(Exit::Done)
    }

    fn parsed(&self) -> Result<Vec<MovedAddress>, CommandError> {
        let read = |text: &String| {
            text.parse().map_err(|error: terrace_domain::moves::AddressError| {
                CommandError::usage(format!("{error}: it cannot move")).help(error.help())
            })
        };
        let mut addresses = self.addresses.iter().map(read).collect::<Result<Vec<MovedAddress>, _>>()?;
        addresses.sort();
        addresses.dedup();
        Ok(addresses)
    }

    fn stacks<'e>(
        &self,
        project: &Project,
        opened: &'e Opened,
        addresses: &[MovedAddress],
    ) -> Result<(&'e Stack, &'e Stack), CommandError> {
        let estate = &*opened.estate;
        let find = |option: &str, name: &str| {
            estate.stacks.get(name).ok_or_else(|| {
                let error = CommandError::usage(format!("there is no stack `{name}` (`--{option}`)"));
                match nearest(name, estate.stacks.keys().map(StackName::as_str)) {
                    Some(near) => error.help(format!("Did you mean `{near}`?")),
                    None if option == "to" => error.help(format!(
                        "`terrace list` names all stacks. Make a new one first: a folder with `stack \"{name}\" {{}}` in stack.hcl and an empty main.tf."
                    )),
                    None => error.help("`terrace list` names all stacks."),
                }
            })
        };
        let to = find("to", &self.to)?;
        let from = match &self.from {
            Some(from) => find("from", from)?,
            None => self.only_one_with(project, opened, addresses)?,
        };
        if from.name == to.name {
            return Err(CommandError::usage(format!("`{}` is both where it is and where it goes", from.name))
                .help("Within one stack, Terraform's `moved` blocks rename resources."));
        }
        Ok((from, to))
    }

    /// The only stack whose own code has all that moves.
    fn only_one_with<'e>(
        &self,
        project: &Project,
        opened: &'e Opened,
        addresses: &[MovedAddress],
    ) -> Result<&'e Stack, CommandError> {
        let estate = &*opened.estate;
        let code = project.load_code(opened, estate.stacks.values());
        let has = |stack: &&Stack| {
            code.facts(&stack.folder).is_some_and(|facts| {
                addresses.iter().all(|address| match address {
                    MovedAddress::Resource { .. } => facts.resources.contains(&address.to_string()),
                    MovedAddress::Module(name) => facts.module_calls.iter().any(|call| call.name == *name),
                })
            })
        };
        let found: Vec<&Stack> =
            estate.stacks.values().filter(|stack| stack.name.as_str() != self.to).filter(has).collect();
        let what = addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        match found[..] {
            [only] => Ok(only),
            [] => Err(CommandError::usage(format!("no stack but `{}` has {what} in its code", self.to))
                .help("Name what one stack has: several moves are several calls. `--from` names the stack.")),
            _ => {
                let names: Vec<_> = found.iter().map(|stack| format!("`{}`", stack.name)).collect();
                Err(CommandError::usage(format!("{} stacks have {what}: {}", found.len(), names.join(", ")))
                    .help("Say from which it moves: `--from STACK`."))
            }
        }
    }

    /// What nothing is known of could be made a second time instead of being imported.
    fn refuse_unknown(
        &self,
        from: &Stack,
        known: &[Known],
        addresses: &[MovedAddress],
        home: &Home,
    ) -> Result<(), CommandError> {
        for one in known {
            if let Some(obstacle) = one.obstacles.first() {
                return Err(CommandError::usage(format!(
                    "{} in {} cannot be imported: {}",
                    obstacle.address, one.environment, obstacle.why
                ))
                .help("It has to stay where it is, or to be moved by hand with `terraform state mv`."));
            }
        }
        let is_known = |address: &&MovedAddress| {
            known.iter().any(|one| one.instances.iter().any(|instance| address.covers(instance)))
        };
        let unknown: Vec<String> =
            addresses.iter().filter(|address| !is_known(address)).map(ToString::to_string).collect();
        if self.without_state || unknown.is_empty() {
            return Ok(());
        }
        let has_snapshots = home.database().exists() && known.iter().any(|one| one.snapshot.is_some());
        let why = if has_snapshots {
            format!("no snapshot of `{}` has {}", from.name, unknown.join(", "))
        } else {
            format!("there is no snapshot of the states of `{}`", from.name)
        };
        Err(CommandError::usage(why).help(format!(
            "Deliver it first, or take one with `terrace state save {} --env ENVIRONMENT`. If nothing of it was ever made: `--without-state`.",
            from.name
        )))
    }

    fn write(project: &Project, moved: &MovedCode, settings: &Settings) -> Result<(), CommandError> {
        refuse_uncommitted(project, &moved.files)?;
        write_all(project.files_root(), &moved.files)?;
        // What was checked in memory is checked as it lies there.
        let opened = Project::find(settings)?.open_work_tree()?;
        Project::find(settings)?.checked_code(&opened, opened.estate.stacks.values())?;
        Ok(())
    }
}

/// Files that somebody is at work on are not written over: a commit is the way back.
fn refuse_uncommitted(project: &Project, files: &[ChangedText]) -> Result<(), CommandError> {
    let repository = project.repository()?;
    let mut dirty = Vec::new();
    for file in files.iter().filter(|file| file.before.is_some()) {
        dirty.extend(repository.uncommitted_changes(&file.path, 1)?.paths);
    }
    if dirty.is_empty() {
        return Ok(());
    }
    Err(CommandError::usage(format!("not committed: {}", dirty.join(", ")))
        .help("Nothing was written. Commit or stash these changes first, so that the move can be looked at, and taken back, alone."))
}

/// Why the code cannot be moved.
fn unmoved(opened: &Opened, refused: MoveRefused) -> CommandError {
    let MoveRefused { diagnostics, files } = refused;
    let count = views::count(diagnostics.len(), "reason");
    let after = Overlay::new(&*opened.tree, files.into_iter().map(|file| (file.path, file.after)));
    let sources = terrace_config::sources(&after, &diagnostics);
    CommandError {
        diagnostics: Some(Box::new((diagnostics, sources))),
        ..CommandError::usage(format!("this cannot be moved, for {count}: nothing was written"))
    }
}

/// Whether whoever is there wants it written.
fn asked() -> bool {
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return false;
    }
    views::say("Write these files? Type `yes` to do it.");
    let mut line = String::new();
    let _ = std::io::stdin().lock().read_line(&mut line);
    line.trim() == "yes"
}

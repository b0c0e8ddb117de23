//! `terrace completions`.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::arguments::Arguments;
use crate::error::Exit;
use crate::views;

const AFTER_HELP: &str = "\
Examples:
  terrace completions bash > ~/.local/share/bash-completion/completions/terrace
  terrace completions zsh  > ~/.zfunc/_terrace
  terrace completions fish > ~/.config/fish/completions/terrace.fish";

/// Print a script that completes terrace's commands in your shell
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct Completions {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

impl Completions {
    /// Prints the script.
    pub fn run(self) -> Exit {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Arguments::command(), "terrace", &mut script);
        views::print(&String::from_utf8_lossy(&script));
        Exit::Done
    }
}

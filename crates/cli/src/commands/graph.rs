//! `terrace graph`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::error::{CommandError, CommandResult, Exit};
use crate::project::Project;
use crate::selection::Selection;
use crate::settings::Settings;
use crate::views;
use crate::views::graph::{Marks, Picture, SvgError};

const AFTER_HELP: &str = "\
Examples:
  terrace graph
  terrace graph --format svg --output graph.svg
  terrace graph --format dot | dot -Tpng > graph.png
  terrace graph 'aws-*' --format json";

/// Draw how stacks depend on each other
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct Graph {
    #[command(flatten)]
    selection: Selection,
    /// As what
    #[arg(long, value_enum, default_value_t, conflicts_with = "json")]
    format: Format,
    /// Write to a file instead of standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The same as `--format json`
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Waves of stacks, each with what it depends on
    #[default]
    Text,
    /// Graphviz
    Dot,
    /// JSON (terrace.graph/1)
    Json,
    /// A picture
    Svg,
}

impl Graph {
    /// Draws.
    pub fn run(self, settings: &Settings) -> CommandResult {
        let project = Project::find(settings)?;
        let (opened, selected) = self.selection.resolve(&project, || project.open_work_tree())?;
        let stacks = selected.stacks.union(&selected.downstream).cloned().collect();
        let marks =
            selected.change.is_some().then_some(Marks { affected: &selected.stacks, downstream: &selected.downstream });
        let picture = Picture::new(&opened.estate, &opened.graph, &stacks, marks);
        if picture.is_empty() {
            views::say("There are no stacks to draw.");
        }
        let text = match if self.json { Format::Json } else { self.format } {
            Format::Text if self.output.is_some() => console::strip_ansi_codes(&picture.text()).into_owned(),
            Format::Text => picture.text(),
            Format::Dot => picture.dot(),
            Format::Json => picture.json(),
            Format::Svg => picture.svg().map_err(|error| too_large(&error))?,
        };
        match &self.output {
            Some(file) => std::fs::write(settings.folder.join(file), text)
                .map_err(|error| CommandError::failed(format!("cannot write {}: {error}", file.display())))?,
            None => views::print(&text),
        }
        Ok(Exit::Done)
    }
}

fn too_large(error: &SvgError) -> CommandError {
    CommandError::usage(error.to_string())
        .help("Select fewer stacks, by name, glob or folder, or with `--affected`; `--format dot` has no limit.")
}

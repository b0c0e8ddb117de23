//! `terrace graph`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::error::{CommandError, CommandResult, Exit};
use crate::project::Project;
use crate::selection::Selection;
use crate::settings::Settings;
use crate::views;

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
        let picture = views::graph::Picture::new(&opened, &selected, &stacks);
        let text = match if self.json { Format::Json } else { self.format } {
            Format::Text => picture.text(),
            Format::Dot => picture.dot(),
            Format::Json => picture.json(),
            Format::Svg => picture.svg(),
        };
        match &self.output {
            Some(file) => std::fs::write(settings.folder.join(file), text)
                .map_err(|error| CommandError::failed(format!("cannot write {}: {error}", file.display())))?,
            None => views::print(&text),
        }
        Ok(Exit::Done)
    }
}

//! `terrace run timeline`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use terrace_domain::run::{Outcome, RunId};

use super::{no_run, no_run_yet};
use crate::error::{CommandError, CommandResult};
use crate::record::Record;
use crate::settings::Settings;
use crate::views;
use crate::views::timeline::{Paper, Picture};

const AFTER_HELP: &str = "\
Examples:
  terrace run timeline                                the newest
  terrace run timeline 3 --format html --output run-3.html
  terrace run timeline --json | jq -r '.critical_path.links[].lane'";

/// Show when what was done in a run, and which chain of instances decided its end
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct Timeline {
    /// The run's number; the newest by default
    #[arg(value_name = "RUN")]
    id: Option<u64>,
    #[command(flatten)]
    drawing: Drawing,
}

/// How a timeline is drawn.
#[derive(Debug, Args)]
pub struct Drawing {
    /// As what
    #[arg(long, value_enum, default_value_t, conflicts_with = "json")]
    format: Format,
    /// Write to a file instead of standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// All instances, also where there are so many that only the critical path and the longest would be shown
    #[arg(long)]
    all: bool,
    /// The same as `--format json`
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A line for each instance
    #[default]
    Terminal,
    /// A picture
    Svg,
    /// A page with the picture and its figures
    Html,
    /// JSON (terrace.timeline/1)
    Json,
}

impl Timeline {
    /// Draws.
    pub fn run(self, record: &Record<'_>, settings: &Settings) -> CommandResult {
        let newest = || Ok::<_, CommandError>(record.runs(None, 1)?.first().map(|row| row.id));
        let id = match self.id {
            Some(id) => RunId(id),
            None => newest()?.ok_or_else(no_run_yet)?,
        };
        let Some((row, timeline)) = record.timeline(id)? else { return Err(no_run(id.0)) };
        let outcome = match row.outcome {
            Outcome::Running => "running",
            Outcome::Waiting => "waits for a decision",
            other => other.as_str(),
        };
        let picture = Picture {
            heading: format!("Run {id} to {}", row.environments().collect::<Vec<_>>().join(", then ")),
            about: format!("{} {}", views::run::short(&row.preface.commit), row.preface.subject),
            run: Some(id.0),
            outcome,
            timeline: &timeline,
        };
        self.drawing.draw(&picture, settings)
    }
}

impl Drawing {
    /// Draws.
    pub fn draw(self, picture: &Picture<'_>, settings: &Settings) -> CommandResult {
        let is_for_file = self.output.is_some();
        let text = match if self.json { Format::Json } else { self.format } {
            Format::Terminal => {
                let paper = Paper { columns: settings.columns, is_utf8: settings.is_utf8, all: self.all };
                let text = picture.text(paper);
                if is_for_file { console::strip_ansi_codes(&text).into_owned() } else { text }
            }
            Format::Svg => picture.svg(self.all),
            Format::Html => picture.html(self.all),
            Format::Json => picture.json(),
        };
        super::deliver_text(&text, self.output.as_deref(), settings)
    }
}

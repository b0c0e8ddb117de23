//! `terrace run history`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use terrace_domain::history::{History as Durations, Point, Series};
use terrace_domain::run::Outcome;
use terrace_driver::store::RunRow;

use crate::error::{CommandResult, Exit};
use crate::record::Record;
use crate::settings::Settings;
use crate::views;

const AFTER_HELP: &str = "\
Examples:
  terrace run history --last 20
  terrace run history --env prod --format svg --output prod.svg";

/// Show how long runs took, over time
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct History {
    /// Only runs in this environment
    #[arg(long, value_name = "ENVIRONMENT")]
    env: Option<String>,
    /// Of so many runs, the newest that are over
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    last: u32,
    #[command(flatten)]
    drawing: Drawing,
}

/// How a history is drawn.
#[derive(Debug, Args)]
pub struct Drawing {
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
    /// A line of bars for each way through the pipeline, and the newest runs
    #[default]
    Terminal,
    /// A picture
    Svg,
    /// JSON (terrace.history/1)
    Json,
}

impl History {
    /// Draws; `None`: there is no record yet.
    pub fn run(self, record: Option<&Record<'_>>, settings: &Settings) -> CommandResult {
        let last = usize::try_from(self.last).unwrap_or(usize::MAX);
        let rows = match record {
            Some(record) => record.finished_runs(self.env.as_deref(), last)?,
            None => Vec::new(),
        };
        self.drawing.draw(&durations(&rows), "No run is over yet: there is nothing to show.", settings)
    }
}

impl Drawing {
    /// Draws; `nothing` is said to people where there is nothing to draw.
    pub fn draw(self, history: &Durations, nothing: &str, settings: &Settings) -> CommandResult {
        let format = if self.json { Format::Json } else { self.format };
        if history.is_empty() && format == Format::Terminal {
            views::say(nothing);
            return Ok(Exit::Done);
        }
        let text = match format {
            Format::Terminal => {
                let text = views::history::text(history, settings.is_utf8);
                if self.output.is_some() { console::strip_ansi_codes(&text).into_owned() } else { text }
            }
            Format::Svg => views::history::svg(history),
            Format::Json => views::history::json(history),
        };
        super::deliver_text(&text, self.output.as_deref(), settings)
    }
}

/// A series for each way through the pipeline: runs to other environments are no comparison. The rows are the newest first.
fn durations(rows: &[RunRow]) -> Durations {
    let mut series: BTreeMap<String, Vec<Point>> = BTreeMap::new();
    for row in rows.iter().rev() {
        let Some(finished) = row.finished else { continue };
        let point = Point {
            at: row.created,
            duration_ms: finished.millis_since(row.created),
            succeeded: row.outcome == Outcome::Succeeded,
        };
        series.entry(row.environments().collect::<Vec<_>>().join(", ")).or_default().push(point);
    }
    let series = series.into_iter().map(|(name, points)| Series { name, points });
    Durations { title: "How long runs took".to_owned(), objective: None, series: series.collect() }
}

//! `terrace rehearse timeline` and `terrace rehearse history`.

use std::time::Duration;

use clap::Args;
use serde_json::Value as Json;
use terrace_domain::history::{History as Durations, Point, Series};
use terrace_domain::run::Moment;
use terrace_driver::rehearsals::{self, Kept};
use terrace_driver::store::{RunRow, Store};

use super::list::kept;
use crate::commands::run::{history, timeline};
use crate::error::{CommandError, CommandResult};
use crate::project::Project;
use crate::record::Record;
use crate::settings::Settings;
use crate::views;
use crate::views::timeline::Picture;

const TIMELINE_HELP: &str = "\
Examples:
  terrace rehearse timeline                  the newest rehearsal
  terrace rehearse timeline zero-4k2m9q --format html --output rehearsal.html";

const HISTORY_HELP: &str = "\
Examples:
  terrace rehearse history
  terrace rehearse history --format svg --output recoveries.svg";

/// Show when what was done in a rehearsal, and which chain of instances decided its end
#[derive(Debug, Args)]
#[command(after_help = TIMELINE_HELP)]
pub struct Timeline {
    /// Its environment; the newest rehearsal by default
    #[arg(value_name = "NAME")]
    name: Option<String>,
    #[command(flatten)]
    drawing: timeline::Drawing,
}

/// Show how long recoveries took, over time
#[derive(Debug, Args)]
#[command(after_help = HISTORY_HELP)]
pub struct History {
    #[command(flatten)]
    drawing: history::Drawing,
}

impl Timeline {
    /// Draws.
    pub fn run(self, settings: &Settings) -> CommandResult {
        let home = Project::find(settings)?.home();
        let kept = match &self.name {
            Some(name) => kept(&home, name)?,
            None => rehearsals::all(&home).0.into_iter().next().ok_or_else(|| {
                CommandError::usage("there was no rehearsal yet").help("`terrace rehearse zero` is one.")
            })?,
        };
        let name = kept.environment.name.as_str();
        let journal = rehearsals::journal(&home, name);
        if !journal.exists() {
            return Err(CommandError::failed(format!("nothing was deployed in the rehearsal {name}")));
        }
        let store = Store::open(&journal, &settings.actor())?;
        let own = home.ephemeral(name);
        let record = Record::of(&store, &own);
        let drawn = record.timeline_of_all(|row| phase_of(&kept, row), views::time::now())?;
        let verdict = kept.report.as_ref().and_then(|report| report["verdict"].as_str()).unwrap_or("has no end");
        let picture = Picture {
            heading: format!("Rehearsal {} in {name}", kept.environment.practice.in_words()),
            about: format!("like {}", kept.environment.like),
            run: None,
            outcome: verdict,
            timeline: &drawn,
        };
        self.drawing.draw(&picture, settings)
    }
}

/// The phase in which a run was, by its report.
fn phase_of(kept: &Kept, row: &RunRow) -> String {
    let phases = kept.report.as_ref().and_then(|report| report["phases"].as_array());
    let at = |phase: &Json, key: &str| phase[key].as_i64().map(Moment);
    let is_in = |phase: &&Json| {
        at(phase, "began_at_ms").is_some_and(|began| began <= row.created)
            && at(phase, "ended_at_ms").is_some_and(|ended| row.created <= ended)
    };
    let found = phases.into_iter().flatten().find(is_in).and_then(|phase| phase["phase"].as_str());
    found.map_or_else(|| format!("run {}", row.id), str::to_owned)
}

impl History {
    /// Draws.
    pub fn run(self, settings: &Settings) -> CommandResult {
        let project = Project::find(settings)?;
        let home = project.home();
        let recoveries = match home.database() {
            database if database.exists() => Store::open(&database, &settings.actor())?.recoveries()?,
            _ => std::collections::BTreeMap::default(),
        };
        let objective = project.open_work_tree().ok().and_then(|opened| opened.estate.recovery.rto_ms);
        let series = recoveries.iter().map(|(lost, all)| Series {
            name: lost.as_str().to_owned(),
            points: all
                .iter()
                .rev()
                .map(|recovered| Point {
                    at: recovered.at,
                    duration_ms: recovered.took_ms.or(recovered.lasted_ms).unwrap_or(0),
                    succeeded: recovered.took_ms.is_some(),
                })
                .collect(),
        });
        let history = Durations {
            title: "How long recoveries took".to_owned(),
            objective: objective.map(Duration::from_millis),
            series: series.collect(),
        };
        self.drawing.draw(&history, "No recovery was practised yet: there is nothing to show.", settings)
    }
}

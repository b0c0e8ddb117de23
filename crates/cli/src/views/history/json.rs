//! The history for programs, `terrace.history/1`.

use serde::Serialize;
use terrace_domain::history::{History, Point, Series};

use crate::views::time::rfc3339;

/// The name and version of what [`json`] gives.
const SCHEMA: &str = "terrace.history/1";

#[derive(Serialize)]
struct HistoryJson<'a> {
    schema: &'static str,
    title: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    objective_ms: Option<u64>,
    series: Vec<SeriesJson<'a>>,
}

#[derive(Serialize)]
struct SeriesJson<'a> {
    name: &'a str,
    /// Of those that succeeded.
    median_ms: Option<u64>,
    /// Of those that succeeded.
    longest_ms: Option<u64>,
    points: Vec<PointJson>,
}

#[derive(Serialize)]
struct PointJson {
    at: String,
    duration_ms: u64,
    succeeded: bool,
}

/// All of it.
pub fn json(history: &History) -> String {
    let report = HistoryJson {
        schema: SCHEMA,
        title: &history.title,
        objective_ms: history.objective_millis(),
        series: history.series.iter().map(series).collect(),
    };
    let mut text = serde_json::to_string_pretty(&report).expect("reports become JSON");
    text.push('\n');
    text
}

fn series(series: &Series) -> SeriesJson<'_> {
    SeriesJson {
        name: &series.name,
        median_ms: series.median_millis(),
        longest_ms: series.longest_millis(),
        points: series.points.iter().map(point).collect(),
    }
}

fn point(point: &Point) -> PointJson {
    PointJson { at: rfc3339(point.at), duration_ms: point.duration_ms, succeeded: point.succeeded }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::views::history::fixture;

    #[test]
    fn it_has_every_point_and_the_figures() {
        let report: serde_json::Value = serde_json::from_str(&json(&fixture::history())).unwrap();
        assert_eq!((&report["schema"], &report["objective_ms"]), (&"terrace.history/1".into(), &240_000.into()));
        let series = &report["series"][0];
        assert_eq!((&series["median_ms"], &series["longest_ms"]), (&200_000.into(), &300_000.into()));
        assert_eq!(series["points"].as_array().unwrap().len(), 5);
        assert_eq!(series["points"][2]["succeeded"], false);
    }
}

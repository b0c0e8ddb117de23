//! Histories of durations: in the terminal, as SVG and JSON. Owns what is shown of one; never prints or writes it.

mod json;
mod svg;
mod text;

use terrace_domain::history::{History, Series};
use terrace_domain::run::Moment;

use super::{count, time};

pub use json::json;
pub use svg::svg;
pub use text::text;

/// What is said of a series beside its name: `12 points, median 3.2s, longest 5.0s, 2 failed`.
fn figures(history: &History, series: &Series) -> String {
    let mut parts = vec![count(series.points.len(), "point")];
    if let (Some(median), Some(longest)) = (series.median_millis(), series.longest_millis()) {
        parts.push(format!("median {}", time::duration(median)));
        parts.push(format!("longest {}", time::duration(longest)));
    }
    let failed = series.points.iter().filter(|point| !point.succeeded).count();
    if failed > 0 {
        parts.push(format!("{failed} failed"));
    }
    if history.objective.is_some() {
        let met = series.points.iter().filter(|point| history.is_met_by(point)).count();
        parts.push(format!("{met} within the objective"));
    }
    parts.join(", ")
}

/// The day and the minute, UTC: `2026-11-24 18:05`.
fn minute(moment: Moment) -> String {
    let text = time::rfc3339(moment);
    text.get(..16).map_or_else(|| text.clone(), |minute| minute.replace('T', " "))
}

#[cfg(test)]
mod fixture {
    use std::time::Duration;

    use terrace_domain::history::{History, Point, Series};
    use terrace_domain::run::Moment;

    const DAY: i64 = 86_400_000;

    /// Two series over a month, one of them with a failure, and an objective.
    pub(super) fn history() -> History {
        let point = |day: i64, secs: u64, succeeded: bool| Point {
            at: Moment(1_790_000_000_000 + day * DAY),
            duration_ms: secs * 1000,
            succeeded,
        };
        let zero = [
            point(0, 240, true),
            point(7, 300, true),
            point(14, 20, false),
            point(21, 200, true),
            point(28, 180, true),
        ];
        let state = [point(3, 60, true), point(17, 45, true)];
        let series = |name: &str, points: &[Point]| Series { name: name.to_owned(), points: points.to_vec() };
        History {
            title: "Recovery".to_owned(),
            objective: Some(Duration::from_mins(4)),
            series: vec![series("infrastructure", &zero), series("state", &state)],
        }
    }
}

//! The history for a terminal: a line of bars for each series, with its figures, then the last points one by one.

use std::fmt::Write;

use console::style;
use terrace_domain::history::{History, Point, Series};

use super::{figures, minute};
use crate::views::drawing::legible;
use crate::views::{table, time};

/// The bars of a line, from the lowest on.
const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// The same without any character beyond ASCII.
const BLOCKS_ASCII: [char; 8] = ['.', ',', ':', '-', '=', '+', '*', '#'];
/// More bars than this do not fit beside a name.
const BARS_MAX: usize = 60;
/// So many points are told one by one, the newest of all series.
const POINTS_MAX: usize = 12;

/// The lines, and a table of the newest points.
pub fn text(history: &History, is_utf8: bool) -> String {
    let mut text = format!("{}\n", style(legible(&history.title)).bold());
    if let Some(objective) = history.objective_millis() {
        let _ = writeln!(text, "objective: {}", time::duration(objective));
    }
    let width = history.series.iter().map(|series| legible(&series.name).chars().count()).max().unwrap_or(0);
    let longest = history.series.iter().map(|series| series.points.len().min(BARS_MAX)).max().unwrap_or(0);
    for series in &history.series {
        let skipped = series.points.len().saturating_sub(BARS_MAX);
        let bars: String = series.points[skipped..].iter().map(|point| bar(history, point, is_utf8)).collect();
        let padding = " ".repeat(longest.saturating_sub(series.points.len()));
        let _ = writeln!(
            text,
            "{:width$}  {bars}{padding}  {}",
            legible(&series.name),
            style(figures(history, series)).dim()
        );
    }
    text.push('\n');
    text.push_str(&newest(history));
    text
}

/// A point's bar: its height is the share of the longest, its colour whether it is as it should be.
fn bar(history: &History, point: &Point, is_utf8: bool) -> String {
    let blocks = if is_utf8 { BLOCKS } else { BLOCKS_ASCII };
    if !point.succeeded {
        return style(if is_utf8 { '✗' } else { 'x' }).red().to_string();
    }
    let longest = u128::from(history.longest_millis().max(1));
    let height = usize::try_from(u128::from(point.duration_ms) * 7 / longest).unwrap_or(0).min(7);
    let shape = style(blocks[height]);
    if history.is_met_by(point) { shape.green() } else { shape.yellow() }.to_string()
}

fn newest<'a>(history: &'a History) -> String {
    let of_series = |series: &'a Series| series.points.iter().map(move |point| (series.name.as_str(), point));
    let mut points: Vec<_> = history.series.iter().flat_map(of_series).collect();
    points.sort_by_key(|(_, point)| std::cmp::Reverse(point.at));
    let mut out = table::with_headings(["WHEN (UTC)", "WHAT", "TOOK", ""]);
    for (name, point) in points.into_iter().take(POINTS_MAX) {
        let how = match (point.succeeded, history.is_met_by(point)) {
            (false, _) => style("failed").red().to_string(),
            (true, false) => style("above the objective").yellow().to_string(),
            (true, true) => String::new(),
        };
        out.add_row([minute(point.at), legible(name), time::duration(point.duration_ms), how]);
    }
    table::to_text(&mut out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::views::history::fixture;

    fn plain(history: &History, is_utf8: bool) -> String {
        console::strip_ansi_codes(&text(history, is_utf8)).into_owned()
    }

    #[test]
    fn each_series_is_a_line_of_bars() {
        insta::assert_snapshot!(plain(&fixture::history(), true), @"
        Recovery
        objective: 4m 00s
        infrastructure  ▆█✗▅▅  5 points, median 3m 20s, longest 5m 00s, 1 failed, 3 within the objective
        state           ▂▂     2 points, median 45.0s, longest 1m 00s, 2 within the objective

        WHEN (UTC)        WHAT            TOOK
        2026-10-19 14:13  infrastructure  3m 00s
        2026-10-12 14:13  infrastructure  3m 20s
        2026-10-08 14:13  state           45.0s
        2026-10-05 14:13  infrastructure  20.0s   failed
        2026-09-28 14:13  infrastructure  5m 00s  above the objective
        2026-09-24 14:13  state           1m 00s
        2026-09-21 14:13  infrastructure  4m 00s
        ");
    }

    #[test]
    fn without_utf8_it_is_plain_ascii() {
        let text = plain(&fixture::history(), false);
        assert!(text.is_ascii(), "{text}");
        assert!(text.contains("+#x==  5 points"), "{text}");
    }
}

//! The history as SVG: points over time, a line through those of a series that succeeded, the objective as a level line. The document needs
//! nothing from elsewhere.

use svg::Document;
use svg::node::element::{Circle, Description, Group, Line, Path, Rectangle, Style, Text, Title};
use terrace_domain::history::{History, Point, Series};
use terrace_domain::run::Moment;
use terrace_domain::timeline::ticks;

use super::{figures, minute};
use crate::views::drawing::{Face, legible, rectangle, shortened, tenth, width};
use crate::views::time;

const MARGIN: f64 = 28.0;
const WIDTH: f64 = 1000.0;
const PLOT_HEIGHT: f64 = 280.0;
/// Left of the plot, where durations stand, and right of it.
const LEFT: f64 = 92.0;
const RIGHT: f64 = 40.0;
/// Below the plot, where dates stand.
const BELOW: f64 = 26.0;
const LEGEND_LINE: f64 = 20.0;
const MARKS_UP_MAX: usize = 7;
const MARKS_ALONG_MAX: usize = 8;
const NAME_LENGTH_MAX: usize = 60;
/// The hues of series: the classes `h-0` to `h-5`.
const HUES: usize = 6;
const DAY_MILLIS: u64 = 86_400_000;

/// The picture.
pub fn svg(history: &History) -> String {
    let top =
        MARGIN + 34.0 + LEGEND_LINE * count_of(history.series.len() + usize::from(history.objective.is_some())) + 14.0;
    let plot = Plot::new(history, top);
    let height = top + PLOT_HEIGHT + BELOW + MARGIN;
    let mut points = Group::new();
    for (at, series) in history.series.iter().enumerate() {
        points = points.add(plot.series(series, at % HUES));
    }
    let document = Document::new()
        .set("width", WIDTH)
        .set("height", tenth(height))
        .set("viewBox", (0, 0, WIDTH, tenth(height)))
        .set("role", "img")
        .add(Title::new(legible(&history.title)))
        .add(Description::new().add(svg::node::Text::new(description(history))))
        .add(Style::new(SHEET))
        .add(Rectangle::new().set("class", "h-ground").set("width", "100%").set("height", "100%"))
        .add(heading(history))
        .add(plot.axes())
        .add(plot.objective())
        .add(points);
    format!("{document}\n")
}

#[expect(clippy::cast_precision_loss, reason = "there are few series")]
fn count_of(number: usize) -> f64 {
    number as f64
}

fn description(history: &History) -> String {
    let series = history.series.iter().map(|series| format!("{}: {}.", series.name, figures(history, series)));
    legible(&series.collect::<Vec<_>>().join(" "))
}

/// The title, and a line for each series with its figures.
fn heading(history: &History) -> Group {
    let title = shortened(&legible(&history.title), NAME_LENGTH_MAX);
    let title = Text::new(title).set("class", "h-heading").set("x", MARGIN).set("y", MARGIN + 18.0);
    let mut group = Group::new().add(title);
    let mut y = MARGIN + 44.0;
    for (at, series) in history.series.iter().enumerate() {
        let name = shortened(&legible(&series.name), NAME_LENGTH_MAX);
        let right = MARGIN + 24.0 + width(&name, Face::Name);
        let dot = Circle::new().set("class", format!("h-point h-{}", at % HUES)).set("cx", MARGIN + 5.0);
        group = group
            .add(dot.set("cy", y - 4.0).set("r", 4.5))
            .add(Text::new(name).set("class", "h-name").set("x", MARGIN + 18.0).set("y", y))
            .add(Text::new(figures(history, series)).set("class", "h-small").set("x", tenth(right + 8.0)).set("y", y));
        y += LEGEND_LINE;
    }
    if let Some(objective) = history.objective_millis() {
        let line = Line::new().set("class", "h-objective").set("x1", MARGIN - 3.0).set("x2", MARGIN + 13.0);
        let word = format!("objective: {}", time::duration(objective));
        group = group
            .add(line.set("y1", y - 4.0).set("y2", y - 4.0))
            .add(Text::new(word).set("class", "h-small").set("x", MARGIN + 18.0).set("y", y));
    }
    group
}

/// The scale of a plot.
struct Plot<'a> {
    history: &'a History,
    top: f64,
    begin: Moment,
    end: Moment,
    highest: u64,
}

impl<'a> Plot<'a> {
    fn new(history: &'a History, top: f64) -> Self {
        let (begin, end) = history.extent().unwrap_or((Moment(0), Moment(0)));
        let longest = history.longest_millis().max(1);
        // A tenth more, so that no point lies on the edge.
        Self { history, top, begin, end, highest: longest.saturating_add(longest / 10).saturating_add(1) }
    }

    fn bottom(&self) -> f64 {
        self.top + PLOT_HEIGHT
    }

    /// Where a moment is; a lone one is in the middle.
    fn x(&self, moment: Moment) -> f64 {
        let whole = self.end.millis_since(self.begin);
        let share = if whole == 0 { 0.5 } else { part(moment.millis_since(self.begin), whole) };
        LEFT + 14.0 + share * (WIDTH - LEFT - RIGHT - 28.0)
    }

    fn y(&self, millis: u64) -> f64 {
        self.bottom() - part(millis, self.highest) * PLOT_HEIGHT
    }

    /// Level lines with durations, and dates below.
    fn axes(&self) -> Group {
        let frame = rectangle("h-plot", LEFT, self.top, WIDTH - LEFT - RIGHT, PLOT_HEIGHT, 8.0);
        let mut group = Group::new().add(frame);
        for millis in ticks(self.highest, MARKS_UP_MAX) {
            let y = tenth(self.y(millis));
            let line = Line::new().set("class", "h-grid").set("x1", LEFT).set("x2", WIDTH - RIGHT).set("y1", y);
            let mark =
                Text::new(time::mark(millis)).set("class", "h-mark h-up").set("x", LEFT - 10.0).set("y", y + 4.0);
            group = group.add(line.set("y2", y)).add(mark);
        }
        for (moment, mark) in self.dates() {
            let x = tenth(self.x(moment));
            let line = Line::new().set("class", "h-grid").set("x1", x).set("x2", x).set("y1", self.bottom());
            let mark = Text::new(mark).set("class", "h-mark h-along").set("x", x).set("y", self.bottom() + 19.0);
            group = group.add(line.set("y2", self.bottom() + 5.0)).add(mark);
        }
        group
    }

    /// Marks at round moments (UTC): days where there are days, minutes otherwise, with the day where it is another than the mark before.
    fn dates(&self) -> Vec<(Moment, String)> {
        if self.history.is_empty() {
            return Vec::new();
        }
        let [_, step, ..] = ticks(self.end.millis_since(self.begin), MARKS_ALONG_MAX)[..] else {
            return vec![(self.begin, minute(self.begin))];
        };
        let step = i64::try_from(step).unwrap_or(i64::MAX);
        let first = self.begin.0.div_euclid(step).saturating_add(1).saturating_mul(step);
        let round = self.begin.0.rem_euclid(step) == 0;
        let moments = round.then_some(self.begin.0).into_iter().chain((0..).map_while(|at: i64| {
            let moment = first.checked_add(step.checked_mul(at)?)?;
            (moment <= self.end.0).then_some(moment)
        }));
        let mut day_before = String::new();
        let mut marks = Vec::new();
        for moment in moments.take(2 * MARKS_ALONG_MAX).map(Moment) {
            let full = if step.unsigned_abs() < 60_000 { time::rfc3339(moment) } else { minute(moment) };
            let (day, clock) = full.split_at_checked(10).unwrap_or((&full, ""));
            let is_same_day = std::mem::replace(&mut day_before, day.to_owned()) == day;
            marks.push((
                moment,
                match step.unsigned_abs() {
                    DAY_MILLIS.. => day.to_owned(),
                    _ if is_same_day => clock.trim_matches([' ', 'T', 'Z']).to_owned(),
                    _ => full.replace('T', " ").trim_end_matches('Z').to_owned(),
                },
            ));
        }
        marks
    }

    fn objective(&self) -> Group {
        let Some(objective) = self.history.objective_millis() else { return Group::new() };
        let y = tenth(self.y(objective));
        let line = Line::new().set("class", "h-objective").set("x1", LEFT).set("x2", WIDTH - RIGHT).set("y1", y);
        let title = Title::new(format!("objective: {}", time::duration(objective)));
        Group::new().add(title).add(line.set("y2", y))
    }

    fn series(&self, series: &Series, hue: usize) -> Group {
        let place = |point: &Point| format!("{} {}", tenth(self.x(point.at)), tenth(self.y(point.duration_ms)));
        let succeeded: Vec<String> = series.points.iter().filter(|point| point.succeeded).map(place).collect();
        let mut group = Group::new();
        if succeeded.len() > 1 {
            let line =
                Path::new().set("class", format!("h-line h-line-{hue}")).set("d", format!("M{}", succeeded.join("L")));
            group = group.add(line);
        }
        for point in &series.points {
            group = group.add(self.point(point, &series.name, hue));
        }
        group
    }

    fn point(&self, point: &Point, name: &str, hue: usize) -> Group {
        let (x, y) = (tenth(self.x(point.at)), tenth(self.y(point.duration_ms)));
        let how = match (point.succeeded, self.history.is_met_by(point)) {
            (false, _) => "\nfailed",
            (true, false) => "\nabove the objective",
            (true, true) => "",
        };
        let took = time::duration(point.duration_ms);
        let title = Title::new(format!("{}: {took}\n{} UTC{how}", legible(name), minute(point.at)));
        let group = Group::new().add(title);
        if point.succeeded {
            let class = format!("h-point h-{hue}");
            return group.add(Circle::new().set("class", class).set("cx", x).set("cy", y).set("r", 4.5));
        }
        let (left, right, up, down) = (tenth(x - 4.5), tenth(x + 4.5), tenth(y - 4.5), tenth(y + 4.5));
        let cross = format!("M{left} {up}L{right} {down}M{left} {down}L{right} {up}");
        group
            .add(Circle::new().set("class", "h-touch").set("cx", x).set("cy", y).set("r", 8))
            .add(Path::new().set("class", "h-failed").set("d", cross))
    }
}

/// A part of a whole, from 0 to 1.
#[expect(clippy::cast_precision_loss, reason = "a pixel is far coarser")]
fn part(part: u64, whole: u64) -> f64 {
    part as f64 / whole as f64
}

/// The style sheet: light, and dark where the reader prefers it. Each colour is written out, without variables: some converters of SVG do
/// not know them.
const SHEET: &str = "
svg text { font-family: system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif; }
.h-ground { fill: #f8fafc; }
.h-plot { fill: #ffffff; stroke: #e2e8f0; }
.h-grid { stroke: #e2e8f0; }
.h-heading { font-size: 20px; font-weight: 600; fill: #17212f; }
.h-name { font-size: 13px; font-weight: 600; fill: #17212f; }
.h-small, .h-mark { font-size: 11px; fill: #617086; }
.h-up { text-anchor: end; } .h-along { text-anchor: middle; }
.h-line { fill: none; stroke-width: 1.6; opacity: 0.55; }
.h-point { stroke: #ffffff; stroke-width: 1.2; }
.h-0 { fill: #4a7bd9; } .h-1 { fill: #1f9d8f; } .h-2 { fill: #e07b3c; } .h-3 { fill: #8c6bd6; } .h-4 { fill: #6fa343; } .h-5 { fill: #c9962e; }
.h-line-0 { stroke: #4a7bd9; } .h-line-1 { stroke: #1f9d8f; } .h-line-2 { stroke: #e07b3c; }
.h-line-3 { stroke: #8c6bd6; } .h-line-4 { stroke: #6fa343; } .h-line-5 { stroke: #c9962e; }
.h-failed { stroke: #d64545; stroke-width: 2.4; stroke-linecap: round; }
.h-touch { fill: transparent; }
.h-objective { stroke: #c2255c; stroke-width: 1.6; stroke-dasharray: 6 4; }
@media (prefers-color-scheme: dark) {
.h-ground { fill: #0f151d; }
.h-plot { fill: #161e29; stroke: #263343; }
.h-grid { stroke: #263343; }
.h-heading, .h-name { fill: #e7edf5; }
.h-small, .h-mark { fill: #94a3b8; }
.h-point { stroke: #161e29; }
.h-objective { stroke: #ff7aa8; }
.h-failed { stroke: #ff6b6b; }
}
";

#[cfg(test)]
mod tests {
    use terrace_domain::history::History;

    use super::*;
    use crate::views::history::fixture;

    #[test]
    fn points_failures_and_the_objective_are_drawn() {
        let svg = svg(&fixture::history());
        // Six that succeeded, and two in the legend.
        assert_eq!(svg.matches("\"h-point ").count(), 6 + 2);
        assert_eq!((svg.matches("\"h-failed\"").count(), svg.matches("\"h-objective\"").count()), (1, 2));
        assert!(svg.contains("infrastructure: 5.0m") || svg.contains("infrastructure: 5m 00s"), "{svg}");
        assert!(svg.contains("above the objective"));
    }

    #[test]
    fn dates_are_round_and_not_too_many() {
        let history = fixture::history();
        let dates: Vec<_> = Plot::new(&history, 0.0).dates().into_iter().map(|(_, mark)| mark).collect();
        insta::assert_snapshot!(dates.join("\n"), @"
        2026-09-24
        2026-09-28
        2026-10-02
        2026-10-06
        2026-10-10
        2026-10-14
        2026-10-18
        ");
    }

    #[test]
    fn of_nothing_and_of_one_point_there_are_pictures() {
        let mut history = fixture::history();
        history.series.truncate(1);
        history.series[0].points.truncate(1);
        assert!(svg(&history).contains("2026-09-21 "), "{}", svg(&history));
        let nothing = History { title: "<Nothing & more>".to_owned(), objective: None, series: Vec::new() };
        let text = svg(&nothing);
        assert!(text.contains("&lt;Nothing &amp; more") && !text.contains("NaN"), "{text}");
    }
}

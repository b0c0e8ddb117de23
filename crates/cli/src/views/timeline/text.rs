//! The timeline for a terminal: a line for each lane, its bars scaled to the width, then the critical path.

use std::fmt::Write;

use console::{Style, measure_text_width, style};
use terrace_domain::run::Moment;
use terrace_domain::timeline::{Lane, Link, SpanKind, SpanOutcome, Timeline, ticks};

use super::{Picture, kinds, parts, percent, state, word};
use crate::views::drawing::{legible, shortened};
use crate::views::time;

/// More lines than this nobody reads; the critical path and the longest are shown then.
const LANES_MAX: usize = 60;
/// The longest name in full.
const NAME_WIDTH_MAX: usize = 40;
/// Bars are not made narrower for a narrow terminal.
const BARS_WIDTH_MIN: usize = 20;
/// Right of the bars: a duration, and how it ended.
const NOTE_WIDTH: usize = 24;
/// A shorter pause would be told as `0.0s`.
const TOLD_MILLIS_MIN: u64 = 100;
/// The characters between two marks of the axis, at least.
const TICK_WIDTH: usize = 12;

/// What the text is written on.
#[derive(Debug, Clone, Copy)]
pub struct Paper {
    /// How many characters fit into a line.
    pub columns: usize,
    /// Whether it takes other characters than those of ASCII.
    pub is_utf8: bool,
    /// Whether all lanes are wanted, however many there are.
    pub all: bool,
}

impl Picture<'_> {
    /// The chart, the critical path, and what is left out.
    pub fn text(&self, paper: Paper) -> String {
        let timeline = self.timeline;
        let mut text = format!("{}: {}, {}\n", style(legible(&self.heading)).bold(), self.outcome, self.extent());
        if !self.about.is_empty() {
            let _ = writeln!(text, "{}", style(legible(&self.about)).dim());
        }
        if timeline.lanes.is_empty() {
            return text;
        }
        let shown = timeline.excerpt(if paper.all { usize::MAX } else { LANES_MAX });
        let chart = Chart::new(self, &shown, paper);
        text.push_str(&chart.axis());
        for (at, group) in timeline.groups.iter().enumerate() {
            let inside: Vec<usize> = shown.iter().copied().filter(|lane| timeline.lanes[*lane].group == at).collect();
            let took = group.extent(timeline).map(|(begin, end)| time::duration(end.millis_since(begin)));
            let took = style(took.unwrap_or_default()).dim();
            let _ = writeln!(text, "{}  {took}", style(legible(&group.name)).bold());
            for lane in inside {
                text.push_str(&chart.line(&timeline.lanes[lane]));
            }
        }
        let left_out = timeline.lanes.len() - shown.len();
        if left_out > 0 {
            let _ = writeln!(text, "{left_out} more are left out, all shorter or never begun; `--all` shows them.");
        }
        let _ = writeln!(text, "\n{}", chart.legend());
        text.push_str(&self.critical_path(paper));
        text.lines().flat_map(|line| [line.trim_end(), "\n"]).collect()
    }

    /// The links of the critical path, each with when it began, how long it took, and why it came then.
    fn critical_path(&self, paper: Paper) -> String {
        let timeline = self.timeline;
        if timeline.critical.is_empty() {
            return String::new();
        }
        let mut text = format!("\n{} {}\n", style("Critical path:").bold(), self.critical_share());
        let most = if paper.all { usize::MAX } else { LANES_MAX };
        let names = timeline.critical.iter().take(most).map(|link| name(timeline, link).chars().count());
        let width = names.max().unwrap_or(0);
        for link in timeline.critical.iter().take(most) {
            let (took, share) = (time::duration(link.millis()), percent(link.millis(), timeline.millis()));
            let done = parts(&timeline.lanes[link.lane], link.bars.clone());
            let _ = write!(text, "  {took:>7}  {share:>4}  {:width$}  {done}", name(timeline, link));
            if link.waited_millis >= TOLD_MILLIS_MIN {
                let waited = format!("after {} of nothing at work on it", time::duration(link.waited_millis));
                let _ = write!(text, ", {}", style(waited).dim());
            }
            if let Some(why) = why(link) {
                let _ = write!(text, ", {}", style(why).dim());
            }
            text.push('\n');
        }
        if timeline.critical.len() > most {
            let _ = writeln!(text, "  and {} more; `--all` shows them", timeline.critical.len() - most);
        }
        text
    }
}

fn name(timeline: &Timeline, link: &Link) -> String {
    shortened(&legible(&timeline.lanes[link.lane].name), NAME_WIDTH_MAX + 10)
}

/// Why a link came when it did, where that is not plain: it waits for what it depends on, as a rule.
fn why(link: &Link) -> Option<&'static str> {
    use terrace_domain::timeline::After;
    match link.after {
        After::Place => Some("when the one before made room"),
        After::Phase => Some("after the phase before"),
        After::Start | After::Upstream | After::Itself => None,
    }
}

/// The scale of a chart.
struct Chart<'a> {
    picture: &'a Picture<'a>,
    name_width: usize,
    bars_width: usize,
    is_utf8: bool,
    /// Without colours the kinds are told by their shapes alone.
    kinds: Vec<SpanKind>,
}

impl<'a> Chart<'a> {
    fn new(picture: &'a Picture<'a>, shown: &[usize], paper: Paper) -> Self {
        let lanes = shown.iter().map(|at| picture.label(&picture.timeline.lanes[*at]));
        let name_width = lanes.map(|name| measure_text_width(&name)).max().unwrap_or(0).min(NAME_WIDTH_MAX);
        // Before the name there are the two marks, and after it and the bars two spaces each.
        let taken = 4 + name_width + 2 + 2 + NOTE_WIDTH;
        let bars_width = paper.columns.saturating_sub(taken).max(BARS_WIDTH_MIN);
        Self { picture, name_width, bars_width, is_utf8: paper.is_utf8, kinds: kinds(picture.timeline) }
    }

    /// The marks of time above the bars.
    fn axis(&self) -> String {
        let timeline = self.picture.timeline;
        let mut line = String::new();
        for millis in ticks(timeline.millis(), self.bars_width / TICK_WIDTH + 1) {
            let column = self.column(Moment(timeline.begin.0.saturating_add_unsigned(millis)));
            let mark = time::mark(millis);
            if line.len() <= column && column + mark.len() <= self.bars_width + NOTE_WIDTH {
                line.push_str(&" ".repeat(column - line.len()));
                line.push_str(&mark);
            }
        }
        format!("{}{}\n", " ".repeat(4 + self.name_width + 2), style(line).dim())
    }

    fn line(&self, lane: &Lane) -> String {
        let name = shortened(&self.picture.label(lane), NAME_WIDTH_MAX);
        let padding = " ".repeat(self.name_width.saturating_sub(measure_text_width(&name)));
        let name = if lane.is_critical { style(name).bold() } else { style(name) };
        let critical = if lane.is_critical { style("*").magenta().bold() } else { style(" ") };
        let (mark, colour) = self.mark(lane.outcome, !lane.bars.is_empty());
        let took = if lane.bars.is_empty() { String::new() } else { time::duration(lane.millis()) };
        let state = style(state(lane)).dim();
        format!("{critical} {} {name}{padding}  {}  {took:>7}  {state}\n", colour.apply_to(mark), self.cells(lane))
    }

    /// The mark and colour of an outcome: those of `terrace run show`, where they can be written.
    fn mark(&self, outcome: SpanOutcome, has_begun: bool) -> (&'static str, Style) {
        match outcome {
            SpanOutcome::Succeeded => (if self.is_utf8 { "✓" } else { "+" }, Style::new().green()),
            SpanOutcome::Failed => (if self.is_utf8 { "✗" } else { "x" }, Style::new().red()),
            SpanOutcome::Skipped => ("-", Style::new().dim()),
            SpanOutcome::Interrupted => ("!", Style::new().yellow()),
            SpanOutcome::Open if has_begun => (if self.is_utf8 { "·" } else { ":" }, Style::new()),
            SpanOutcome::Open => (" ", Style::new()),
        }
    }

    /// In each cell what took most of its time. What was done at all has a cell, however short it was.
    fn cells(&self, lane: &Lane) -> String {
        let mut cells: Vec<Option<(u64, String)>> = vec![None; self.bars_width];
        for wait in &lane.waits {
            let shape = style(if self.is_utf8 { "·" } else { "." }).dim().to_string();
            for cell in &mut cells[self.column(wait.begin)..self.column(wait.end)] {
                *cell = Some((0, shape.clone()));
            }
        }
        for bar in &lane.bars {
            let shape = self.shape(bar.kind, bar.outcome);
            let first = self.column(bar.begin).min(self.bars_width - 1);
            let last = self.column_after(bar.end).clamp(first + 1, self.bars_width);
            for (at, cell) in cells.iter_mut().enumerate().take(last).skip(first) {
                let (from, until) = (self.moment(at), self.moment(at + 1));
                let share = bar.end.min(until).millis_since(bar.begin.max(from)).max(1);
                if cell.as_ref().is_none_or(|(other, _)| *other < share) {
                    *cell = Some((share, shape.clone()));
                }
            }
        }
        cells.into_iter().map(|cell| cell.map_or_else(|| " ".to_owned(), |(_, shape)| shape)).collect()
    }

    fn shape(&self, kind: SpanKind, outcome: SpanOutcome) -> String {
        let shape = if self.is_utf8 { unicode(kind) } else { ascii(kind) };
        let shape = match outcome {
            SpanOutcome::Failed => style(shape).red(),
            SpanOutcome::Interrupted => style(shape).yellow(),
            _ => match kind {
                SpanKind::Prepare => style(shape).blue(),
                SpanKind::Plan => style(shape).cyan(),
                SpanKind::People => style(shape).yellow().dim(),
                SpanKind::Apply => style(shape).green(),
                SpanKind::Verify => style(shape).magenta(),
                SpanKind::Settle => style(shape).yellow(),
                SpanKind::Destroy => style(shape).red().dim(),
                SpanKind::Other => style(shape),
            },
        };
        shape.to_string()
    }

    fn legend(&self) -> String {
        let kinds = self.kinds.iter();
        let mut entries: Vec<_> =
            kinds.map(|kind| format!("{} {}", self.shape(*kind, SpanOutcome::Open), word(*kind))).collect();
        if self.picture.timeline.lanes.iter().any(|lane| !lane.waits.is_empty()) {
            entries.push(format!("{} could have begun", style(if self.is_utf8 { "·" } else { "." }).dim()));
        }
        entries.push(format!("{} critical path", style("*").magenta().bold()));
        entries.join("   ")
    }

    /// The cell that a moment is in; one more than the last for the end.
    fn column(&self, moment: Moment) -> usize {
        self.scaled(moment, 0)
    }

    /// The cell after the last one that what ends then has a part of.
    fn column_after(&self, moment: Moment) -> usize {
        let whole = u128::from(self.picture.timeline.millis().max(1));
        self.scaled(moment, whole - 1)
    }

    fn scaled(&self, moment: Moment, rounding: u128) -> usize {
        let timeline = self.picture.timeline;
        let (since, whole) = (u128::from(moment.millis_since(timeline.begin)), u128::from(timeline.millis().max(1)));
        let column = (since * self.bars_width as u128 + rounding) / whole;
        usize::try_from(column).unwrap_or(self.bars_width).min(self.bars_width)
    }

    /// When a cell begins.
    fn moment(&self, column: usize) -> Moment {
        let timeline = self.picture.timeline;
        let since = u128::from(timeline.millis()) * column as u128 / self.bars_width as u128;
        Moment(timeline.begin.0.saturating_add_unsigned(u64::try_from(since).unwrap_or(u64::MAX)))
    }
}

fn unicode(kind: SpanKind) -> &'static str {
    match kind {
        SpanKind::Prepare => "▒",
        SpanKind::Plan => "▓",
        SpanKind::People => "░",
        SpanKind::Apply => "█",
        SpanKind::Verify => "▚",
        SpanKind::Settle => "▤",
        SpanKind::Destroy => "╳",
        SpanKind::Other => "■",
    }
}

fn ascii(kind: SpanKind) -> &'static str {
    match kind {
        SpanKind::Prepare => "-",
        SpanKind::Plan => "=",
        SpanKind::People => "?",
        SpanKind::Apply => "#",
        SpanKind::Verify => "+",
        SpanKind::Settle => "~",
        SpanKind::Destroy => "x",
        SpanKind::Other => "o",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::views::timeline::fixture;

    fn text(timeline: &Timeline, columns: usize, is_utf8: bool, all: bool) -> String {
        let text = fixture::picture(timeline).text(Paper { columns, is_utf8, all });
        console::strip_ansi_codes(&text).into_owned()
    }

    #[test]
    fn bars_are_scaled_and_the_critical_path_is_told() {
        insta::assert_snapshot!(text(&fixture::small(), 100, true, false), @"
        Run 7: succeeded, 6 instances, 5 of them begun, 30.0s
        Begin
                     0                   10s                 20s                  30s
        dev  20.0s
        * ✓ network  ▒▒▓▓▓▓███████████                                                 8.0s
          ✗ vault    ▒▒▒▓▓▓▓▓▓                                                         4.0s  failed
        * ✓ app                      ··▒▓▓▓▓▓█████████████████                        11.0s
        staging  22.0s
          ✓ network                  ▓▓▓▓░░░░░░░░░░░░░░░░░██                          11.0s
        * ✓ app                                              ▓▓▓▓▓▓▓██████████████    10.0s
          - vault                                                                            skipped

        ▒ prepare   ▓ plan   ░ wait for people   █ apply   · could have begun   * critical path

        Critical path: 29.0s of 30.0s (97%)
             8.0s   27%  dev/network  prepare 1.0s, plan 2.0s, apply 5.0s
            11.0s   37%  dev/app      prepare 0.5s, plan 2.5s, apply 8.0s, after 1.0s of nothing at work on it
            10.0s   33%  staging/app  plan 3.0s, apply 7.0s
        ");
    }

    #[test]
    fn without_utf8_it_is_plain_ascii() {
        let text = text(&fixture::small(), 80, false, false);
        assert!(text.is_ascii(), "{text}");
        insta::assert_snapshot!(text, @"
        Run 7: succeeded, 6 instances, 5 of them begun, 30.0s
        Begin
                     0            10s           20s           30s
        dev  20.0s
        * + network  -===#######                                   8.0s
          x vault    --====                                        4.0s  failed
        * + app                ..-===############                 11.0s
        staging  22.0s
          + network            ====???????????#                   11.0s
        * + app                                 ====##########    10.0s
          - vault                                                        skipped

        - prepare   = plan   ? wait for people   # apply   . could have begun   * critical path

        Critical path: 29.0s of 30.0s (97%)
             8.0s   27%  dev/network  prepare 1.0s, plan 2.0s, apply 5.0s
            11.0s   37%  dev/app      prepare 0.5s, plan 2.5s, apply 8.0s, after 1.0s of nothing at work on it
            10.0s   33%  staging/app  plan 3.0s, apply 7.0s
        ");
    }

    #[test]
    fn no_line_is_wider_than_the_paper() {
        for columns in [90, 120, 200] {
            let text = text(&fixture::many(50), columns, true, false);
            let chart = text.split("\n\n").next().unwrap();
            assert!(chart.lines().all(|line| measure_text_width(line) <= columns), "{columns}:\n{text}");
        }
        assert!(text(&fixture::small(), 1, true, false).contains("dev"), "also where nothing fits");
    }

    #[test]
    fn of_ten_thousand_the_longest_are_shown_and_the_others_counted() {
        let timeline = fixture::many(10_000);
        let short = text(&timeline, 120, true, false);
        assert!(short.lines().count() < 2 * LANES_MAX + 20, "{}", short.lines().count());
        assert!(short.contains("9940 more are left out"), "{short}");
        assert!(text(&timeline, 120, true, true).lines().count() > 10_000);
    }

    #[test]
    fn names_cannot_move_the_cursor() {
        let text = text(&fixture::hostile(), 100, true, false);
        assert!(!text.contains('\u{1b}') && !text.contains('\r'), "{text:?}");
    }

    #[test]
    fn of_nothing_there_is_a_line() {
        let nothing = Timeline::of(&terrace_domain::timeline::Recording::new(), Moment(0));
        assert_eq!(text(&nothing, 80, true, false), "Run 7: succeeded, 0 instances, 0.0s\nBegin\n");
    }
}

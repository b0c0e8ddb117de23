//! A row of the picture: the lane's name, its waits and bars, how long it took, and how it ended.

use std::fmt::Write;

use svg::node::element::{Circle, Group, Line, Text, Title};
use terrace_domain::timeline::{Bar, Lane, SpanOutcome, Wait};

use super::{BAR_WIDTH_MIN, Sheet, name};
use crate::views::drawing::{legible, rectangle, shortened, tenth};
use crate::views::time;
use crate::views::timeline::{parts, state, word};

/// The longest word for how a lane ended.
const STATE_LENGTH_MAX: usize = 14;

impl Sheet<'_> {
    /// The row of a lane that has one.
    pub(super) fn row(&self, at: usize) -> Group {
        let lane = &self.timeline().lanes[at];
        let top = self.tops[at].unwrap_or_default();
        let middle = top + self.row_height / 2.0;
        let class = if lane.is_critical { "tl-row tl-on-path" } else { "tl-row" };
        let width = self.bars_left - super::MARGIN + super::BARS_WIDTH + super::NOTE_WIDTH;
        let baseline = tenth(middle + 4.3);
        let dot = Circle::new().set("class", format!("tl-dot tl-{}", lane.outcome.as_str()));
        let label = Text::new(name(self.picture, at)).set("class", "tl-name");
        let mut row = Group::new()
            .set("class", class)
            .add(Title::new(title(lane)))
            .add(rectangle("tl-hover", super::MARGIN, top, width, self.row_height, 4.0))
            .add(dot.set("cx", super::MARGIN + 18.0).set("cy", tenth(middle)).set("r", 3.5))
            .add(label.set("x", super::MARGIN + 30.0).set("y", baseline));
        for wait in &lane.waits {
            row = row.add(self.wait(wait, middle));
        }
        for bar in &lane.bars {
            row = row.add(self.bar(bar, middle));
        }
        let mut note = if lane.bars.is_empty() { String::new() } else { time::duration(lane.millis()) };
        if !state(lane).is_empty() {
            let _ = write!(note, " {}", shortened(&legible(state(lane)), STATE_LENGTH_MAX));
        }
        row.add(self.note(baseline, "tl-took", note.trim()))
    }

    fn bar(&self, bar: &Bar, middle: f64) -> Group {
        let (left, right) = (self.x(bar.begin), self.x(bar.end));
        let height = self.bar_height();
        let mut class = format!("tl-bar tl-{}", bar.kind.as_str());
        if matches!(bar.outcome, SpanOutcome::Failed | SpanOutcome::Interrupted | SpanOutcome::Open) {
            let _ = write!(class, " tl-bar-{}", bar.outcome.as_str());
        }
        let shape = rectangle(&class, left, middle - height / 2.0, (right - left).max(BAR_WIDTH_MIN), height, 2.0);
        let done = if bar.name == bar.kind.as_str() { word(bar.kind).to_owned() } else { legible(&bar.name) };
        let how = match bar.outcome {
            SpanOutcome::Succeeded => String::new(),
            outcome => format!(", {}", outcome.as_str()),
        };
        let path = if bar.is_critical { "\non the critical path" } else { "" };
        let from = time::duration(bar.begin.millis_since(self.timeline().begin));
        let title = format!("{done}: {}{how}\nfrom {from} on{path}", time::duration(bar.millis()));
        Group::new().add(Title::new(title)).add(shape)
    }

    fn wait(&self, wait: &Wait, middle: f64) -> Group {
        let (left, right, y) = (tenth(self.x(wait.begin)), tenth(self.x(wait.end)), tenth(middle));
        let line = Line::new().set("class", "tl-wait").set("x1", left).set("x2", right).set("y1", y).set("y2", y);
        let waited = time::duration(wait.end.millis_since(wait.begin));
        Group::new().add(Title::new(format!("could have begun {waited} earlier"))).add(line)
    }
}

fn title(lane: &Lane) -> String {
    let mut title = legible(&lane.name);
    let ended = if lane.state.is_empty() { lane.outcome.as_str() } else { &lane.state };
    let _ = write!(title, "\n{}", legible(ended));
    if !lane.bars.is_empty() {
        let _ = write!(title, " in {}\n{}", time::duration(lane.millis()), parts(lane, 0..lane.bars.len()));
    }
    if lane.waited_millis() > 0 {
        let _ = write!(title, "\nwaited {} when it could have gone on", time::duration(lane.waited_millis()));
    }
    title
}

//! What stands above the picture: what it is of, how long it took, and what colours mean.

use svg::node::element::{Group, Line, Text};
use terrace_domain::timeline::SpanOutcome;

use crate::views::drawing::{Face, legible, rectangle, shortened, tenth, width};
use crate::views::timeline::{Picture, kinds, word};

/// The heading and how much room it takes.
pub(super) struct Heading {
    pub(super) group: Group,
    pub(super) width: f64,
    pub(super) height: f64,
}

const NAME_BASELINE: f64 = 18.0;
const LINE_HEIGHT: f64 = 19.0;
const BELOW: f64 = 22.0;
const SWATCH_WIDTH: f64 = 20.0;
const SWATCH_HEIGHT: f64 = 11.0;
/// Between a swatch and its word, and between entries.
const WORD_GAP: f64 = 7.0;
const ENTRY_GAP: f64 = 20.0;
/// The longest line, in characters.
const LINE_LENGTH_MAX: usize = 130;

/// The heading; `shown` of the lanes are drawn. In a page that says already what it is of, the legend is enough.
pub(super) fn heading(picture: &Picture<'_>, shown: usize, is_alone: bool) -> Heading {
    let (mut group, mut right, mut baseline) = (Group::new(), 0.0_f64, -12.0);
    if is_alone {
        let name = shortened(&legible(&picture.heading), LINE_LENGTH_MAX);
        right = width(&name, Face::Heading);
        group = group.add(Text::new(name).set("class", "tl-heading").set("y", NAME_BASELINE));
        baseline = NAME_BASELINE + 3.0;
        for line in lines(picture, shown) {
            baseline += LINE_HEIGHT;
            right = right.max(width(&line, Face::Small));
            group = group.add(Text::new(line).set("class", "tl-small").set("y", baseline));
        }
    }
    if !picture.timeline.lanes.is_empty() {
        baseline += 28.0;
        let (legend, width) = legend(picture, baseline);
        (group, right) = (group.add(legend), right.max(width));
    }
    Heading { group, width: right, height: baseline + BELOW }
}

/// What is said below the name.
fn lines(picture: &Picture<'_>, shown: usize) -> Vec<String> {
    let mut lines = vec![format!("{}: {}", picture.outcome, picture.extent())];
    if !picture.timeline.critical.is_empty() {
        lines[0] = format!("{} \u{b7} critical path: {}", lines[0], picture.critical_share());
    }
    if !picture.about.is_empty() {
        lines.push(picture.about.clone());
    }
    let left_out = picture.timeline.lanes.len() - shown;
    if left_out > 0 {
        lines.push(format!("{left_out} instances are left out, all shorter or never begun; --all draws them"));
    }
    lines.iter().map(|line| shortened(&legible(line), LINE_LENGTH_MAX)).collect()
}

/// The legend of what is in the picture, and its width.
fn legend(picture: &Picture<'_>, baseline: f64) -> (Group, f64) {
    let timeline = picture.timeline;
    let (mut group, mut x) = (Group::new(), 0.0);
    let mut add = |swatch: Group, text: &str| {
        let place =
            Text::new(text).set("class", "tl-small").set("x", tenth(SWATCH_WIDTH + WORD_GAP)).set("y", baseline);
        let entry = Group::new().set("transform", format!("translate({} 0)", tenth(x))).add(swatch).add(place);
        group = std::mem::replace(&mut group, Group::new()).add(entry);
        x += SWATCH_WIDTH + WORD_GAP + width(text, Face::Small) + ENTRY_GAP;
    };
    let top = baseline - 9.5;
    let swatch = |class: &str| Group::new().add(rectangle(class, 0.0, top, SWATCH_WIDTH, SWATCH_HEIGHT, 2.0));
    for kind in kinds(timeline) {
        add(swatch(&format!("tl-bar tl-{}", kind.as_str())), word(kind));
    }
    let bars = || timeline.lanes.iter().flat_map(|lane| &lane.bars);
    for outcome in [SpanOutcome::Failed, SpanOutcome::Interrupted] {
        if bars().any(|bar| bar.outcome == outcome) {
            add(swatch(&format!("tl-bar tl-other tl-bar-{}", outcome.as_str())), outcome.as_str());
        }
    }
    if timeline.lanes.iter().any(|lane| !lane.waits.is_empty()) {
        let y = tenth(baseline - 4.0);
        let line = Line::new().set("class", "tl-wait").set("x1", 0).set("x2", SWATCH_WIDTH).set("y1", y).set("y2", y);
        add(Group::new().add(line), "could have begun");
    }
    if !timeline.critical.is_empty() {
        add(swatch("tl-critical"), "critical path");
    }
    (group, x - ENTRY_GAP)
}

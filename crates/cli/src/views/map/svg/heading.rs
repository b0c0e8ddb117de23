//! What stands above the map: the estate's name, what is on it, and what colours and cells mean.

use svg::node::element::{Group, Rectangle, Text};
use terrace_domain::map::Status;

use super::{Drawing, sheet};
use crate::views::drawing::{Face, legible, rectangle, shortened, tenth, width};
use crate::views::map::sign;

/// The heading and how much room it takes.
pub(super) struct Heading {
    pub(super) group: Group,
    pub(super) height: f64,
}

const NAME_BASELINE: f64 = 20.0;
const ABOUT_BASELINE: f64 = 42.0;
const LEGEND_TOP: f64 = 60.0;
const LINE: f64 = 22.0;
const BELOW: f64 = 16.0;
/// Between a swatch and its word, and between entries.
const WORD_GAP: f64 = 7.0;
const ENTRY_GAP: f64 = 20.0;
/// How many owners the legend names: the colours repeat soon after.
const OWNERS_MAX: usize = 24;
/// How long the names of environments may be together, in characters.
const ORDER_LENGTH_MAX: usize = 90;

/// The heading, in so much room; in a page that says already what it is of, the legend is enough.
pub(super) fn heading(drawing: &Drawing<'_>, room: f64) -> Heading {
    let chart = drawing.scene.chart;
    let (mut group, mut y) = (Group::new(), 4.0);
    if drawing.is_alone {
        group = group
            .add(Text::new(chart.map.estate.name.as_str()).set("class", "heading").set("y", NAME_BASELINE))
            .add(Text::new(chart.figures()).set("class", "small").set("y", ABOUT_BASELINE));
        y = LEGEND_TOP;
    }
    let mut entries: Vec<(Group, f64)> = Vec::new();
    for (owner, hue) in drawing.owners().take(OWNERS_MAX) {
        entries.push(dot(&shortened(&legible(owner), 32), &format!("hue-{hue}")));
    }
    let owners = drawing.owners().count();
    if owners > OWNERS_MAX {
        entries.push(words(&format!("and {} more owners, colours repeat", owners - OWNERS_MAX)));
    } else if owners > sheet::HUES {
        entries.push(words("colours repeat"));
    }
    (group, y) = flow(group, entries, y, room);
    (group, y) = flow(group, statuses(drawing), y, room);
    Heading { group, height: y + BELOW }
}

/// The statuses that are in the picture.
fn statuses(drawing: &Drawing<'_>) -> Vec<(Group, f64)> {
    let chart = drawing.scene.chart;
    let seen = |status: Status| {
        chart.stacks().any(|stack| chart.environments.iter().any(|name| chart.map.status(&stack.name, name) == status))
    };
    let environments: Vec<&str> = chart.environments.iter().map(|name| name.as_str()).collect();
    let order = words(&shortened(&format!("Cells, from the left: {}", environments.join(", ")), ORDER_LENGTH_MAX));
    let seen: Vec<_> = Status::ALL.into_iter().filter(|status| seen(*status)).map(cell).collect();
    if seen.is_empty() { seen } else { std::iter::once(order).chain(seen).collect() }
}

fn dot(word: &str, class: &str) -> (Group, f64) {
    let group = Group::new()
        .add(
            Rectangle::new()
                .set("class", format!("dot {class}"))
                .set("y", 3)
                .set("width", 10)
                .set("height", 10)
                .set("rx", 5),
        )
        .add(label(word, 10.0 + WORD_GAP));
    (group, 10.0 + WORD_GAP + width(word, Face::Small))
}

fn cell(status: Status) -> (Group, f64) {
    let word = status.in_words();
    let group = Group::new()
        .set("class", format!("cell {}", status.as_str()))
        .add(rectangle("cell-box", 0.0, 1.0, 14.0, 14.0, 4.0))
        .add(Text::new(sign(status, true)).set("class", "sign").set("x", 7).set("y", 11.5))
        .add(label(word, 14.0 + WORD_GAP));
    (group, 14.0 + WORD_GAP + width(word, Face::Small))
}

fn words(word: &str) -> (Group, f64) {
    (Group::new().add(label(word, 0.0)), width(word, Face::Small))
}

fn label(word: &str, x: f64) -> Text {
    Text::new(word).set("class", "small").set("x", x).set("y", 12)
}

/// Puts entries into lines; returns the top of the line after.
fn flow(mut group: Group, entries: Vec<(Group, f64)>, top: f64, room: f64) -> (Group, f64) {
    if entries.is_empty() {
        return (group, top);
    }
    let (mut x, mut y) = (0.0, top);
    for (entry, width) in entries {
        if x > 0.0 && x + width > room {
            (x, y) = (0.0, y + LINE);
        }
        group = group.add(entry.set("transform", format!("translate({} {})", tenth(x), tenth(y))));
        x += width + ENTRY_GAP;
    }
    (group, y + LINE)
}

//! What stands above the picture: the estate's name, what is drawn, and what colours and dashes mean.

use svg::node::element::{Group, Line, Text};

use crate::views::drawing::{Face, rectangle, tenth, width};

/// The heading and how much room it takes.
pub(super) struct Heading {
    pub(super) group: Group,
    pub(super) width: f64,
    pub(super) height: f64,
}

const NAME_BASELINE: f64 = 18.0;
const ABOUT_BASELINE: f64 = 40.0;
const LEGEND_BASELINE: f64 = 68.0;
/// Below the last line.
const BELOW: f64 = 26.0;
const SWATCH_WIDTH: f64 = 22.0;
const SWATCH_HEIGHT: f64 = 12.0;
/// Between a swatch and its word, and between entries.
const WORD_GAP: f64 = 7.0;
const ENTRY_GAP: f64 = 22.0;

/// The heading, with a legend of what the picture has: marks of a change, dashed edges.
pub(super) fn heading(name: &str, about: &str, marked: bool, dashed: bool, margin: f64) -> Heading {
    let mut group = Group::new()
        .set("transform", format!("translate({margin} {margin})"))
        .add(Text::new(name).set("class", "heading").set("y", NAME_BASELINE))
        .add(Text::new(about).set("class", "small").set("y", ABOUT_BASELINE));
    let mut right = width(name, Face::Heading).max(width(about, Face::Small));
    let mut height = ABOUT_BASELINE;
    if marked || dashed {
        let mut x = 0.0;
        for (class, word) in [("affected", "affected"), ("downstream", "downstream")].iter().filter(|_| marked) {
            group = group.add(entry(x, class, word));
            x += entry_width(word);
        }
        if dashed {
            group = group.add(dashed_entry(x, "depends_on, reads no output"));
            x += entry_width("depends_on, reads no output");
        }
        right = right.max(x - ENTRY_GAP);
        height = LEGEND_BASELINE;
    }
    Heading { group, width: right, height: height + BELOW }
}

fn entry_width(word: &str) -> f64 {
    SWATCH_WIDTH + WORD_GAP + width(word, Face::Small) + ENTRY_GAP
}

fn entry(x: f64, class: &str, word: &str) -> Group {
    let swatch = rectangle("box", x, LEGEND_BASELINE - 10.0, SWATCH_WIDTH, SWATCH_HEIGHT, 4.0);
    Group::new().set("class", format!("node {class}")).add(swatch).add(legend_word(x, word))
}

fn dashed_entry(x: f64, word: &str) -> Group {
    let y = LEGEND_BASELINE - 4.0;
    let line = Line::new().set("class", "line").set("x1", x).set("x2", x + SWATCH_WIDTH).set("y1", y).set("y2", y);
    Group::new().set("class", "edge dashed").add(line).add(legend_word(x, word))
}

fn legend_word(x: f64, word: &str) -> Text {
    Text::new(word).set("class", "small").set("x", tenth(x + SWATCH_WIDTH + WORD_GAP)).set("y", LEGEND_BASELINE)
}

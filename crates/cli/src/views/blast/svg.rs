//! The radius as a picture: rings around what is changed, each a band of its own — the stacks that read what changes, those further down, the
//! technology and the business capabilities that rest on them. Bands are cut from circles around one point, and what is in one stands in it from
//! top to bottom with its name beside it, so that names never lie over each other. The document needs nothing from elsewhere.

mod rings;
mod sheet;

use std::collections::HashMap;

use svg::Document;
use svg::node::element::{Circle, Description, Group, Path, Rectangle, Style, Text, Title};
use terrace_domain::blast::{Level, Reason};

use super::{Report, counts_in_words, plain, share_in_words};
use crate::views::count;
use crate::views::drawing::{Face, legible, rectangle, shortened, tenth, width};
use rings::{Dot, Kind, Ring};

const MARGIN: f64 = 32.0;
/// Between two things in a ring: the more there are, the closer they stand.
const GAP_MIN: f64 = 34.0;
const GAP_MAX: f64 = 60.0;
/// What the fullest ring may take of the height, as long as things stand not too close.
const COLUMN: f64 = 400.0;
/// Right of a dot's text, before the next ring begins.
const BESIDE: f64 = 34.0;
/// What stands in a ring may lie so far from its middle, as a share of the radius: beyond, the ring runs almost level.
const ARC_MAX: f64 = 0.80;
const RING_WIDTH_MIN: f64 = 150.0;
/// The innermost ring's outer edge, at least.
const CORE_MIN: f64 = 120.0;
/// Beside a ring's title.
const TITLE_MARGIN: f64 = 14.0;
/// How much wider the letters of titles are.
const BOLD: f64 = 1.15;
const DOT_RADIUS: f64 = 6.0;
const NAME_LENGTH_MAX: usize = 34;
const REASONS_MAX: usize = 6;
const REASON_LENGTH_MAX: usize = 120;
const LINE: f64 = 20.0;

/// Where a ring lies.
struct Band {
    /// From the point that all rings are around.
    inner: f64,
    outer: f64,
    /// Where its dots are.
    track: f64,
}

impl Report<'_> {
    /// The picture.
    pub fn svg(&self) -> String {
        let rings = self.rings();
        let gap = gap(&rings);
        let half = rings.iter().map(|ring| extent(ring.dots.len(), gap)).fold(130.0, f64::max) + 50.0;
        let bands = bands(&rings, gap, half);
        let heading = self.heading();
        let reach = bands.last().map_or(CORE_MIN, |band| band.outer);
        let top = MARGIN + heading.height;
        let (centre_x, centre_y) = (MARGIN, top + half);
        let width = (MARGIN + reach + MARGIN).max(heading.width + 2.0 * MARGIN).ceil();
        let height = (top + 2.0 * half + MARGIN).ceil();
        let places = places(&rings, &bands, (centre_x, centre_y), gap);
        Document::new()
            .set("width", width)
            .set("height", height)
            .set("viewBox", (0, 0, width, height))
            .set("role", "img")
            .add(Title::new(legible(&self.title())))
            .add(Description::new().add(svg::node::Text::new(description(&rings))))
            .add(Style::new(sheet::SHEET))
            .add(Rectangle::new().set("class", "br-ground").set("width", "100%").set("height", "100%"))
            .add(heading.group)
            .add(frame(&rings, &bands, (centre_x, centre_y), (top, half)))
            .add(ways(&rings, &places))
            .add(dots(&rings, &places))
            .to_string()
            + "\n"
    }

    fn title(&self) -> String {
        let actual = &self.radius.actual;
        format!("Blast radius of {} in {}: {}", self.subject(), actual.environment, actual.level)
    }

    fn heading(&self) -> Heading {
        let actual = &self.radius.actual;
        let subject =
            format!("Blast radius of {} in {}", shortened(&self.subject(), NAME_LENGTH_MAX), actual.environment);
        let about = format!(
            "{}: {}; could reach {}",
            counts_in_words(actual.counts),
            share_in_words(actual.share),
            count(self.radius.potential.instances.len(), "instance"),
        );
        let pill_left = width(&subject, Face::Heading) + 16.0;
        let level = actual.level.as_str();
        let pill_width = width(level, Face::Name) + 24.0;
        let pill = rectangle("br-pill", pill_left, 1.0, pill_width, 24.0, 12.0);
        let word =
            Text::new(level).set("class", "br-level").set("x", tenth(pill_left + pill_width / 2.0)).set("y", 18.0);
        let mut group = Group::new()
            .set("transform", format!("translate({MARGIN} {MARGIN})"))
            .add(Text::new(plain(&subject)).set("class", "br-heading").set("y", 20.0))
            .add(Group::new().set("class", level_class(actual.level)).add(pill).add(word))
            .add(Text::new(about.clone()).set("class", "br-small").set("y", 44.0));
        let mut right = (pill_left + pill_width).max(width(&about, Face::Small));
        let mut y = 44.0;
        for reason in actual.reasons.iter().take(REASONS_MAX) {
            y += LINE;
            let (line, end) = reason_line(reason, y);
            right = right.max(end);
            group = group.add(line);
        }
        if actual.reasons.len() > REASONS_MAX {
            y += LINE;
            let more = format!("and {} more", actual.reasons.len() - REASONS_MAX);
            group = group.add(Text::new(more).set("class", "br-small").set("x", 18.0).set("y", y));
        }
        Heading { group, width: right, height: y + 26.0 }
    }
}

/// What the picture shows, for those who do not see it.
fn description(rings: &[Ring]) -> String {
    let told = rings.iter().map(|ring| {
        let names: Vec<&str> = ring.dots.iter().map(|dot| dot.name.as_str()).collect();
        format!("{}: {}.", ring.kind.title(), names.join(", "))
    });
    legible(&told.collect::<Vec<_>>().join(" "))
}

/// What stands above the rings, and how much room it takes.
struct Heading {
    group: Group,
    width: f64,
    height: f64,
}

fn reason_line(reason: &Reason, y: f64) -> (Group, f64) {
    let text = format!("{}: {}", reason.rule, shortened(&plain(&reason.text), REASON_LENGTH_MAX));
    let end = 18.0 + width(&text, Face::Small);
    let dot = Circle::new().set("class", "br-pill").set("cx", 6.0).set("cy", y - 4.0).set("r", 4.5);
    let words = Text::new(text).set("class", "br-reason").set("x", 18.0).set("y", y);
    (Group::new().set("class", level_class(reason.level)).add(dot).add(words), end)
}

fn level_class(level: Level) -> &'static str {
    match level {
        Level::None => "br-none",
        Level::Low => "br-low",
        Level::Medium => "br-medium",
        Level::High => "br-high",
        Level::Critical => "br-critical",
    }
}

/// How far apart things stand.
#[expect(clippy::cast_precision_loss, reason = "a ring has a few dozen dots")]
fn gap(rings: &[Ring]) -> f64 {
    let most = rings.iter().map(|ring| ring.dots.len()).max().unwrap_or(1);
    (COLUMN / most.max(1) as f64).clamp(GAP_MIN, GAP_MAX)
}

/// Half the height of so many dots.
#[expect(clippy::cast_precision_loss, reason = "a ring has a few dozen dots")]
fn extent(dots: usize, gap: f64) -> f64 {
    dots.saturating_sub(1) as f64 * gap / 2.0
}

/// The bands, wide enough for what stands in them, and for their titles at the top of the picture.
fn bands(rings: &[Ring], gap: f64, half: f64) -> Vec<Band> {
    let mut bands = Vec::new();
    let mut inner: f64 = 0.0;
    for ring in rings {
        let title = width(ring.kind.title(), Face::Small) * BOLD + 2.0 * TITLE_MARGIN;
        let names = ring.dots.iter().map(Dot::width).fold(0.0, f64::max);
        let track = if inner == 0.0 { 46.0_f64 } else { inner + 30.0 }.max(extent(ring.dots.len(), gap) / ARC_MAX);
        let least = if inner == 0.0 { CORE_MIN } else { (at_top(inner, half) + title).hypot(half) };
        let outer = (track + DOT_RADIUS + 8.0 + names + BESIDE).max(least).max(inner + RING_WIDTH_MIN);
        bands.push(Band { inner, outer, track });
        inner = outer;
    }
    bands
}

/// How far right of the middle a circle crosses the picture's top.
fn at_top(radius: f64, half: f64) -> f64 {
    (radius * radius - half * half).max(0.0).sqrt()
}

/// Where each dot is, by ring and place in it.
#[expect(clippy::cast_precision_loss, reason = "a ring has a few dozen dots")]
fn places(rings: &[Ring], bands: &[Band], (centre_x, centre_y): (f64, f64), gap: f64) -> Vec<Vec<(f64, f64)>> {
    let all = rings.iter().zip(bands).map(|(ring, band)| {
        let top = -extent(ring.dots.len(), gap);
        let at = |at: usize| {
            let y = top + at as f64 * gap;
            (centre_x + (band.track * band.track - y * y).max(0.0).sqrt(), centre_y + y)
        };
        (0..ring.dots.len()).map(at).collect()
    });
    all.collect()
}

/// The bands, the outermost first, and their titles.
fn frame(rings: &[Ring], bands: &[Band], (centre_x, centre_y): (f64, f64), (top, half): (f64, f64)) -> Group {
    let mut group = Group::new();
    for (ring, band) in rings.iter().zip(bands).rev() {
        group = group.add(sector(ring.kind.class(), (centre_x, centre_y), band.outer, half));
    }
    for (ring, band) in rings.iter().zip(bands) {
        // The innermost lies as a whole below the picture's top.
        let is_core = band.inner == 0.0;
        let x = centre_x + if is_core { TITLE_MARGIN } else { at_top(band.inner, half) + TITLE_MARGIN };
        let y = if is_core { centre_y - half.min(band.outer) + 44.0 } else { top + 18.0 };
        let title = Text::new(ring.kind.title()).set("class", "br-title").set("x", tenth(x)).set("y", tenth(y));
        group = group.add(title);
    }
    group
}

/// The part of a disc right of its middle, cut off above and below.
fn sector(class: &str, (x, y): (f64, f64), radius: f64, half: f64) -> Path {
    let rise = half.min(radius);
    let run = (radius * radius - rise * rise).max(0.0).sqrt();
    let (left, right, radius) = (tenth(x), tenth(x + run), tenth(radius));
    let (top, bottom) = (tenth(y - rise), tenth(y + rise));
    Path::new()
        .set("class", format!("br-band {class}"))
        .set("d", format!("M{left} {top}H{right}A{radius} {radius} 0 0 1 {right} {bottom}H{left}Z"))
}

/// A dot, and where it is.
type Placed<'a> = (&'a Dot, (f64, f64));

/// A curve from each dot to each that it reaches.
fn ways(rings: &[Ring], places: &[Vec<(f64, f64)>]) -> Group {
    let known: HashMap<(Kind, &str), Placed<'_>> = rings
        .iter()
        .zip(places)
        .flat_map(|(ring, places)| {
            ring.dots
                .iter()
                .zip(places)
                .filter_map(|(dot, place)| Some(((ring.kind, dot.id.as_deref()?), (dot, *place))))
        })
        .collect();
    let mut group = Group::new();
    for (ring, places) in rings.iter().zip(places) {
        for (dot, to) in ring.dots.iter().zip(places) {
            for (kind, from) in &dot.from {
                let Some((from, place)) = known.get(&(*kind, from.as_str())) else { continue };
                let data = if *kind == ring.kind { around(*place, *to) } else { across(from, *place, *to) };
                group = group.add(Path::new().set("class", "br-way").set("d", data));
            }
        }
    }
    group
}

/// From behind a name to a dot further out.
fn across(from: &Dot, (from_x, from_y): (f64, f64), (to_x, to_y): (f64, f64)) -> String {
    let begin = (from_x + DOT_RADIUS + 8.0 + from.width() + 5.0).min(to_x);
    let middle = f64::midpoint(begin, to_x);
    let (begin, middle, end) = (tenth(begin), tenth(middle), tenth(to_x - DOT_RADIUS));
    let (from_y, to_y) = (tenth(from_y), tenth(to_y));
    format!("M{begin} {from_y}C{middle} {from_y} {middle} {to_y} {end} {to_y}")
}

/// Between two dots of one ring, on its inner side.
fn around((from_x, from_y): (f64, f64), (to_x, to_y): (f64, f64)) -> String {
    let aside = tenth(from_x.min(to_x) - 16.0 - (from_y - to_y).abs() / 8.0);
    let (from_x, to_x) = (tenth(from_x - DOT_RADIUS), tenth(to_x - DOT_RADIUS));
    let (from_y, to_y) = (tenth(from_y), tenth(to_y));
    format!("M{from_x} {from_y}C{aside} {from_y} {aside} {to_y} {to_x} {to_y}")
}

fn dots(rings: &[Ring], places: &[Vec<(f64, f64)>]) -> Group {
    let mut group = Group::new();
    for (ring, places) in rings.iter().zip(places) {
        for (dot, (x, y)) in ring.dots.iter().zip(places) {
            group = group.add(one_dot(ring.kind, dot, (*x, *y)));
        }
    }
    group
}

fn one_dot(kind: Kind, dot: &Dot, (x, y): (f64, f64)) -> Group {
    let left = x + DOT_RADIUS + 8.0;
    let baseline = if dot.about.is_empty() { y + 4.5 } else { y - 1.0 };
    let mut group = Group::new()
        .set("class", format!("br-node {}", kind.class()))
        .add(Title::new(legible(&dot.title)))
        .add(
            Rectangle::new()
                .set("class", "br-halo")
                .set("x", tenth(left - 3.0))
                .set("y", tenth(y - 14.0))
                .set("rx", 4)
                .set("width", tenth(dot.width() + 6.0))
                .set("height", 29),
        )
        .add(Circle::new().set("class", "br-dot").set("cx", tenth(x)).set("cy", tenth(y)).set("r", DOT_RADIUS))
        .add(Text::new(dot.shown_name()).set("class", "br-name").set("x", tenth(left)).set("y", tenth(baseline)));
    if !dot.about.is_empty() {
        group = group
            .add(Text::new(dot.shown_about()).set("class", "br-small").set("x", tenth(left)).set("y", tenth(y + 12.0)));
    }
    group
}

#[cfg(test)]
mod tests;

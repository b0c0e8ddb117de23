//! The map as SVG: layers as bands, from what the business can do down to resources, lines between them, owners as colours and what came of
//! deliveries as cells. The document needs nothing from elsewhere: no scripts, fonts or links.

mod heading;
mod sheet;

use std::collections::BTreeMap;
use std::fmt::Write;

use svg::Document;
use svg::node::element::{Description, Group, Path, Rectangle, Style, TSpan, Text, Title};
use terrace_domain::estate::{Capability, Stack};
use terrace_domain::map::{Node, Status};

use super::scene::{self, Card, Chip, End, Line, Panel, PictureError, Scene, StackBox};
use super::{Chart, in_words, sign};
use crate::views::count;
use crate::views::drawing::{Face, legible, rectangle, tenth, width};
use crate::views::graph::layout::Route;

pub(super) use sheet::SHEET;

const MARGIN: f64 = 28.0;
/// Inside of bands, left and right.
const INSET: f64 = 22.0;
/// How wide a picture is at least, so that its heading has room.
const WIDTH_MIN: f64 = 760.0;

/// Where things stand, and who has which colour.
pub(super) struct Drawing<'a> {
    scene: Scene<'a>,
    /// The hue of each owner, in order of their names.
    hues: BTreeMap<&'a str, usize>,
    /// The width inside of bands.
    inside: f64,
    /// Whether the picture says itself what it is of, and stands in no page.
    is_alone: bool,
}

impl Chart<'_> {
    /// The picture, unless it would be too large.
    pub fn svg(&self) -> Result<String, PictureError> {
        Ok(format!("{}\n", Drawing::new(self, true)?.document()))
    }
}

impl<'a> Drawing<'a> {
    /// Lays a picture out.
    pub(super) fn new(chart: &'a Chart<'a>, is_alone: bool) -> Result<Self, PictureError> {
        let scene = Scene::new(chart)?;
        let mut hues: BTreeMap<&str, usize> = BTreeMap::new();
        let capabilities = scene.cards.iter().map(|card| Node::Capability(card.capability));
        let stacks = scene.boxes.iter().flat_map(|one| one.stacks.iter().map(|stack| Node::Stack(stack)));
        hues.extend(capabilities.chain(stacks).filter_map(|node| Some((chart.map.owner(node)?, 0))));
        for (hue, number) in hues.values_mut().zip(0..) {
            *hue = number % sheet::HUES;
        }
        let inside = scene.size.width.max(WIDTH_MIN);
        Ok(Self { scene, hues, inside, is_alone })
    }

    pub(super) fn scene(&self) -> &Scene<'a> {
        &self.scene
    }

    /// The owners who are in the picture, with their hues.
    pub(super) fn owners(&self) -> impl Iterator<Item = (&'a str, usize)> {
        self.hues.iter().map(|(owner, hue)| (*owner, *hue))
    }

    /// The picture.
    pub(super) fn document(&self) -> Document {
        let width = (self.inside + 2.0 * (MARGIN + INSET)).ceil();
        let heading = heading::heading(self, width - 2.0 * MARGIN);
        let top = MARGIN + heading.height;
        let height = (top + self.scene.size.height + MARGIN).ceil();
        let map = self.scene.chart.map;
        let drawing = Group::new()
            .set("transform", format!("translate({} {})", MARGIN + INSET, tenth(top)))
            .add(self.bands())
            .add(self.centred(self.lines()))
            .add(self.band_names())
            .add(self.centred(self.nodes()));
        Document::new()
            .set("width", width)
            .set("height", height)
            .set("viewBox", (0, 0, width, height))
            .set("class", "map")
            .set("role", if self.is_alone { "img" } else { "group" })
            .add(Title::new(format!("What {} can do, and what that rests on", map.estate.name)))
            .add(Description::new().add(svg::node::Text::new(self.description())))
            .add(Style::new(SHEET))
            .add(Rectangle::new().set("class", "ground").set("width", "100%").set("height", "100%"))
            .add(heading.group.set("transform", format!("translate({MARGIN} {MARGIN})")))
            .add(drawing)
    }

    /// What the picture shows, for those who do not see it.
    fn description(&self) -> String {
        let chart = self.scene.chart;
        let mut text = format!("{}.", chart.figures());
        for card in &self.scene.cards {
            let needs: Vec<&str> = chart.needs(card.capability).iter().map(|one| one.name.as_str()).collect();
            let stacks = chart.serving(card.capability).len();
            let owner = chart.map.owner(Node::Capability(card.capability)).unwrap_or("nobody");
            let _ =
                write!(text, " {}, a {} of {owner}", card.capability.name, in_words(Node::Capability(card.capability)));
            if !needs.is_empty() {
                let _ = write!(text, ", needs {}", needs.join(", "));
            }
            let _ = write!(
                text,
                "; {} it.",
                if stacks == 1 { "1 stack serves".to_owned() } else { format!("{stacks} stacks serve") }
            );
        }
        legible(&text)
    }

    /// What is narrower than the bands stands in their middle.
    fn centred(&self, group: Group) -> Group {
        group.set("transform", format!("translate({} 0)", tenth((self.inside - self.scene.size.width) / 2.0)))
    }

    fn bands(&self) -> Group {
        self.scene.bands.iter().enumerate().fold(Group::new(), |group, (number, band)| {
            let class = format!("band band-{number}");
            group.add(rectangle(&class, -INSET, band.top, self.inside + 2.0 * INSET, band.height, 16.0))
        })
    }

    /// The names of bands, over the lines.
    fn band_names(&self) -> Group {
        self.scene.bands.iter().enumerate().fold(Group::new(), |group, (number, band)| {
            let beside = width(band.name, Face::Name) * 1.12 + 12.0;
            let names = Group::new()
                .set("class", format!("names-{number}"))
                .add(text(band.name, "band-name", 0.0, band.top + 24.0))
                .add(text(band.about.as_str(), "small", beside, band.top + 24.0));
            group.add(names)
        })
    }

    fn lines(&self) -> Group {
        self.scene.lines.iter().fold(Group::new().set("class", "lines"), |group, line| group.add(self.line(line)))
    }

    fn line(&self, line: &Line) -> Group {
        let (from, to) = (self.capability_at(line.from), self.capability_at(line.to));
        let (class, title) = match line.to {
            End::Card(_) => ("line needs", format!("{from} needs {to}")),
            End::Box(_) => ("line serves", format!("stacks serve {from}")),
        };
        let mut group = Group::new().set("class", class);
        if !self.is_alone {
            group = group.set("data-from", id(line.from)).set("data-to", id(line.to));
        }
        group.add(Title::new(title)).add(Path::new().set("d", path_of(&line.route)))
    }

    fn capability_at(&self, end: End) -> &str {
        match end {
            End::Card(at) => self.scene.cards[at].capability.name.as_str(),
            End::Box(at) => self.scene.boxes[at].capability.map_or("no capability", |one| one.name.as_str()),
        }
    }

    fn nodes(&self) -> Group {
        let mut group = Group::new();
        for (at, card) in self.scene.cards.iter().enumerate() {
            group = group.add(self.node("card", &format!("c{at}"), &self.capability_title(card), self.card(card)));
        }
        let mut stack = 0;
        for (at, one) in self.scene.boxes.iter().enumerate() {
            group = group.add(self.stack_box(at, one, &mut stack));
        }
        let mut chip = 0;
        for panel in &self.scene.panels {
            group = group.add(self.panel(panel, &mut chip));
        }
        group
    }

    /// Something with a title; in a page it can be pointed at and focused.
    fn node(&self, class: &str, id: &str, title: &str, content: Group) -> Group {
        let mut group = content.set("class", format!("node {class}"));
        if !self.is_alone {
            group = group.set("data-id", id).set("tabindex", 0).set("role", "button");
        }
        // The title comes first, or some readers do not find it.
        let mut whole = Group::new();
        std::mem::swap(whole.get_children_mut(), group.get_children_mut());
        let mut titled = group.add(Title::new(title));
        titled.get_children_mut().append(whole.get_children_mut());
        titled
    }

    fn card(&self, card: &Card<'_>) -> Group {
        let frame = card.frame;
        let node = Node::Capability(card.capability);
        let owner = self.scene.chart.map.owner(node);
        let class = if card.statuses.is_empty() { "box hollow" } else { "box" };
        let dot = rectangle(&self.owner_class("dot", owner), scene::CARD_PADDING, 35.0, 10.0, 10.0, 5.0);
        let mut group = at(frame.x, frame.y)
            .add(rectangle(class, 0.0, 0.0, frame.width, frame.height, 11.0))
            .add(rectangle(&self.owner_class("stripe", owner), 0.0, 12.0, 4.0, frame.height - 24.0, 2.0))
            .add(text(scene::short(card.capability.name.as_str()), "name", scene::CARD_PADDING, 25.0))
            .add(dot)
            .add(text(scene::owner_in(self.scene.chart, node), "small", scene::CARD_PADDING + 16.0, 44.0));
        if !card.statuses.is_empty() {
            let x = frame.width - scene::CARD_PADDING - self.scene.cells_width();
            group = group.add(self.cells(&card.statuses, x, 32.0));
        }
        group
    }

    /// A cell for each environment.
    fn cells(&self, statuses: &[Status], x: f64, y: f64) -> Group {
        let cell = self.scene.cell;
        let has_signs = cell > scene::CELL_SMALL;
        let mut group = Group::new().set("class", "cells");
        for (number, status) in statuses.iter().enumerate() {
            let left = x + scene::float(number) * cell;
            let class = format!("cell {} e{number}", status.as_str());
            let mut one = Group::new().set("class", class).add(rectangle(
                "cell-box",
                left,
                y,
                cell - 2.0,
                14.0,
                if has_signs { 4.0 } else { 2.0 },
            ));
            if has_signs {
                one = one.add(text(sign(*status, true), "sign", left + (cell - 2.0) / 2.0, y + 10.5));
            }
            group = group.add(one);
        }
        group
    }

    fn owner_class(&self, class: &str, owner: Option<&str>) -> String {
        match owner.and_then(|owner| self.hues.get(owner)) {
            Some(hue) => format!("{class} hue-{hue}"),
            None => format!("{class} unowned"),
        }
    }

    fn stack_box(&self, number: usize, one: &StackBox<'_>, first: &mut usize) -> Group {
        let frame = one.frame;
        let class = if one.capability.is_none() { "box strays" } else { "box" };
        let mut group = at(frame.x, frame.y)
            .set("class", "stacks")
            .add(rectangle(class, 0.0, 0.0, frame.width, frame.height, 11.0))
            .add(text(scene::heading(one), "box-name", scene::BOX_PADDING, 22.0));
        if !self.is_alone {
            group = group.set("data-box", format!("b{number}"));
        }
        if self.scene.is_folded {
            return group.add(self.folded(one));
        }
        for (place, stack) in one.stacks.iter().enumerate() {
            let (column, line) = (place / one.lines, place % one.lines);
            let x = scene::BOX_PADDING + scene::float(column) * (one.column + 14.0);
            let y = scene::BOX_HEAD + scene::float(line) * scene::LINE_HEIGHT;
            let node = self.stack_line(stack, x, y, one.column);
            group = group.add(self.node("stack", &format!("s{first}"), &self.stack_title(stack), node));
            *first += 1;
        }
        group
    }

    fn stack_line(&self, stack: &Stack, x: f64, y: f64, width: f64) -> Group {
        let chart = self.scene.chart;
        let owner = chart.map.owner(Node::Stack(stack));
        let statuses: Vec<Status> = chart.environments.iter().map(|name| chart.map.status(&stack.name, name)).collect();
        let cells = width - self.scene.cells_width();
        let resources: Option<u64> =
            chart.environments.iter().filter_map(|name| chart.resources_in(&stack.name, name)).reduce(|a, b| a + b);
        let mut group = at(x, y)
            .add(rectangle("touch", -6.0, 0.0, width + 12.0, scene::LINE_HEIGHT, 6.0))
            .add(rectangle(&self.owner_class("stripe", owner), 0.0, 5.0, 4.0, scene::LINE_HEIGHT - 10.0, 2.0))
            .add(text(scene::short(stack.name.as_str()), "stack-name", scene::LINE_LEFT, 16.0))
            .add(self.cells(&statuses, cells, 5.0));
        if let Some(number) = resources {
            group = group.add(text(number.to_string(), "number", cells - 6.0, 16.0));
        }
        group
    }

    /// How many of the stacks are how, as a bar for each environment.
    fn folded(&self, one: &StackBox<'_>) -> Group {
        let chart = self.scene.chart;
        let mut group = Group::new();
        let names = chart.environments.iter().map(|name| width(name.as_str(), Face::Small));
        let names = names.fold(0.0, f64::max).min(one.frame.width / 2.0);
        for (number, environment) in chart.environments.iter().enumerate() {
            let mut counts: BTreeMap<Status, usize> = BTreeMap::new();
            for stack in &one.stacks {
                *counts.entry(chart.map.status(&stack.name, environment)).or_default() += 1;
            }
            let y = scene::BOX_HEAD + 4.0 + scene::FOLDED_LINE * scene::float(number);
            let title: Vec<String> =
                counts.iter().map(|(status, count)| format!("{count} {}", status.in_words())).collect();
            let mut bar = Group::new()
                .set("class", format!("bar e{number}"))
                .add(Title::new(format!("{environment}: {}", title.join(", "))))
                .add(text(environment.as_str(), "small", scene::BOX_PADDING, y + 9.0));
            let mut x = scene::BOX_PADDING + names + 10.0;
            let room = one.frame.width - x - scene::BOX_PADDING;
            for (status, count) in counts {
                let share = room * scene::float(count) / scene::float(one.stacks.len());
                let part = Group::new().set("class", format!("cell {}", status.as_str()));
                bar = bar.add(part.add(rectangle("cell-box", x, y, share, 10.0, 2.0)));
                x += share;
            }
            group = group.add(bar);
        }
        group
    }

    fn panel(&self, panel: &Panel, first: &mut usize) -> Group {
        let frame = panel.frame;
        let mut group = Group::new()
            .set("class", "panel")
            .add(rectangle("box", frame.x, frame.y, frame.width, frame.height, 11.0))
            .add(text(panel.title(), "box-name", frame.x + 14.0, frame.y + 21.0));
        for chip in &panel.chips {
            group = group.add(self.node("chip", &format!("t{first}"), &self.chip_title(chip), self.chip(chip)));
            *first += 1;
        }
        group
    }

    fn chip(&self, chip: &Chip) -> Group {
        let frame = chip.frame;
        let class = if chip.counts.is_empty() { "chip-box declared" } else { "chip-box" };
        let mut about = Text::new("").set("class", "small").set("x", 12).set("y", 34);
        let parts = chip.about(self.scene.chart);
        if parts.is_empty() {
            about = Text::new("declared").set("class", "small").set("x", 12).set("y", 34);
        }
        for (place, (environment, part)) in parts.into_iter().enumerate() {
            let words = if place == 0 { part } else { format!(" \u{b7} {part}") };
            about = about.add(TSpan::new(words).set("class", format!("e{environment}")));
        }
        at(frame.x, frame.y)
            .add(rectangle(class, 0.0, 0.0, frame.width, frame.height, 9.0))
            .add(text(chip.name(), "name", 12.0, 19.0))
            .add(text(chip.total().to_string(), "count", frame.width - 12.0, 19.0))
            .add(about)
    }

    fn capability_title(&self, card: &Card<'_>) -> String {
        let chart = self.scene.chart;
        let mut title = self.title_of(Node::Capability(card.capability), card.capability.description.as_deref());
        let needs = chart.needs(card.capability);
        if !needs.is_empty() {
            let names: Vec<&str> = needs.iter().map(|one: &&Capability| one.name.as_str()).collect();
            let _ = write!(title, "\nneeds {}", names.join(", "));
        }
        let stacks = chart.serving(card.capability).len();
        let _ = write!(title, "\n{} of its own", count(stacks, "stack"));
        for (environment, status) in chart.environments.iter().zip(&card.statuses) {
            let _ = write!(title, "\n{environment}: {}", status.in_words());
        }
        title
    }

    fn stack_title(&self, stack: &Stack) -> String {
        let chart = self.scene.chart;
        let mut title = self.title_of(Node::Stack(stack), stack.description.as_deref());
        let _ = write!(title, "\nfolder: {}", legible(stack.folder.as_str()));
        for environment in &chart.environments {
            let status = chart.map.status(&stack.name, environment).in_words();
            let _ = write!(title, "\n{environment}: {status}");
            let Some(recorded) = chart.map.recorded(&stack.name, environment) else { continue };
            if let Some(release) = recorded.release {
                let _ = write!(title, ", release {}", release.short());
            }
            if let Some(resources) = recorded.resources {
                let number = usize::try_from(resources).unwrap_or(usize::MAX);
                let _ = write!(title, ", {}", count(number, "resource"));
            }
        }
        title
    }

    fn title_of(&self, node: Node<'_>, description: Option<&str>) -> String {
        let owner = self.scene.chart.map.owner(node).unwrap_or("nobody");
        let mut title = format!("{}\n{} of {}", node.name(), in_words(node), legible(owner));
        if let Some(description) = description {
            let _ = write!(title, "\n{}", legible(description));
        }
        title
    }

    #[expect(clippy::unused_self, reason = "one of the titles")]
    fn chip_title(&self, chip: &Chip) -> String {
        let words = if chip.counts.is_empty() { "declared in code" } else { "in all environments that are shown" };
        format!("{}\n{} {words}", legible(&chip.kind), chip.total())
    }
}

/// How a page calls a card or a box of stacks.
fn id(end: End) -> String {
    match end {
        End::Card(at) => format!("c{at}"),
        End::Box(at) => format!("b{at}"),
    }
}

fn at(x: f64, y: f64) -> Group {
    Group::new().set("transform", format!("translate({} {})", tenth(x), tenth(y)))
}

fn text(content: impl Into<String>, class: &str, x: f64, y: f64) -> Text {
    let content: String = content.into();
    Text::new(content).set("class", class).set("x", tenth(x)).set("y", tenth(y))
}

/// The route as SVG path data. Curves leave and arrive upright.
fn path_of(route: &Route) -> String {
    let mut data = format!("M{} {}", tenth(route[0].x), tenth(route[0].y));
    for (at, pair) in route.windows(2).enumerate() {
        let (from, to) = (pair[0], pair[1]);
        if at % 2 == 1 || (from.x - to.x).abs() < 0.05 {
            let _ = write!(data, "L{} {}", tenth(to.x), tenth(to.y));
        } else {
            let middle = tenth(f64::midpoint(from.y, to.y));
            let _ =
                write!(data, "C{} {middle} {} {middle} {} {}", tenth(from.x), tenth(to.x), tenth(to.x), tenth(to.y));
        }
    }
    data
}

#[cfg(test)]
mod tests;

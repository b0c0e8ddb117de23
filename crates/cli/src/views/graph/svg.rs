//! The picture as SVG: a box for each stack, layers from left to right, and a curve for each dependency. The document needs nothing
//! from elsewhere: no scripts, fonts or links.

mod legend;
mod sheet;

use std::collections::BTreeMap;
use std::fmt::Write;

use svg::Document;
use svg::node::element::{Definitions, Group, Marker, Path, Rectangle, Style, Text, Title};
use terrace_domain::name::CapabilityName;

use super::layout::{Frame, LayoutError, Route, Size, layout};
use super::{Edge, Mark, Node, Picture};
use crate::views::count;
use crate::views::drawing::{Face, legible, rectangle, shortened, tenth, width};

/// The most stacks that a picture may have: it takes a second to lay out, and is hard to read long before.
pub const STACKS_MAX: usize = 1_500;

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub enum SvgError {
    /// There are more stacks than [`STACKS_MAX`].
    #[error("a picture has at most {STACKS_MAX} stacks, these are {0}")]
    TooManyStacks(usize),
    /// The stacks' dependencies cannot be laid out.
    #[error("no picture can be made of these stacks: {0}")]
    Layout(String),
}

impl From<LayoutError> for SvgError {
    fn from(error: LayoutError) -> Self {
        Self::Layout(error.to_string())
    }
}

const MARGIN: f64 = 32.0;
const BOX_HEIGHT: f64 = 48.0;
const BOX_WIDTH_MIN: f64 = 110.0;
/// Left of a box's text, where the stripe is, and right of it.
const TEXT_LEFT: f64 = 20.0;
const TEXT_RIGHT: f64 = 16.0;
/// The longest text in a box, in characters: longer ones lose their middle, and are whole in the box's title.
const NAME_LENGTH_MAX: usize = 44;
const ABOUT_LENGTH_MAX: usize = 52;
/// How long the arrow heads are.
const ARROW_LENGTH: f64 = 8.0;

impl Picture<'_> {
    /// The picture, unless it would be too large.
    pub fn svg(&self) -> Result<String, SvgError> {
        if self.nodes.len() > STACKS_MAX {
            return Err(SvgError::TooManyStacks(self.nodes.len()));
        }
        let sizes: Vec<Size> = self.nodes.iter().map(box_size).collect();
        let ends: Vec<(usize, usize)> = self.edges.iter().map(|edge| (edge.from, edge.to)).collect();
        let layout = layout(&sizes, &ends)?;

        let heading = self.heading();
        let top = MARGIN + heading.height;
        let width = (layout.size.width.max(heading.width) + 2.0 * MARGIN).ceil();
        let height = (top + layout.size.height + MARGIN).ceil();

        let mut edges = Group::new();
        for (edge, route) in self.edges.iter().zip(&layout.routes) {
            edges = edges.add(self.edge_group(edge, route));
        }
        let hues = self.hues();
        let mut nodes = Group::new();
        for (node, frame) in self.nodes.iter().zip(&layout.frames) {
            nodes = nodes.add(node_group(node, frame, &hues));
        }
        let drawing = Group::new().set("transform", format!("translate({MARGIN} {top})")).add(edges).add(nodes);
        let document = Document::new()
            .set("width", width)
            .set("height", height)
            .set("viewBox", (0, 0, width, height))
            .set("role", "img")
            .add(Title::new(format!("Stacks of {} and what they depend on", self.estate.name)))
            .add(Style::new(sheet::SHEET))
            .add(arrows())
            .add(Rectangle::new().set("class", "ground").set("width", "100%").set("height", "100%"))
            .add(heading.group)
            .add(drawing);
        Ok(format!("{document}\n"))
    }

    fn heading(&self) -> legend::Heading {
        let about = format!("{}, {}", count(self.nodes.len(), "stack"), dependencies(self.edges.len()));
        let dashed = self.edges.iter().any(|edge| edge.dependency.outputs.is_empty());
        legend::heading(self.estate.name.as_str(), &about, self.marked, dashed, MARGIN)
    }

    /// A hue for each capability, in order of their names; none where colours mean what a change does.
    fn hues(&self) -> BTreeMap<&str, usize> {
        if self.marked {
            return BTreeMap::new();
        }
        let mut hues: BTreeMap<&str, usize> =
            self.nodes.iter().filter_map(|node| Some((node.stack.capability.as_ref()?.as_str(), 0))).collect();
        for (hue, number) in hues.values_mut().zip(0..) {
            *hue = number % sheet::HUES;
        }
        hues
    }

    fn edge_group(&self, edge: &Edge<'_>, route: &Route) -> Group {
        let (from, to) = (&self.nodes[edge.from], &self.nodes[edge.to]);
        let mut class = "edge".to_owned();
        let carries = from.mark.is_some() && to.mark.is_some();
        if carries {
            class.push_str(" carries");
        }
        if edge.dependency.outputs.is_empty() {
            class.push_str(" dashed");
        }
        let arrow = if carries { "url(#arrow-carries)" } else { "url(#arrow)" };
        let path = path_of(route);
        Group::new()
            .set("class", class)
            .add(Title::new(edge_title(edge, from.name(), to.name())))
            .add(Path::new().set("class", "touch").set("d", path.as_str()))
            .add(Path::new().set("class", "line").set("d", path).set("marker-end", arrow))
    }
}

fn dependencies(number: usize) -> String {
    if number == 1 { "1 dependency".to_owned() } else { format!("{number} dependencies") }
}

fn edge_title(edge: &Edge<'_>, from: &str, to: &str) -> String {
    let mut title = format!("{from} \u{2192} {to}");
    if !edge.dependency.outputs.is_empty() {
        let outputs: Vec<&str> = edge.dependency.outputs.iter().map(String::as_str).collect();
        let _ = write!(title, "\nreads {}", legible(&outputs.join(", ")));
    }
    if edge.dependency.explicit {
        title.push_str("\nnamed in depends_on");
    }
    title
}

/// Capability and owner; the folder, where the stack has neither.
fn about(node: &Node<'_>) -> String {
    let parts: Vec<&str> = node.stack.capability.iter().map(CapabilityName::as_str).chain(node.owner).collect();
    let text = if parts.is_empty() { node.stack.folder.to_string() } else { parts.join(" \u{b7} ") };
    shortened(&legible(&text), ABOUT_LENGTH_MAX)
}

fn name(node: &Node<'_>) -> String {
    shortened(node.name(), NAME_LENGTH_MAX)
}

fn box_size(node: &Node<'_>) -> Size {
    let text = width(&name(node), Face::Name).max(width(&about(node), Face::Small));
    Size { width: (TEXT_LEFT + text + TEXT_RIGHT).max(BOX_WIDTH_MIN).ceil(), height: BOX_HEIGHT }
}

fn node_title(node: &Node<'_>) -> String {
    let mut title = format!("{}\nfolder: {}", node.name(), legible(node.stack.folder.as_str()));
    if let Some(capability) = &node.stack.capability {
        let _ = write!(title, "\ncapability: {capability}");
    }
    if let Some(owner) = node.owner {
        let _ = write!(title, "\nowner: {}", legible(owner));
    }
    if let Some(wave) = node.wave {
        let _ = write!(title, "\nwave: {wave}");
    }
    if let Some(mark) = node.mark {
        let _ = write!(title, "\n{}", mark.as_str());
    }
    if let Some(description) = &node.stack.description {
        let _ = write!(title, "\n\n{}", legible(description));
    }
    title
}

fn node_group(node: &Node<'_>, frame: &Frame, hues: &BTreeMap<&str, usize>) -> Group {
    let class = match node.mark {
        None => "node",
        Some(Mark::Affected) => "node affected",
        Some(Mark::Downstream) => "node downstream",
    };
    let hue = node.stack.capability.as_ref().and_then(|name| hues.get(name.as_str()));
    let stripe = hue.map_or("stripe".to_owned(), |hue| format!("stripe hue-{hue}"));
    Group::new()
        .set("class", class)
        .set("transform", format!("translate({} {})", tenth(frame.x), tenth(frame.y)))
        .add(Title::new(node_title(node)))
        .add(rectangle("box", 0.0, 0.0, frame.width, frame.height, 9.0))
        .add(rectangle(&stripe, 8.0, 10.0, 4.0, frame.height - 20.0, 2.0))
        .add(Text::new(name(node)).set("class", "name").set("x", TEXT_LEFT).set("y", 21))
        .add(Text::new(about(node)).set("class", "small").set("x", TEXT_LEFT).set("y", 37))
}

/// The route as SVG path data. Curves leave and arrive level; the last ends where the arrow head begins.
fn path_of(route: &Route) -> String {
    let mut data = format!("M{} {}", tenth(route[0].x), tenth(route[0].y));
    let last = route.len() - 1;
    for (at, pair) in route.windows(2).enumerate() {
        let (from, mut to) = (pair[0], pair[1]);
        if at + 1 == last {
            to.x -= ARROW_LENGTH;
        }
        if at % 2 == 1 || (from.y - to.y).abs() < 0.05 {
            let _ = write!(data, "L{} {}", tenth(to.x), tenth(to.y));
        } else {
            let middle = tenth(f64::midpoint(from.x, to.x));
            let _ =
                write!(data, "C{middle} {} {middle} {} {} {}", tenth(from.y), tenth(to.y), tenth(to.x), tenth(to.y));
        }
    }
    data
}

fn arrows() -> Definitions {
    let arrow = |id: &str| {
        Marker::new()
            .set("id", id)
            .set("viewBox", "0 0 8 8")
            .set("refX", 0.5)
            .set("refY", 4)
            .set("markerWidth", ARROW_LENGTH)
            .set("markerHeight", ARROW_LENGTH)
            .set("markerUnits", "userSpaceOnUse")
            .set("orient", "auto")
            .add(Path::new().set("class", id).set("d", "M0 0.5L7.5 4L0 7.5L1.8 4Z"))
    };
    Definitions::new().add(arrow("arrow")).add(arrow("arrow-carries"))
}

#[cfg(test)]
mod tests;

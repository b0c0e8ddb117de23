//! What is drawn, how large it is, and in which row it stands: cards of capabilities, a box of stacks for each of them, a panel of resources for
//! each cloud. Owns the folding of very many stacks. Knows no SVG.

use std::collections::{BTreeMap, BTreeSet};

use terrace_domain::estate::{Capability, Layer, Stack};
use terrace_domain::map::{Cloud, Node, Resources, Status};
use terrace_domain::name::StackName;

use super::rows::{Placed, Rows, place};
use super::{Chart, plain};
use crate::views::count;
use crate::views::drawing::{Face, legible, shortened, width};
use crate::views::graph::layout::{Frame, Size};

/// With more stacks, each capability's are one box with a count: more lines cannot be read, and are a large document.
pub(super) const STACKS_MAX: usize = 400;
/// The most capabilities that a picture may have, and needs between them: it takes a second to lay out, and is hard to read long before.
const CAPABILITIES_MAX: usize = 300;
const NEEDS_MAX: usize = 1_500;
/// A row that is wider becomes two.
const ROW_WIDTH_MAX: f64 = 1_700.0;
/// Beside each other, boxes take that much more.
const BESIDE: f64 = 18.0;
/// The longest name, in characters: longer ones lose their middle, and are whole in the title.
pub(super) const NAME_LENGTH_MAX: usize = 40;
/// A box with more stacks has them in columns.
const LINES_MAX: usize = 12;
/// The same where boxes stand in columns themselves.
const COLUMN_LINES_MAX: usize = 30;

pub(super) const CARD_HEIGHT: f64 = 60.0;
pub(super) const CARD_PADDING: f64 = 16.0;
const CARD_WIDTH_MIN: f64 = 150.0;
pub(super) const BOX_HEAD: f64 = 34.0;
pub(super) const LINE_HEIGHT: f64 = 24.0;
pub(super) const BOX_PADDING: f64 = 12.0;
/// Left of a stack's name, where its owner's stripe is.
pub(super) const LINE_LEFT: f64 = 12.0;
/// What stands above the stacks of a box is so much wider than small letters.
const HEADING_SHARE: f64 = 1.2;
/// Between a name and what stands right of it.
const APART: f64 = 14.0;
/// What a number of resources takes.
pub(super) const NUMBER_WIDTH: f64 = 30.0;
/// A line of a box of folded stacks, and how wide its bar is at least, with its name.
pub(super) const FOLDED_LINE: f64 = 18.0;
const FOLDED_WIDTH: f64 = 180.0;
/// A band's name above its rows, and below them.
pub(super) const BAND_HEAD: f64 = 40.0;
pub(super) const BAND_FOOT: f64 = 18.0;
/// Between bands.
const BAND_GAP: f64 = 44.0;
/// A cell for an environment: its width, and its width where there are so many that they have no signs.
pub(super) const CELL: f64 = 16.0;
pub(super) const CELL_SMALL: f64 = 8.0;
const CELLS_WITH_SIGNS_MAX: usize = 6;
pub(super) const CHIP_HEIGHT: f64 = 44.0;
const CHIP_GAP: f64 = 10.0;
const CHIP_WIDTH_MIN: f64 = 96.0;
pub(super) const PANEL_HEAD: f64 = 32.0;
const PANEL_PADDING: f64 = 14.0;
const PANEL_GAP: f64 = 22.0;
/// How many types of a cloud are shown: those of which there are most.
const CHIPS_MAX: usize = 40;

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub enum PictureError {
    /// There are more capabilities than can be drawn.
    #[error("a picture has at most {CAPABILITIES_MAX} capabilities, these are {0}")]
    Capabilities(usize),
    /// There are more needs than can be drawn.
    #[error("a picture has at most {NEEDS_MAX} needs between capabilities, these are {0}")]
    Needs(usize),
}

/// All that is drawn.
pub(super) struct Scene<'a> {
    pub(super) chart: &'a Chart<'a>,
    /// Business first.
    pub(super) cards: Vec<Card<'a>>,
    pub(super) boxes: Vec<StackBox<'a>>,
    pub(super) panels: Vec<Panel>,
    pub(super) lines: Vec<Line>,
    pub(super) bands: Vec<Band>,
    /// Whether stacks are folded.
    pub(super) is_folded: bool,
    pub(super) size: Size,
    /// The width of an environment's cell.
    pub(super) cell: f64,
}

pub(super) struct Card<'a> {
    pub(super) capability: &'a Capability,
    /// Of all that serves it; empty where no stack does.
    pub(super) statuses: Vec<Status>,
    pub(super) frame: Frame,
}

/// The stacks of a capability.
pub(super) struct StackBox<'a> {
    /// `None`: they serve none.
    pub(super) capability: Option<&'a Capability>,
    pub(super) stacks: Vec<&'a Stack>,
    pub(super) frame: Frame,
    /// How wide a column is, and how many lines it has.
    pub(super) column: f64,
    pub(super) lines: usize,
    /// How many columns of the band it takes, where boxes do not stand in one row.
    span: usize,
}

/// The resources of a cloud.
pub(super) struct Panel {
    /// `None`: of no cloud, or of one that is not known.
    pub(super) cloud: Option<Cloud>,
    pub(super) chips: Vec<Chip>,
    /// How many types are left out.
    pub(super) more: usize,
    pub(super) frame: Frame,
}

/// The resources of one type.
pub(super) struct Chip {
    pub(super) kind: String,
    /// In each environment; where nothing was delivered, none.
    pub(super) counts: Vec<u64>,
    /// In the code.
    pub(super) declared: u64,
    pub(super) frame: Frame,
}

/// A line from above to below, between cards and boxes.
pub(super) struct Line {
    pub(super) from: End,
    pub(super) to: End,
    pub(super) route: crate::views::graph::layout::Route,
}

/// An end of a line, by position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Card(usize),
    Box(usize),
}

pub(super) struct Band {
    pub(super) name: &'static str,
    pub(super) about: String,
    pub(super) top: f64,
    pub(super) height: f64,
}

impl<'a> Scene<'a> {
    /// Lays the map out in a picture; its left upper corner is (0, 0).
    pub(super) fn new(chart: &'a Chart<'a>) -> Result<Self, PictureError> {
        let is_folded = chart.part.stacks.len() > STACKS_MAX;
        let environments = chart.environments.len();
        let cell = if environments <= CELLS_WITH_SIGNS_MAX { CELL } else { CELL_SMALL };
        let mut scene = Self {
            chart,
            cards: cards(chart),
            boxes: boxes(chart),
            panels: panels(chart),
            lines: Vec::new(),
            bands: Vec::new(),
            is_folded,
            size: Size { width: 0.0, height: 0.0 },
            cell,
        };
        if scene.cards.len() > CAPABILITIES_MAX {
            return Err(PictureError::Capabilities(scene.cards.len()));
        }
        let needs = scene.needs();
        if needs.len() > NEEDS_MAX {
            return Err(PictureError::Needs(needs.len()));
        }
        scene.measure();
        scene.arrange(&needs);
        Ok(scene)
    }

    /// How wide the cells of all environments are together.
    pub(super) fn cells_width(&self) -> f64 {
        float(self.chart.environments.len()) * self.cell
    }

    /// The needs between cards, by position.
    fn needs(&self) -> Vec<(usize, usize)> {
        let positions: BTreeMap<&str, usize> =
            self.cards.iter().map(|card| card.capability.name.as_str()).zip(0..).collect();
        let needs = self
            .cards
            .iter()
            .enumerate()
            .flat_map(|(from, card)| card.capability.needs.iter().map(move |name| (from, name)));
        let drawn: BTreeSet<(usize, usize)> =
            needs.filter_map(|(from, name)| Some((from, *positions.get(name.as_str())?))).collect();
        drawn.into_iter().filter(|(from, to)| from != to).collect()
    }

    fn measure(&mut self) {
        let cells = self.cells_width();
        for card in &mut self.cards {
            let cells = if card.statuses.is_empty() { 0.0 } else { cells + APART };
            let owner = width(&owner_in(self.chart, Node::Capability(card.capability)), Face::Small) + 16.0;
            let text = width(&short(card.capability.name.as_str()), Face::Name).max(owner + cells);
            card.frame.width = (2.0 * CARD_PADDING + text).max(CARD_WIDTH_MIN).ceil();
            card.frame.height = CARD_HEIGHT;
        }
        for one in &mut self.boxes {
            let head = width(&heading(one), Face::Small) * HEADING_SHARE;
            if self.is_folded {
                one.frame.width = (2.0 * BOX_PADDING + head.max(FOLDED_WIDTH)).ceil();
                one.frame.height = BOX_HEAD + FOLDED_LINE * float(self.chart.environments.len()) + BOX_PADDING;
                continue;
            }
            let names = one.stacks.iter().map(|stack| width(&short(stack.name.as_str()), Face::Small) * 1.1);
            one.column = LINE_LEFT + names.fold(0.0, f64::max) + APART + NUMBER_WIDTH + cells;
            one.lines = balanced(one.stacks.len());
            let columns = float(one.stacks.len().div_ceil(one.lines.max(1)));
            let lines = columns * one.column + (columns - 1.0) * APART;
            one.frame.width = (2.0 * BOX_PADDING + lines.max(head)).ceil();
            one.frame.height = BOX_HEAD + float(one.lines) * LINE_HEIGHT + BOX_PADDING / 2.0;
        }
    }

    /// Gives cards, boxes and panels their places.
    fn arrange(&mut self, needs: &[(usize, usize)]) {
        let business = self.cards.iter().filter(|card| card.capability.layer == Layer::Business).count();
        let mut levels = self.levels(needs);
        let mut row = 0;
        let mut firsts = Vec::new();
        let mut rows_of_cards = vec![0; self.cards.len()];
        for layer in [0..business, business..self.cards.len()] {
            firsts.push(row);
            row = spread(&mut levels, layer, &self.cards, &mut rows_of_cards, row);
        }
        firsts.push(row);
        let in_one_row = self.boxes.iter().map(|one| one.frame.width + BESIDE).sum::<f64>() <= ROW_WIDTH_MAX;
        let count = if in_one_row && !self.boxes.is_empty() { row + 1 } else { row };

        let cards = self.cards.iter().map(|card| card.frame).zip(rows_of_cards);
        let boxes = self.boxes.iter().filter(|_| in_one_row).map(|one| (one.frame, row));
        let placed: Vec<Placed> = cards
            .chain(boxes)
            .map(|(frame, row)| Placed { size: Size { width: frame.width, height: frame.height }, row })
            .collect();
        let ends = self.ends(needs, in_one_row);
        let position = |end: End| match end {
            End::Card(at) => at,
            End::Box(at) => self.cards.len() + at,
        };
        // A technology capability that needs a business capability is drawn below it all the same.
        let edges: Vec<(usize, usize)> = ends
            .iter()
            .map(|(from, to)| (position(*from), position(*to)))
            .map(|(from, to)| if placed[from].row < placed[to].row { (from, to) } else { (to, from) })
            .collect();
        let mut before = vec![0.0; count];
        for first in firsts.iter().filter(|first| **first < count) {
            before[*first] = BAND_HEAD + if *first > 0 { BAND_FOOT + BAND_GAP - 30.0 } else { 0.0 };
        }
        let rows = place(&placed, &edges, &before);
        self.take(&rows, ends);
        self.band("Business capabilities", capability_figures(&self.cards[..business]), &rows, firsts[0]..firsts[1]);
        self.band("Technology capabilities", capability_figures(&self.cards[business..]), &rows, firsts[1]..firsts[2]);
        self.size.width = rows.width;
        if in_one_row {
            self.band("Stacks", self.stack_figures(), &rows, firsts[2]..count);
        } else {
            self.arrange_boxes();
        }
        self.arrange_panels();
        let bottom = self.bands.last().map_or(0.0, |band| band.top + band.height);
        self.size.height = bottom;
    }

    /// How far below the first of its layer a card stands: below all of its layer that need it.
    fn levels(&self, needs: &[(usize, usize)]) -> Vec<usize> {
        let is_inside =
            |(from, to): &&(usize, usize)| self.cards[*from].capability.layer == self.cards[*to].capability.layer;
        let mut open = vec![0_usize; self.cards.len()];
        for (_, to) in needs.iter().filter(is_inside) {
            open[*to] += 1;
        }
        let mut levels = vec![0; self.cards.len()];
        let mut ready: Vec<usize> = (0..open.len()).filter(|at| open[*at] == 0).collect();
        while let Some(at) = ready.pop() {
            for (_, to) in needs.iter().filter(is_inside).filter(|(from, _)| *from == at) {
                levels[*to] = levels[*to].max(levels[at] + 1);
                open[*to] -= 1;
                if open[*to] == 0 {
                    ready.push(*to);
                }
            }
        }
        levels
    }

    /// Gives boxes one column each, of the same width, and several only where they would be very high. Returns that width.
    fn narrow(&mut self) -> f64 {
        let widest = self.boxes.iter().map(|one| one.frame.width);
        if self.is_folded {
            return widest.fold(0.0, f64::max);
        }
        let heads = self.boxes.iter().map(|one| width(&heading(one), Face::Small) * HEADING_SHARE);
        let column = self.boxes.iter().map(|one| one.column).chain(heads).fold(0.0, f64::max).ceil();
        for one in &mut self.boxes {
            one.span = one.stacks.len().div_ceil(COLUMN_LINES_MAX).max(1);
            one.lines = one.stacks.len().div_ceil(one.span);
            one.column = column;
            one.frame.height = BOX_HEAD + float(one.lines) * LINE_HEIGHT + BOX_PADDING / 2.0;
        }
        column + 2.0 * BOX_PADDING
    }

    /// Boxes that do not fit into a row, in columns of the same width, each next one where there is most room. They have no lines: those
    /// would be long, and lead past others.
    fn arrange_boxes(&mut self) {
        let top = self.bands.last().map_or(0.0, |band| band.top + band.height + BAND_GAP);
        let widest = self.narrow();
        let room = self.size.width.max(ROW_WIDTH_MAX);
        let mut heights = Vec::new();
        while heights.is_empty() || float(heights.len() + 1) * (widest + BESIDE) - BESIDE <= room {
            heights.push(0.0_f64);
        }
        for one in &mut self.boxes {
            let span = one.span.min(heights.len());
            let below = |first: usize| heights[first..first + span].iter().copied().fold(0.0, f64::max);
            let column = (0..=heights.len() - span).min_by(|a, b| below(*a).total_cmp(&below(*b))).unwrap_or(0);
            let y = below(column);
            one.frame.x = float(column) * (widest + BESIDE);
            one.frame.y = top + BAND_HEAD + y;
            one.frame.width = float(span) * (widest + BESIDE) - BESIDE;
            heights[column..column + span].fill(y + one.frame.height + BESIDE);
        }
        let used = float(heights.iter().filter(|height| **height > 0.0).count());
        let whole = used * (widest + BESIDE) - BESIDE;
        // The cards stand in the middle above wider boxes.
        let aside = ((whole - self.size.width) / 2.0).max(0.0);
        self.cards.iter_mut().for_each(|card| card.frame.x += aside);
        self.lines.iter_mut().flat_map(|line| &mut line.route).for_each(|point| point.x += aside);
        let centre = ((self.size.width - whole) / 2.0).max(0.0);
        self.boxes.iter_mut().for_each(|one| one.frame.x += centre);
        self.size.width = self.size.width.max(whole);
        let height = heights.into_iter().fold(0.0, f64::max) - BESIDE;
        let about = self.stack_figures();
        self.bands.push(Band { name: "Stacks", about, top, height: BAND_HEAD + height + BAND_FOOT });
    }

    /// The ends of all lines: needs, and what serves.
    fn ends(&self, needs: &[(usize, usize)], with_boxes: bool) -> Vec<(End, End)> {
        let positions: BTreeMap<&str, usize> =
            self.cards.iter().map(|card| card.capability.name.as_str()).zip(0..).collect();
        let served = self
            .boxes
            .iter()
            .filter(|_| with_boxes)
            .enumerate()
            .filter_map(|(at, one)| Some((End::Card(positions[one.capability?.name.as_str()]), End::Box(at))));
        needs.iter().map(|(from, to)| (End::Card(*from), End::Card(*to))).chain(served).collect()
    }

    fn take(&mut self, rows: &Rows, ends: Vec<(End, End)>) {
        let (cards, boxes) = rows.frames.split_at(self.cards.len());
        self.cards.iter_mut().zip(cards).for_each(|(card, frame)| card.frame = *frame);
        // Boxes that do not fit into a row come later.
        self.boxes.iter_mut().zip(boxes).for_each(|(one, frame)| one.frame = *frame);
        let lines = ends.into_iter().zip(&rows.routes);
        self.lines = lines.map(|((from, to), route)| Line { from, to, route: route.clone() }).collect();
    }

    fn band(&mut self, name: &'static str, about: String, rows: &Rows, of: std::ops::Range<usize>) {
        if of.is_empty() {
            return;
        }
        let top = rows.spans[of.start].0 - BAND_HEAD;
        let (last, height) = rows.spans[of.end - 1];
        self.bands.push(Band { name, about, top, height: last + height + BAND_FOOT - top });
    }

    fn stack_figures(&self) -> String {
        let number = count(self.chart.part.stacks.len(), "stack");
        if self.is_folded {
            return format!(
                "{number}, folded by capability: a picture shows up to {STACKS_MAX} by name; name a capability or a stack to see its own"
            );
        }
        number
    }

    /// Panels beside each other where they fit, as wide as their share of all types.
    fn arrange_panels(&mut self) {
        let types: usize = self.panels.iter().map(|panel| panel.chips.len()).sum();
        if types == 0 {
            return;
        }
        let top = self.bands.last().map_or(0.0, |band| band.top + band.height + BAND_GAP);
        let whole = self.size.width.max(640.0);
        let room = whole - PANEL_GAP * float(self.panels.len() - 1);
        let (mut x, mut y, mut height) = (0.0_f64, top + BAND_HEAD, 0.0_f64);
        for panel in &mut self.panels {
            let wanted = (room * float(panel.chips.len()) / float(types)).max(panel.width_min()).min(whole);
            if x > 0.0 && x + wanted > whole + 0.5 {
                (x, y, height) = (0.0, y + height + PANEL_GAP, 0.0);
            }
            panel.arrange(x, y, wanted);
            x += wanted + PANEL_GAP;
            height = height.max(panel.frame.height);
            self.size.width = self.size.width.max(x - PANEL_GAP);
        }
        let about = self.resource_figures();
        self.bands.push(Band { name: "Resources", about, top, height: y + height + BAND_FOOT - top });
    }

    fn resource_figures(&self) -> String {
        let chart = self.chart;
        if chart.total_resources() == 0 {
            return "as the code declares them: nothing was delivered yet".to_owned();
        }
        let of = |name| -> u64 { chart.stacks().filter_map(|stack| chart.resources_in(&stack.name, name)).sum() };
        let parts: Vec<String> = chart.environments.iter().map(|name| format!("{name} {}", of(name))).collect();
        parts.join(" \u{b7} ")
    }
}

/// Puts cards of a layer into rows by their levels; a level that is too wide takes several. Returns the first row that is free.
fn spread(
    levels: &mut [usize],
    layer: std::ops::Range<usize>,
    cards: &[Card<'_>],
    rows: &mut [usize],
    first: usize,
) -> usize {
    let mut by_level: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for at in layer {
        by_level.entry(levels[at]).or_default().push(at);
    }
    let mut row = first;
    for inside in by_level.into_values() {
        let mut used = 0.0;
        for at in inside {
            let width = cards[at].frame.width + BESIDE;
            if used > 0.0 && used + width > ROW_WIDTH_MAX {
                (row, used) = (row + 1, 0.0);
            }
            used += width;
            rows[at] = row;
        }
        row += 1;
    }
    row
}

impl Panel {
    fn width_min(&self) -> f64 {
        let widest = self.chips.iter().map(|chip| chip.frame.width).fold(0.0, f64::max);
        let title = width(&self.title(), Face::Name) + 2.0 * PANEL_PADDING;
        (widest + 2.0 * PANEL_PADDING).max(title).max(220.0)
    }

    /// The cloud's name, with how many types are not shown.
    pub(super) fn title(&self) -> String {
        let name = self.cloud.as_ref().map_or("other", Cloud::as_str);
        if self.more > 0 { format!("{name} (and {} more types)", self.more) } else { name.to_owned() }
    }

    fn arrange(&mut self, x: f64, y: f64, width: f64) {
        let (mut at, mut line) = (PANEL_PADDING, 0.0);
        for chip in &mut self.chips {
            if at > PANEL_PADDING && at + chip.frame.width > width - PANEL_PADDING + 0.5 {
                (at, line) = (PANEL_PADDING, line + 1.0);
            }
            chip.frame.x = x + at;
            chip.frame.y = y + PANEL_HEAD + line * (CHIP_HEIGHT + CHIP_GAP);
            at += chip.frame.width + CHIP_GAP;
        }
        let height = PANEL_HEAD + (line + 1.0) * (CHIP_HEIGHT + CHIP_GAP) - CHIP_GAP + PANEL_PADDING;
        self.frame = Frame { x, y, width, height };
    }
}

fn cards<'a>(chart: &'a Chart<'a>) -> Vec<Card<'a>> {
    let statuses = chart.statuses();
    let both = chart.layer(Layer::Business).chain(chart.layer(Layer::Technology));
    both.map(|capability| Card {
        capability,
        statuses: statuses.get(capability.name.as_str()).cloned().unwrap_or_default(),
        frame: NOWHERE,
    })
    .collect()
}

const NOWHERE: Frame = Frame { x: 0.0, y: 0.0, width: 0.0, height: 0.0 };

fn boxes<'a>(chart: &'a Chart<'a>) -> Vec<StackBox<'a>> {
    let both = chart.layer(Layer::Business).chain(chart.layer(Layer::Technology));
    let served = both.map(|capability| (Some(capability), chart.serving(capability)));
    served
        .chain([(None, chart.strays())])
        .filter(|(_, stacks)| !stacks.is_empty())
        .map(|(capability, stacks)| StackBox { capability, stacks, frame: NOWHERE, column: 0.0, lines: 0, span: 1 })
        .collect()
}

fn panels(chart: &Chart<'_>) -> Vec<Panel> {
    let names = || chart.stacks().map(|stack: &Stack| -> &StackName { &stack.name });
    let delivered: Vec<Resources> = chart.environments.iter().map(|name| chart.map.resources(names(), name)).collect();
    let is_delivered = delivered.iter().any(|types| !types.is_empty());
    let declared = chart.map.declared(names());
    let kinds: BTreeSet<&String> =
        if is_delivered { delivered.iter().flat_map(BTreeMap::keys).collect() } else { declared.keys().collect() };
    let mut clouds: BTreeMap<Option<Cloud>, Vec<Chip>> = BTreeMap::new();
    for kind in kinds {
        let counts: Vec<u64> = delivered.iter().map(|types| types.get(kind).copied().unwrap_or(0)).collect();
        let chip = Chip {
            kind: kind.clone(),
            counts: if is_delivered { counts } else { Vec::new() },
            declared: declared.get(kind).copied().unwrap_or(0),
            frame: NOWHERE,
        };
        clouds.entry(Cloud::of_type(kind)).or_default().push(chip.sized(chart));
    }
    let mut panels: Vec<Panel> = clouds.into_iter().map(|(cloud, chips)| panel(cloud, chips)).collect();
    // What is of no cloud stands last.
    panels.sort_by_key(|panel| panel.cloud.is_none());
    panels
}

fn panel(cloud: Option<Cloud>, mut chips: Vec<Chip>) -> Panel {
    chips.sort_by(|a, b| b.total().cmp(&a.total()).then_with(|| a.kind.cmp(&b.kind)));
    let more = chips.len().saturating_sub(CHIPS_MAX);
    chips.truncate(CHIPS_MAX);
    Panel { cloud, chips, more, frame: NOWHERE }
}

impl Chip {
    /// How many there are; where nothing was delivered, how many the code declares.
    pub(super) fn total(&self) -> u64 {
        if self.counts.is_empty() { self.declared } else { self.counts.iter().sum() }
    }

    /// Its type without the cloud.
    pub(super) fn name(&self) -> String {
        short(&legible(plain(&self.kind)))
    }

    /// The environments that have some.
    pub(super) fn about(&self, chart: &Chart<'_>) -> Vec<(usize, String)> {
        let counted = self.counts.iter().enumerate().filter(|(_, number)| **number > 0);
        counted.map(|(at, number)| (at, format!("{} {number}", chart.environments[at]))).collect()
    }

    fn sized(mut self, chart: &Chart<'_>) -> Self {
        let parts: Vec<String> = self.about(chart).into_iter().map(|(_, text)| text).collect();
        let name = width(&self.name(), Face::Name) + APART + width(&self.total().to_string(), Face::Name);
        let about = if parts.is_empty() { "declared".to_owned() } else { parts.join(" \u{b7} ") };
        self.frame.width = (name.max(width(&about, Face::Small)) + 24.0).max(CHIP_WIDTH_MIN).ceil();
        self.frame.height = CHIP_HEIGHT;
        self
    }
}

/// How many lines each column has, so that columns are about equally long.
fn balanced(stacks: usize) -> usize {
    let columns = stacks.div_ceil(LINES_MAX).max(1);
    stacks.div_ceil(columns)
}

/// What stands above the stacks of a box.
pub(super) fn heading(one: &StackBox<'_>) -> String {
    let name = one.capability.map_or("no capability", |capability| capability.name.as_str());
    format!("{} \u{b7} {}", short(name), count(one.stacks.len(), "stack"))
}

/// The owner's name as it is drawn.
pub(super) fn owner_in(chart: &Chart<'_>, node: Node<'_>) -> String {
    shortened(&legible(chart.map.owner(node).unwrap_or("nobody's")), NAME_LENGTH_MAX)
}

pub(super) fn short(name: &str) -> String {
    shortened(name, NAME_LENGTH_MAX)
}

fn capability_figures(cards: &[Card<'_>]) -> String {
    super::capabilities(cards.len())
}

/// Numbers of things in a picture are small.
#[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
pub(super) fn float(number: usize) -> f64 {
    number as f64
}

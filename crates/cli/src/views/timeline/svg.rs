//! The timeline as SVG: a row for each lane in the band of its group, bars along one axis of time, and the critical path as a line through
//! them. The document needs nothing from elsewhere: no scripts, fonts or links.

mod heading;
mod row;
mod sheet;

use std::fmt::Write;

use svg::Document;
use svg::node::element::{Description, Group, Line, Path, Rectangle, Style, Text, Title};
use terrace_domain::run::Moment;
use terrace_domain::timeline::{Timeline, ticks};

use super::Picture;
use crate::views::drawing::{Face, legible, rectangle, shortened, tenth, width};
use crate::views::time;

pub(super) use sheet::SHEET;

/// How many lanes are drawn where nobody asks for all: a picture of more is too high to be looked at. The critical path and the longest
/// are drawn then.
pub(super) const LANES_MAX: usize = 400;
const MARGIN: f64 = 28.0;
/// The bars' share of the picture, whatever the names need.
const BARS_WIDTH: f64 = 820.0;
/// Right of the bars: how long a lane took, and how it ended.
const NOTE_WIDTH: f64 = 130.0;
/// Above each group's rows, its name.
const BAND_HEAD: f64 = 26.0;
const BAND_GAP: f64 = 10.0;
const AXIS_HEIGHT: f64 = 22.0;
/// The longest name in a row, in characters: longer ones lose their middle, and are whole in the row's title.
const NAME_LENGTH_MAX: usize = 44;
const TICKS_MAX: usize = 11;
/// What is done at all is seen, however short it was.
const BAR_WIDTH_MIN: f64 = 2.0;
/// Rows are lower where there are many.
const MANY: usize = 60;
/// So many names of the critical path are in the picture's description.
const PATH_NAMES_MAX: usize = 30;

/// Where things stand.
struct Sheet<'a> {
    picture: &'a Picture<'a>,
    /// From the left: where names begin, and where bars do.
    bars_left: f64,
    row_height: f64,
    /// Of each lane that is drawn, the row's top.
    tops: Vec<Option<f64>>,
    /// Of each group that is drawn, its position and the band's top and height.
    bands: Vec<(usize, f64, f64)>,
    /// Below the last band.
    bottom: f64,
}

impl Picture<'_> {
    /// The picture: of all lanes, or of the critical path and the longest where there are many.
    pub fn svg(&self, all: bool) -> String {
        format!("{}\n", self.document(all, true))
    }

    /// The picture; `is_alone`: it says itself what it is of.
    pub(super) fn document(&self, all: bool, is_alone: bool) -> Document {
        let shown = self.timeline.excerpt(if all { usize::MAX } else { LANES_MAX });
        let heading = heading::heading(self, shown.len(), is_alone);
        let sheet = Sheet::new(self, &shown, MARGIN + heading.height);
        let width = (sheet.bars_left + BARS_WIDTH + NOTE_WIDTH + MARGIN).max(heading.width + 2.0 * MARGIN).ceil();
        let height = (sheet.bottom + MARGIN).ceil();
        let mut rows = Group::new();
        for at in shown {
            rows = rows.add(sheet.row(at));
        }
        Document::new()
            .set("width", width)
            .set("height", height)
            .set("viewBox", (0, 0, width, height))
            .set("role", "img")
            .add(Title::new(legible(&format!("{}: when what was done", self.heading))))
            .add(Description::new().add(svg::node::Text::new(self.description())))
            .add(Style::new(SHEET))
            .add(Rectangle::new().set("class", "tl-ground").set("width", "100%").set("height", "100%"))
            .add(heading.group.set("transform", format!("translate({MARGIN} {MARGIN})")))
            .add(sheet.bands())
            .add(sheet.axis())
            .add(rows)
            .add(sheet.critical_line())
    }

    /// What the picture shows, for those who do not see it.
    fn description(&self) -> String {
        let mut text = format!("{}: {}, {}.", self.heading, self.outcome, self.extent());
        let timeline = self.timeline;
        if !timeline.critical.is_empty() {
            let names = timeline.critical.iter().map(|link| timeline.lanes[link.lane].name.as_str());
            let mut names: Vec<&str> = names.take(PATH_NAMES_MAX).collect();
            if timeline.critical.len() > PATH_NAMES_MAX {
                names.push("and more");
            }
            let _ = write!(text, " Critical path, {}: {}.", self.critical_share(), names.join(", "));
        }
        legible(&text)
    }
}

impl<'a> Sheet<'a> {
    fn new(picture: &'a Picture<'a>, shown: &[usize], top: f64) -> Self {
        let timeline = picture.timeline;
        let names = shown.iter().map(|at| width(&name(picture, *at), Face::Name));
        let names_width = names.fold(0.0, f64::max);
        let row_height = if shown.len() > MANY { 17.0 } else { 24.0 };
        let mut sheet = Self {
            picture,
            bars_left: (MARGIN + 30.0 + names_width + 18.0).ceil(),
            row_height,
            tops: vec![None; timeline.lanes.len()],
            bands: Vec::new(),
            bottom: 0.0,
        };
        let mut y = top + AXIS_HEIGHT;
        for at in 0..timeline.groups.len() {
            let inside: Vec<usize> = shown.iter().copied().filter(|lane| timeline.lanes[*lane].group == at).collect();
            if inside.is_empty() {
                continue;
            }
            let band = y;
            y += BAND_HEAD;
            for lane in inside {
                sheet.tops[lane] = Some(y);
                y += row_height;
            }
            y += 6.0;
            sheet.bands.push((at, band, y - band));
            y += BAND_GAP;
        }
        sheet.bottom = y + AXIS_HEIGHT - BAND_GAP;
        sheet
    }

    fn bar_height(&self) -> f64 {
        (self.row_height * 0.6).round()
    }

    fn timeline(&self) -> &'a Timeline {
        self.picture.timeline
    }

    /// Where a moment is, from the left.
    fn x(&self, moment: Moment) -> f64 {
        let timeline = self.timeline();
        self.bars_left + share(moment.millis_since(timeline.begin), timeline.millis()) * BARS_WIDTH
    }

    fn bands(&self) -> Group {
        let timeline = self.timeline();
        let mut all = Group::new();
        let width = self.bars_left - MARGIN + BARS_WIDTH + NOTE_WIDTH;
        for (at, top, height) in &self.bands {
            let group = &timeline.groups[*at];
            let name = shortened(&legible(&group.name), NAME_LENGTH_MAX);
            let name = Text::new(name).set("class", "tl-group").set("x", MARGIN + 12.0).set("y", tenth(top + 18.0));
            let mut band = Group::new().add(rectangle("tl-band", MARGIN, *top, width, *height, 8.0)).add(name);
            if let Some((begin, end)) = group.extent(timeline) {
                let (left, right) = (self.x(begin), self.x(end));
                let took = time::duration(end.millis_since(begin));
                let note = self.note(top + 18.0, "tl-small", &took);
                band = band.add(rectangle("tl-extent", left, top + 12.0, (right - left).max(2.0), 3.0, 1.5)).add(note);
            }
            all = all.add(band);
        }
        all
    }

    /// A text right of the bars.
    fn note(&self, baseline: f64, class: &str, text: &str) -> Text {
        Text::new(text)
            .set("class", class)
            .set("x", tenth(self.bars_left + BARS_WIDTH + 14.0))
            .set("y", tenth(baseline))
    }

    /// Lines and marks of time: above the bands, and below where the picture is high.
    fn axis(&self) -> Group {
        let timeline = self.timeline();
        let mut group = Group::new();
        let Some((_, top, _)) = self.bands.first() else { return group };
        let bottom = self.bottom - AXIS_HEIGHT;
        for millis in ticks(timeline.millis(), TICKS_MAX) {
            let x = tenth(self.x(Moment(timeline.begin.0.saturating_add_unsigned(millis))));
            let line = Line::new().set("class", "tl-grid").set("x1", x).set("x2", x).set("y1", tenth(*top));
            let mark = |y: f64| Text::new(time::mark(millis)).set("class", "tl-tick").set("x", x).set("y", tenth(y));
            group = group.add(line.set("y2", tenth(bottom))).add(mark(top - 7.0));
            if bottom - top > 600.0 {
                group = group.add(mark(bottom + 15.0));
            }
        }
        group
    }

    /// A frame around each link of the critical path, and a line from its end to the beginning of the next.
    fn critical_line(&self) -> Group {
        let timeline = self.timeline();
        let mut group = Group::new();
        for link in &timeline.critical {
            let Some(top) = self.tops[link.lane] else { continue };
            let (left, right) = (self.x(link.begin), self.x(link.end));
            let height = self.bar_height() + 4.0;
            let y = top + (self.row_height - height) / 2.0;
            group = group.add(rectangle(
                "tl-critical",
                left - 1.0,
                y,
                (right - left).max(BAR_WIDTH_MIN) + 2.0,
                height,
                3.0,
            ));
        }
        for pair in timeline.critical.windows(2) {
            let (Some(from), Some(to)) = (self.tops[pair[0].lane], self.tops[pair[1].lane]) else { continue };
            let (x, middle) = (tenth(self.x(pair[0].end)), self.row_height / 2.0);
            let down = if from < to { middle } else { -middle };
            let (start, end) = (tenth(from + middle + down * 0.6), tenth(to + middle));
            let data = format!("M{x} {start}V{end}H{}", tenth(self.x(pair[1].begin)));
            group = group.add(Path::new().set("class", "tl-link").set("d", data));
        }
        group
    }
}

/// The lane's name as it is drawn.
fn name(picture: &Picture<'_>, lane: usize) -> String {
    shortened(&picture.label(&picture.timeline.lanes[lane]), NAME_LENGTH_MAX)
}

/// A part of a whole, from 0 to 1.
#[expect(clippy::cast_precision_loss, reason = "a pixel is far coarser")]
fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

#[cfg(test)]
mod tests;

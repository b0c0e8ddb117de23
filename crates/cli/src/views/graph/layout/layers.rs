//! Lays out one group of boxes that hang together: layers and orders within them come from the crate `dugong` (the algorithm of
//! dagre), widths of layers and routes from here.

use std::collections::BTreeMap;

use dugong::graphlib::{Graph, GraphOptions};
use dugong::{EdgeLabel, GraphLabel, NodeLabel, RankDir, WorkControl, WorkError, layout_controlled};

use super::route::{Passage, routes};
use super::{Frame, Layout, LayoutError, Point, Size, depths};

/// Between boxes of one layer.
const BOX_GAP: f64 = 20.0;
/// Between edges that pass a layer, and half of it (with half of [`BOX_GAP`]) between such an edge and a box.
const EDGE_GAP: f64 = 14.0;
/// Between layers, at least and at most: the more edges a layer has to the next, the more room they get.
const LAYER_GAP_MIN: f64 = 70.0;
const LAYER_GAP_MAX: f64 = 220.0;
const LAYER_GAP_PER_EDGE: f64 = 2.0;

type Dagre = Graph<NodeLabel, EdgeLabel, GraphLabel>;

/// The work that is left.
pub(super) struct Budget {
    left: usize,
}

impl Budget {
    pub(super) fn new(units: usize) -> Self {
        Self { left: units }
    }
}

impl WorkControl for Budget {
    fn charge(&mut self, units: usize) -> Result<(), WorkError> {
        self.left = self.left.checked_sub(units).ok_or(WorkError::Interrupted)?;
        Ok(())
    }
}

/// Lays out boxes that hang together.
pub(super) fn layers(sizes: &[Size], edges: &[(usize, usize)], budget: &mut Budget) -> Result<Layout, LayoutError> {
    let mut graph = dagre(sizes, edges);
    layout_controlled(&mut graph, budget).map_err(|error| match error {
        dugong::LayoutError::Work(_) => LayoutError::TooMuchWork,
        other => LayoutError::Failed(other),
    })?;
    let centres: Vec<Point> = (0..sizes.len()).map(|at| centre(&graph, at)).collect();
    let columns = columns(sizes, &centres);
    let frames: Vec<Frame> = centres
        .iter()
        .zip(sizes)
        .map(|(centre, size)| {
            let width = columns[&key(centre.x)];
            Frame { x: centre.x - width / 2.0, y: centre.y - size.height / 2.0, width, height: size.height }
        })
        .collect();
    let passages: Vec<Vec<Passage>> = edges.iter().map(|&edge| passages(&graph, &columns, &centres, edge)).collect();
    let routes = routes(&frames, edges, &passages);
    Ok(to_origin(frames, routes))
}

fn dagre(sizes: &[Size], edges: &[(usize, usize)]) -> Dagre {
    let mut graph = Dagre::new(GraphOptions::default());
    let depth = depths(sizes.len(), edges).into_iter().max().unwrap_or(0);
    #[expect(clippy::cast_precision_loss, reason = "a number of edges in a picture is small")]
    let edges_per_gap = edges.len() as f64 / depth.max(1) as f64;
    graph.set_graph(GraphLabel {
        rankdir: RankDir::LR,
        nodesep: BOX_GAP,
        edgesep: EDGE_GAP,
        ranksep: (LAYER_GAP_MIN + edges_per_gap * LAYER_GAP_PER_EDGE).min(LAYER_GAP_MAX),
        ..GraphLabel::default()
    });
    for (at, size) in sizes.iter().enumerate() {
        graph.set_node(id(at), NodeLabel { width: size.width, height: size.height, ..NodeLabel::default() });
    }
    for &(from, to) in edges {
        // With dugong's own default, a weight of nothing, long edges would cost as little as short ones.
        graph.set_edge_with_label(id(from), id(to), EdgeLabel { weight: 1.0, ..EdgeLabel::default() });
    }
    graph
}

fn id(at: usize) -> String {
    format!("box-{at}")
}

fn centre(graph: &Dagre, at: usize) -> Point {
    let node = graph.node(&id(at));
    Point { x: node.and_then(|node| node.x).unwrap_or(0.0), y: node.and_then(|node| node.y).unwrap_or(0.0) }
}

/// The middle of a layer, in tenths of a pixel: boxes of one layer have the same.
#[expect(clippy::cast_possible_truncation, reason = "coordinates are far below 2^53")]
fn key(x: f64) -> i64 {
    (x * 10.0).round() as i64
}

/// The width of each layer, by its middle.
fn columns(sizes: &[Size], centres: &[Point]) -> BTreeMap<i64, f64> {
    let mut columns: BTreeMap<i64, f64> = BTreeMap::new();
    for (centre, size) in centres.iter().zip(sizes) {
        let width = columns.entry(key(centre.x)).or_insert(0.0);
        *width = width.max(size.width);
    }
    columns
}

/// Where an edge passes the layers between those of its ends. Of the points that dagre gives, those between layers are left out.
fn passages(
    graph: &Dagre,
    columns: &BTreeMap<i64, f64>,
    centres: &[Point],
    (from, to): (usize, usize),
) -> Vec<Passage> {
    let (left, right) = (key(centres[from].x), key(centres[to].x));
    let points = graph.edge(&id(from), &id(to), None).map_or(&[][..], |edge| &edge.points);
    let between = points.iter().filter(|point| left < key(point.x) && key(point.x) < right);
    between
        .filter_map(|point| {
            let half = columns.get(&key(point.x))? / 2.0;
            Some(Passage { y: point.y, left: point.x - half, right: point.x + half })
        })
        .collect()
}

/// Moves all so that it begins at (0, 0), and measures it.
fn to_origin(mut frames: Vec<Frame>, mut routes: Vec<Vec<Point>>) -> Layout {
    let points = || routes.iter().flatten();
    let left = frames.iter().map(|frame| frame.x).chain(points().map(|point| point.x)).fold(f64::MAX, f64::min);
    let top = frames.iter().map(|frame| frame.y).chain(points().map(|point| point.y)).fold(f64::MAX, f64::min);
    let right =
        frames.iter().map(|frame| frame.x + frame.width).chain(points().map(|point| point.x)).fold(left, f64::max);
    let bottom =
        frames.iter().map(|frame| frame.y + frame.height).chain(points().map(|point| point.y)).fold(top, f64::max);
    for frame in &mut frames {
        *frame = Frame { x: frame.x - left, y: frame.y - top, ..*frame };
    }
    for point in routes.iter_mut().flatten() {
        *point = Point { x: point.x - left, y: point.y - top };
    }
    Layout { frames, routes, size: Size { width: right - left, height: bottom - top } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_has_an_end() {
        let sizes = [Size { width: 100.0, height: 40.0 }; 4];
        let edges = [(0, 1), (1, 2), (0, 3), (3, 2)];
        assert!(layers(&sizes, &edges, &mut Budget::new(1_000_000)).is_ok());
        assert!(matches!(layers(&sizes, &edges, &mut Budget::new(100)), Err(LayoutError::TooMuchWork)));
    }
}

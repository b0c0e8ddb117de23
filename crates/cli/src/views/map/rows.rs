//! Places boxes in rows that are given, and leads edges downwards between them. The order within rows and the places come from the phases of
//! the crate `dugong` (the algorithm of dagre); which row a box is in is decided by the caller, and is what dagre would choose itself
//! otherwise. Knows sizes and coordinates (in pixels, y downwards); nothing of capabilities or SVG.

use dugong::graphlib::{Graph, GraphOptions};
use dugong::order::{OrderOptions, order};
use dugong::position::bk::position_x;
use dugong::{EdgeLabel, GraphLabel, NodeLabel, normalize};

use crate::views::graph::layout::route::{Passage, routes};
use crate::views::graph::layout::{Frame, Point, Route, Size};

/// Between boxes of a row.
const BOX_GAP: f64 = 18.0;
/// Between edges that pass a row.
const EDGE_GAP: f64 = 12.0;
/// Between rows, at least and at most: the more edges go from one to the next, the more room they get.
const ROW_GAP_MIN: f64 = 30.0;
const ROW_GAP_MAX: f64 = 96.0;
const ROW_GAP_PER_EDGE: f64 = 2.5;

/// A box to place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Placed {
    /// How large it is.
    pub(super) size: Size,
    /// Its row, from 0.
    pub(super) row: usize,
}

/// Boxes and edges in their places, all at or right of 0, the first row's top at 0.
#[derive(Debug)]
pub(super) struct Rows {
    /// One for each box.
    pub(super) frames: Vec<Frame>,
    /// One for each edge: as a graph's routes, from above to below.
    pub(super) routes: Vec<Route>,
    /// The top and the height of each row.
    pub(super) spans: Vec<(f64, f64)>,
    /// How wide all is.
    pub(super) width: f64,
}

type Dagre = Graph<NodeLabel, EdgeLabel, GraphLabel>;

/// Places boxes, and edges from boxes to others in rows further down; `before` is room above each row that is wanted beside what edges need.
pub(super) fn place(boxes: &[Placed], edges: &[(usize, usize)], before: &[f64]) -> Rows {
    let count = boxes.iter().map(|placed| placed.row + 1).max().unwrap_or(0);
    let mut graph = dagre(boxes, edges);
    normalize::run(&mut graph);
    order(&mut graph, OrderOptions::default());
    let places = position_x(&graph);
    let x_of = |id: &str| places.get(id).copied().unwrap_or(0.0);
    let rows = heights(boxes, edges, count, before);
    let frames: Vec<Frame> = boxes
        .iter()
        .enumerate()
        .map(|(at, Placed { size, row })| Frame {
            x: x_of(&id(at)) - size.width / 2.0,
            y: rows[*row].0,
            width: size.width,
            height: size.height,
        })
        .collect();
    let passages = passages(&graph, edges, boxes, &rows, x_of);
    let routes = downwards(&frames, edges, &passages);
    to_left(frames, routes, rows)
}

fn dagre(boxes: &[Placed], edges: &[(usize, usize)]) -> Dagre {
    let mut graph = Dagre::new(GraphOptions { multigraph: true, compound: true, directed: true });
    graph.set_graph(GraphLabel { nodesep: BOX_GAP, edgesep: EDGE_GAP, ..GraphLabel::default() });
    for (at, Placed { size, row }) in boxes.iter().enumerate() {
        let rank = i32::try_from(*row).unwrap_or(i32::MAX);
        let label = NodeLabel { width: size.width, height: size.height, rank: Some(rank), ..NodeLabel::default() };
        graph.set_node(id(at), label);
    }
    for (number, &(from, to)) in edges.iter().enumerate() {
        debug_assert!(boxes[from].row < boxes[to].row, "edges lead downwards");
        // The points stay with the edge: its number is its name.
        let label = EdgeLabel { weight: 1.0, ..EdgeLabel::default() };
        graph.set_edge_named(id(from), id(to), Some(number.to_string()), Some(label));
    }
    graph
}

fn id(at: usize) -> String {
    format!("box-{at}")
}

/// The top and the height of each row.
fn heights(boxes: &[Placed], edges: &[(usize, usize)], count: usize, before: &[f64]) -> Vec<(f64, f64)> {
    let mut heights = vec![0.0_f64; count];
    for Placed { size, row } in boxes {
        heights[*row] = heights[*row].max(size.height);
    }
    let mut crossing = vec![0_usize; count];
    for &(from, to) in edges {
        for gap in &mut crossing[boxes[from].row + 1..=boxes[to].row] {
            *gap += 1;
        }
    }
    let mut top = 0.0;
    let mut rows = Vec::with_capacity(count);
    for (row, height) in heights.into_iter().enumerate() {
        if row > 0 {
            #[expect(clippy::cast_precision_loss, reason = "a number of edges in a picture is small")]
            let wanted = ROW_GAP_MIN + crossing[row] as f64 * ROW_GAP_PER_EDGE;
            top += wanted.min(ROW_GAP_MAX);
        }
        top += before.get(row).copied().unwrap_or(0.0);
        rows.push((top, height));
        top += height;
    }
    rows
}

/// Where each edge passes the rows between those of its ends.
fn passages(
    graph: &Dagre,
    edges: &[(usize, usize)],
    boxes: &[Placed],
    rows: &[(f64, f64)],
    x_of: impl Fn(&str) -> f64,
) -> Vec<Vec<Passage>> {
    let mut passages: Vec<Vec<Passage>> = vec![Vec::new(); edges.len()];
    for start in &graph.graph().dummy_chains {
        let Some(number) = graph.node(start).and_then(|node| node.edge_obj.as_ref()?.name.as_ref()?.parse().ok())
        else {
            continue;
        };
        let number: usize = number;
        let mut at = start.clone();
        for (top, height) in &rows[boxes[edges[number].0].row + 1..boxes[edges[number].1].row] {
            passages[number].push(Passage { y: x_of(&at), left: *top, right: top + height });
            let Some(next) = graph.first_successor(&at) else { break };
            at = next.to_owned();
        }
    }
    passages
}

/// Leads edges from the lower side of one box to the upper side of another: as from side to side, with the axes exchanged.
fn downwards(frames: &[Frame], edges: &[(usize, usize)], passages: &[Vec<Passage>]) -> Vec<Route> {
    let turned: Vec<Frame> =
        frames.iter().map(|frame| Frame { x: frame.y, y: frame.x, width: frame.height, height: frame.width }).collect();
    let turn = |point: Point| Point { x: point.y, y: point.x };
    routes(&turned, edges, passages).into_iter().map(|route| route.into_iter().map(turn).collect()).collect()
}

/// Moves all so that it begins at 0, and measures it.
fn to_left(mut frames: Vec<Frame>, mut routes: Vec<Route>, rows: Vec<(f64, f64)>) -> Rows {
    let points = routes.iter().flatten().map(|point| (point.x, point.x));
    let spans = frames.iter().map(|frame| (frame.x, frame.x + frame.width)).chain(points);
    let (left, right) = spans.fold((f64::MAX, f64::MIN), |(left, right), (from, to)| (left.min(from), right.max(to)));
    for frame in &mut frames {
        frame.x -= left;
    }
    for point in routes.iter_mut().flatten() {
        point.x -= left;
    }
    let width = if frames.is_empty() { 0.0 } else { right - left };
    Rows { frames, routes, spans: rows, width }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boxed(width: f64, row: usize) -> Placed {
        Placed { size: Size { width, height: 40.0 }, row }
    }

    #[test]
    fn boxes_stay_in_their_rows_and_do_not_overlap() {
        let boxes: Vec<Placed> =
            (0..40).map(|at| boxed(80.0 + f64::from(u8::try_from(at * 5 % 60).unwrap()), at / 8)).collect();
        let edges: Vec<_> = (0..32).flat_map(|at| [(at, at + 8), (at, (at / 8 + 1) * 8 + at * 3 % 8)]).collect();
        let edges: Vec<_> = edges.into_iter().chain([(0, 39), (3, 33)]).collect();
        let rows = place(&boxes, &edges, &[]);
        for (at, frame) in rows.frames.iter().enumerate() {
            assert!(frame.x > -0.01 && frame.x + frame.width < rows.width + 0.01, "{frame:?}");
            assert!((frame.y - rows.spans[boxes[at].row].0).abs() < 0.01, "{frame:?}");
            let beside = rows.frames[at + 1..].iter().filter(|other| (other.y - frame.y).abs() < 0.01);
            for other in beside {
                assert!(other.x >= frame.x + frame.width || frame.x >= other.x + other.width, "{frame:?} {other:?}");
            }
        }
    }

    #[test]
    fn edges_lead_downwards_and_pass_rows_outside_of_boxes() {
        let boxes = [boxed(100.0, 0), boxed(300.0, 1), boxed(100.0, 2)];
        let rows = place(&boxes, &[(0, 1), (1, 2), (0, 2)], &[0.0, 20.0, 0.0]);
        for route in &rows.routes {
            assert!(route.windows(2).all(|pair| pair[0].y <= pair[1].y), "{route:?}");
        }
        let (long, passed) = (&rows.routes[2], rows.frames[1]);
        assert_eq!(long.len(), 4);
        assert!(long[1].x < passed.x || long[1].x > passed.x + passed.width, "{long:?} {passed:?}");
        assert!((long[1].y - passed.y).abs() < 0.01, "it passes the whole row");
    }

    #[test]
    fn nothing_has_no_width() {
        assert!(place(&[], &[], &[]).width < 0.01);
    }
}

//! Leads edges from the right side of one box to the left side of another. Edges that share a side are spread over it in the order
//! in which they come, so that they do not cross there.

use super::{Frame, Point, Route};

/// Between two edges on a side, at most.
const PORT_GAP_MAX: f64 = 8.0;
/// The part of a side's ends where no edge begins: the corners are round there.
const CORNER: f64 = 9.0;

/// Where an edge passes a layer.
#[derive(Debug, Clone, Copy)]
pub(in crate::views) struct Passage {
    pub(in crate::views) y: f64,
    pub(in crate::views) left: f64,
    pub(in crate::views) right: f64,
}

/// The route of each edge.
pub(in crate::views) fn routes(frames: &[Frame], edges: &[(usize, usize)], passages: &[Vec<Passage>]) -> Vec<Route> {
    let middle = |at: usize| frames[at].y + frames[at].height / 2.0;
    let leaving: Vec<End> = edges
        .iter()
        .zip(passages)
        .map(|(&(from, to), passages)| End {
            of: from,
            towards: passages.first().map_or(middle(to), |passage| passage.y),
            far: frames[to].x,
        })
        .collect();
    let arriving: Vec<End> = edges
        .iter()
        .zip(passages)
        .map(|(&(from, to), passages)| End {
            of: to,
            towards: passages.last().map_or(middle(from), |passage| passage.y),
            far: -frames[from].x,
        })
        .collect();
    let (starts, ends) = (ports(frames, &leaving), ports(frames, &arriving));
    edges
        .iter()
        .enumerate()
        .map(|(at, &(from, to))| {
            let mut route = vec![Point { x: frames[from].x + frames[from].width, y: starts[at] }];
            for passage in &passages[at] {
                route.push(Point { x: passage.left, y: passage.y });
                route.push(Point { x: passage.right, y: passage.y });
            }
            route.push(Point { x: frames[to].x, y: ends[at] });
            route
        })
        .collect()
}

/// An end of an edge.
struct End {
    /// Its box.
    of: usize,
    /// The height where the edge goes to, or comes from.
    towards: f64,
    /// How far off that is, where the heights are the same.
    far: f64,
}

/// The height at which each end touches its box.
fn ports(frames: &[Frame], ends: &[End]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..ends.len()).collect();
    order.sort_by(|&a, &b| {
        let (a, b) = (&ends[a], &ends[b]);
        a.of.cmp(&b.of).then(a.towards.total_cmp(&b.towards)).then(a.far.total_cmp(&b.far))
    });
    let mut heights = vec![0.0; ends.len()];
    for side in order.chunk_by(|&a, &b| ends[a].of == ends[b].of) {
        let frame = frames[ends[side[0]].of];
        #[expect(clippy::cast_precision_loss, reason = "a number of edges in a picture is small")]
        let gaps = (side.len() - 1) as f64;
        let gap = if gaps > 0.0 { ((frame.height - 2.0 * CORNER) / gaps).min(PORT_GAP_MAX) } else { 0.0 };
        let mut y = frame.y + (frame.height - gap * gaps) / 2.0;
        for &end in side {
            heights[end] = y;
            y += gap;
        }
    }
    heights
}

//! Places boxes in layers from left to right and leads edges between them. Knows sizes and coordinates (in pixels, y downwards);
//! nothing of stacks, texts or SVG.

mod layers;
pub(in crate::views) mod route;
mod shelves;

use layers::{Budget, layers};

/// How many layers all edges together may pass, when each box is as far left as it can be: each passage takes room like a box, and
/// time more than in proportion.
const PASSAGES_MAX: usize = 8_000;
/// How many edges there may be.
const EDGES_MAX: usize = 6_000;
/// How much work the layout may be, in dugong's own units, for shapes that are hard in other ways.
const WORK_MAX: usize = 600_000_000;

/// A place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::views) struct Point {
    pub(in crate::views) x: f64,
    pub(in crate::views) y: f64,
}

/// A width and a height.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::views) struct Size {
    pub(in crate::views) width: f64,
    pub(in crate::views) height: f64,
}

/// A placed box: its left upper corner and its size.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::views) struct Frame {
    pub(in crate::views) x: f64,
    pub(in crate::views) y: f64,
    pub(in crate::views) width: f64,
    pub(in crate::views) height: f64,
}

/// Where an edge goes: from the first point to the second in a curve, on to the third in a straight line (it passes a layer there),
/// to the fourth in a curve again, and so on. The number of points is even.
pub(in crate::views) type Route = Vec<Point>;

/// A finished layout. All is between (0, 0) and its size.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    /// One for each box, in their order. Boxes of one layer are made equally wide.
    pub(super) frames: Vec<Frame>,
    /// One for each edge, in their order.
    pub(super) routes: Vec<Route>,
    pub(super) size: Size,
}

/// Why there is no layout.
#[derive(Debug, thiserror::Error)]
pub(super) enum LayoutError {
    /// There are more edges than [`EDGES_MAX`], or they pass more layers than [`PASSAGES_MAX`], or the whole is more work than
    /// [`WORK_MAX`].
    #[error("there are too many dependencies, or too long ones")]
    TooMuchWork,
    /// The algorithm failed.
    #[error("no layout was found: {0}")]
    Failed(dugong::LayoutError),
}

/// Places boxes of these sizes, and edges between pairs of them. Boxes that hang together are laid out together; groups, the largest
/// first, and then single boxes fill shelves.
pub(super) fn layout(sizes: &[Size], edges: &[(usize, usize)]) -> Result<Layout, LayoutError> {
    if edges.len() > EDGES_MAX || passages(&depths(sizes.len(), edges), edges) > PASSAGES_MAX {
        return Err(LayoutError::TooMuchWork);
    }
    let mut budget = Budget::new(WORK_MAX);
    let groups = groups(sizes.len(), edges);
    let single_width = groups.iter().filter(|group| group.boxes.len() == 1).map(|group| sizes[group.boxes[0]].width);
    let single_width = single_width.fold(0.0, f64::max);
    let mut parts = Vec::with_capacity(groups.len());
    for group in &groups {
        parts.push(match group.boxes[..] {
            [alone] => single(Size { width: single_width, ..sizes[alone] }),
            _ => layers(&group.sizes(sizes), &group.edges(edges), &mut budget)?,
        });
    }
    Ok(together(sizes.len(), edges.len(), &groups, &parts))
}

/// How many edges the longest way to each box has; edges of a circle count as none.
fn depths(boxes: usize, edges: &[(usize, usize)]) -> Vec<usize> {
    let mut open = vec![0_usize; boxes];
    let mut next = vec![Vec::new(); boxes];
    for &(from, to) in edges {
        open[to] += 1;
        next[from].push(to);
    }
    let mut depths = vec![0_usize; boxes];
    let mut ready: Vec<usize> = (0..boxes).filter(|&at| open[at] == 0).collect();
    while let Some(at) = ready.pop() {
        for &to in &next[at] {
            depths[to] = depths[to].max(depths[at] + 1);
            open[to] -= 1;
            if open[to] == 0 {
                ready.push(to);
            }
        }
    }
    depths
}

/// How many layers the edges pass between those of their ends.
fn passages(depths: &[usize], edges: &[(usize, usize)]) -> usize {
    edges.iter().map(|&(from, to)| depths[to].saturating_sub(depths[from] + 1)).sum()
}

fn single(size: Size) -> Layout {
    let frame = Frame { x: 0.0, y: 0.0, width: size.width, height: size.height };
    Layout { frames: vec![frame], routes: Vec::new(), size }
}

/// One layout of the groups' layouts.
fn together(boxes: usize, edges: usize, groups: &[Group], parts: &[Layout]) -> Layout {
    let sizes: Vec<Size> = parts.iter().map(|part| part.size).collect();
    let (corners, size) = shelves::fill(&sizes);
    let mut frames = vec![Frame { x: 0.0, y: 0.0, width: 0.0, height: 0.0 }; boxes];
    let mut routes = vec![Route::new(); edges];
    for ((group, part), corner) in groups.iter().zip(parts).zip(corners) {
        for (&at, frame) in group.boxes.iter().zip(&part.frames) {
            frames[at] = Frame { x: frame.x + corner.x, y: frame.y + corner.y, ..*frame };
        }
        for (&at, route) in group.edges.iter().zip(&part.routes) {
            routes[at] = route.iter().map(|point| Point { x: point.x + corner.x, y: point.y + corner.y }).collect();
        }
    }
    Layout { frames, routes, size }
}

/// Boxes that hang together.
struct Group {
    /// Their numbers, ascending.
    boxes: Vec<usize>,
    /// The numbers of the edges between them, ascending.
    edges: Vec<usize>,
}

impl Group {
    fn sizes(&self, sizes: &[Size]) -> Vec<Size> {
        self.boxes.iter().map(|&at| sizes[at]).collect()
    }

    /// The edges as positions in this group.
    fn edges(&self, edges: &[(usize, usize)]) -> Vec<(usize, usize)> {
        let position = |at: usize| self.boxes.binary_search(&at).expect("an edge is in the group of its ends");
        self.edges.iter().map(|&at| (position(edges[at].0), position(edges[at].1))).collect()
    }
}

/// The groups, in order of their first boxes.
fn groups(boxes: usize, edges: &[(usize, usize)]) -> Vec<Group> {
    let mut neighbours = vec![Vec::new(); boxes];
    for &(from, to) in edges {
        neighbours[from].push(to);
        neighbours[to].push(from);
    }
    let mut group_of = vec![usize::MAX; boxes];
    let mut groups = Vec::new();
    for start in 0..boxes {
        if group_of[start] != usize::MAX {
            continue;
        }
        let mut members = vec![start];
        group_of[start] = groups.len();
        let mut next = 0;
        while let Some(&at) = members.get(next) {
            next += 1;
            for &other in &neighbours[at] {
                if group_of[other] == usize::MAX {
                    group_of[other] = groups.len();
                    members.push(other);
                }
            }
        }
        members.sort_unstable();
        groups.push(Group { boxes: members, edges: Vec::new() });
    }
    for (at, &(from, _)) in edges.iter().enumerate() {
        groups[group_of[from]].edges.push(at);
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Size = Size { width: 100.0, height: 40.0 };

    fn overlap(a: &Frame, b: &Frame) -> bool {
        a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height
    }

    /// Three layers of `width` boxes, a chain beside them, and boxes alone.
    fn wide(width: usize) -> (Vec<Size>, Vec<(usize, usize)>) {
        let mut edges: Vec<_> = (0..2 * width)
            .flat_map(|at| {
                [(at, (at / width + 1) * width + at * 3 % width), (at, at / width * width + width + at % width)]
            })
            .collect();
        edges.extend((0..4).map(|at| (3 * width + at, 3 * width + at + 1)));
        edges.sort_unstable();
        edges.dedup();
        let sizes = (0..3 * width + 12)
            .map(|at| Size { width: 90.0 + f64::from(u8::try_from(at % 40).unwrap()), height: 44.0 });
        (sizes.collect(), edges)
    }

    #[test]
    fn boxes_do_not_overlap_and_lie_within_the_size() {
        let (sizes, edges) = wide(20);
        let layout = layout(&sizes, &edges).unwrap();
        for (at, frame) in layout.frames.iter().enumerate() {
            assert!(frame.width >= sizes[at].width);
            assert!(frame.x >= 0.0 && frame.x + frame.width <= layout.size.width + 0.01, "{frame:?}");
            assert!(frame.y >= 0.0 && frame.y + frame.height <= layout.size.height + 0.01, "{frame:?}");
            let others = &layout.frames[at + 1..];
            assert_eq!(others.iter().find(|other| overlap(frame, other)), None, "overlaps {frame:?}");
        }
    }

    #[test]
    fn edges_lead_to_the_right_from_side_to_side() {
        let (sizes, edges) = wide(20);
        let layout = layout(&sizes, &edges).unwrap();
        for (route, &(from, to)) in layout.routes.iter().zip(&edges) {
            let (from, to) = (layout.frames[from], layout.frames[to]);
            let (first, last) = (route[0], route[route.len() - 1]);
            assert_eq!(route.len() % 2, 0);
            assert!((first.x - from.x - from.width).abs() < 0.01 && (last.x - to.x).abs() < 0.01);
            assert!(from.y < first.y && first.y < from.y + from.height);
            assert!(to.y < last.y && last.y < to.y + to.height);
            assert!(route.windows(2).all(|pair| pair[0].x <= pair[1].x), "{route:?}");
        }
    }

    #[test]
    fn an_edge_passes_a_layer_outside_of_its_boxes() {
        let layout = layout(&[SIZE; 3], &[(0, 1), (0, 2), (1, 2)]).unwrap();
        let (route, passed) = (&layout.routes[1], layout.frames[1]);
        assert_eq!(route.len(), 4);
        assert!((route[1].y - route[2].y).abs() < 0.01, "straight");
        assert!(route[1].x <= passed.x && route[2].x >= passed.x + passed.width, "as long as the layer is wide");
        assert!(route[1].y < passed.y || route[1].y > passed.y + passed.height, "not through the box");
    }

    #[test]
    fn boxes_alone_fill_rows() {
        let layout = layout(&[SIZE; 100], &[]).unwrap();
        assert!(layout.size.width < 4.0 * layout.size.height && layout.size.height < 4.0 * layout.size.width);
    }

    #[test]
    fn nothing_has_no_size() {
        assert_eq!(layout(&[], &[]).unwrap().size, Size { width: 0.0, height: 0.0 });
    }

    #[test]
    fn a_shape_that_would_take_too_long_is_refused() {
        let last = 1_499;
        let edges: Vec<_> = (0..last).flat_map(|at| [(at, at + 1), (0, at + 1), (at, last)]).collect();
        assert!(matches!(layout(&vec![SIZE; 1_500], &edges), Err(LayoutError::TooMuchWork)));
    }
}

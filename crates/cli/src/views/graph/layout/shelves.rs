//! Puts rectangles on shelves, so that together they have about the shape of a page.

use super::{Point, Size};

/// Between rectangles, and between shelves.
const GAP: f64 = 32.0;
/// How much wider than high the whole should be.
const ASPECT: f64 = 1.6;

/// The left upper corner of each rectangle, and the size of all: the largest stand first; of equal ones, the order stays.
pub(super) fn fill(sizes: &[Size]) -> (Vec<Point>, Size) {
    let area: f64 = sizes.iter().map(|size| (size.width + GAP) * (size.height + GAP)).sum();
    let widest = sizes.iter().map(|size| size.width).fold(0.0, f64::max);
    let limit = widest.max((area * ASPECT).sqrt());
    let mut order: Vec<usize> = (0..sizes.len()).collect();
    order.sort_by(|&a, &b| sizes[b].height.total_cmp(&sizes[a].height).then(sizes[b].width.total_cmp(&sizes[a].width)));
    let mut corners = vec![Point { x: 0.0, y: 0.0 }; sizes.len()];
    let (mut at, mut shelf_height) = (Point { x: 0.0, y: 0.0 }, 0.0_f64);
    let mut whole = Size { width: 0.0, height: 0.0 };
    for number in order {
        let size = sizes[number];
        if at.x > 0.0 && at.x + size.width > limit {
            at = Point { x: 0.0, y: at.y + shelf_height + GAP };
            shelf_height = 0.0;
        }
        corners[number] = at;
        shelf_height = shelf_height.max(size.height);
        whole = Size { width: whole.width.max(at.x + size.width), height: whole.height.max(at.y + size.height) };
        at.x += size.width + GAP;
    }
    (corners, whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_ones_stand_behind_and_below_large_ones() {
        let small = Size { width: 40.0, height: 20.0 };
        let (corners, size) = fill(&[small, Size { width: 200.0, height: 100.0 }, small, small]);
        assert_eq!(corners[1], Point { x: 0.0, y: 0.0 });
        assert_eq!(corners[0], Point { x: 0.0, y: 132.0 });
        assert_eq!(corners[2], Point { x: 72.0, y: 132.0 });
        assert_eq!(size, Size { width: 200.0, height: 152.0 });
    }
}

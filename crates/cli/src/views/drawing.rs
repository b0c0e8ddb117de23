//! What pictures have in common: how wide texts are, and shapes whose numbers are as fine as they need to be. Owns no colours: each picture
//! has a style sheet of its own.

mod lettering;

use svg::node::element::Rectangle;

pub(super) use lettering::{Face, legible, shortened, width};

/// A rectangle with round corners.
pub(super) fn rectangle(class: &str, x: f64, y: f64, width: f64, height: f64, radius: f64) -> Rectangle {
    Rectangle::new()
        .set("class", class)
        .set("x", tenth(x))
        .set("y", tenth(y))
        .set("width", tenth(width))
        .set("height", tenth(height))
        .set("rx", radius)
}

/// A tenth of a pixel is fine enough.
pub(super) fn tenth(number: f64) -> f64 {
    // Adding nothing turns -0.0 into 0.0.
    (number * 10.0).round() / 10.0 + 0.0
}

//! The picture's style sheet: light, and dark where the reader prefers it.

/// The style sheet. Each colour is written out, without variables: some converters of SVG do not know them.
pub(super) const SHEET: &str = "
text { font-family: system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif; }
.br-ground { fill: #f8fafc; }
.br-heading { font-size: 20px; font-weight: 600; fill: #17212f; }
.br-level { font-size: 13px; font-weight: 700; fill: #ffffff; text-anchor: middle; }
.br-small { font-size: 11px; fill: #617086; }
.br-reason { font-size: 11px; fill: #334155; }
.br-title { font-size: 11px; font-weight: 600; fill: #617086; letter-spacing: 0.02em; }
.br-name { font-size: 13px; font-weight: 600; fill: #17212f; }
.br-band { stroke: #ffffff; stroke-width: 2; }
.br-band.br-own { fill: #fbe3e0; }
.br-band.br-readers { fill: #fdefd8; }
.br-band.br-further { fill: #fbf6df; }
.br-band.br-technology { fill: #e6f1fb; }
.br-band.br-business { fill: #ece8fa; }
.br-own .br-dot { fill: #d64545; } .br-readers .br-dot { fill: #e07b3c; } .br-further .br-dot { fill: #d3a518; }
.br-technology .br-dot { fill: #3a86d1; } .br-business .br-dot { fill: #7f5fd0; }
.br-dot { stroke: #ffffff; stroke-width: 2; }
.br-halo { fill: #ffffff; fill-opacity: 0.62; }
.br-way { fill: none; stroke: #8795a8; stroke-width: 1.3; stroke-opacity: 0.6; }
.br-none .br-pill { fill: #7a869a; } .br-low .br-pill { fill: #2f9e5f; } .br-medium .br-pill { fill: #d08a12; }
.br-high .br-pill { fill: #d64545; } .br-critical .br-pill { fill: #8e1230; }
@media (prefers-color-scheme: dark) {
.br-ground { fill: #0f151d; }
.br-heading, .br-name { fill: #e7edf5; }
.br-small, .br-title { fill: #a3b1c2; }
.br-reason { fill: #c4cfdc; }
.br-band { stroke: #0f151d; }
.br-band.br-own { fill: #3c1d20; }
.br-band.br-readers { fill: #38291a; }
.br-band.br-further { fill: #302b17; }
.br-band.br-technology { fill: #16273a; }
.br-band.br-business { fill: #251f3d; }
.br-own .br-dot { fill: #f06a6a; } .br-readers .br-dot { fill: #f0955a; } .br-further .br-dot { fill: #e5bd3f; }
.br-technology .br-dot { fill: #5fa5ea; } .br-business .br-dot { fill: #a58bee; }
.br-dot { stroke: #0f151d; }
.br-halo { fill: #0f151d; fill-opacity: 0.5; }
.br-way { stroke: #8292a8; }
.br-critical .br-pill { fill: #c2255c; }
}
";

#[cfg(test)]
mod tests {
    use terrace_domain::blast::Level;

    use super::SHEET;
    use crate::views::blast::svg::level_class;
    use crate::views::blast::svg::rings::Kind;

    #[test]
    fn each_ring_and_level_has_a_colour() {
        for kind in [Kind::Own, Kind::Readers, Kind::Further, Kind::Technology, Kind::Business] {
            assert_eq!(SHEET.matches(&format!(".br-band.{} {{ fill:", kind.class())).count(), 2, "light and dark");
            assert_eq!(SHEET.matches(&format!(".{} .br-dot {{ fill:", kind.class())).count(), 2);
        }
        for level in Level::ALL {
            assert!(SHEET.contains(&format!(".{} .br-pill {{ fill:", level_class(level))), "{level}");
        }
    }
}

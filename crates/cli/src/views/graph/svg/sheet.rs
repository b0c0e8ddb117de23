//! The picture's style sheet: light, and dark where the reader prefers it.

/// How many hues there are for capabilities: the classes `hue-0` to `hue-9`.
pub(super) const HUES: usize = 10;

/// The style sheet. Each colour is written out, without variables: some converters of SVG do not know them.
pub(super) const SHEET: &str = "
text { font-family: system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif; }
.ground { fill: #f8fafc; }
.heading { font-size: 20px; font-weight: 600; fill: #17212f; }
.name { font-size: 13px; font-weight: 600; fill: #17212f; }
.small { font-size: 11px; fill: #617086; }
.box { fill: #ffffff; stroke: #cfd8e3; stroke-width: 1.2; }
.stripe { fill: #9aa7b8; }
.hue-0 { fill: #4a7bd9; } .hue-1 { fill: #2aa198; } .hue-2 { fill: #e07b3c; } .hue-3 { fill: #8c6bd6; } .hue-4 { fill: #d9588b; }
.hue-5 { fill: #6fa343; } .hue-6 { fill: #c9962e; } .hue-7 { fill: #3aa5d8; } .hue-8 { fill: #b0605a; } .hue-9 { fill: #5b6b9a; }
.affected .box { fill: #fff3d9; stroke: #db9414; }
.affected .stripe { fill: #db9414; }
.downstream .box { fill: #e8f2ff; stroke: #5a97e0; }
.downstream .stripe { fill: #5a97e0; }
.line { fill: none; stroke: #9fadbf; stroke-width: 1.4; }
.touch { fill: none; stroke: transparent; stroke-width: 9; pointer-events: stroke; }
.dashed .line { stroke-dasharray: 5 4; }
.carries .line { stroke: #5a97e0; stroke-width: 1.8; }
.arrow { fill: #8b9bb0; }
.arrow-carries { fill: #5a97e0; }
.edge:hover .line { stroke: #17212f; stroke-width: 2.2; }
.node:hover .box { stroke-width: 2; }
@media (prefers-color-scheme: dark) {
.ground { fill: #0f151d; }
.heading, .name { fill: #e7edf5; }
.small { fill: #94a3b8; }
.box { fill: #1a232f; stroke: #364657; }
.affected .box { fill: #3a2c10; stroke: #db9414; }
.downstream .box { fill: #16293f; stroke: #5a97e0; }
.line { stroke: #53647a; }
.carries .line { stroke: #5a97e0; }
.arrow { fill: #6b7d94; }
.edge:hover .line { stroke: #e7edf5; }
}
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_hue_has_a_colour() {
        for hue in 0..HUES {
            assert!(SHEET.contains(&format!(".hue-{hue} {{")), "hue {hue}");
        }
        assert!(!SHEET.contains(&format!(".hue-{HUES} {{")));
    }
}

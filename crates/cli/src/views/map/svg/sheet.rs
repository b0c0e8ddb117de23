//! The map's style sheet: light, and dark where the reader prefers it.

/// How many hues there are for owners: the classes `hue-0` to `hue-11`.
pub(super) const HUES: usize = 12;

/// The style sheet. Each colour is written out, without variables: some converters of SVG do not know them.
pub(in crate::views::map) const SHEET: &str = "
.map text { font-family: system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif; }
.map .ground { fill: #ffffff; }
.map .heading { font-size: 22px; font-weight: 650; fill: #14202e; }
.map .small { font-size: 11px; fill: #5b6b80; }
.map .name { font-size: 13px; font-weight: 600; fill: #14202e; }
.map .stack-name { font-size: 12px; font-weight: 500; fill: #1f2d3d; }
.map .box-name { font-size: 11.5px; font-weight: 600; fill: #46566b; }
.map .band-name { font-size: 14px; font-weight: 650; fill: #14202e; }
.map .number { font-size: 11px; fill: #7a899c; text-anchor: end; font-variant-numeric: tabular-nums; }
.map .count { font-size: 13px; font-weight: 650; fill: #14202e; text-anchor: end; font-variant-numeric: tabular-nums; }
.map .sign { font-size: 10px; font-weight: 700; fill: #ffffff; text-anchor: middle; }
.map .band-0 { fill: #eef1fb; } .map .band-1 { fill: #eaf4f6; } .map .band-2 { fill: #f1f4ee; } .map .band-3 { fill: #f6f2ec; }
.map .names-0 text { stroke: #eef1fb; } .map .names-1 text { stroke: #eaf4f6; } .map .names-2 text { stroke: #f1f4ee; } .map .names-3 text { stroke: #f6f2ec; }
.map [class^='names-'] text { stroke-width: 6; stroke-linejoin: round; paint-order: stroke; }
.map .box { fill: #ffffff; stroke: #d4dce6; stroke-width: 1.1; }
.map .hollow { stroke-dasharray: 4 3; }
.map .strays { stroke: #e08e0b; stroke-dasharray: 4 3; }
.map .touch { fill: transparent; }
.map .chip-box { fill: #f7f9fb; stroke: #dde4ec; }
.map .declared { stroke-dasharray: 4 3; }
.map .line path { fill: none; stroke: #a3b1c4; stroke-width: 1.4; }
.map .serves path { stroke: #93a4ba; stroke-width: 1.4; stroke-dasharray: 1 4; stroke-linecap: round; }
.map .unowned { fill: none; stroke: #9aa7b8; stroke-width: 1.2; }
.map .hue-0 { fill: #3f6fd8; } .map .hue-1 { fill: #1f9a8f; } .map .hue-2 { fill: #e2703a; } .map .hue-3 { fill: #8a63d2; }
.map .hue-4 { fill: #d64f86; } .map .hue-5 { fill: #67a03a; } .map .hue-6 { fill: #c4911f; } .map .hue-7 { fill: #2c9fd1; }
.map .hue-8 { fill: #a9574f; } .map .hue-9 { fill: #54658f; } .map .hue-10 { fill: #b45ac2; } .map .hue-11 { fill: #7c7a2c; }
.map .delivered .cell-box { fill: #2f9e5b; }
.map .behind .cell-box { fill: #3f7fe0; }
.map .underway .cell-box { fill: #1597a8; }
.map .waiting .cell-box { fill: #d98a0b; }
.map .failed .cell-box { fill: #d03a3a; }
.map .never .cell-box { fill: #ffffff; stroke: #c3cdd9; stroke-width: 1; }
.map .never .sign { fill: #8a98aa; }
@media (prefers-color-scheme: dark) {
.map .ground { fill: #0d131b; }
.map .heading, .map .name, .map .band-name, .map .count { fill: #eaf0f7; }
.map .stack-name { fill: #d8e1ec; }
.map .small { fill: #93a3b8; } .map .box-name { fill: #a9b8ca; } .map .number { fill: #8292a7; }
.map .band-0 { fill: #151d30; } .map .band-1 { fill: #12222a; } .map .band-2 { fill: #18221c; } .map .band-3 { fill: #231f19; }
.map .names-0 text { stroke: #151d30; } .map .names-1 text { stroke: #12222a; } .map .names-2 text { stroke: #18221c; } .map .names-3 text { stroke: #231f19; }
.map .box { fill: #1b2532; stroke: #33435a; }
.map .strays { stroke: #d98a0b; }
.map .chip-box { fill: #222e3d; stroke: #37485f; }
.map .line path { stroke: #5d708b; }
.map .serves path { stroke: #66799a; }
.map .never .cell-box { fill: #1b2532; stroke: #4a5b73; }
.map .never .sign { fill: #7789a0; }
}
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_hue_and_status_has_a_colour() {
        for hue in 0..HUES {
            assert!(SHEET.contains(&format!(".hue-{hue} {{")), "hue {hue}");
        }
        assert!(!SHEET.contains(&format!(".hue-{HUES} {{")));
        for status in terrace_domain::map::Status::ALL {
            assert!(SHEET.contains(&format!(".{} .cell-box", status.as_str())), "{status:?}");
        }
    }
}

//! The picture's style sheet: light, and dark where the reader prefers it. Its names begin with `tl-`: in an HTML page the sheet is the
//! page's.

/// The style sheet. Each colour is written out, without variables: some converters of SVG do not know them.
pub(in crate::views::timeline) const SHEET: &str = "
svg text { font-family: system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif; }
.tl-ground { fill: #f8fafc; }
.tl-band { fill: #ffffff; stroke: #e2e8f0; }
.tl-extent { fill: #cbd5e1; }
.tl-heading { font-size: 20px; font-weight: 600; fill: #17212f; }
.tl-group { font-size: 13px; font-weight: 700; fill: #17212f; }
.tl-name { font-size: 12px; fill: #334155; }
.tl-on-path .tl-name { font-weight: 700; fill: #17212f; }
.tl-small, .tl-tick { font-size: 11px; fill: #617086; }
.tl-took { font-size: 11px; fill: #475569; }
.tl-tick { text-anchor: middle; }
.tl-grid { stroke: #e2e8f0; stroke-width: 1; }
.tl-hover { fill: transparent; }
.tl-row:hover .tl-hover { fill: #64748b; fill-opacity: 0.12; }
.tl-dot { fill: #94a3b8; }
.tl-succeeded { fill: #2f9e5f; } .tl-failed { fill: #d64545; } .tl-interrupted { fill: #e0a100; } .tl-open { fill: #4a7bd9; }
.tl-skipped { fill: #cbd5e1; }
.tl-prepare { fill: #a9bbd4; } .tl-plan { fill: #4a7bd9; } .tl-apply { fill: #1f9d8f; } .tl-verify { fill: #8c6bd6; }
.tl-people { fill: #fbe7a6; stroke: #d9b23f; stroke-width: 0.8; stroke-dasharray: 3 2; }
.tl-settle { fill: #e07b3c; } .tl-destroy { fill: #a2574f; } .tl-other { fill: #7a869a; }
.tl-bar-failed { fill: #d64545; }
.tl-bar-interrupted { fill: #e0a100; }
.tl-bar-open { opacity: 0.75; }
.tl-critical { fill: none; stroke: #c2255c; stroke-width: 1.6; pointer-events: none; }
.tl-link { fill: none; stroke: #c2255c; stroke-width: 1.6; }
.tl-wait { stroke: #94a3b8; stroke-width: 1.4; stroke-dasharray: 1.5 3; }
@media (prefers-color-scheme: dark) {
.tl-ground { fill: #0f151d; }
.tl-band { fill: #161e29; stroke: #263343; }
.tl-extent { fill: #3c4c60; }
.tl-heading, .tl-group { fill: #e7edf5; }
.tl-name { fill: #c4cfdc; }
.tl-on-path .tl-name { fill: #ffffff; }
.tl-small, .tl-tick { fill: #94a3b8; }
.tl-took { fill: #a9b7c8; }
.tl-grid { stroke: #263343; }
.tl-skipped { fill: #3c4c60; }
.tl-prepare { fill: #62748c; } .tl-plan { fill: #5b8cf0; } .tl-apply { fill: #27b3a3; } .tl-verify { fill: #a088e6; }
.tl-people { fill: #4a3f1c; stroke: #b8952f; }
.tl-bar-failed { fill: #e05656; }
.tl-bar-interrupted { fill: #e0a100; }
.tl-critical { stroke: #ff7aa8; }
.tl-link { stroke: #ff7aa8; }
.tl-wait { stroke: #64748b; }
}
";

#[cfg(test)]
mod tests {
    use super::*;
    use terrace_domain::timeline::{SpanKind, SpanOutcome};

    #[test]
    fn each_kind_and_outcome_has_a_colour() {
        let outcomes = [SpanOutcome::Succeeded, SpanOutcome::Failed, SpanOutcome::Skipped, SpanOutcome::Interrupted];
        let words = SpanKind::ALL.map(SpanKind::as_str).into_iter().chain(outcomes.map(SpanOutcome::as_str));
        for word in words.chain([SpanOutcome::Open.as_str()]) {
            assert!(SHEET.contains(&format!(".tl-{word} {{ fill:")), "{word}");
        }
    }
}

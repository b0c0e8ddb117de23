//! The timeline as one HTML page: the figures, the picture, and a table of what it shows. It asks nothing of the network, and its own policy
//! forbids it to.

use std::fmt::Write;

use terrace_domain::timeline::{After, Lane, SpanKind};

use super::svg::LANES_MAX;
use super::{Picture, kinds, parts, percent, word};
use crate::views::time;

impl Picture<'_> {
    /// The page.
    pub fn html(&self, all: bool) -> String {
        let timeline = self.timeline;
        let heading = escaped(&self.heading);
        let mut page = format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n<title>{heading}</title>\n<style>{SHEET}</style>\n</head>\n<body>\n\
             <h1>{heading}</h1>\n<p>{}</p>\n<dl>\n",
            escaped(&self.about)
        );
        for (name, figure) in self.figures() {
            let _ = writeln!(page, "<div><dt>{name}</dt><dd>{}</dd></div>", escaped(&figure));
        }
        let _ = write!(page, "</dl>\n<figure>\n{}\n</figure>\n", self.document(all, false));
        page.push_str(&self.path_table());
        page.push_str(&self.lanes_table(&timeline.excerpt(if all { usize::MAX } else { LANES_MAX })));
        page.push_str("</body>\n</html>\n");
        page
    }

    fn figures(&self) -> [(&'static str, String); 6] {
        let timeline = self.timeline;
        let people = timeline.lanes.iter().map(|lane| lane.millis_of(SpanKind::People)).sum();
        let begun = timeline.lanes.iter().filter(|lane| !lane.bars.is_empty()).count();
        [
            ("Outcome", self.outcome.to_owned()),
            ("Took", self.took()),
            ("Began", time::rfc3339(timeline.begin)),
            ("Instances", format!("{} of {} begun", begun, timeline.lanes.len())),
            ("Critical path", self.critical_share()),
            ("Waited for people", time::duration(people)),
        ]
    }

    fn path_table(&self) -> String {
        let timeline = self.timeline;
        if timeline.critical.is_empty() {
            return String::new();
        }
        let mut table = format!(
            "<h2>Critical path</h2>\n<p>The chain that decided the end: {}.</p>\n\
             <table>\n<thead><tr><th>Instance</th><th>After</th><th>Waited</th><th>Took</th><th>Share</th><th>What</th></tr></thead>\n<tbody>\n",
            self.critical_share()
        );
        for link in timeline.critical.iter().take(LANES_MAX) {
            let lane = &timeline.lanes[link.lane];
            let cells = [
                lane.name.clone(),
                after(link.after).to_owned(),
                waited(link.waited_millis),
                time::duration(link.millis()),
                percent(link.millis(), timeline.millis()),
                parts(lane, link.bars.clone()),
            ];
            table.push_str(&row(&cells, ""));
        }
        table.push_str("</tbody>\n</table>\n");
        table
    }

    fn lanes_table(&self, shown: &[usize]) -> String {
        let timeline = self.timeline;
        let kinds = kinds(timeline);
        let mut table = format!(
            "<h2>Instances</h2>\n<table>\n<thead><tr><th>Instance</th><th>Group</th><th>Ended as</th><th>Began after</th>\
             <th>Waited</th><th>Took</th>{}</tr></thead>\n<tbody>\n",
            kinds.iter().map(|kind| format!("<th>{}</th>", word(*kind))).collect::<Vec<_>>().concat()
        );
        for at in shown {
            let lane = &timeline.lanes[*at];
            table.push_str(&row(&self.cells(lane, &kinds), if lane.is_critical { " class=\"critical\"" } else { "" }));
        }
        table.push_str("</tbody>\n</table>\n");
        let left_out = timeline.lanes.len() - shown.len();
        if left_out > 0 {
            let _ =
                writeln!(table, "<p>{left_out} more are left out, all shorter or never begun; --all shows them.</p>");
        }
        table
    }

    fn cells(&self, lane: &Lane, kinds: &[SpanKind]) -> Vec<String> {
        let timeline = self.timeline;
        let ended = if lane.state.is_empty() { lane.outcome.as_str() } else { &lane.state };
        let began = lane.begin().map(|begin| time::duration(begin.millis_since(timeline.begin)));
        let took = lane.begin().map(|_| time::duration(lane.millis()));
        let mut cells = vec![
            lane.name.clone(),
            timeline.groups[lane.group].name.clone(),
            ended.to_owned(),
            began.unwrap_or_default(),
            waited(lane.waited_millis()),
            took.unwrap_or_default(),
        ];
        cells.extend(kinds.iter().map(|kind| waited(lane.millis_of(*kind))));
        cells
    }
}

/// What a link of the critical path went on after, for people.
fn after(after: After) -> &'static str {
    match after {
        After::Start => "the beginning",
        After::Place => "the one before made room",
        After::Phase => "the phase before",
        After::Upstream => "what it depends on",
        After::Itself => "what it did before",
    }
}

/// A duration, and nothing where there was none.
fn waited(millis: u64) -> String {
    if millis == 0 { String::new() } else { time::duration(millis) }
}

fn row(cells: &[String], class: &str) -> String {
    let cells: Vec<String> = cells.iter().map(|cell| format!("<td>{}</td>", escaped(cell))).collect();
    format!("<tr{class}>{}</tr>\n", cells.concat())
}

/// The text as it stands in HTML (HTML Standard, 13.3, "escaping a string"); what has no shape is a space.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in crate::views::drawing::legible(text).chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

const SHEET: &str = "
body { margin: 2rem auto; max-width: 1240px; padding: 0 1rem; background: #f8fafc; color: #17212f;
  font: 14px/1.5 system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif; }
h1 { font-size: 1.5rem; margin: 0; } h2 { font-size: 1.1rem; margin: 2rem 0 0.5rem; }
p { margin: 0.3rem 0; color: #617086; }
dl { display: flex; flex-wrap: wrap; gap: 0.6rem; margin: 1.2rem 0; }
dl div { background: #ffffff; border: 1px solid #e2e8f0; border-radius: 8px; padding: 0.5rem 0.9rem; }
dt { font-size: 0.78rem; color: #617086; } dd { margin: 0; font-weight: 600; }
figure { margin: 0; overflow-x: auto; } figure svg { max-width: 100%; height: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: 0.25rem 0.6rem; border-bottom: 1px solid #e2e8f0; white-space: nowrap; }
td:last-child { white-space: normal; }
th { font-size: 0.78rem; color: #617086; font-weight: 600; }
tr.critical td:first-child { font-weight: 700; box-shadow: inset 3px 0 #c2255c; }
@media (prefers-color-scheme: dark) {
body { background: #0f151d; color: #e7edf5; }
p, dt, th { color: #94a3b8; }
dl div { background: #161e29; border-color: #263343; }
th, td { border-color: #263343; }
tr.critical td:first-child { box-shadow: inset 3px 0 #ff7aa8; }
}
";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::views::timeline::fixture;

    #[test]
    fn the_page_has_the_figures_the_picture_and_every_instance() {
        let timeline = fixture::small();
        let page = fixture::picture(&timeline).html(false);
        for lane in &timeline.lanes {
            assert!(page.contains(&format!("<td>{}</td>", lane.name)), "{}", lane.name);
        }
        assert!(page.contains("<dt>Waited for people</dt><dd>8.0s</dd>"));
        assert_eq!((page.matches("<svg").count(), page.matches("</svg>").count()), (1, 1));
        assert_eq!(page.matches("<tr class=\"critical\">").count(), 3);
    }

    #[test]
    fn names_cannot_become_markup() {
        let timeline = fixture::hostile();
        let hostile = "<img src=x onerror='alert(1)'>\"&".to_owned();
        let page = Picture { heading: hostile.clone(), about: hostile, ..fixture::picture(&timeline) }.html(true);
        assert!(!page.contains("<script") && !page.contains("<img"), "{page}");
        assert!(page.contains("&lt;img src=x onerror=&#39;alert(1)&#39;&gt;&quot;&amp;"));
    }
}

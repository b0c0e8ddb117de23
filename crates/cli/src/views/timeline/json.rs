//! The timeline for programs, `terrace.timeline/1`.

use serde::Serialize;
use terrace_domain::timeline::{Bar, Group, Lane, Link, SpanKind};

use super::Picture;
use crate::views::time::rfc3339;

/// The name and version of what [`Picture::json`] gives.
const SCHEMA: &str = "terrace.timeline/1";

#[derive(Serialize)]
struct TimelineJson<'a> {
    schema: &'static str,
    heading: &'a str,
    about: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    run: Option<u64>,
    outcome: &'a str,
    /// Whether something is not over.
    open: bool,
    started_at: String,
    /// The last end; where something is not over, when it was looked at.
    ended_at: String,
    duration_ms: u64,
    groups: Vec<GroupJson<'a>>,
    /// Group by group, in each by when they began; those that never began last.
    lanes: Vec<LaneJson<'a>>,
    critical_path: CriticalJson<'a>,
}

#[derive(Serialize)]
struct GroupJson<'a> {
    name: &'a str,
    lanes: usize,
    started_at: Option<String>,
    ended_at: Option<String>,
}

#[derive(Serialize)]
struct LaneJson<'a> {
    name: &'a str,
    group: &'a str,
    outcome: &'static str,
    state: &'a str,
    critical: bool,
    started_at: Option<String>,
    ended_at: Option<String>,
    duration_ms: u64,
    /// How long it could have gone on and did not.
    waited_ms: u64,
    /// How long people were waited for.
    people_ms: u64,
    depends_on: Vec<&'a str>,
    spans: Vec<SpanJson<'a>>,
}

#[derive(Serialize)]
struct SpanJson<'a> {
    name: &'a str,
    kind: &'static str,
    outcome: &'static str,
    critical: bool,
    started_at: String,
    ended_at: String,
    duration_ms: u64,
}

#[derive(Serialize)]
struct CriticalJson<'a> {
    duration_ms: u64,
    links: Vec<LinkJson<'a>>,
}

#[derive(Serialize)]
struct LinkJson<'a> {
    lane: &'a str,
    /// `start`, `upstream`, `place`, `phase` or `itself`.
    after: &'static str,
    /// How long nothing of the path was at work before.
    waited_ms: u64,
    started_at: String,
    ended_at: String,
    duration_ms: u64,
}

impl Picture<'_> {
    /// All of it.
    pub fn json(&self) -> String {
        let timeline = self.timeline;
        let report = TimelineJson {
            schema: SCHEMA,
            heading: &self.heading,
            about: &self.about,
            run: self.run,
            outcome: self.outcome,
            open: timeline.is_open(),
            started_at: rfc3339(timeline.begin),
            ended_at: rfc3339(timeline.end),
            duration_ms: timeline.millis(),
            groups: timeline.groups.iter().map(|group| self.group(group)).collect(),
            lanes: timeline.lanes.iter().map(|lane| self.lane(lane)).collect(),
            critical_path: CriticalJson {
                duration_ms: timeline.critical_millis(),
                links: timeline.critical.iter().map(|link| self.link(link)).collect(),
            },
        };
        let mut text = serde_json::to_string_pretty(&report).expect("reports become JSON");
        text.push('\n');
        text
    }

    fn group<'s>(&'s self, group: &'s Group) -> GroupJson<'s> {
        let (begin, end) = group.extent(self.timeline).unzip();
        GroupJson {
            name: &group.name,
            lanes: group.lanes.len(),
            started_at: begin.map(rfc3339),
            ended_at: end.map(rfc3339),
        }
    }

    fn lane<'s>(&'s self, lane: &'s Lane) -> LaneJson<'s> {
        LaneJson {
            name: &lane.name,
            group: &self.timeline.groups[lane.group].name,
            outcome: lane.outcome.as_str(),
            state: &lane.state,
            critical: lane.is_critical,
            started_at: lane.begin().map(rfc3339),
            ended_at: lane.end().map(rfc3339),
            duration_ms: lane.millis(),
            waited_ms: lane.waited_millis(),
            people_ms: lane.millis_of(SpanKind::People),
            depends_on: lane.upstream.iter().map(|at| self.timeline.lanes[*at].name.as_str()).collect(),
            spans: lane.bars.iter().map(span).collect(),
        }
    }

    fn link(&self, link: &Link) -> LinkJson<'_> {
        LinkJson {
            lane: &self.timeline.lanes[link.lane].name,
            after: link.after.as_str(),
            waited_ms: link.waited_millis,
            started_at: rfc3339(link.begin),
            ended_at: rfc3339(link.end),
            duration_ms: link.millis(),
        }
    }
}

fn span(bar: &Bar) -> SpanJson<'_> {
    SpanJson {
        name: &bar.name,
        kind: bar.kind.as_str(),
        outcome: bar.outcome.as_str(),
        critical: bar.is_critical,
        started_at: rfc3339(bar.begin),
        ended_at: rfc3339(bar.end),
        duration_ms: bar.millis(),
    }
}

#[cfg(test)]
mod tests {
    use crate::views::timeline::fixture;

    #[test]
    fn it_says_who_waited_and_what_decided_the_end() {
        let timeline = fixture::small();
        let report: serde_json::Value = serde_json::from_str(&fixture::picture(&timeline).json()).unwrap();
        assert_eq!(report["schema"], "terrace.timeline/1");
        assert_eq!((&report["duration_ms"], &report["open"]), (&30_000.into(), &false.into()));
        let app = &report["lanes"][2];
        assert_eq!(
            (&app["name"], &app["waited_ms"], &app["critical"]),
            (&"dev/app".into(), &1000.into(), &true.into())
        );
        assert_eq!(app["depends_on"], serde_json::json!(["dev/network"]));
        let links = report["critical_path"]["links"].as_array().unwrap();
        let links: Vec<_> = links.iter().map(|link| format!("{} {}", link["lane"], link["after"])).collect();
        assert_eq!(links, [r#""dev/network" "start""#, r#""dev/app" "upstream""#, r#""staging/app" "upstream""#]);
        assert_eq!(report["lanes"][3]["people_ms"], 8000);
        assert_eq!(report["lanes"][5]["started_at"], serde_json::Value::Null);
    }
}

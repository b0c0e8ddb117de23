//! Timelines and histories of runs: what is told of a real run, in each form.

use std::collections::BTreeSet;

use serde_json::Value as Json;
use svg::node::element::tag::Type;
use svg::parser::Event;
use terrace_testkit::repository::Repository;
use terrace_testkit::tools;

use crate::desk::Desk;
use crate::small;

/// What everything that is drawn of a run must name.
const INSTANCES: [&str; 4] = ["base", "middle", "side", "top"];

fn lanes(report: &Json) -> &Vec<Json> {
    report["lanes"].as_array().unwrap()
}

fn lane<'a>(report: &'a Json, name: &str) -> &'a Json {
    lanes(report).iter().find(|lane| lane["name"] == name).unwrap_or_else(|| panic!("no {name} in {report:#}"))
}

/// Reads a document to its end: each tag is closed, in the order in which they were opened. Returns its texts.
fn texts_of(document: &str) -> Vec<String> {
    let (mut open, mut texts) = (Vec::new(), Vec::new());
    for event in svg::read(document).unwrap() {
        match event {
            Event::Tag(name, Type::Start, _) => open.push(name),
            Event::Tag(name, Type::End, _) => assert_eq!(open.pop(), Some(name), "{document}"),
            Event::Text(text) => texts.push(text.trim().to_owned()),
            Event::Error(error) => panic!("{error:?}: {document}"),
            _ => {}
        }
    }
    assert!(open.is_empty(), "{open:?} is not closed: {document}");
    texts
}

#[test]
fn it_tells_what_was_done_when_and_what_decided_the_end() {
    let Some(terraform) = tools::terraform() else { return };
    let desk = small::estate(&terraform);
    desk.ok(&["deliver", "--to", "test", "--parallelism", "4"]);
    let report = desk.json(&["run", "timeline", "--json"]);
    assert_eq!((&report["schema"], &report["run"]), (&"terrace.timeline/1".into(), &1.into()));
    assert_eq!((&report["outcome"], &report["open"]), (&"succeeded".into(), &false.into()));
    let names: BTreeSet<_> = lanes(&report).iter().map(|lane| lane["name"].as_str().unwrap().to_owned()).collect();
    let expected = ["dev", "test"].iter().flat_map(|stage| INSTANCES.map(|stack| format!("{stage}/{stack}")));
    assert_eq!(names, expected.collect());
    let groups: Vec<_> = lanes(&report).iter().map(|lane| lane["group"].as_str().unwrap()).collect();
    assert_eq!(groups, ["dev", "dev", "dev", "dev", "test", "test", "test", "test"]);
    for one in lanes(&report) {
        let kinds: Vec<_> =
            one["spans"].as_array().unwrap().iter().map(|span| span["kind"].as_str().unwrap()).collect();
        assert_eq!(kinds, ["prepare", "plan", "apply"], "{one:#}");
        assert_eq!((&one["outcome"], &one["state"]), (&"succeeded".into(), &"applied".into()));
        for before in one["depends_on"].as_array().unwrap() {
            let ended = moment(&lane(&report, before.as_str().unwrap())["ended_at"]);
            assert!(ended <= moment(&one["started_at"]), "{before} before {one:#}");
        }
    }
    assert_eq!(lane(&report, "test/top")["depends_on"], serde_json::json!(["dev/top", "test/middle"]));

    // With a place for each, the chain of stacks is what takes longest, and nothing makes room for it.
    let links = report["critical_path"]["links"].as_array().unwrap();
    assert_eq!((&links[0]["after"], &links[links.len() - 1]["lane"]), (&"start".into(), &"test/top".into()));
    for pair in links.windows(2) {
        assert!(moment(&pair[0]["ended_at"]) <= moment(&pair[1]["started_at"]), "{pair:#?}");
    }
    let path = report["critical_path"]["duration_ms"].as_u64().unwrap();
    let waited: u64 = links.iter().map(|link| link["waited_ms"].as_u64().unwrap()).sum();
    let whole = report["duration_ms"].as_u64().unwrap();
    assert!(path > 0 && path + waited <= whole, "{path} + {waited} of {whole}");
    assert_eq!(
        desk.json(&["run", "timeline", "1", "--format", "json"]),
        report,
        "of what is over it is always the same"
    );
}

/// A moment of a report, in a form that can be compared: RFC 3339 leaves a fraction out where there is none.
fn moment(text: &Json) -> String {
    let text = text.as_str().unwrap().trim_end_matches('Z');
    let (second, fraction) = text.split_once('.').unwrap_or((text, ""));
    format!("{second}.{fraction:0<9}")
}

#[test]
fn each_form_names_every_instance_and_asks_nothing_of_the_network() {
    let Some(terraform) = tools::terraform() else { return };
    let mut desk = small::estate(&terraform);
    desk.write("stacks/side/notes.txt", "a reason for a commit\n");
    desk.commit("</desc></title><script>alert('x')</script> & \"more\"");
    desk.ok(&["deliver", "--to", "dev"]);

    let picture = desk.ok(&["run", "timeline", "--format", "svg"]).stdout;
    let texts = texts_of(&picture);
    assert!(INSTANCES.iter().all(|name| texts.iter().any(|text| text == name)), "{texts:?}");
    let page = desk.ok(&["run", "timeline", "--format", "html"]).stdout;
    assert!(INSTANCES.iter().all(|name| page.contains(&format!("<td>dev/{name}</td>"))), "{page}");
    for document in [&picture, &page] {
        assert!(!document.contains("<script"), "{document}");
        let links = document.matches("://").count();
        assert_eq!(links, document.matches("xmlns=\"http://www.w3.org/2000/svg\"").count(), "{document}");
        assert!(!document.contains("href=") && !document.contains("src=") && !document.contains("url("), "{document}");
    }
    assert!(texts.iter().any(|text| text.contains("&lt;script&gt;") || text.contains("<script>")), "{texts:?}");

    let file = desk.folder().join("run.svg");
    let done = desk.ok(&["run", "timeline", "1", "--format", "svg", "--output", "run.svg"]);
    assert_eq!((done.stdout.as_str(), std::fs::read_to_string(file).unwrap()), ("", picture));

    desk.set("COLUMNS", "72");
    let wide = desk.ok(&["run", "timeline"]).stdout;
    assert!(wide.contains('█') && INSTANCES.iter().all(|name| wide.contains(name)), "{wide}");
    assert!(wide.contains("Critical path: "), "{wide}");
    desk.set("LC_ALL", "C");
    let plain = desk.ok(&["run", "timeline"]).stdout;
    assert!(plain.is_ascii() && plain.contains('#'), "{plain}");
}

#[test]
fn a_run_that_waits_for_people_says_so() {
    let Some(terraform) = tools::terraform() else { return };
    let desk = small::estate(&terraform);
    desk.run(&["deliver"]).expect(3);
    let report = desk.json(&["run", "timeline", "--json"]);
    assert_eq!((&report["outcome"], &report["open"]), (&"waits for a decision".into(), &true.into()));
    let base = lane(&report, "prod/base");
    assert_eq!((&base["outcome"], &base["state"]), (&"open".into(), &"awaiting".into()));
    let last = base["spans"].as_array().unwrap().last().unwrap();
    assert_eq!(
        (&last["kind"], &last["outcome"], &last["ended_at"]),
        (&"people".into(), &"open".into(), &report["ended_at"])
    );
    assert_eq!(lane(&report, "prod/middle")["started_at"], Json::Null, "it has not begun");
    texts_of(&desk.ok(&["run", "timeline", "--format", "svg"]).stdout);

    desk.run(&["run", "approve", "--stack", "base", "--reason", "good"]).expect(0);
    desk.run(&["resume"]).expect(3);
    let report = desk.json(&["run", "timeline", "--json"]);
    let kinds =
        lane(&report, "prod/base")["spans"].as_array().unwrap().iter().map(|span| span["kind"].as_str().unwrap());
    assert_eq!(kinds.collect::<Vec<_>>(), ["prepare", "plan", "people", "apply"]);
}

#[test]
fn what_was_killed_ends_with_the_last_that_is_known_of_it() {
    let Some(terraform) = tools::terraform() else { return };
    let desk = small::estate(&terraform);
    let killed = desk.command(&["deliver", "--to", "dev"]).env("TERRACE_CRASH_AFTER", "6").output().unwrap();
    assert!(!killed.status.success());
    let report = desk.json(&["run", "timeline", "--json"]);
    assert_eq!((&report["outcome"], &report["open"]), (&"abandoned".into(), &false.into()), "{report:#}");
    let cut_off = lanes(&report).iter().filter(|lane| lane["outcome"] == "interrupted");
    assert!(cut_off.count() > 0, "{report:#}");

    desk.ok(&["resume"]);
    let report = desk.json(&["run", "timeline", "--json"]);
    assert_eq!(report["outcome"], "succeeded");
    let spans = lanes(&report).iter().flat_map(|lane| lane["spans"].as_array().unwrap());
    let outcomes: BTreeSet<_> = spans.map(|span| span["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, BTreeSet::from(["interrupted", "succeeded"]));
}

#[test]
fn runs_that_are_over_have_a_history() {
    let Some(terraform) = tools::terraform() else { return };
    let desk = small::delivered(&terraform);
    desk.ok(&["deliver", "--to", "dev", "--again"]);
    desk.run(&["deliver"]).expect(3);
    let report = desk.json(&["run", "history", "--json"]);
    assert_eq!(report["schema"], "terrace.history/1");
    let series = report["series"].as_array().unwrap();
    assert_eq!((series.len(), &series[0]["name"]), (1, &"dev".into()), "what waits is not over: {report:#}");
    let points = series[0]["points"].as_array().unwrap();
    assert_eq!(points.len(), 2);
    assert!(points.iter().all(|point| point["succeeded"] == true && point["duration_ms"].as_u64().unwrap() > 0));
    assert_eq!(desk.json(&["run", "history", "--last", "1", "--json"])["series"][0]["points"][0], points[1]);
    assert!(desk.json(&["run", "history", "--env", "prod", "--json"])["series"].as_array().unwrap().is_empty());
    let texts = texts_of(&desk.ok(&["run", "history", "--format", "svg"]).stdout);
    assert!(texts.iter().any(|text| text.starts_with("2 points, median ")), "{texts:?}");
    assert!(desk.ok(&["run", "history"]).stdout.contains("2 points, median "));
}

#[test]
fn what_is_not_there_is_answered_with_the_next_step() {
    let desk = Desk::at(Repository::empty());
    desk.write_all(small::FILES);
    desk.commit("Begin");
    desk.run(&["run", "timeline"]).expect(2).says(&["there is no run yet", "terrace deliver"]);
    desk.run(&["run", "timeline", "7"]).expect(2).says(&["there is no run"]);
    desk.run(&["run", "timeline", "seven"]).expect(2).says(&["invalid value 'seven'"]);
    desk.run(&["run", "history", "--last", "0"]).expect(2).says(&["invalid value '0'"]);
    desk.ok(&["run", "history"]).says(&["No run is over yet"]);
    assert!(desk.json(&["run", "history", "--json"])["series"].as_array().unwrap().is_empty());
}

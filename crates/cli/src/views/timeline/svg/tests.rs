//! What the SVG says.

use svg::parser::Event;
use terrace_domain::run::Moment;
use terrace_domain::timeline::{Recording, Timeline};

use super::LANES_MAX;
use crate::views::timeline::fixture;

/// The texts of a document's elements of this name; panics where it cannot be read.
fn texts_of(svg: &str, name: &str) -> Vec<String> {
    let mut inside = false;
    let mut texts = Vec::new();
    for event in svg::read(svg).unwrap() {
        match event {
            Event::Tag(tag, svg::node::element::tag::Type::Start, _) => inside = tag == name,
            Event::Tag(..) => inside = false,
            Event::Text(text) if inside => texts.push(text.trim().to_owned()),
            Event::Error(error) => panic!("the document cannot be read: {error:?}"),
            _ => {}
        }
    }
    texts
}

fn svg(timeline: &Timeline, all: bool) -> String {
    fixture::picture(timeline).svg(all)
}

#[test]
fn rows_have_names_and_say_how_long_they_took() {
    let svg = svg(&fixture::small(), false);
    insta::assert_snapshot!(texts_of(&svg, "text").join("\n"), @"
    Run 7
    succeeded: 6 instances, 5 of them begun, 30.0s · critical path: 29.0s of 30.0s (97%)
    Begin
    prepare
    plan
    wait for people
    apply
    failed
    could have begun
    critical path
    dev
    20.0s
    staging
    22.0s
    0
    5s
    10s
    15s
    20s
    25s
    30s
    network
    8.0s
    vault
    4.0s failed
    app
    11.0s
    network
    11.0s
    app
    10.0s
    vault
    skipped
    ");
    insta::assert_snapshot!(texts_of(&svg, "desc").join("\n"), @"Run 7: succeeded, 6 instances, 5 of them begun, 30.0s. Critical path, 29.0s of 30.0s (97%): dev/network, dev/app, staging/app.");
    let titles = texts_of(&svg, "title");
    insta::assert_snapshot!(titles[..8].join("\n---\n"), @"
    Run 7: when what was done
    ---
    dev/network
    applied in 8.0s
    prepare 1.0s, plan 2.0s, apply 5.0s
    ---
    prepare: 1.0s
    from 0.0s on
    on the critical path
    ---
    plan: 2.0s
    from 1.0s on
    on the critical path
    ---
    apply: 5.0s
    from 3.0s on
    on the critical path
    ---
    dev/vault
    failed in 4.0s
    prepare 1.5s, plan 2.5s
    ---
    prepare: 1.5s
    from 0.0s on
    ---
    plan: 2.5s, failed
    from 1.5s on
    ");
}

#[test]
fn the_critical_path_is_marked_and_joined() {
    let svg = svg(&fixture::small(), false);
    assert_eq!(svg.matches("\"tl-row tl-on-path\"").count(), 3);
    assert_eq!(svg.matches("\"tl-link\"").count(), 2);
    assert_eq!(svg.matches("tl-critical\"").count(), 3 + 1, "links, and the legend");
}

#[test]
fn texts_are_escaped() {
    let svg = svg(&fixture::hostile(), false);
    assert!(!svg.contains("<script>") && !svg.contains('\u{1b}'), "{svg}");
    assert!(texts_of(&svg, "title").iter().any(|title| title.contains("alert(1)")));
}

#[test]
fn nothing_comes_from_elsewhere() {
    let svg = svg(&fixture::small(), false);
    assert!(!svg.contains("href") && !svg.contains("url(") && !svg.contains("@import"));
    assert_eq!(svg.matches("http").count(), 1, "the name of the language alone");
}

#[test]
fn of_many_lanes_the_longest_are_drawn() {
    let timeline = fixture::many(LANES_MAX + 100);
    let rows = |svg: &str| svg.matches("\"tl-row").count();
    let short = svg(&timeline, false);
    assert_eq!(rows(&short), LANES_MAX);
    assert!(short.contains("100 instances are left out"));
    assert_eq!(rows(&svg(&timeline, true)), LANES_MAX + 100);
}

#[test]
fn of_nothing_there_is_a_picture_too() {
    let nothing = Timeline::of(&Recording::new(), Moment(0));
    let text = svg(&nothing, false);
    assert_eq!(texts_of(&text, "text"), ["Run 7", "succeeded: 0 instances, 0.0s", "Begin"]);
}

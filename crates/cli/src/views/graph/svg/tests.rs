//! What the SVG says and refuses.

use svg::parser::Event;

use super::{STACKS_MAX, SvgError};
use crate::views::graph::fixture::Fixture;

/// The texts of a document's elements of this name.
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

#[test]
fn boxes_have_names_and_edges_say_what_is_read() {
    let fixture = Fixture::new(
        "cluster(container-platform, team-platform)\ndns <- cluster.address, cluster.zone, !cluster\naudit <- !dns",
    );
    let svg = fixture.picture().svg().unwrap();
    insta::assert_snapshot!(texts_of(&svg, "text").join("\n"), @"
    harbour
    3 stacks, 2 dependencies
    depends_on, reads no output
    audit
    stacks/audit
    cluster
    container-platform · team-platform
    dns
    stacks/dns
    ");
    insta::assert_snapshot!(texts_of(&svg, "title").join("\n---\n"), @"
    Stacks of harbour and what they depend on
    ---
    cluster → dns
    reads address, zone
    named in depends_on
    ---
    dns → audit
    named in depends_on
    ---
    audit
    folder: stacks/audit
    wave: 3
    ---
    cluster
    folder: stacks/cluster
    capability: container-platform
    owner: team-platform
    wave: 1
    ---
    dns
    folder: stacks/dns
    wave: 2
    ");
}

#[test]
fn a_change_is_coloured_and_has_a_legend() {
    let fixture = Fixture::harbour();
    let svg = fixture.picture_of_change(&["aws-cluster"], &["dns", "shop"]).svg().unwrap();
    assert_eq!(svg.matches("\"node affected\"").count(), 2, "the stack, and the legend");
    assert_eq!(svg.matches("\"node downstream\"").count(), 3);
    assert_eq!(svg.matches("\"edge carries\"").count(), 3, "aws-cluster to dns and shop, dns to shop");
    assert!(!fixture.picture().svg().unwrap().contains("node affected"));
}

#[test]
fn texts_are_escaped() {
    let mut fixture = Fixture::new("dns(naming, x)");
    fixture.estate.stacks.values_mut().for_each(|stack| stack.owner = Some("<script>R&D\u{1}</script>".to_owned()));
    let svg = fixture.picture().svg().unwrap();
    assert!(!svg.contains("<script>") && !svg.contains('\u{1}'));
    assert!(svg.contains("&lt;script&gt;R&amp;D &lt;/script&gt;"));
}

#[test]
fn the_same_picture_is_the_same_document() {
    let fixture = Fixture::harbour();
    assert_eq!(fixture.picture().svg().unwrap(), fixture.picture().svg().unwrap());
}

#[test]
fn too_many_stacks_are_refused() {
    let fixture = Fixture::layered(1, STACKS_MAX + 1);
    let error = fixture.picture().svg().unwrap_err();
    assert!(matches!(error, SvgError::TooManyStacks(1_501)));
    insta::assert_snapshot!(error, @"a picture has at most 1500 stacks, these are 1501");
}

#[test]
fn nothing_is_an_empty_picture() {
    let fixture = Fixture::harbour();
    let svg = fixture.picture_of(&[]).svg().unwrap();
    assert!(texts_of(&svg, "text").contains(&"0 stacks, 0 dependencies".to_owned()));
}

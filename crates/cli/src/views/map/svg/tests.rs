//! What the picture says, folds and refuses.

use svg::parser::Event;

use crate::views::map::Chart;
use crate::views::map::fixture::Fixture;

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

fn picture(fixture: &Fixture) -> String {
    fixture.with_chart(|chart| chart.svg().unwrap())
}

#[test]
fn every_layer_is_there_with_owners_counts_and_environments() {
    let svg = picture(&Fixture::harbour());
    insta::assert_snapshot!(texts_of(&svg, "text").join("\n"), @"
    harbour
    1 business and 3 technology capabilities, 7 stacks, 12 resources
    team-data
    team-network
    team-shop
    team-two
    Cells, from the left: dev, prod
    ✓
    delivered
    ·
    never delivered
    ↓
    behind the environment before
    …
    being delivered
    ?
    waits for approval
    ✗
    last delivery failed
    Business capabilities
    1 capability
    Technology capabilities
    3 capabilities
    Stacks
    7 stacks
    Resources
    dev 6 · prod 6
    checkout
    team-shop
    ✗
    ?
    databases
    team-data
    ✗
    ?
    naming
    team-network
    ✓
    ✓
    network
    nobody's
    ✓
    ↓
    checkout · 1 stack
    shop
    ·
    ·
    databases · 2 stacks
    aws-database
    ✗
    ?
    2
    google-database
    …
    ·
    0
    naming · 1 stack
    dns
    ✓
    ✓
    2
    network · 2 stacks
    aws-network
    ✓
    ↓
    7
    google-network
    ✓
    ·
    1
    no capability · 1 stack
    audit
    ·
    ·
    sandbox aws
    subnet
    5
    database
    2
    network
    2
    zone
    2
    sandbox google
    network
    1
    ");
}

#[test]
fn titles_tell_what_there_is_no_room_for() {
    let svg = picture(&Fixture::harbour());
    let titles = texts_of(&svg, "title");
    insta::assert_snapshot!(titles.iter().find(|title| title.starts_with("aws-database\n")).unwrap(), @"
    aws-database
    stack of team-data
    folder: stacks/aws-database
    dev: last delivery failed, release 6b86b273ff34, 1 resource
    prod: waits for approval, release 6b86b273ff34, 1 resource
    ");
    insta::assert_snapshot!(titles.iter().find(|title| title.starts_with("checkout\n")).unwrap(), @"
    checkout
    business capability of team-shop
    needs naming, databases
    1 stack of its own
    dev: last delivery failed
    prod: waits for approval
    ");
    insta::assert_snapshot!(texts_of(&svg, "desc").join("\n"), @"
    1 business and 3 technology capabilities, 7 stacks, 12 resources. checkout, a business capability of team-shop, needs naming, databases; 1 stack serves it. databases, a technology capability of team-data, needs network; 2 stacks serve it. naming, a technology capability of team-network; 1 stack serves it. network, a technology capability of nobody; 2 stacks serve it.
    ");
}

#[test]
fn one_environment_has_one_cell_each() {
    let fixture = Fixture::harbour();
    let prod = fixture.with_map(|map| {
        let prod = map.environments.iter().copied().filter(|name| name.as_str() == "prod").collect();
        Chart::new(map, map.whole(), prod).svg().unwrap()
    });
    assert!(prod.contains("cell waiting e0") && !prod.contains("cell failed") && !prod.contains(" e1\""), "{prod}");
}

#[test]
fn texts_are_escaped() {
    let svg = picture(&Fixture::harbour().owned_by("<script>R&D\u{1}</script>"));
    assert!(!svg.contains("<script>") && !svg.contains('\u{1}'));
    assert!(svg.contains("&lt;script&gt;R&amp;D &lt;/script&gt;"));
    let page = Fixture::harbour()
        .owned_by("</script><img src=x onerror='alert(1)'>")
        .with_chart(|chart| chart.html().unwrap());
    assert_eq!(page.matches("</script>").count(), 2, "the data and the script");
    assert!(!page.contains("<img"), "{page}");
}

#[test]
fn many_stacks_are_folded_and_that_is_said() {
    let svg = picture(&Fixture::wide(5, 80));
    assert!(svg.contains("stack-4-79") && !svg.contains("folded"), "400 are drawn by name");
    let svg = picture(&Fixture::wide(5, 81));
    assert!(!svg.contains(">\nstack-4-80"), "each capability is one box");
    assert!(texts_of(&svg, "text").iter().any(|text| text.starts_with("405 stacks, folded by capability")), "{svg}");
    assert!(texts_of(&svg, "text").contains(&"ability-3 \u{b7} 81 stacks".to_owned()));
    assert!(texts_of(&svg, "title").contains(&"dev: 81 never delivered".to_owned()));
}

#[test]
fn too_many_capabilities_are_refused() {
    let error = Fixture::wide(300, 1).with_chart(|chart| chart.svg().unwrap_err());
    insta::assert_snapshot!(error, @"a picture has at most 300 capabilities, these are 301");
}

#[test]
fn the_same_map_is_the_same_document() {
    assert_eq!(picture(&Fixture::harbour()), picture(&Fixture::harbour()));
    assert_eq!(picture(&Fixture::wide(20, 15)), picture(&Fixture::wide(20, 15)));
}

#[test]
fn boxes_of_stacks_do_not_overlap() {
    for (capabilities, width) in [(3, 2), (20, 15), (4, 95), (60, 1), (5, 2_000)] {
        Fixture::wide(capabilities, width).with_chart(|chart| {
            let drawing = super::Drawing::new(chart, true).unwrap();
            let scene = drawing.scene();
            let cards = scene.cards.iter().map(|card| card.frame);
            let panels = scene.panels.iter().map(|panel| panel.frame);
            let frames: Vec<_> = cards.chain(scene.boxes.iter().map(|one| one.frame)).chain(panels).collect();
            for (at, frame) in frames.iter().enumerate() {
                assert!(
                    frame.x > -0.1 && frame.x + frame.width < scene.size.width + 0.1,
                    "{frame:?} in {:?}",
                    scene.size
                );
                assert!(
                    frame.y > 0.0 && frame.y + frame.height < scene.size.height + 0.1,
                    "{frame:?} in {:?}",
                    scene.size
                );
                let over = frames[at + 1..].iter().find(|other| {
                    frame.x < other.x + other.width - 0.1
                        && other.x < frame.x + frame.width - 0.1
                        && frame.y < other.y + other.height - 0.1
                        && other.y < frame.y + frame.height - 0.1
                });
                assert_eq!(over, None, "over {frame:?}");
            }
        });
    }
}

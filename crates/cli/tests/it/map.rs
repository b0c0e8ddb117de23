//! The capability map from the outside: of a real delivery, in each form, and the questions to it.

use svg::node::element::tag::Type;
use svg::parser::Event;
use terrace_testkit::repository::Repository;
use terrace_testkit::tools;

use crate::desk::Desk;
use crate::{harbour, small};

/// The small estate, with capabilities over it: `sales` needs `storage`, `base` and `middle` serve `storage`, `top` serves `sales`.
fn with_capabilities(desk: Desk) -> Desk {
    let capabilities = r#"
capability "sales" {
  layer       = "business"
  owner       = "team-shop"
  description = "Customers </title><script>alert('buy')</script>"
  needs       = ["storage"]
}
capability "storage" {
  layer = "technology"
}
pipeline {"#;
    desk.edit("terrace.hcl", "\npipeline {", capabilities);
    for (stack, capability) in [("base", "storage"), ("middle", "storage"), ("top", "sales")] {
        let (from, to) =
            (format!("stack \"{stack}\" {{"), format!("stack \"{stack}\" {{\n  capability = \"{capability}\""));
        desk.edit(&format!("stacks/{stack}/stack.hcl"), &from, &to);
    }
    desk.commit("Say what the stacks are for");
    desk
}

fn undelivered() -> Desk {
    let desk = Desk::at(Repository::empty());
    desk.write_all(small::FILES);
    with_capabilities(desk)
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
fn what_was_delivered_is_on_the_map() {
    let Some(terraform) = tools::terraform() else { return };
    let desk = with_capabilities(small::estate(&terraform));
    let before = desk.ok(&["map"]).stdout;
    assert!(before.contains("declares 1 bucket") && before.contains("dev ·"), "{before}");
    desk.run(&["deliver"]).expect(3);

    let map = desk.json(&["map", "--json"]);
    assert_eq!(map["schema"], "terrace.map/1");
    let stacks = map["stacks"].as_array().unwrap();
    let base = stacks.iter().find(|stack| stack["name"] == "base").unwrap();
    assert_eq!(base["clouds"], serde_json::json!(["sandbox aws"]));
    assert_eq!(base["declares"], serde_json::json!({"sandbox_aws_bucket": 1}));
    let statuses: Vec<_> =
        base["instances"].as_array().unwrap().iter().map(|one| one["status"].as_str().unwrap()).collect();
    assert_eq!(statuses, ["delivered", "delivered", "waiting"]);
    assert_eq!(base["instances"][1]["types"], serde_json::json!({"sandbox_aws_bucket": 1}));
    assert_eq!(map["environments"][0]["resources"], serde_json::json!({"sandbox_aws_bucket": 4}));
    let sales = &map["capabilities"][0];
    assert_eq!((&sales["name"], &sales["status"]["dev"]), (&"sales".into(), &"delivered".into()));
    assert_eq!(sales["status"]["prod"], "waiting", "through storage: {sales:#}");

    // Another commit reaches dev alone: test is behind then. What fails is seen, and what it carries.
    desk.edit("stacks/base/stack.hcl", "region = env.region", "region = env.region\n    colour = \"red\"");
    desk.edit(
        "stacks/base/main.tf",
        "variable \"region\" {",
        "variable \"colour\" {\n  type = string\n}\nvariable \"region\" {",
    );
    desk.edit("stacks/base/main.tf", "use = \"base\"", "use = var.colour");
    desk.commit("Paint the base red");
    desk.ok(&["deliver", "--to", "dev"]);
    desk.ok(&["sandbox", "fault", "add", "aws/*", "--operation", "update", "--fail", "Throttled", "--times", "50"]);
    desk.edit("stacks/middle/main.tf", "{ label = var.label }", "{ label = var.label, new = \"yes\" }");
    desk.commit("Give the middle another tag");
    desk.run(&["deliver", "--to", "dev"]).expect(1);
    let text = desk.ok(&["map"]).stdout;
    let line = |name: &str| text.lines().find(|line| line.contains(name)).unwrap_or_else(|| panic!("{text}"));
    assert!(line(" base ").contains("dev ✓ 1  test ↓ 1"), "{text}");
    assert!(line(" middle ").contains("dev ✗ 1"), "{text}");
    assert!(text.contains("✗ last delivery failed"), "{text}");

    let picture = desk.ok(&["map", "--env", "dev", "--format", "svg"]).stdout;
    let texts = texts_of(&picture);
    assert!(texts.iter().any(|text| text == "middle") && !picture.contains("<script"), "{picture}");
    assert!(picture.contains("cell failed") && !picture.contains("cell waiting"), "of dev alone: {picture}");
}

#[test]
fn each_form_needs_nothing_from_elsewhere_and_names_everything() {
    let desk = undelivered();
    for (file, beginning) in [
        ("map.svg", "<svg"),
        ("map.html", "<!DOCTYPE html>"),
        ("map.mmd", "flowchart"),
        ("map.json", "{"),
        ("map.txt", "small: "),
    ] {
        let done = desk.ok(&["map", "--output", file]);
        let text = std::fs::read_to_string(desk.folder().join(file)).unwrap();
        assert!(done.stdout.is_empty() && text.starts_with(beginning), "{file}: {text}");
        for name in ["sales", "storage", "base", "middle", "side", "top"] {
            assert!(text.contains(name), "{name} is not in {file}");
        }
        // In a text and in JSON it is a text like any other.
        if !["map.json", "map.txt"].contains(&file) {
            assert!(!text.contains("<script>alert"), "{file}");
        }
        let links = text.matches("://").count();
        assert_eq!(links, text.matches("xmlns=\"http://www.w3.org/2000/svg\"").count(), "{file}");
        assert!(!text.contains("href=") && !text.contains("src=") && !text.contains("url("), "{file}");
    }
    let picture = std::fs::read_to_string(desk.folder().join("map.svg")).unwrap();
    texts_of(&picture);
    assert_eq!(desk.ok(&["map", "--format", "svg"]).stdout, picture, "the same picture each time");
}

#[test]
fn questions_are_answered() {
    let desk = undelivered();
    let breaks = desk.ok(&["map", "--breaks", "base"]).stdout;
    assert!(
        breaks.starts_with("If base breaks, 2 stacks and 2 capabilities break with it; of the business: sales.\n"),
        "{breaks}"
    );
    let breaks = desk.json(&["map", "--breaks", "base", "--json"]);
    assert_eq!(breaks["schema"], "terrace.map.breaks/1");
    let top = breaks["stacks"].as_array().unwrap().iter().find(|stack| stack["name"] == "top").unwrap();
    let way: Vec<_> =
        top["path"].as_array().unwrap().iter().map(|step| format!("{} {}", step["to"], step["outputs"])).collect();
    assert_eq!(way, [r#""middle" ["label"]"#, r#""top" ["url"]"#]);

    let rests = desk.json(&["map", "--rests", "sales", "--json"]);
    assert_eq!((&rests["schema"], rests["hidden"].as_array().unwrap().len()), (&"terrace.map.rests/1".into(), 0));
    assert_eq!(rests["stacks"].as_array().unwrap().len(), 3);
    let unowned = desk.json(&["map", "--unowned", "--json"]);
    assert_eq!(unowned["stacks"], serde_json::json!(["base", "middle", "side"]));
    assert_eq!(unowned["capabilities"], serde_json::json!(["storage"]));
    assert_eq!(desk.json(&["map", "--strays", "--json"])["stacks"], serde_json::json!(["side"]));
    desk.ok(&["map", "--strays"]);
    assert!(desk.json(&["map", "--clouds", "--json"])["capabilities"].as_array().unwrap().is_empty());
}

#[test]
fn a_part_of_the_map_is_drawn_alone() {
    let desk = undelivered();
    let text = desk.ok(&["map", "storage"]).stdout;
    assert!(text.contains("middle") && !text.contains("top") && !text.contains("side"), "{text}");
    let map = desk.json(&["map", "t*", "--json"]);
    let names = |of: &str| {
        map[of].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!((names("stacks"), names("capabilities")), (vec!["top".to_owned()], vec!["sales".to_owned()]));
    let shallow = desk.ok(&["map", "--depth", "1"]).stdout;
    assert!(
        shallow.contains("sales") && shallow.contains("needs 1 capability") && !shallow.contains("middle"),
        "{shallow}"
    );
}

#[test]
fn what_is_wrong_is_said_with_the_next_step() {
    let desk = undelivered();
    desk.run(&["map", "storige"])
        .expect(2)
        .says(&["no capability and no stack is called `storige`", "Did you mean `storage`?"]);
    desk.run(&["map", "[a"]).expect(2).says(&["is not a glob"]);
    desk.run(&["map", "--env", "pord"]).expect(2).says(&["there is no environment `pord`", "Did you mean `prod`?"]);
    desk.run(&["map", "--breaks", "storage"]).expect(2).says(&["no stack is called `storage`", "--rests storage"]);
    desk.run(&["map", "--breaks", "bas"]).expect(2).says(&["Did you mean `base`?"]);
    desk.run(&["map", "--rests", "base"]).expect(2).says(&["no capability is called `base`", "--breaks base"]);
    desk.run(&["map", "--rests", "sale"]).expect(2).says(&["Did you mean `sales`?"]);
    desk.run(&["map", "--breaks", "base", "--unowned"]).expect(2).says(&["cannot be used with"]);
    desk.run(&["map", "sales", "--unowned"]).expect(2).says(&["cannot be used with"]);
    desk.run(&["map", "--unowned", "--output", "x.svg"]).expect(2).says(&["an answer is text or JSON"]);
    desk.run(&["map", "--output", "map.png"]).expect(2).says(&["`.png`", ".svg"]);
    desk.run(&["map", "--json", "--depth", "2"]).expect(2).says(&["`--depth` is about the tree"]);
    desk.run(&["map", "--output", "no/such/folder.svg"]).expect(1).says(&["cannot write no/such/folder.svg"]);
    desk.edit("terrace.hcl", "layer = \"technology\"", "layer = \"technology\"\n  needs = [\"sales\"]");
    desk.run(&["map"]).expect(2).says(&["capabilities need each other in a circle: sales", "terrace.hcl:"]);
}

#[test]
fn an_estate_without_anything_has_an_empty_map() {
    let desk = Desk::at(Repository::empty());
    let estate =
        "estate \"empty\" {}\nenvironment \"dev\" {}\npipeline {\n  stage \"dev\" { environment = \"dev\" }\n}\n";
    desk.write("terrace.hcl", estate);
    desk.commit("Begin");
    desk.ok(&["map"]).says(&["There is nothing on the map"]);
    texts_of(&desk.ok(&["map", "--format", "svg"]).stdout);
    assert!(desk.json(&["map", "--json"])["stacks"].as_array().unwrap().is_empty());
}

/// What the documents show is what the example gives.
#[test]
fn the_documented_output_is_true() {
    let desk = Desk::at(Repository::empty());
    desk.ok(&["init", "--example", "harbour"]);
    let document = include_str!("../../../../docs/map.md");
    let blocks: Vec<&str> =
        document.split("```console\n").skip(1).map(|block| block.split_once("```").unwrap().0).collect();
    assert!(blocks.len() >= 4, "the examples are gone from docs/map.md");
    for block in blocks {
        let (command, expected) = block.split_once('\n').unwrap();
        let arguments: Vec<&str> = command.strip_prefix("$ terrace ").unwrap().split(' ').collect();
        assert_eq!(desk.ok(&arguments).stdout, expected, "docs/map.md: {command}");
    }
    assert_eq!(harbour::WAVES.concat().len(), 11);
}

//! The picture's numbers: nothing lies outside it, and names stand apart.

use std::fmt::Write;

use super::super::fixture::Fixture;
use super::rings::DOTS_MAX;

/// A stack that so many read, half of which serve a capability each.
fn estate(readers: usize) -> String {
    let mut text = String::from(
        "//- terrace.hcl\nestate \"harbour\" {}\nenvironment \"dev\" {}\npipeline {\n  stage \"dev\" { environment = \"dev\" }\n}\n",
    );
    for at in 0..readers {
        let _ = write!(text, "capability \"c{at}\" {{\n  layer = \"technology\"\n}}\n");
    }
    text.push_str(
        "//- stacks/core/stack.hcl\nstack \"core\" {}\n//- stacks/core/main.tf\noutput \"id\" { value = 1 }\n",
    );
    for at in 0..readers {
        let _ = write!(
            text,
            "//- stacks/r{at}/stack.hcl\nstack \"reader-{at}\" {{\n  capability = \"c{at}\"\n  inputs     = {{ id = stack.core.id }}\n}}\n\
             //- stacks/r{at}/main.tf\nvariable \"id\" {{}}\n"
        );
    }
    text
}

fn picture(readers: usize) -> String {
    let fixture = Fixture::new(&estate(readers));
    let radius = fixture.radius("dev", "core\n  - aws_db_instance.main\n  ~ output.id");
    fixture.report(&radius).svg()
}

fn numbers(svg: &str, key: &str) -> Vec<f64> {
    let key = format!(" {key}=\"");
    let parts = svg.split(&key).skip(1);
    parts.filter_map(|rest| rest.split('"').next()?.parse().ok()).collect()
}

#[test]
fn everything_is_inside_and_names_stand_apart() {
    for readers in [0, 1, 3, 12, 40] {
        let svg = picture(readers);
        let (width, height) = (numbers(&svg, "width")[0], numbers(&svg, "height")[0]);
        assert!(numbers(&svg, "cx").iter().all(|x| (0.0..=width).contains(x)), "{readers}");
        assert!(numbers(&svg, "cy").iter().all(|y| (0.0..=height).contains(y)), "{readers}");
        let halos = svg.split("class=\"br-halo\"").skip(1).map(|rest| {
            let rest = &rest[..rest.find("/>").expect("it is closed")];
            let number = |key| numbers(rest, key)[0];
            (number("x"), number("y"), number("width"))
        });
        let halos: Vec<(f64, f64, f64)> = halos.collect();
        for (at, one) in halos.iter().enumerate() {
            assert!(one.0 >= 0.0 && one.0 + one.2 <= width, "{readers}: {one:?} in {width}");
            for other in &halos[at + 1..] {
                let apart = (one.1 - other.1).abs() >= 29.0 || one.0 + one.2 <= other.0 || other.0 + other.2 <= one.0;
                assert!(apart, "{readers}: {one:?} lies over {other:?}");
            }
        }
    }
}

#[test]
fn of_many_the_first_are_drawn_and_the_rest_is_counted() {
    let svg = picture(40);
    assert_eq!(svg.matches("br-node br-readers").count(), DOTS_MAX);
    assert!(svg.contains(&format!("and {} more", 40 - DOTS_MAX + 1)), "{svg}");
}

#[test]
fn words_are_escaped() {
    let fixture = Fixture::new(&estate(0));
    let radius = fixture.radius("dev", "core\n  - aws_db_instance.main[\"<script>\"]");
    let svg = fixture.report(&radius).svg();
    assert!(svg.contains("&lt;script&gt;") && !svg.contains("<script>"), "{svg}");
}

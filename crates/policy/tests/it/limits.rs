//! What would never end, or take all there is.

use std::fmt::Write;
use std::time::Duration;

use serde_json::json;
use terrace_policy::{Limits, Namespaces};

use crate::checked::{in_words, load, said};

fn stopped(body: &str) -> String {
    let limits = Limits { time: Duration::from_millis(300) };
    let policies = load(&format!("//- policy/a.rego\npackage main\n\n{body}\n")).unwrap();
    in_words(&policies.evaluate(json!({}), &Namespaces::default(), &limits))
}

const STOPPED: &str = "problem policy/a.rego:3:1: `data.main.deny` was still being evaluated after 300ms, which is the limit for all rules\n1 rules, 0 passed\n";

#[test]
fn what_does_not_end_is_stopped() {
    // Each would take days.
    let numbers = "n := numbers.range(1, 100000)";
    for body in [
        format!("deny[msg] {{ a := n[_]; b := n[_]; c := n[_]; a + b + c < 0; msg := \"never\" }}\n{numbers}"),
        format!(
            "deny[msg] {{ x := [1 | a := n[_]; b := n[_]; c := n[_]; a + b < c * 0]; msg := sprintf(\"%d\", [count(x)]) }}\n{numbers}"
        ),
        format!(
            "deny[msg] {{ f(n) == 1; msg := \"never\" }}\nf(x) = y {{ a := x[_]; b := x[_]; c := x[_]; a + b + c < 0; y := 1 }}\nf(x) = y {{ a := x[_]; b := x[_]; a * b < 0; y := 1 }}\n{numbers}"
        ),
    ] {
        assert_eq!(stopped(&body), STOPPED, "{body}");
    }
}

#[test]
fn functions_that_branch_without_end_are_stopped() {
    // 2^60 calls: an error in one definition of a function must not make the interpreter try all the others for long.
    let mut body = String::from("deny[msg] { f0(1); msg := \"never\" }\n");
    for number in 0..60 {
        for _ in 0..2 {
            let _ = writeln!(body, "f{number}(x) {{ f{}(x + 1) }}", number + 1);
        }
    }
    body.push_str("f60(x) { x < 0 }\n");
    assert_eq!(stopped(&body), STOPPED);
}

#[test]
fn ranges_are_not_endless() {
    let one = |expression: &str| {
        said(
            &format!(
                "//- policy/a.rego\npackage main\ndeny[msg] {{ x := {expression}; msg := sprintf(\"%v\", [x]) }}\n"
            ),
            &json!({}),
        )
    };
    assert!(one("numbers.range(3, 1)").contains("deny: [3, 2, 1]"), "{}", one("numbers.range(3, 1)"));
    assert!(one("numbers.range_step(1, 6, 2)").contains("deny: [1, 3, 5]"));
    assert!(one("numbers.range_step(6, 1, 2)").contains("deny: [6, 4, 2]"));
    for expression in ["numbers.range(0, 1000000000000000)", "numbers.range_step(0, 1000000000, 2)"] {
        let said = one(expression);
        assert!(
            said.contains("problem policy/a.rego:2:") && said.contains("the range has more than 1000000 elements"),
            "{said}"
        );
    }
    assert!(one("numbers.range_step(0, 5, 0)").contains("the step of a range must be greater than 0"));
    assert!(one("numbers.range(0.5, 3)").contains("a whole number is expected, found 0.5"));
}

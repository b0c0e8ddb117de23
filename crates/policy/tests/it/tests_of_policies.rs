//! Tests of policies, as OPA and conftest run them.

use insta::assert_snapshot;

use crate::checked::tested;

#[test]
fn tests_pass_fail_break_and_are_skipped() {
    let fixture = r#"
//- policy/a.rego
package main

deny[msg] { input.open; msg := "open" }
//- policy/a_test.rego
package main

test_open_is_denied { deny["open"] with input as {"open": true} }
test_closed_passes { count(deny) == 0 with input as {"open": false} }
test_wrong { count(deny) == 1 with input as {} }
test_false = false { true }
test_division { 1 / 0 == 1 }
test_value = "x" { true }
todo_test_later { false }
test_prints { print("seen", 1); true }
//- policy/rules.rego
package rules.main

deny[msg] { input.closed; msg := "closed" }
//- policy/lib_test.rego
package lib_test

import rego.v1
import data.rules.main

test_from_outside if "closed" in main.deny with input as {"closed": true}
test_data if data.limits.max == 2 with data.limits as {"max": 2}
"#;
    assert_snapshot!(tested(fixture), @r"
    policy/a_test.rego:3 data.main.test_open_is_denied pass
    policy/a_test.rego:4 data.main.test_closed_passes pass
    policy/a_test.rego:5 data.main.test_wrong fail: it does not hold
    policy/a_test.rego:6 data.main.test_false fail: it is false
    policy/a_test.rego:7 data.main.test_division broken: policy/a_test.rego:7:19: divide by zero
    policy/a_test.rego:8 data.main.test_value fail: it gives a value, and a test is true or fails
    policy/a_test.rego:9 data.main.todo_test_later skipped
    policy/a_test.rego:10 data.main.test_prints pass
      policy/a_test.rego:10: seen 1
    policy/lib_test.rego:6 data.lib_test.test_from_outside pass
    policy/lib_test.rego:7 data.lib_test.test_data pass
    ");
}

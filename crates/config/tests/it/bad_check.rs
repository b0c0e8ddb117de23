//! What can be wrong in a `check` block, and in what it says of the stack's code.

use insta::assert_snapshot;

use crate::check::check;

/// A stack with these checks, whose code has the outputs `url` and `password`.
fn checked(checks: &str) -> String {
    check(&format!(
        "
//- a/stack.hcl
stack \"a\" {{
{}
}}
//- a/main.tf
output \"url\" {{
  value = 1
}}
output \"password\" {{
  value     = 1
  sensitive = true
}}
//- a/smoke.sh
exit 0
",
        checks.trim()
    ))
}

#[test]
fn what_is_right() {
    assert_eq!(
        checked(
            r#"
  check "answers" {
    http {
      url     = "${output.url}/health"
      method  = "GET"
      headers = { Authorization = "Bearer ${output.password}", "X-Stack" = stack.name }
      status  = [200, 204]
      body    = "^(ok|up)$"
    }
    timeout = "5s"
    within  = "1m30s"
  }
  check "smoke" {
    command = ["sh", "./smoke.sh", output.url, env.name]
    within  = "0s"
  }
  check "is-https" {
    output  = "url"
    matches = "^https://"
  }
  check "is-this" {
    output = "url"
    equals = "https://${stack.name}.${env.name}.example.com"
  }
"#
        ),
        ""
    );
}

#[test]
fn a_check_asks_one_thing() {
    assert_snapshot!(checked(
        r#"
  check "nothing" {}
  check "two" {
    command = ["true"]
    http {
      url = output.url
    }
  }
  check "no-test" {
    terraform_test = false
  }
  check "two" {
    output  = "url"
    matches = "a"
    equals  = "a"
  }
  check "neither" {
    output = "url"
  }
  check "of-what" {
    command = ["true"]
    equals  = 1
  }
  check {
    command = ["true"]
  }
  check "9" {
    command = ["true"]
  }
"#
    ), @r#"
    error[no-kind]: the check asks nothing
     --> a/stack.hcl:2:1
      |
    2 | check "nothing" {}
      | ^^^^^ what must hold?
      |
      = help: Write one of `command`, `http`, `output`, `terraform_test` into it.

    error[two-kinds]: a check asks one thing
     --> a/stack.hcl:5:5
      |
    4 |     command = ["true"]
      |     ------- the first
    5 |     http {
      |     ^^^^ `http` is the second
      |
      = help: Make two checks of it.

    error[no-kind]: the check asks nothing
      --> a/stack.hcl:10:22
       |
    10 |     terraform_test = false
       |                      ^^^^^ must be `true`
       |
       = help: Take the check out where tests are not to be run.

    error[two-kinds]: an output is compared with a value or with a pattern, not with both
      --> a/stack.hcl:13:5
       |
    13 |     output  = "url"
       |     ^^^^^^ `equals` and `matches`
       |
       = help: Write `equals = VALUE`, or `matches = "REGEX"`.

    error[missing-attribute]: it is not said what the output must be
      --> a/stack.hcl:18:5
       |
    18 |     output = "url"
       |     ^^^^^^ no `equals`, no `matches`
       |
       = help: Write `equals = VALUE`, or `matches = "REGEX"`.

    error[missing-attribute]: `equals` says what an output must be, and none is named
      --> a/stack.hcl:22:5
       |
    22 |     equals  = 1
       |     ^^^^^^ of which output?
       |
       = help: Add `output = "NAME"`.

    error[missing-label]: a `check` block needs a label: the check's name
      --> a/stack.hcl:24:3
       |
    24 |   check {
       |   ^^^^^ write `check "..." {`

    error[invalid-name]: a name begins with a letter and has letters, digits, `-` and `_` only; this one has `9`
      --> a/stack.hcl:27:9
       |
    27 |   check "9" {
       |         ^^^ not a name
    "#);
}

#[test]
fn times() {
    assert_snapshot!(checked(
        r#"
  check "a" {
    command = ["true"]
    timeout = "soon"
    within  = "-2m"
  }
  check "b" {
    command = ["true"]
    timeout = "0s"
    within  = "25h"
  }
  check "c" {
    output  = "url"
    equals  = 1
    within  = "1m"
    timeout = "1m"
  }
"#
    ), @r#"
    error[wrong-duration]: `timeout` cannot be `soon`
     --> a/stack.hcl:4:15
      |
    4 |     timeout = "soon"
      |               ^^^^^^ not a length of time
      |
      = help: Write it like `10s`, `2m` or `1m30s`.

    error[wrong-duration]: `within` cannot be `-2m`
     --> a/stack.hcl:5:15
      |
    5 |     within  = "-2m"
      |               ^^^^^ not a length of time
      |
      = help: Write it like `10s`, `2m` or `1m30s`.

    error[wrong-duration]: `timeout` cannot be `0s`
     --> a/stack.hcl:9:15
      |
    9 |     timeout = "0s"
      |               ^^^^ must be more than nothing
      |
      = help: Write it like `10s`, `2m` or `1m30s`.

    error[wrong-duration]: `within` cannot be `25h`
      --> a/stack.hcl:10:15
       |
    10 |     within  = "25h"
       |               ^^^^^ must be 24 hours at most
       |
       = help: Write it like `10s`, `2m` or `1m30s`.

    error[unknown-attribute]: `within` has no meaning here: an output does not change while it is waited for
      --> a/stack.hcl:15:5
       |
    15 |     within  = "1m"
       |     ^^^^^^ take it out

    error[unknown-attribute]: `timeout` has no meaning here: an output does not change while it is waited for
      --> a/stack.hcl:16:5
       |
    16 |     timeout = "1m"
       |     ^^^^^^^ take it out
    "#);
}

#[test]
fn requests() {
    assert_snapshot!(checked(
        r#"
  check "a" {
    http {
      url     = "ftp://example.com"
      method  = "DELETE"
      headers = { "a b" = 1 }
      status  = ["ok"]
      body    = "(up"
    }
  }
  check "b" {
    http "x" {
      method = "HEAD"
      body   = "up"
      follow = true
    }
  }
"#
    ), @r#"
    error[wrong-url]: only `http://` and `https://` can be asked
     --> a/stack.hcl:4:17
      |
    4 |       url     = "ftp://example.com"
      |                 ^^^^^^^^^^^^^^^^^^^ begins with neither

    error[wrong-method]: a check cannot use `DELETE`
     --> a/stack.hcl:5:17
      |
    5 |       method  = "DELETE"
      |                 ^^^^^^^^ not a method of checks
      |
      = help: It only looks: `GET`, `HEAD`, `OPTIONS`. What changes something is for a `command`.

    error[wrong-type]: the name of a header field must be a plain word
     --> a/stack.hcl:6:19
      |
    6 |       headers = { "a b" = 1 }
      |                   ^^^^^ not a name

    error[wrong-type]: expected status codes, such as `[200, 204]`
     --> a/stack.hcl:7:17
      |
    7 |       status  = ["ok"]
      |                 ^^^^^^ must be numbers from 100 to 599

    error[wrong-pattern]: the regular expression cannot be used
     --> a/stack.hcl:8:17
      |
    8 |       body    = "(up"
      |                 ^^^^^ unclosed group

    error[missing-attribute]: the request has no `url`
      --> a/stack.hcl:12:5
       |
    12 |     http "x" {
       |     ^^^^ what is asked for?
       |
       = help: Write `url = output.NAME`, or `url = "https://..."`.

    error[extra-label]: an `http` block has no label
      --> a/stack.hcl:12:10
       |
    12 |     http "x" {
       |          ^^^ one too many

    error[wrong-method]: the answer to a HEAD request has no body
      --> a/stack.hcl:14:16
       |
    14 |       body   = "up"
       |                ^^^^ is never found

    error[unknown-attribute]: an `http` block has no attribute `follow`
      --> a/stack.hcl:15:7
       |
    15 |       follow = true
       |       ^^^^^^ unknown attribute
       |
       = help: Known here: `url`, `method`, `headers`, `status`, `body`.
    "#);
}

#[test]
fn commands_and_what_they_are_given() {
    assert_snapshot!(checked(
        r#"
  check "a" {
    command = "./smoke.sh"
  }
  check "b" {
    command = ["./smoke.sh", output.pasword]
  }
  check "c" {
    command = ["./smok.sh", "--password", output.password]
  }
  check "d" {
    command = ["true", stack.other.url, env.nothing, outputs.url]
  }
  check "d" {
    command = []
  }
"#
    ), @r#"
    error[wrong-type]: expected a program and its arguments, as a list of strings
     --> a/stack.hcl:3:15
      |
    3 |     command = "./smoke.sh"
      |               ^^^^^^^^^^^^ must be `["PROGRAM", "ARGUMENT", ...]`
      |
      = help: No shell is in between. For one, write `["sh", "-c", "..."]`.

    error[not-executable]: `./smoke.sh` cannot be run
     --> a/stack.hcl:6:16
      |
    6 |     command = ["./smoke.sh", output.pasword]
      |                ^^^^^^^^^^^^ is not executable
      |
      = help: Make it executable (`chmod +x`) and commit that, or write `["sh", "./smoke.sh"]`.

    error[unknown-output]: the stack `a` has no output `pasword`
     --> a/stack.hcl:6:30
      |
    6 |     command = ["./smoke.sh", output.pasword]
      |                              ^^^^^^^^^^^^^^ no such output
      |
      = help: Did you mean `password`?

    warning[no-program]: `./smok.sh` is not there
     --> a/stack.hcl:9:16
      |
    9 |     command = ["./smok.sh", "--password", output.password]
      |                ^^^^^^^^^^^ no such file in the stack's folder
      |
      = help: A path is read from the stack's folder; files from elsewhere belong in `watch`. A name without `/` is looked up on PATH.

    warning[sensitive-argument]: the command would show `output.password`, which is sensitive
     --> a/stack.hcl:9:43
      |
    9 |     command = ["./smok.sh", "--password", output.password]
      |                                           ^^^^^^^^^^^^^^^ arguments are seen by everybody on the machine
      |
     ::: a/main.tf:4:8
      |
    4 | output "password" {
      |        ---------- marked as sensitive here
      |
      = help: Let the program read it from the file that TERRACE_OUTPUTS names.

    error[unknown-reference]: a check cannot read `stack.other.url`
      --> a/stack.hcl:12:24
       |
    12 |     command = ["true", stack.other.url, env.nothing, outputs.url]
       |                        ^^^^^^^^^^^^^^^ of another stack
       |
       = help: A check reads outputs of its own stack: `output.NAME`. Hand on as an output what it needs of others.

    error[unknown-value]: no environment has a value `nothing`
      --> a/stack.hcl:12:41
       |
    12 |     command = ["true", stack.other.url, env.nothing, outputs.url]
       |                                         ^^^^^^^^^^^ read here
       |
      ::: terrace.hcl:2:13
       |
     2 | environment "dev" {
       |             ----- no `nothing` in its `vars`
       |
       = help: Add `nothing` to `vars` in terrace.hcl: every environment needs it.

    error[unknown-reference]: nothing is called `outputs` here
      --> a/stack.hcl:12:54
       |
    12 |     command = ["true", stack.other.url, env.nothing, outputs.url]
       |                                                      ^^^^^^^ unknown
       |
       = help: References begin with `env`, `stack` or `estate`; a text needs quotes.

    error[wrong-type]: expected a program and its arguments, as a list of strings
      --> a/stack.hcl:15:15
       |
    15 |     command = []
       |               ^^ must be `["PROGRAM", "ARGUMENT", ...]`
       |
       = help: No shell is in between. For one, write `["sh", "-c", "..."]`.
    "#);
}

#[test]
fn outputs_are_for_checks_alone() {
    assert_snapshot!(check(r#"
//- a/stack.hcl
stack "a" {
  inputs = {
    url = output.url
  }
}
//- a/main.tf
variable "url" {}
output "url" {
  value = var.url
}
"#), @r"
    error[unknown-reference]: `output.url` can be read in the stack's checks only
     --> a/stack.hcl:3:11
      |
    3 |     url = output.url
      |           ^^^^^^^^^^ not known here
      |
      = help: An output of another stack is `stack.NAME.url`.
    ");
}

#[test]
fn tests_must_be_there() {
    assert_snapshot!(checked(
        r#"
  check "tests" {
    terraform_test = true
    within         = "1m"
  }
  check "again" {
    terraform_test = true
  }
  check "port" {
    output  = "ports"
    matches = "["
  }
"#
    ), @r#"
    error[no-tests]: the stack `a` has no tests
     --> a/stack.hcl:2:7
      |
    2 | check "tests" {
      |       ^^^^^^^ no `*.tftest.hcl` in its folder or in `tests`
      |
      = help: Write one, or take the check out: `terraform test` finds nothing to run, and calls that success.

    error[unknown-attribute]: `within` has no meaning here: tests are run once
     --> a/stack.hcl:4:5
      |
    4 |     within         = "1m"
      |     ^^^^^^ take it out

    error[duplicate-block]: the tests of a stack are run by one check
     --> a/stack.hcl:6:9
      |
    2 | check "tests" {
      |       ------- runs them already
    ...
    6 |   check "again" {
      |         ^^^^^^^ runs the same files again

    error[no-tests]: the stack `a` has no tests
     --> a/stack.hcl:6:9
      |
    6 |   check "again" {
      |         ^^^^^^^ no `*.tftest.hcl` in its folder or in `tests`
      |
      = help: Write one, or take the check out: `terraform test` finds nothing to run, and calls that success.

    error[wrong-pattern]: the regular expression cannot be used
      --> a/stack.hcl:11:15
       |
    11 |     matches = "["
       |               ^^^ unclosed character class
    "#);
    assert_eq!(
        check(
            r#"
//- a/stack.hcl
stack "a" {
  check "tests" {
    terraform_test = true
  }
}
//- a/main.tf
//- a/tests/all.tftest.hcl
run "plan" {}
"#
        ),
        ""
    );
}

#[test]
fn fifty_are_enough() {
    let check = |at| format!("  check \"c{at}\" {{\n    command = [\"true\"]\n  }}");
    let checks: Vec<_> = (0..51).map(check).collect();
    assert_snapshot!(checked(&checks.join("\n")), @r#"
    error[too-many-checks]: a stack has at most 50 checks, this one has 51
       --> a/stack.hcl:152:9
        |
    152 |   check "c50" {
        |         ^^^^^ one too many
        |
        = help: Put what belongs together into a script, and run that with one `command`.
    "#);
}

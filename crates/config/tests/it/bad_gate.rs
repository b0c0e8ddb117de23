//! Gates that are wrong: each with its place, and none taken for what was not said.

use insta::assert_snapshot;

use crate::check::check;

fn gates(gates: &str) -> String {
    check(&format!(
        "//- terrace.hcl\nestate \"e\" {{}}\nenvironment \"dev\" {{}}\npipeline {{\n  stage \"dev\" {{\n    environment = \"dev\"\n{gates}\n  }}\n}}\n"
    ))
}

#[test]
fn windows_that_overlap_or_never_open() {
    assert_snapshot!(gates(r#"
    gate "window" {
      days = ["mon", "tue"]
      from = "08:00"
      to   = "17:00"
    }
    gate "window" {
      days = ["tuesday"]
      from = "16:30"
      to   = "20:00"
    }
    gate "window" { days = [] }
    gate "window" {
      days      = ["someday"]
      from      = "8"
      to        = "25:00"
      time_zone = "Mars/Olympus"
      freeze    = [{ from = "soon", to = "later" }]
    }
"#), @r#"
    error[overlapping-windows]: the windows mon, tue 08:00-17:00 UTC and tue 16:30-20:00 UTC overlap
      --> terrace.hcl:12:10
       |
     7 |     gate "window" {
       |          -------- the first one
    ...
    12 |     gate "window" {
       |          ^^^^^^^^ the second one
       |
       = help: Changes are made while any window is open: let each begin where another ends, or make one of them.

    error[idle-gate]: the window never opens
      --> terrace.hcl:17:28
       |
    17 |     gate "window" { days = [] }
       |                            ^^ no day
       |
       = help: Name the days on which changes are made: `days = ["mon", "tue"]`.

    error[wrong-type]: expected a list of days such as "mon", found a list
      --> terrace.hcl:19:19
       |
    19 |       days      = ["someday"]
       |                   ^^^^^^^^^^^ must be a list of days such as "mon"

    error[wrong-type]: expected a time of day such as "08:00", found a string
      --> terrace.hcl:20:19
       |
    20 |       from      = "8"
       |                   ^^^ must be a time of day such as "08:00"

    error[wrong-type]: expected a time of day such as "08:00", found a string
      --> terrace.hcl:21:19
       |
    21 |       to        = "25:00"
       |                   ^^^^^^^ must be a time of day such as "08:00"

    error[wrong-type]: expected a time zone of the tz database such as "Europe/Berlin", found a string
      --> terrace.hcl:22:19
       |
    22 |       time_zone = "Mars/Olympus"
       |                   ^^^^^^^^^^^^^^ must be a time zone of the tz database such as "Europe/Berlin"

    error[wrong-type]: expected a list of `{ from = "2026-12-20", to = "2027-01-03", reason = "..." }`, found a list
      --> terrace.hcl:23:19
       |
    23 |       freeze    = [{ from = "soon", to = "later" }]
       |                   ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ must be a list of `{ from = "2026-12-20", to = "2027-01-03", reason = "..." }`
    "#);
}

#[test]
fn freezes_that_overlap_or_end_before_they_begin() {
    assert_snapshot!(gates(r#"
    gate "window" {
      freeze = [
        { from = "2026-12-20", to = "2027-01-03" },
        { from = "2027-01-03T12:00", to = "2027-01-05", reason = "stock" },
        { from = "2026-05-01", to = "2026-04-01" },
      ]
    }
"#), @r#"
    error[overlapping-windows]: the freezes from 2026-12-20 and from 2027-01-03 overlap
      --> terrace.hcl:8:16
       |
     8 |         freeze = [
       |  ________________^
     9 | |         { from = "2026-12-20", to = "2027-01-03" },
    10 | |         { from = "2027-01-03T12:00", to = "2027-01-05", reason = "stock" },
    11 | |         { from = "2026-05-01", to = "2026-04-01" },
    12 | |       ]
       | |_______^ let one end where the other begins

    error[wrong-value]: the freeze from 2026-05-01 00:00 ends before it begins
      --> terrace.hcl:8:16
       |
     8 |         freeze = [
       |  ________________^
     9 | |         { from = "2026-12-20", to = "2027-01-03" },
    10 | |         { from = "2027-01-03T12:00", to = "2027-01-05", reason = "stock" },
    11 | |         { from = "2026-05-01", to = "2026-04-01" },
    12 | |       ]
       | |_______^ `to` must be after `from`
    "#);
}

#[test]
fn gates_that_limit_nothing_or_stand_there_twice() {
    assert_snapshot!(gates(r#"
    gate "blast_radius" {}
    gate "soak" {}
    gate "soak" { for = "a while" }
    gate "clean" {}
    gate "clean" {}
    gate "blast_radius" {
      stateful  = "ask"
      max_level = "severe"
    }
    gate "approval" { count = 0 }
"#), @r#"
    error[idle-gate]: the gate limits nothing
     --> terrace.hcl:7:10
      |
    7 |     gate "blast_radius" {}
      |          ^^^^^^^^^^^^^^ lets everything through
      |
      = help: Say what it limits: `max_destroys = 0`, `max_share = 0.25`, `max_level = "medium"`, `stateful = "approve"`.

    error[missing-attribute]: the gate does not say how long
     --> terrace.hcl:8:10
      |
    8 |     gate "soak" {}
      |          ^^^^^^ has no `for`
      |
      = help: Say how long a release must have run in the stage before: `for = "24h"`.

    error[wrong-type]: expected a duration such as "30m" or "7d", found a string
     --> terrace.hcl:9:25
      |
    9 |     gate "soak" { for = "a while" }
      |                         ^^^^^^^^^ must be a duration such as "30m" or "7d"

    error[duplicate-gate]: the stage has two gates `clean`
      --> terrace.hcl:11:10
       |
    10 |     gate "clean" {}
       |          ------- the first one
    11 |     gate "clean" {}
       |          ^^^^^^^ the second one
       |
       = help: Put what they ask for into one of them.

    error[wrong-type]: expected "allow", "approve" or "refuse", found a string
      --> terrace.hcl:13:19
       |
    13 |       stateful  = "ask"
       |                   ^^^^^ must be "allow", "approve" or "refuse"

    error[wrong-type]: expected "none", "low", "medium", "high" or "critical", found a string
      --> terrace.hcl:14:19
       |
    14 |       max_level = "severe"
       |                   ^^^^^^^^ must be "none", "low", "medium", "high" or "critical"

    error[wrong-type]: expected a whole number from 1, found a number
      --> terrace.hcl:16:31
       |
    16 |     gate "approval" { count = 0 }
       |                               ^ must be a whole number from 1
    "#);
}

#[test]
fn owners_whom_nobody_knows() {
    let files = r#"
//- a/main.tf
# nothing
//- a/stack.hcl
stack "a" { owner = "team-a" }
//- b/main.tf
# nothing
//- b/stack.hcl
stack "b" { owner = "team-b" }
//- c/main.tf
# nothing
//- c/stack.hcl
stack "c" { owner = "carol@example.com" }
//- terrace.hcl
estate "e" {}
environment "dev" {}
team "team-a" { members = ["ada"] }
pipeline {
  stage "dev" {
    environment = "dev"
    GATE
  }
}
"#;
    assert_snapshot!(check(&files.replace("GATE", "gate \"approval\" {}")), @r#"
    warning[unknown-owner]: nobody knows who `team-b` is
     --> terrace.hcl:7:10
      |
    7 |     gate "approval" {}
      |          ^^^^^^^^^^ asks the owners of what a change touches
      |
      = help: Say who they are: `team "team-b" { members = ["..."] }`. Until then the gate refuses what touches theirs.
    "#);
    assert_snapshot!(check(&files.replace("GATE", "gate \"blast_radius\" { stateful = \"approve\" }")), @r#"
    warning[unknown-owner]: nobody knows who `team-b` is
     --> terrace.hcl:7:10
      |
    7 |     gate "blast_radius" { stateful = "approve" }
      |          ^^^^^^^^^^^^^^ asks the owners of what a change touches
      |
      = help: Say who they are: `team "team-b" { members = ["..."] }`. Until then the gate refuses what touches theirs.
    "#);
    assert_snapshot!(check(&files.replace("GATE", "gate \"approval\" { by = [\"team-a\"] }")), @"");
}

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
"#), @"");
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
"#), @"");
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
"#), @"");
}

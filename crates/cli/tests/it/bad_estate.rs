//! Configurations that are wrong: each is told with its place and what to do, ends with 2, and nothing is done.

use terrace_testkit::repository::Repository;
use terrace_testkit::tools;

use crate::desk::{Desk, Done};
use crate::small;

/// The small estate without Terraform: nothing here gets as far as that.
fn estate() -> Desk {
    let desk = Desk::at(Repository::empty());
    desk.write_all(small::FILES);
    desk.commit("Begin");
    desk
}

/// Commits what was done; `validate` and `deliver` both must refuse it, and say these.
fn refused(desk: &Desk, texts: &[&str]) -> Done {
    desk.commit("Break");
    desk.run(&["deliver"]).expect(2).says(texts);
    assert!(!desk.home("terrace.db").exists(), "there must be no run");
    let done = desk.run(&["validate"]).expect(2).says(texts);
    assert!(done.stdout.starts_with("The estate has "), "{done}");
    done
}

#[test]
fn a_broken_file_does_not_hide_what_is_wrong_in_others() {
    let desk = estate();
    desk.write("stacks/base/stack.hcl", "stack \"base\" {\n  inputs = {\n");
    desk.edit("stacks/side/stack.hcl", "watch", "wach");
    desk.edit("stacks/top/stack.hcl", "env.region", "env.religion");
    desk.edit("terrace.hcl", "protected = true", "protected = \"perhaps\"");
    let done = refused(
        &desk,
        &[
            "stacks/base/stack.hcl:",
            "stacks/side/stack.hcl:2:",
            "wach",
            "`watch`",
            "stacks/top/stack.hcl:4:",
            "religion",
            "region",
            "terrace.hcl:",
            "protected",
        ],
    );
    let report = desk.run(&["validate", "--json"]).expect(2).json();
    assert_eq!(report["valid"], false);
    let files: std::collections::BTreeSet<_> =
        report["diagnostics"].as_array().unwrap().iter().map(|one| one["file"].as_str().unwrap().to_owned()).collect();
    assert!(files.len() >= 4, "{files:?}\n{done}");
}

#[test]
fn a_diagnostic_shows_the_source_underlined() {
    let desk = estate();
    desk.edit("stacks/top/stack.hcl", "stack.middle.url", "stack.midle.url");
    let done = refused(&desk, &["stacks/top/stack.hcl:5:", "stack.midle.url", "^", "`stack.middle`"]);
    assert!(done.stderr.contains("^^^^^^^^^^^^^^^ not in this estate"), "{done}");
}

#[test]
fn a_cycle_is_told_as_one() {
    let desk = estate();
    desk.edit("stacks/base/stack.hcl", "env.region", "stack.top.url");
    desk.write("stacks/top/outputs.tf", "output \"url\" {\n  value = 1\n}\n");
    refused(&desk, &["base", "middle", "top", "cycle"]);
}

#[test]
fn an_output_that_is_not_there_is_named_with_a_near_one() {
    let desk = estate();
    desk.edit("stacks/middle/stack.hcl", "stack.base.label", "stack.base.lable");
    refused(&desk, &["stacks/middle/stack.hcl:5:", "`lable`", "`stack.base.label`"]);
}

#[test]
fn a_stage_to_an_environment_that_is_not_there_is_refused() {
    let desk = estate();
    desk.edit("terrace.hcl", "stage \"test\" { environment = \"test\" }", "stage \"test\" { environment = \"tset\" }");
    refused(&desk, &["terrace.hcl:", "tset", "`test`"]);
}

#[test]
fn a_stack_inside_a_stack_is_refused() {
    let desk = estate();
    desk.write("stacks/base/inner/stack.hcl", "stack \"inner\" {}\n");
    refused(&desk, &["stacks/base/inner/stack.hcl", "inside", "base"]);
}

#[test]
fn two_stacks_of_one_name_are_refused() {
    let desk = estate();
    desk.write("stacks/other/stack.hcl", "stack \"base\" {}\n");
    refused(&desk, &["stacks/other/stack.hcl:1:", "stacks/base/stack.hcl:1", "base"]);
}

#[test]
fn links_in_a_circle_are_refused() {
    let desk = estate();
    desk.repository().link("stacks/side/one.tf", "two.tf");
    desk.repository().link("stacks/side/two.tf", "one.tf");
    desk.commit("Circle");
    let done = desk.run(&["deliver"]).expect(2).says(&["stacks/side/", ".tf", "link"]);
    assert_eq!(done.stderr.matches("--> stacks/side/one.tf").count(), 1, "said once: {done}");
    desk.run(&["list"]).expect(0);
}

#[test]
fn a_link_to_the_folder_that_holds_it_is_refused() {
    let Some(terraform) = tools::terraform() else { return };
    let desk = small::delivered(&terraform);
    desk.repository().link("stacks/side/loop", "../side");
    desk.commit("Circle");
    desk.ok(&["list", "--affected", "HEAD~1"]);
    desk.run(&["deliver", "--to", "dev", "side"])
        .expect(2)
        .says(&["the stack `side` cannot be released: the link `stacks/side/loop` leads in a loop"]);
    let runs = desk.json(&["run", "list", "--json"])["runs"].clone();
    assert_eq!(runs.as_array().unwrap().len(), 1, "what cannot begin is no run: {runs:#}");
}

#[test]
fn a_module_outside_the_repository_is_refused() {
    let desk = estate();
    desk.edit("stacks/base/main.tf", "../../modules/store", "../../../elsewhere/store");
    refused(&desk, &["stacks/base/main.tf:", "../../../elsewhere/store", "outside"]);
}

#[test]
fn a_module_that_is_not_there_is_refused() {
    let desk = estate();
    desk.edit("stacks/base/main.tf", "../../modules/store", "../../modules/stoer");
    refused(&desk, &["stacks/base/main.tf:", "modules/stoer"]);
}

#[test]
fn garbage_is_refused_in_few_words() {
    let desk = estate();
    let mut seed = 7_u32;
    let garbage: Vec<u8> = std::iter::repeat_with(|| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        b" {}[]()\"=$%\nabcdefghij0123456789"[usize::try_from(seed >> 27).unwrap()]
    })
    .take(1 << 20)
    .collect();
    desk.write("stacks/side/stack.hcl", garbage);
    let done = refused(&desk, &["stacks/side/stack.hcl"]);
    assert!(done.stderr.len() < 10_000, "{} bytes are said", done.stderr.len());
}

#[test]
fn a_file_that_is_not_utf_8_is_refused() {
    let desk = estate();
    desk.write("stacks/side/stack.hcl", b"stack \"side\" {\n  description = \"caf\xe9\"\n}\n");
    refused(&desk, &["stacks/side/stack.hcl", "UTF-8", "offset 35"]);
}

#[test]
fn two_instances_with_one_state_are_refused() {
    let desk = estate();
    desk.edit("terrace.hcl", "state \"local\" {}", "state \"local\" {\n    path = \"states/${env.name}.tfstate\"\n  }");
    refused(&desk, &["terrace.hcl:", "`base` in `dev` and `middle` in `dev`", "stack.name"]);
}

#[test]
fn an_estate_without_a_repository_can_be_read_but_not_delivered() {
    let desk = Desk::at(Repository::plain());
    desk.write_all(small::FILES);
    desk.ok(&["validate"]);
    assert_eq!(desk.json(&["list", "--json"])["stacks"].as_array().unwrap().len(), 4);
    desk.run(&["deliver"]).expect(2).says(&["not in a git repository", "git init"]);
    desk.run(&["plan"]).expect(2).says(&["not in a git repository"]);
    desk.run(&["list", "--affected"]).expect(2).says(&["not in a git repository"]);
}

#[test]
fn a_repository_without_a_commit_is_told_what_to_do() {
    let desk = Desk::at(Repository::empty());
    desk.write_all(small::FILES);
    desk.ok(&["validate"]);
    desk.ok(&["list"]);
    desk.run(&["deliver"]).expect(2).says(&["no commit", "git commit"]);
    desk.run(&["list", "--affected"]).expect(2).says(&["no commit"]);
}

#[test]
fn a_commit_without_the_estate_is_told_so() {
    let desk = Desk::at(Repository::with_files(&[("README.md", "words\n")]));
    desk.write_all(small::FILES);
    desk.run(&["deliver"]).expect(2).says(&["has no terrace.hcl", "Commit it"]);
}

//! What a change affects: as listed, with the reasons, and as delivered. The calls to the cloud tell what was really touched.

use terrace_testkit::repository::Repository;
use terrace_testkit::tools;

use crate::desk::Desk;
use crate::small;

/// The small estate without Terraform: listing needs none.
fn estate() -> Desk {
    let desk = Desk::at(Repository::empty());
    desk.write_all(small::FILES);
    desk.commit("Begin");
    desk
}

/// Commits, and lists what that affects.
fn why(desk: &Desk) -> String {
    desk.commit("Change");
    desk.ok(&["list", "--affected", "HEAD~1", "--why"]).stdout
}

#[test]
fn an_own_file_affects_its_stack_and_what_is_downstream() {
    let desk = estate();
    desk.edit("stacks/base/main.tf", "\"one\"", "\"two\"");
    insta::assert_snapshot!(why(&desk), @r"
    base    affected
              stacks/base/main.tf modified
    middle  downstream
              depends on base, which is affected
    top     downstream
              depends on middle, which depends on base, which is affected
    ");
    let report = desk.json(&["list", "--affected", "HEAD~1", "--json"]);
    assert_eq!(report["schema"], "terrace.list/1");
    let stack = |at: usize, field: &str| report["stacks"][at][field].clone();
    assert_eq!((stack(0, "name"), stack(0, "because")), ("base".into(), "affected".into()));
    assert_eq!(report["stacks"][0]["reasons"][0]["file"], "stacks/base/main.tf");
    assert_eq!(
        (stack(2, "name"), stack(2, "because"), stack(2, "through")),
        ("top".into(), "downstream".into(), "middle".into())
    );
}

#[test]
fn the_inputs_of_a_stack_affect_it() {
    let desk = estate();
    desk.edit("stacks/top/stack.hcl", "top-${env.name}", "top-1-${env.name}");
    insta::assert_snapshot!(why(&desk), @r"
    top  affected
           stacks/top/stack.hcl modified
    ");
}

#[test]
fn a_module_at_depth_two_affects_by_its_chain() {
    let desk = estate();
    desk.edit("modules/labels/outputs.tf", "\"one\"", "\"two\"");
    insta::assert_snapshot!(why(&desk), @r"
    base    affected
              module modules/store -> module modules/labels -> modules/labels/outputs.tf modified
    middle  downstream
              depends on base, which is affected
    top     downstream
              depends on middle, which depends on base, which is affected
    ");
}

#[test]
fn a_watched_file_affects_who_watches_it() {
    let desk = estate();
    desk.write("shared/more.txt", "new\n");
    desk.write("shared/not-watched.md", "new\n");
    insta::assert_snapshot!(why(&desk), @r"
    side  affected
            watch shared/*.txt -> shared/more.txt added
    ");
}

#[test]
fn a_variable_of_one_environment_affects_who_reads_it() {
    let desk = estate();
    desk.edit("terrace.hcl", "\"eu-west-2\", colour = \"blue\"", "\"eu-west-2\", colour = \"red\"");
    insta::assert_snapshot!(why(&desk), @r"
    side  affected
            terrace.hcl: env.colour changed in test
    ");
}

#[test]
fn a_comment_affects_nothing() {
    let desk = estate();
    desk.edit("terrace.hcl", "pipeline {", "# The way of a change.\npipeline {");
    assert_eq!(why(&desk), "");
    desk.ok(&["list", "--affected", "HEAD~1"]).says(&["Nothing is affected"]);
    desk.ok(&["deliver", "--to", "dev", "--affected", "HEAD~1"]).says(&["Nothing to deliver: no stack is affected."]);
}

#[test]
fn a_module_that_nobody_uses_affects_nothing() {
    let desk = estate();
    desk.edit("modules/unused/main.tf", "1", "2");
    desk.write("README.md", "Words.\n");
    assert_eq!(why(&desk), "");
}

#[test]
fn a_new_stack_and_one_that_is_gone_are_named() {
    let desk = estate();
    desk.repository().git(&["rm", "-rq", "stacks/top"]);
    desk.write("stacks/new/stack.hcl", "stack \"new\" {}\n");
    desk.write("stacks/new/main.tf", "output \"x\" {\n  value = 1\n}\n");
    insta::assert_snapshot!(why(&desk), @r"
    new  affected
           the stack is new
    top  removed
    ");
    assert_eq!(desk.json(&["list", "--affected", "HEAD~1", "--json"])["removed"], serde_json::json!(["top"]));
}

#[test]
fn a_file_behind_a_link_affects_who_reads_it_through_the_link() {
    let desk = estate();
    desk.write("shared/common.tf", "locals {\n  x = 1\n}\n");
    desk.repository().link("stacks/side/common.tf", "../../shared/common.tf");
    desk.commit("Link");
    desk.edit("shared/common.tf", "1", "2");
    insta::assert_snapshot!(why(&desk), @r"
    side  affected
            link stacks/side/common.tf -> shared/common.tf modified
    ");
}

#[test]
fn a_file_behind_a_link_is_delivered_as_if_it_were_there() {
    let Some(terraform) = tools::terraform() else { return };
    let desk = small::estate(&terraform);
    desk.write("shared/tint.tf", "locals {\n  tint = \"dark\"\n}\n");
    desk.repository().link("stacks/side/tint.tf", "../../shared/tint.tf");
    desk.edit("stacks/side/main.tf", "{ colour = var.colour }", "{ colour = \"${local.tint} ${var.colour}\" }");
    desk.commit("Link");
    desk.ok(&["deliver", "--to", "dev", "side"]).says(&["1 applied"]);
    desk.edit("shared/tint.tf", "dark", "light");
    desk.commit("Light");
    let changes = desk.changes_of(|| drop(desk.ok(&["deliver", "--to", "dev", "--affected", "HEAD~1"])));
    assert_eq!(changes, ["update dev/side bucket side-dev"]);
}

#[test]
fn an_estate_in_a_subfolder_uses_modules_outside_of_it() {
    let Some(terraform) = tools::terraform() else { return };
    let desk = Desk::empty(&terraform).in_folder("infrastructure");
    for (path, text) in terrace_testkit::fixture::files(small::FILES) {
        let place = if path.starts_with("modules/") { path.to_owned() } else { format!("infrastructure/{path}") };
        desk.write(&place, text.replace("../../modules", "../../../modules"));
    }
    desk.commit("Begin");
    desk.ok(&["deliver", "--to", "dev"]).says(&["4 applied"]);
    desk.edit("modules/labels/outputs.tf", "\"one\"", "\"two\"");
    let listed = why(&desk);
    assert!(
        listed.contains("module modules/store -> module modules/labels -> modules/labels/outputs.tf modified"),
        "{listed}"
    );
    let changes = desk.changes_of(|| drop(desk.ok(&["deliver", "--to", "dev", "--affected", "HEAD~1"])));
    assert_eq!(changes, ["update dev/base bucket base-dev"]);
}

#[test]
fn only_the_affected_is_delivered_and_downstream_stays_where_it_reads_the_same() {
    let Some(terraform) = tools::terraform() else { return };
    let desk = small::delivered(&terraform);
    desk.edit("stacks/base/main.tf", "use = \"base\"", "use = \"bottom\"");
    desk.commit("Change a tag that no output shows");
    let before = desk.calls().len();
    let run = desk.json(&["deliver", "--to", "dev", "--affected", "HEAD~1", "--json"]);
    assert_eq!(
        crate::deliver::states(&run),
        [("base", "applied"), ("middle", "skipped"), ("top", "skipped")].map(owned)
    );
    let identities: std::collections::BTreeSet<_> =
        desk.calls().split_off(before).into_iter().map(|call| (call.identity, call.operation)).collect();
    let expected = [("dev/base", "read"), ("dev/base", "update")].map(owned);
    assert_eq!(identities.into_iter().collect::<Vec<_>>(), expected, "others were not even looked at");
    desk.ok(&["deliver", "--to", "dev", "--again"]).says(&["4 unchanged"]);
}

#[test]
fn downstream_follows_as_far_as_what_it_reads_changes() {
    let Some(terraform) = tools::terraform() else { return };
    let desk = small::delivered(&terraform);
    desk.edit("stacks/base/main.tf", "\"one\"", "\"two\"");
    desk.commit("Change an output");
    let before = desk.changes().len();
    let done = desk.ok(&["deliver", "--to", "dev", "--affected", "HEAD~1"]).says(&[
        "Delivering 1 stack (and 2 downstream, if what they read changes) of commit",
        "✓ base    applied: 1 output changes",
        "✓ middle  applied: 0 added, 1 changed, 0 destroyed",
        "1 current",
    ]);
    assert!(!done.stderr.contains("top     planning"), "{done}");
    assert_eq!(desk.changes().split_off(before), ["update dev/middle bucket middle-dev"]);
    desk.ok(&["deliver", "--to", "dev", "--again"]).says(&["4 unchanged"]);
}

#[test]
fn a_stack_that_was_moved_goes_on_with_its_state() {
    let Some(terraform) = tools::terraform() else { return };
    let desk = small::delivered(&terraform);
    desk.repository().git(&["mv", "stacks/side", "stacks/aside"]);
    desk.commit("Move");
    let changes = desk.changes_of(|| {
        drop(desk.ok(&["deliver", "--to", "dev", "--again", "--affected", "HEAD~1"]).says(&["1 unchanged"]));
    });
    assert_eq!(changes, [""; 0]);
}

#[test]
fn what_is_affected_since_the_branch_parted_is_the_default() {
    let desk = estate();
    desk.repository().git(&["switch", "-qc", "work"]);
    desk.edit("stacks/side/main.tf", "colour = var", "tint = var");
    desk.commit("One");
    desk.edit("stacks/top/main.tf", "below = var", "under = var");
    desk.commit("Two");
    let listed = desk.ok(&["list", "--affected"]).stdout;
    assert_eq!(listed.lines().map(str::trim_end).collect::<Vec<_>>(), ["side  affected", "top   affected"]);
    desk.repository().git(&["switch", "-q", "main"]);
    desk.run(&["list", "--affected"]).expect(2).says(&["no commit before it", "--affected BASE"]);
    desk.run(&["list", "--affected", "nothing"]).expect(2).says(&["nothing"]);
    assert_eq!(desk.ok(&["list", "--affected", "main..work"]).stdout, listed);
}

fn owned((one, other): (&str, &str)) -> (String, String) {
    (one.to_owned(), other.to_owned())
}

//! What Terraform warns of while a delivery goes on: its words and their place, once.

use terrace_testkit::tools;

use crate::small;

#[test]
fn a_check_that_does_not_hold_is_told_once_with_its_message_and_its_place() {
    for terraform in tools::terraforms() {
        let desk = small::estate(&terraform);
        desk.write(
            "stacks/side/check.tf",
            "check \"name\" {\n  assert {\n    condition     = length(var.name) > 99\n    error_message = \"The name is short.\"\n  }\n}\n",
        );
        desk.commit("Check");
        let done = desk.run(&["deliver", "--to", "dev", "side", "base"]).expect(1);
        let told = "! side  warning: Check block assertion failed: The name is short. (stacks/side/check.tf:3)";
        // At the plan and at the apply.
        assert_eq!(done.stderr.matches(told).count(), 1, "{done}");
        assert_eq!(done.stderr.matches("warning:").count(), 1, "{done}");
    }
}

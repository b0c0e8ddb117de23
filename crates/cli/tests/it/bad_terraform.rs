//! A Terraform that is missing, too old, not the one that is asked for, or none at all.

use terrace_testkit::repository::Repository;
use terrace_testkit::tools;

use crate::desk::Desk;
use crate::small;

fn estate() -> Desk {
    let desk = Desk::at(Repository::empty());
    desk.write_all(small::FILES);
    desk.commit("Begin");
    desk
}

/// The estate's `terraform` block, committed.
fn ask_for(desk: &Desk, settings: &str) {
    desk.edit(
        "terrace.hcl",
        "  state \"local\" {}",
        &format!("  terraform {{\n    {settings}\n  }}\n  state \"local\" {{}}"),
    );
    desk.commit("Ask for a Terraform");
}

/// A program that answers `version -json` as Terraform does, and can nothing else.
fn answering(version: &str) -> String {
    format!("#!/bin/sh\necho '{{\"terraform_version\": \"{version}\", \"platform\": \"linux_amd64\"}}'\n")
}

#[test]
fn without_terraform_everything_that_needs_none_goes_on() {
    let desk = estate();
    for command in ["deliver", "plan"] {
        desk.run(&[command]).expect(2).says(&["no terraform or tofu on PATH", "Install Terraform or OpenTofu"]);
    }
    desk.ok(&["validate"]);
    desk.ok(&["list", "--affected", "HEAD"]);
    desk.ok(&["status"]).says(&["Nothing is delivered yet"]);
    assert_eq!(desk.json(&["run", "list", "--json"])["runs"], serde_json::json!([]));
}

#[test]
fn one_that_is_too_old_is_refused() {
    let desk = estate();
    desk.write_program("terraform", &answering("0.12.31"));
    desk.run(&["deliver"]).expect(2).says(&[
        "Terraform 0.12.31 at ",
        "/bin/terraform is too old",
        "1.3.0 or newer",
        "help: ",
    ]);
}

#[test]
fn one_of_another_version_than_asked_for_is_refused() {
    let desk = estate();
    desk.write_program("terraform", &answering("1.9.8"));
    ask_for(&desk, "version = \">= 1.10, < 2.0\"");
    desk.run(&["deliver"]).expect(2).says(&["Terraform 1.9.8 at ", "does not meet", ">= 1.10, < 2.0", "help: "]);
    desk.edit("terrace.hcl", ">= 1.10, < 2.0", "newest");
    desk.commit("Ask for what is no version");
    desk.run(&["deliver"]).expect(2).says(&["terrace.hcl:3:", "newest"]);
}

#[test]
fn a_program_that_is_none_is_refused() {
    let desk = estate();
    ask_for(&desk, "binary = \"git\"");
    desk.run(&["deliver"]).expect(2).says(&["/git version -json` does not answer as Terraform does", "`binary`"]);
    desk.write_program("terraform", "#!/bin/sh\nexit 3\n");
    desk.edit("terrace.hcl", "\"git\"", "\"terraform\"");
    desk.commit("Ask for one that says nothing");
    desk.run(&["deliver"]).expect(2).says(&["does not answer as Terraform does"]);
    desk.edit("terrace.hcl", "\"terraform\"", "\"./tools/terraform\"");
    desk.commit("Ask for one that is not there");
    desk.run(&["deliver"]).expect(2).says(&["./tools/terraform", "help: "]);
}

#[test]
fn the_binary_that_is_named_is_used() {
    for terraform in tools::terraforms() {
        let desk = estate();
        ask_for(&desk, &format!("binary = \"{}\"", terraform.display()));
        let run = desk.json(&["deliver", "--to", "dev", "side", "--json"]);
        assert_eq!(run["outcome"], "succeeded");
        let with = run["terraform"].as_str().unwrap();
        assert!(with.starts_with("Terraform 1.") || with.starts_with("OpenTofu 1."), "{with}");
    }
}

#[test]
fn one_that_breaks_off_in_the_middle_is_a_failure_with_its_words() {
    let desk = estate();
    desk.write_program(
        "terraform",
        &format!(
            "{}\n[ \"$1\" = version ] || {{ echo 'panic: out of cheese' >&2; exit 2; }}\n",
            answering("1.11.0").trim_end()
        ),
    );
    // The answer to `version` comes first for every command; after it the program breaks off.
    desk.run(&["deliver", "--to", "dev", "side"]).expect(1).says(&[
        "✗ side  failed in prepare",
        "exit code 2",
        "out of cheese",
    ]);
}

#[test]
fn a_settings_file_that_is_not_there_is_no_reason_to_stop() {
    for terraform in tools::terraforms() {
        let mut desk = small::estate(&terraform);
        desk.set("TF_CLI_CONFIG_FILE", "/nowhere/terraformrc");
        desk.ok(&["deliver", "--to", "dev", "side"]).says(&["1 applied"]).without(&["warning", "terraformrc"]);
    }
}

//! First steps: `init`, `validate` of what it wrote, help, completions.

use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

use terrace_testkit::repository::Repository;
use terrace_testkit::tools;

use crate::desk::Desk;

/// The commands that people are promised.
const PROMISED: [&str; 10] =
    ["init", "validate", "list", "graph", "plan", "deliver", "status", "run", "sandbox", "completions"];

/// The files of the repository, without git's own.
fn files(desk: &Desk) -> Vec<String> {
    let listed = desk.repository().git(&["ls-files", "--others", "--cached"]);
    listed.lines().map(ToOwned::to_owned).collect()
}

fn without_terraform() -> Desk {
    Desk::at(Repository::empty())
}

#[test]
fn an_empty_repository_gets_the_smallest_estate() {
    let desk = without_terraform();
    desk.ok(&["init"]).says(&["Wrote 3 files and .gitignore", "git add .", "terrace deliver"]);
    assert_eq!(files(&desk), [".gitignore", "stacks/first/main.tf", "stacks/first/stack.hcl", "terrace.hcl"]);
    let done = desk.ok(&["validate"]);
    assert_eq!(done.stdout, "The estate is valid: 1 stack.\n");
    assert_eq!(done.stderr, "");
}

#[test]
fn what_terrace_and_terraform_leave_is_ignored() {
    let desk = without_terraform();
    desk.write(".gitignore", "target\n.terraform/");
    desk.ok(&["init"]);
    let ignored = fs::read_to_string(desk.folder().join(".gitignore")).unwrap();
    assert_eq!(ignored, "target\n.terraform/\n.terrace/\n*.tfstate\n*.tfstate.*\n");
}

#[test]
fn both_examples_are_valid() {
    for (example, stacks) in [("harbour", 11), ("aws", 3)] {
        let desk = without_terraform();
        desk.ok(&["init", "--example", example]);
        let done = desk.ok(&["validate"]);
        assert_eq!((done.stdout, done.stderr), (format!("The estate is valid: {stacks} stacks.\n"), String::new()));
        let report = desk.json(&["validate", "--json"]);
        assert_eq!((&report["schema"], &report["valid"]), (&"terrace.validate/1".into(), &true.into()));
    }
}

#[test]
fn a_folder_that_is_no_repository_is_refused() {
    let desk = Desk::at(Repository::plain());
    let done = desk.run(&["init"]).expect(2).says(&["error: ", "not in a git repository", "help: ", "git init"]);
    assert_eq!(done.stdout, "");
    assert!(fs::read_dir(desk.folder()).unwrap().next().is_none(), "something was written");
}

#[test]
fn files_in_the_way_are_left_alone() {
    let desk = without_terraform();
    desk.write("stacks/first/main.tf", "mine\n");
    desk.run(&["init"]).expect(2).says(&["stacks/first/main.tf is there already", "nothing was written"]);
    assert_eq!(files(&desk), ["stacks/first/main.tf"]);
    assert_eq!(fs::read_to_string(desk.folder().join("stacks/first/main.tf")).unwrap(), "mine\n");
}

#[test]
fn a_second_estate_in_the_same_place_is_refused() {
    let desk = without_terraform();
    desk.ok(&["init"]);
    let before = files(&desk);
    desk.run(&["init", "--example", "harbour"]).expect(2).says(&["there is an estate already", "terrace.hcl"]);
    let below = desk.in_folder("stacks/first");
    below.run(&["init"]).expect(2).says(&["there is an estate already"]);
    assert_eq!(files(&below), before);
}

#[test]
fn a_command_without_an_estate_says_how_to_get_one() {
    let desk = without_terraform();
    for command in [["validate"], ["list"], ["plan"], ["deliver"], ["status"]] {
        desk.run(&command).expect(2).says(&["there is no terrace.hcl in", "terrace init"]);
    }
}

/// The commands that a help text lists.
fn listed_in(help: &str) -> Vec<String> {
    let after = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let list =
        after.take_while(|line| !line.is_empty()).filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let names = list.filter_map(|line| line.split_whitespace().next());
    // `help` tells of the others, and has no help of its own.
    names.filter(|name| *name != "help").map(ToOwned::to_owned).collect()
}

#[test]
fn help_names_the_commands_and_the_exit_codes() {
    let help = without_terraform().ok(&["--help"]).stdout;
    let commands = listed_in(&help);
    for promised in PROMISED {
        assert!(commands.iter().any(|command| command == promised), "`{promised}` is not in:\n{help}");
    }
    assert!(help.contains("0 done · 1 the work failed · 2 wrong usage or configuration"), "{help}");
}

#[test]
fn help_of_a_command_with_options_has_an_example() {
    let desk = without_terraform();
    let everywhere = ["--directory", "--color", "--help", "--version"];
    let mut open: Vec<Vec<String>> = vec![Vec::new()];
    let mut lacking = Vec::new();
    while let Some(command) = open.pop() {
        let words: Vec<_> = command.iter().map(String::as_str).chain(["--help"]).collect();
        let help = desk.ok(&words).stdout;
        open.extend(listed_in(&help).into_iter().map(|word| [command.clone(), vec![word]].concat()));
        let options = help.lines().map(str::trim_start).filter(|line| line.starts_with('-') && line.contains("--"));
        let own = options.filter(|line| !everywhere.iter().any(|name| line.contains(name))).count();
        if own > 0 && !help.contains("Example") {
            lacking.push(command.join(" "));
        }
    }
    lacking.sort();
    assert!(lacking.is_empty(), "no example in the help of: {}", lacking.join(", "));
}

#[test]
fn wrong_usage_ends_with_2() {
    let desk = without_terraform();
    desk.run(&["delivre"]).expect(2).says(&["deliver"]);
    desk.run(&["deliver", "--paralelism", "2"]).expect(2).says(&["--parallelism"]);
    desk.run(&["deliver", "-j", "0"]).expect(2);
    desk.run(&["-C", "nowhere", "list"]).expect(2).says(&["`nowhere` is not a folder"]);
}

#[test]
fn completions_are_scripts_that_the_shells_read() {
    let desk = without_terraform();
    for (shell, check) in [("bash", &["-n"] as &[&str]), ("zsh", &["-n"]), ("fish", &["--no-execute"])] {
        let script = desk.ok(&["completions", shell]).stdout;
        assert!(script.contains("terrace") && script.contains("deliver"), "{shell}: {script}");
        // Only shells that are there can be asked.
        let Some(program) = tools::found_on_path(shell) else { continue };
        let mut child = Command::new(program).args(check).stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
        assert!(child.wait().unwrap().success(), "{shell} does not read it");
    }
    desk.run(&["completions", "cmd"]).expect(2);
}

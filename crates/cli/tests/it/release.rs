//! Releases from the command line: built, listed, shown, compared, checked and restored; killed at any time; read by other tools.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use terrace_testkit::repository::Repository;
use terrace_testkit::tools;

use crate::desk::{Desk, Signal};
use crate::small;

/// The small estate without Terraform: releasing needs none where no module lies elsewhere.
fn estate() -> Desk {
    let desk = Desk::at(Repository::empty());
    desk.write_all(small::FILES);
    desk.commit("Begin");
    desk
}

fn build(desk: &Desk) -> String {
    desk.ok(&["release", "build"]).stdout.trim().to_owned()
}

#[test]
fn an_unchanged_stack_keeps_its_release() {
    let desk = estate();
    let first = desk.json(&["release", "build", "--json"]);
    assert_eq!(first["schema"], "terrace.release-build/1");
    assert_eq!(first["new"], serde_json::json!(["base", "middle", "side", "top"]));
    desk.edit("shared/notes.txt", "read", "written");
    desk.commit("Notes");
    let done = desk.ok(&["release", "build"]).says(&["4 stacks", "1 new, 3 unchanged", "+ side"]);
    assert!(done.stdout.starts_with("sha256:"), "{done}");
    let again = desk.json(&["release", "build", "HEAD~1", "--json"]);
    assert_eq!((&again["digest"], &again["new"]), (&first["digest"], &serde_json::json!([])));
    // What is not committed is not part of it.
    desk.edit("shared/notes.txt", "written", "forgotten");
    let dirty = desk.json(&["release", "build", "--json"]);
    assert_eq!(dirty["digest"], done.stdout.trim());
}

#[test]
fn releases_are_listed_and_found_by_any_name() {
    let desk = estate();
    desk.ok(&["release", "list"]).says(&["There is no release yet"]);
    desk.run(&["release", "show"]).expect(2).says(&["there is no release yet", "`terrace release build`"]);
    let first = build(&desk);
    desk.write("shared/more.txt", "more\n");
    let commit = desk.commit("More");
    let second = build(&desk);
    let list = desk.json(&["release", "list", "--json"]);
    assert_eq!(list["schema"], "terrace.releases/1");
    assert_eq!(list["releases"][0]["digest"], second);
    assert_eq!(list["releases"][1]["subject"], "Begin");
    let digits = second.strip_prefix("sha256:").unwrap();
    for name in [&commit, &commit[..8], "HEAD", "main", "latest", &second, digits, &digits[..10]] {
        assert_eq!(desk.json(&["release", "show", name, "--json"])["digest"], second, "{name}");
    }
    assert_eq!(desk.json(&["release", "show", "HEAD~1", "--json"])["digest"], first);
    desk.run(&["release", "show", "nope"]).expect(2).says(&["nothing here is called `nope`", "release list"]);
    desk.write("shared/more.txt", "yet more\n");
    desk.commit("Yet more");
    desk.run(&["release", "show", "HEAD"]).expect(2).says(&["there is no release of the commit", "release build HEAD"]);
    desk.run(&["release", "show", "latest", "nope"]).expect(2).says(&["has no stack `nope`"]);
    desk.run(&["release", "show", "latest", "no/pe"]).expect(2).says(&["is not a stack's name"]);
}

#[test]
fn a_stack_is_shown_with_its_contract_and_files() {
    let desk = estate();
    build(&desk);
    let shown = desk.ok(&["release", "show", "latest", "base"]).stdout;
    let shown = shown.lines().skip(3).filter(|line| !line.contains("100644"));
    let shown: Vec<&str> = shown.take_while(|line| *line != "Evidence").collect();
    insta::assert_snapshot!(shown.join("\n").trim(), @r"
    Variables
      name: string, required
      region: string, required

    Outputs
      label
      url

    Providers
      terrace/sandbox

    Files
    ");
    let json = desk.json(&["release", "show", "latest", "base", "--json"]);
    assert_eq!(json["schema"], "terrace.release/1");
    assert_eq!(json["variables"]["name"]["type"], "string");
    assert_eq!(json["files"][0]["path"], "modules/labels/outputs.tf");
}

#[test]
fn what_differs_is_told_in_files_and_contract() {
    let desk = estate();
    build(&desk);
    desk.edit("stacks/base/main.tf", "variable \"name\" {\n  type = string\n}", "variable \"name\" {}");
    desk.edit("stacks/side/stack.hcl", "stack \"side\" {", "stack \"side\" {\n  owner = \"team-side\"");
    desk.commit("Change");
    build(&desk);
    let diff = desk.ok(&["release", "diff", "HEAD~1", "HEAD"]).says(&["2 stacks unchanged"]);
    let lines: Vec<&str> = diff.stdout.lines().map(|line| line.split(" 100644 ").next().unwrap()).collect();
    let lines: Vec<String> = lines.iter().map(|line| line.split(" -> ").next().unwrap().to_owned()).collect();
    assert!(lines.iter().any(|line| line == "    variable name changed: string, required"), "{diff}");
    assert!(lines.iter().any(|line| line == "    owner changed: none"), "{diff}");
    let json = desk.json(&["release", "diff", "HEAD~1", "HEAD", "side", "--json"]);
    assert_eq!(json["schema"], "terrace.release-diff/1");
    assert_eq!(json["changed"][0]["stack"], "side");
    assert_eq!(json["changed"][0]["changes"][0]["part"], "owner");
    assert_eq!(json["changed"].as_array().unwrap().len(), 1);
    desk.ok(&["release", "diff", "HEAD", "HEAD"]).says(&["Nothing differs."]);
    desk.run(&["release", "diff", "HEAD", "HEAD", "nope"]).expect(2).says(&["has no stack `nope`"]);
}

fn blobs(desk: &Desk) -> Vec<std::path::PathBuf> {
    fs::read_dir(desk.home("releases/blobs/sha256")).unwrap().map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn damage_is_found_and_mended_by_building_again() {
    let desk = estate();
    let digest = build(&desk);
    desk.ok(&["release", "verify"]);
    for blob in blobs(&desk) {
        let content = fs::read(&blob).unwrap();
        let mut damaged = content.clone();
        damaged[content.len() / 2] ^= 1;
        fs::write(&blob, damaged).unwrap();
        let name = blob.file_name().unwrap().to_str().unwrap();
        let found = desk.run(&["release", "verify", &digest]).expect(1);
        assert!(found.stdout.contains(name) || found.stderr.contains(name), "{name}: {found}");
        fs::write(&blob, content).unwrap();
    }
    let side = desk.json(&["release", "show", "latest", "side", "--json"]);
    let layer = side["layers"][0].as_str().unwrap().replace("sha256:", "");
    let path = desk.home(&format!("releases/blobs/sha256/{layer}"));
    fs::write(&path, vec![0; fs::read(&path).unwrap().len()]).unwrap();
    desk.run(&["release", "verify"]).expect(1).says(&["--mend"]);
    assert_eq!(desk.ok(&["release", "build", "--mend"]).stdout.trim(), digest);
    desk.ok(&["release", "verify"]);
    fs::remove_file(desk.home(&format!("releases/blobs/sha256/{layer}"))).unwrap();
    let report = desk.run(&["release", "verify", "--json"]).expect(1).json();
    assert_eq!(report["schema"], "terrace.release-verify/1");
    assert_eq!((&report["problems"][0]["stack"], report["stacks"].as_u64()), (&"side".into(), Some(4)));
    desk.ok(&["release", "verify", "latest", "base"]);
    assert_eq!(build(&desk), digest);
    desk.ok(&["release", "verify"]);
}

#[test]
fn the_source_comes_back_from_releases_alone() {
    let desk = estate();
    let built = desk.json(&["release", "build", "--json"]);
    let layout = desk.home("releases");
    let layout = layout.to_str().unwrap();
    let lost = Desk::at(Repository::plain());
    // Without an estate around, the layout is named.
    lost.ok(&["release", "restore", "latest", "--to", ".", "--layout", layout]).says(&["git add --force"]);
    lost.run(&["release", "restore", "latest", "--to", ".", "--layout", layout])
        .expect(2)
        .says(&["is not an empty folder", "nothing is written over"]);
    lost.repository().git(&["init", "--quiet", "--initial-branch=main", "."]);
    lost.commit("Restored");
    let again = lost.json(&["release", "build", "--json"]);
    assert_eq!(again["stacks"], built["stacks"]);
}

#[test]
fn what_is_killed_leaves_only_what_is_whole() {
    let desk = estate();
    let first = build(&desk);
    for delay in [0, 2, 4, 6, 8, 10, 13, 16, 20, 25, 30, 40] {
        desk.write("shared/notes.txt", format!("after {delay}\n"));
        desk.commit("Change");
        let started = desk.start(&["release", "build"]);
        std::thread::sleep(Duration::from_millis(delay));
        started.signal(Signal::KILL);
        started.wait();
        for release in desk.json(&["release", "list", "--json"])["releases"].as_array().unwrap() {
            desk.ok(&["release", "verify", release["digest"].as_str().unwrap()]);
        }
        build(&desk);
        desk.ok(&["release", "verify"]);
    }
    desk.ok(&["release", "verify", &first]);
}

#[test]
fn two_builds_at_the_same_time_both_count() {
    let desk = estate();
    desk.write("shared/notes.txt", "second\n");
    desk.commit("Second");
    let builds = ["HEAD", "HEAD~1", "HEAD", "HEAD~1"].map(|commit| desk.start(&["release", "build", commit]));
    for build in builds {
        build.wait().expect(0);
    }
    assert_eq!(desk.json(&["release", "list", "--json"])["releases"].as_array().unwrap().len(), 2);
    desk.ok(&["release", "verify", "HEAD"]);
    desk.ok(&["release", "verify", "HEAD~1"]);
}

#[test]
fn what_terraform_would_refuse_is_not_released() {
    let desk = estate();
    desk.write("stacks/side/more.tf", "module \"x\" {\n  source = \"../nowhere\"\n}\n");
    desk.commit("Wrong");
    desk.run(&["release", "build"]).expect(2).says(&["there is no Terraform code in `stacks/nowhere`"]);
    let desk = Desk::at(Repository::empty());
    desk.write("letter.txt", "dear");
    desk.write_all(small::FILES);
    desk.commit("Begin");
    desk.run(&["release", "build", "--layout", "."]).expect(2).says(&["is not an OCI image layout", "--layout DIR"]);
    desk.run(&["release", "build", "nope"]).expect(2).says(&["git knows no revision `nope`"]);
}

#[test]
fn modules_from_elsewhere_are_a_part_of_the_release() {
    let Some(terraform) = tools::terraform() else { return };
    let module = Repository::with_files(&[("main.tf", "output \"v\" {\n  value = \"one\"\n}\n")]);
    module.git(&["tag", "v1"]);
    let mut desk = small::estate(&terraform);
    // Git fetches with scripts, which want the programs of a usual machine.
    desk.set("PATH", format!("{}:/usr/bin:/bin", desk.bin().display()));
    let source = format!("git::file://{}?ref=v1", module.root().display());
    desk.write("stacks/side/far.tf", format!("module \"far\" {{\n  source = \"{source}\"\n}}\n"));
    desk.commit("Call a module");
    let first = build(&desk);
    module.write("main.tf", "output \"v\" {\n  value = \"two\"\n}\n");
    module.commit("Two");
    module.git(&["tag", "--force", "v1"]);
    assert_eq!(build(&desk), first);
    let shown = desk.ok(&["release", "show", "latest", "side"]).stdout;
    assert!(shown.contains(&format!("far: {source}")), "{shown}");
    desk.ok(&["release", "build", "--refresh-modules"]).says(&["1 new, 3 unchanged"]);
    let list = desk.json(&["release", "list", "--json"]);
    assert_eq!(list["releases"].as_array().unwrap().len(), 2);
    assert_eq!(list["releases"][1]["tag"], serde_json::Value::Null);
    module.git(&["tag", "--delete", "v1"]);
    desk.run(&["release", "build", "--refresh-modules"]).expect(1).says(&["the stack `side` cannot be released", "v1"]);
}

/// Only where `skopeo` is installed: it is no part of the test set-up.
#[test]
fn another_tool_copies_a_release_as_it_is() {
    let skopeo = Path::new("/usr/bin/skopeo");
    if !skopeo.exists() {
        return;
    }
    let desk = estate();
    let digest = build(&desk);
    let (layout, copy) = (desk.home("releases"), desk.repository().beside("copy"));
    let tag = desk.json(&["release", "list", "--json"])["releases"][0]["tag"].as_str().unwrap().to_owned();
    let places = [&layout, &copy].map(|folder| format!("oci:{}:{tag}", folder.display()));
    let policy = desk.repository().beside("policy.json");
    fs::write(&policy, r#"{"default":[{"type":"insecureAcceptAnything"}]}"#).unwrap();
    let copied = Command::new(skopeo)
        .arg("--policy")
        .arg(&policy)
        .args(["copy", "--all", "--preserve-digests"])
        .args(&places)
        .output()
        .unwrap();
    assert!(copied.status.success(), "{}", String::from_utf8_lossy(&copied.stderr));
    let copy = copy.to_str().unwrap();
    assert_eq!(desk.json(&["release", "list", "--layout", copy, "--json"])["releases"][0]["digest"], digest);
    desk.ok(&["release", "verify", "--layout", copy]);
}

/// Unpacks a layer with the machine's own `tar`, and compares with git.
#[test]
fn layers_are_ordinary_archives() {
    let desk = estate();
    desk.write(&format!("stacks/side/{}/größe.txt", "long-folder-name/".repeat(14)), "x");
    desk.repository().link("stacks/side/link", "stack.hcl");
    desk.commit("Long names");
    build(&desk);
    let side = desk.json(&["release", "show", "latest", "side", "--json"]);
    let layer =
        desk.home(&format!("releases/blobs/sha256/{}", side["layers"][0].as_str().unwrap().replace("sha256:", "")));
    let folder = desk.repository().beside("unpacked");
    fs::create_dir(&folder).unwrap();
    let unpacked = Command::new("tar").arg("-xf").arg(&layer).arg("-C").arg(&folder).output().unwrap();
    assert!(unpacked.status.success() && unpacked.stderr.is_empty(), "{unpacked:?}");
    for file in side["files"].as_array().unwrap() {
        let path = Path::new(file["path"].as_str().unwrap());
        let own = desk.repository().root().join(path);
        if own.is_symlink() {
            assert_eq!(fs::read_link(folder.join(path)).unwrap(), fs::read_link(own).unwrap());
        } else {
            assert_eq!(fs::read(folder.join(path)).unwrap(), fs::read(own).unwrap());
        }
    }
}

//! Releases and their evidence on their way: to a real registry and from it, by skopeo, to another machine; and what is said of evidence
//! that was tampered with.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value as Json, json};
use terrace_testkit::registry::{ADA, Access, Registry};
use terrace_testkit::repository::Repository;
use terrace_testkit::tools;

use crate::desk::{Desk, Signal};
use crate::small;

/// The small estate without Terraform, whose owner's key it trusts, in one commit.
fn estate() -> Desk {
    let desk = Desk::at(Repository::empty());
    desk.write_all(small::FILES);
    trust(&desk, &desk.ok(&["key", "new"]).stdout);
    desk.commit("Begin");
    desk
}

/// Adds a `trust` block to the estate.
fn trust(desk: &Desk, block: &str) {
    let path = desk.repository().root().join("terrace.hcl");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(path, format!("{text}\n{block}")).unwrap();
}

/// A desk of somebody else with the same estate, and no releases.
fn elsewhere(desk: &Desk) -> Desk {
    let other = Desk::at(Repository::empty());
    other.write_all(small::FILES);
    other.write("terrace.hcl", fs::read(desk.repository().root().join("terrace.hcl")).unwrap());
    other.commit("Begin");
    other
}

fn build(desk: &Desk) -> String {
    desk.ok(&["release", "build"]).stdout.trim().to_owned()
}

fn head(desk: &Desk) -> String {
    desk.repository().git(&["rev-parse", "HEAD"]).trim().to_owned()
}

fn skopeo(desk: &Desk, program: &Path, arguments: &[&str]) {
    let mut command = Command::new(program);
    command.args(["--insecure-policy", "--tmpdir"]).arg(desk.repository().beside("tmp"));
    command.args(["copy", "--all", "--preserve-digests"]).args(arguments);
    desk.surround(&mut command);
    let done = command.output().unwrap();
    assert!(done.status.success(), "skopeo {arguments:?}:\n{}", String::from_utf8_lossy(&done.stderr));
}

#[test]
fn a_release_goes_through_a_registry_and_stays_what_it_is() {
    let Some(program) = tools::registry() else { return };
    let registry = Registry::start(&program, Access::Open);
    let desk = estate();
    let digest = build(&desk);
    let repository = format!("{}/estates/small", registry.address());
    let done = desk.ok(&["release", "push", "--to", &repository]).says(&["pushing ", "4 pieces of evidence"]);
    assert_eq!(done.stdout.trim(), format!("{repository}@{digest}"));

    let other = elsewhere(&desk);
    let done =
        other.ok(&["release", "pull", done.stdout.trim()]).says(&["of the estate small", "4 pieces of evidence"]);
    assert_eq!(done.stdout.trim(), digest);
    // The tag was the commit's id, and so it is here.
    let commit = head(&desk);
    let tagged = format!("{repository}:{commit}");
    let report = other.json(&["release", "pull", &tagged, "--json"]);
    assert_eq!(report["schema"], "terrace.release-pull/1");
    assert_eq!((&report["digest"], &report["tag"]), (&json!(digest), &json!(commit)));
    assert_eq!((&report["blobs"]["moved"], &report["evidence"]), (&json!(0), &json!(4)));
    assert_eq!(other.json(&["release", "show", &commit, "--json"])["digest"], digest);
    other.ok(&["release", "verify", &commit]);

    let report = desk.json(&["release", "push", "HEAD", "--to", &format!("{repository}:again"), "--json"]);
    assert_eq!(report["schema"], "terrace.release-push/1");
    assert_eq!((&report["digest"], &report["tag"]), (&json!(digest), &json!("again")));
    assert_eq!((&report["blobs"]["moved"], &report["evidence"]), (&json!(0), &json!(4)));
}

#[test]
fn skopeo_and_terrace_move_the_same_release() {
    let (Some(program), Some(skopeo_program)) = (tools::registry(), tools::skopeo()) else { return };
    let registry = Registry::start(&program, Access::Open);
    let desk = estate();
    let digest = build(&desk);
    let at = format!("{}/estates/small", registry.address());
    desk.ok(&["release", "push", "--to", &at]);
    // From the layout to the registry under another tag, and back into a second layout.
    let layout = format!("oci:{}:{}", desk.home("releases").display(), head(&desk));
    let copied = format!("docker://{at}:copied");
    skopeo(&desk, &skopeo_program, &["--dest-tls-verify=false", &layout, &copied]);
    let second = desk.repository().beside("second");
    let back = format!("oci:{}:back", second.display());
    skopeo(&desk, &skopeo_program, &["--src-tls-verify=false", &copied, &back]);
    let second = second.to_str().unwrap();
    assert_eq!(desk.json(&["release", "show", "back", "--layout", second, "--json"])["digest"], digest);
    // Evidence is found by the digest, whatever the tag.
    let third = desk.repository().beside("third");
    let third = third.to_str().unwrap();
    let pulled = desk.json(&["release", "pull", &format!("{at}:copied"), "--layout", third, "--json"]);
    assert_eq!((&pulled["digest"], &pulled["evidence"]), (&json!(digest), &json!(4)));
    desk.ok(&["release", "verify", "--layout", third]);
}

#[test]
fn who_may_not_and_what_is_not_there_is_said_with_the_next_step() {
    let Some(program) = tools::registry() else { return };
    let registry = Registry::start(&program, ADA);
    let desk = estate();
    desk.run(&["release", "push", "--to", "small"]).expect(2).says(&["is not HOST/REPOSITORY[:TAG]"]);
    build(&desk);
    let at = format!("{}/estates/small", registry.address());
    let denied = desk.run(&["release", "push", "--to", &at]).expect(1);
    denied.says(&["does not accept anonymous use", &format!("docker login {}", registry.address())]);
    let home = desk.repository().beside("home").join(".docker");
    fs::create_dir(&home).unwrap();
    let auth = json!({"auths": {registry.address().to_string(): {"auth": "YWRhOmxvdmVsYWNl"}}});
    fs::write(home.join("config.json"), auth.to_string()).unwrap();
    desk.ok(&["release", "push", "--to", &format!("{at}:v1")]);
    desk.run(&["release", "pull", &format!("{at}:v2")])
        .expect(1)
        .says(&["has no estates/small:v2", "Look at the name"]);
    desk.run(&["release", "pull", &at]).expect(2).says(&["neither a tag nor a digest"]);
    let pinned = format!("{at}@sha256:{}", "0".repeat(64));
    desk.run(&["release", "push", "--to", &pinned]).expect(2).says(&["a push gives a tag"]);
    desk.run(&["release", "pull", &pinned]).expect(1).says(&["has no estates/small:sha256:"]);
    drop(registry);
    let gone = desk.run(&["release", "pull", &format!("{at}:v1")]).expect(1);
    gone.says(&["trying again", "cannot be reached", "run this again"]);
}

#[test]
fn damage_is_not_pushed_and_a_pull_mends_it() {
    let Some(program) = tools::registry() else { return };
    let registry = Registry::start(&program, Access::Open);
    let desk = estate();
    build(&desk);
    let at = format!("{}/estates/small:v1", registry.address());
    desk.ok(&["release", "push", "--to", &at]);
    let side = desk.json(&["release", "show", "latest", "side", "--json"]);
    let layer = blob(&desk, side["layers"][0].as_str().unwrap());
    fs::write(&layer, vec![0; fs::read(&layer).unwrap().len()]).unwrap();
    desk.run(&["release", "push", "--to", &at]).expect(1).says(&["the release is damaged, the stack `side`", "verify"]);
    desk.ok(&["release", "pull", &at]).says(&["1 blob fetched"]);
    desk.ok(&["release", "verify"]);
}

#[test]
fn only_estate_releases_are_taken_in() {
    let Some(program) = tools::registry() else { return };
    let registry = Registry::start(&program, Access::Open);
    let desk = estate();
    build(&desk);
    let at = format!("{}/estates/small", registry.address());
    desk.ok(&["release", "push", "--to", &at]);
    let side = desk.json(&["release", "show", "latest", "side", "--json"]);
    let other = elsewhere(&desk);
    let stack = format!("{at}@{}", side["digest"].as_str().unwrap());
    other.run(&["release", "pull", &stack]).expect(2).says(&["is no estate release", "Nothing was taken"]);
    assert_eq!(other.json(&["release", "list", "--json"])["releases"], json!([]));
}

fn blob(desk: &Desk, digest: &str) -> PathBuf {
    desk.home(&format!("releases/blobs/sha256/{}", digest.strip_prefix("sha256:").unwrap()))
}

/// The manifest of the only evidence for `side`, and the envelope that it names.
fn evidence_of_side(desk: &Desk) -> (String, String) {
    let side = desk.json(&["release", "show", "latest", "side", "--json"]);
    let manifest = side["evidence"][0]["manifest"].as_str().unwrap().to_owned();
    let json: Json = serde_json::from_slice(&fs::read(blob(desk, &manifest)).unwrap()).unwrap();
    (manifest, json["layers"][0]["digest"].as_str().unwrap().to_owned())
}

#[test]
fn evidence_that_was_changed_is_named_and_not_sent() {
    let desk = estate();
    build(&desk);
    let (_, envelope) = evidence_of_side(&desk);
    let path = blob(&desk, &envelope);
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replacen("\"payload\":\"ey", "\"payload\":\"eY", 1)).unwrap();
    let found = desk.run(&["release", "verify"]).expect(1);
    assert!(found.stdout.contains("the stack `side`: evidence `built-from`"), "{found}");
    assert!(found.stdout.contains(&envelope), "{found}");
    let report = desk.run(&["release", "verify", "--json"]).expect(1).json();
    assert_eq!((&report["problems"][0]["stack"], &report["problems"][0]["blob"]), (&json!("side"), &json!(envelope)));
    let told = report["problems"].as_array().unwrap().iter().filter(|problem| problem["blob"] == envelope.as_str());
    assert_eq!(told.count(), 1, "{report:#}");
    desk.ok(&["release", "verify", "latest", "base"]);
    let shown = desk.ok(&["release", "show", "latest", "side"]);
    assert!(shown.stdout.contains("does not count"), "{shown}");
    let refused = desk.run(&["release", "push", "--to", "localhost:1/small"]).expect(1);
    refused.says(&["the release is damaged, the stack `side`", &envelope, "Nothing was sent"]);
}

/// Whoever changes what was signed and makes all digests fit again has still no signature.
#[test]
fn evidence_that_says_something_else_than_what_was_signed_is_found_out() {
    let desk = estate();
    build(&desk);
    let (manifest, envelope) = evidence_of_side(&desk);
    let middle = desk.json(&["release", "show", "latest", "middle", "--json"])["evidence"][0]["manifest"].clone();
    let other: Json = serde_json::from_slice(&fs::read(blob(&desk, middle.as_str().unwrap())).unwrap()).unwrap();
    let payload =
        |envelope: &str| -> Json { serde_json::from_slice(&fs::read(blob(&desk, envelope)).unwrap()).unwrap() };
    // The signature of one, the payload of another.
    let mut forged = payload(&envelope);
    forged["payload"] = payload(other["layers"][0]["digest"].as_str().unwrap())["payload"].clone();
    let put = |json: &Json| {
        let bytes = json.to_string().into_bytes();
        let digest = terrace_domain::digest::Digest::of(&bytes).to_string();
        fs::write(blob(&desk, &digest), &bytes).unwrap();
        (digest, bytes.len())
    };
    let (digest, size) = put(&forged);
    let mut changed: Json = serde_json::from_slice(&fs::read(blob(&desk, &manifest)).unwrap()).unwrap();
    (changed["layers"][0]["digest"], changed["layers"][0]["size"]) = (json!(digest), json!(size));
    let (new, size) = put(&changed);
    let index = desk.home("releases/index.json");
    let mut listed: Json = serde_json::from_slice(&fs::read(&index).unwrap()).unwrap();
    let entries = listed["manifests"].as_array_mut().unwrap();
    let entry = entries.iter_mut().find(|entry| entry["digest"] == manifest).unwrap();
    (entry["digest"], entry["size"]) = (json!(new), json!(size));
    fs::write(&index, listed.to_string()).unwrap();
    let found = desk.run(&["release", "verify"]).expect(1);
    assert!(found.stdout.contains("the signature of the trusted key `ada`"), "{found}");
    assert!(found.stdout.contains("no key that the estate trusts has signed what it was built from"), "{found}");
}

#[test]
fn unknown_signers_are_listed_and_count_only_where_the_estate_trusts_others() {
    let desk = estate();
    build(&desk);
    let layout = desk.home("releases");
    let layout = layout.to_str().unwrap();
    // Somebody who knows nobody, and has no estate around.
    let stranger = Desk::at(Repository::plain());
    let done = stranger.ok(&["release", "verify", "--layout", layout]);
    done.says(&["4 pieces of evidence signed by keys that nobody here knows"]);
    assert!(!stranger.repository().beside("home").join(".config").exists(), "to look makes no key");
    let report = stranger.json(&["release", "verify", "--layout", layout, "--json"]);
    assert_eq!(
        (&report["evidence"][0]["kind"], &report["evidence"][0]["trusted"]),
        (&json!("built-from"), &json!(false))
    );
    // An estate that trusts another key only.
    let other = Desk::at(Repository::empty());
    other.write_all(small::FILES);
    trust(&other, &other.ok(&["key", "new"]).stdout);
    other.commit("Begin");
    let found = other.run(&["release", "verify", "--layout", layout]).expect(1).says(&["4 problems", "--mend"]);
    assert!(found.stdout.contains("no key that the estate trusts has signed what it was built from, but"), "{found}");
}

#[test]
fn a_key_that_counts_signs_what_was_built_before() {
    let desk = Desk::at(Repository::empty());
    desk.write_all(small::FILES);
    desk.commit("Begin");
    build(&desk);
    fs::remove_file(desk.repository().beside("home").join(".config/terrace/signing-key.pem")).unwrap();
    trust(&desk, &desk.ok(&["key", "new"]).stdout);
    desk.run(&["release", "verify"]).expect(1).says(&["4 problems"]);
    desk.commit("Trust");
    desk.ok(&["release", "build", "--mend"]).says(&["0 new, 4 unchanged"]);
    desk.ok(&["release", "verify"]).says(&["nobody here knows"]);
}

#[test]
fn a_release_is_shown_with_where_it_runs_and_what_is_attached() {
    let Some(terraform) = tools::terraform() else { return };
    let desk = small::estate(&terraform);
    desk.ok(&["deliver", "--to", "dev"]);
    let shown = desk.ok(&["release", "show", "latest"]).stdout;
    let side = shown.lines().find(|line| line.contains("side")).unwrap();
    assert!(side.contains(" dev ") && side.contains("built-from, applied-in dev"), "{shown}");
    let json = desk.json(&["release", "show", "latest", "--json"]);
    assert_eq!(json["runs_in"]["side"][0]["environment"], "dev");
    let shown = desk.ok(&["release", "show", "latest", "side"]).stdout;
    for text in
        ["Runs in\n  dev since ", "Evidence\n  built-from ", "  applied-in dev ", "signed by this-user (trusted)"]
    {
        assert!(shown.contains(text), "`{text}`: {shown}");
    }
    let json = desk.json(&["release", "show", "latest", "side", "--json"]);
    assert_eq!((&json["evidence"][1]["environment"], &json["evidence"][1]["trusted"]), (&json!("dev"), &json!(true)));
    desk.ok(&["release", "verify"]);
}

#[test]
fn who_asks_to_stop_is_obeyed() {
    let desk = estate();
    let silent = std::net::TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).unwrap();
    let from = format!("{}/small:v1", silent.local_addr().unwrap());
    let started = desk.start(&["release", "pull", &from]);
    let connection = silent.accept().unwrap();
    started.signal(Signal::INT);
    started.wait().expect(1).says(&["interrupted", "Run it again"]);
    drop(connection);
    assert_eq!(desk.json(&["release", "list", "--json"])["releases"], json!([]));
}

//! The real programs that end-to-end tests run on, as the test set-up names them in the environment. Owns the names of those variables,
//! and what happens where one is missing: the test is left out and says so, but not under `CI=true`, where it fails.
#![allow(clippy::disallowed_methods, reason = "tests have no other place to read the environment in")]

use std::env;
use std::io::Write;
use std::path::PathBuf;

/// The Terraform to use first.
const FIRST: &str = "TERRACE_TEST_TERRAFORM";
/// All at hand, joined by colons.
const ALL: &str = "TERRACE_TEST_TERRAFORMS";
/// The folder with the AWS provider and an emulator of AWS.
const AWS: &str = "TERRACE_TEST_AWS";
/// The program docker-registry.
const REGISTRY: &str = "TERRACE_TEST_REGISTRY";
/// The folder in which plans are kept for other tests.
const PLANS: &str = "TERRACE_KEEP_PLANS";
/// The program skopeo.
const SKOPEO: &str = "TERRACE_TEST_SKOPEO";

/// The Terraform for tests that need only one: the first that the set-up names, else the first on PATH.
pub fn terraform() -> Option<PathBuf> {
    named(FIRST).into_iter().next().or_else(|| terraforms().into_iter().next())
}

/// Every Terraform at hand. Empty, and said so, where there is none.
///
/// # Panics
/// Where there is none under `CI=true`.
pub fn terraforms() -> Vec<PathBuf> {
    let mut found = named(ALL);
    if found.is_empty() {
        found = named(FIRST);
    }
    if found.is_empty() {
        found = found_on_path("terraform").or_else(|| found_on_path("tofu")).into_iter().collect();
    }
    if found.is_empty() {
        left_out(&format!("no Terraform: {ALL} is not set, and neither `terraform` nor `tofu` is on PATH"));
    }
    found
}

/// The folder with the AWS provider and the emulator.
///
/// # Panics
/// Where there is none under `CI=true`.
pub fn aws() -> Option<PathBuf> {
    let found = named(AWS).into_iter().next();
    if found.is_none() {
        left_out(&format!("no AWS provider and no emulator: {AWS} is not set"));
    }
    found
}

/// The folder in which tests that make plans keep them for others, where somebody asks for that. From the repository's root.
pub fn kept_plans() -> Option<PathBuf> {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    named(PLANS).into_iter().next().map(|folder| PathBuf::from(root).join(folder))
}

/// The program docker-registry: what the set-up names, else the one on PATH.
///
/// # Panics
/// Where there is none under `CI=true`.
pub fn registry() -> Option<PathBuf> {
    named_or_found(REGISTRY, "docker-registry")
}

/// The program skopeo: what the set-up names, else the one on PATH.
///
/// # Panics
/// Where there is none under `CI=true`.
pub fn skopeo() -> Option<PathBuf> {
    named_or_found(SKOPEO, "skopeo")
}

fn named_or_found(variable: &str, program: &str) -> Option<PathBuf> {
    let found = named(variable).into_iter().next().or_else(|| found_on_path(program));
    if found.is_none() {
        left_out(&format!("no {program}: {variable} is not set, and it is not on PATH"));
    }
    found
}

/// Says that the running test is left out, where nobody can overlook it.
///
/// # Panics
/// Under `CI=true`.
pub fn left_out(why: &str) {
    assert!(!is_ci(), "{why}; CI does without nothing");
    say_left_out(why);
}

/// The same for what even CI may do without, since not every machine allows it.
pub fn say_left_out(why: &str) {
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    // Not `eprintln!`, which the test harness keeps to itself while a test passes.
    let _ = writeln!(std::io::stderr(), "\nLEFT OUT: {test}: {why}");
}

/// Whether this is CI, where nothing may be left out.
pub fn is_ci() -> bool {
    env::var("CI").is_ok_and(|value| value == "true")
}

fn named(variable: &str) -> Vec<PathBuf> {
    let value = env::var_os(variable).unwrap_or_default();
    env::split_paths(&value).filter(|path| !path.as_os_str().is_empty()).collect()
}

/// A program of this machine's PATH, by its name.
///
/// # Panics
/// Where it is not there.
pub fn program(name: &str) -> PathBuf {
    found_on_path(name).unwrap_or_else(|| panic!("{name} is on PATH"))
}

/// A program of this machine's PATH, if it is there.
pub fn found_on_path(name: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?).map(|folder| folder.join(name)).find(|path| path.is_file())
}

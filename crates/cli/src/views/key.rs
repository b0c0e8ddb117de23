//! The public half of a signing key. The secret half is never here.

use std::path::Path;

use serde::Serialize;
use terrace_domain::key::PublicKey;
use terrace_domain::name::KeyName;
use terrace_evidence::keys::KeyId;

use super::{print, print_json, say};

/// What is shown of a key.
pub struct Shown<'a> {
    pub name: &'a KeyName,
    pub id: KeyId,
    pub public_key: PublicKey,
    pub path: &'a Path,
}

#[derive(Serialize)]
struct KeyJson<'a> {
    name: &'a str,
    id: &'a str,
    public_key: String,
    path: String,
}

/// As the block to paste; what is said about it goes to standard error.
pub fn text(shown: &Shown<'_>, is_new: bool) {
    if is_new {
        say(&format!("Made the signing key {} in {}.", shown.id.short(), shown.path.display()));
        say("Only you can read it, and there is no copy. Add this to terrace.hcl, so that its signatures count:");
    } else {
        say(&format!("The signing key {} in {}:", shown.id.short(), shown.path.display()));
    }
    print(&format!("trust \"{}\" {{\n  public_key = \"{}\"\n}}\n", shown.name, shown.public_key));
}

/// As JSON, `terrace.key/1`.
pub fn json(shown: &Shown<'_>) {
    let report = KeyJson {
        name: shown.name.as_str(),
        id: shown.id.as_str(),
        public_key: shown.public_key.to_string(),
        path: shown.path.display().to_string(),
    };
    print_json("terrace.key/1", &report);
}

//! `terrace key`: made once, for its owner alone, and shown as the block that makes an estate trust it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use terrace_testkit::repository::Repository;

use crate::desk::Desk;

fn desk() -> Desk {
    Desk::at(Repository::empty())
}

fn key_of(desk: &Desk) -> PathBuf {
    desk.repository().beside("home").join(".config/terrace/signing-key.pem")
}

#[test]
fn a_key_is_made_shown_and_trusted() {
    let desk = desk();
    let made = desk.ok(&["key", "new"]).says(&["Made the signing key", "there is no copy"]);
    assert_eq!(fs::metadata(key_of(&desk)).unwrap().permissions().mode() & 0o777, 0o600);
    let shown = desk.ok(&["key", "show"]);
    assert_eq!(shown.stdout, made.stdout);
    assert!(made.stdout.starts_with("trust \"ada\" {\n  public_key = \"ed25519:"), "{made}");

    let json = desk.json(&["key", "show", "--name", "release-bot", "--json"]);
    assert_eq!(json["schema"], "terrace.key/1");
    assert_eq!(json["name"], "release-bot");
    assert_eq!(json["id"].as_str().unwrap().len(), 64);
    assert!(made.stdout.contains(json["public_key"].as_str().unwrap()));
    let secret = fs::read_to_string(key_of(&desk)).unwrap();
    let secret = secret.lines().nth(1).unwrap();
    assert!(!made.stdout.contains(secret) && !made.stderr.contains(secret) && !json.to_string().contains(secret));

    desk.write_all("//- terrace.hcl\nestate \"e\" {}\nenvironment \"dev\" {}\npipeline {\n  stage \"dev\" { environment = \"dev\" }\n}\n");
    let estate = fs::read_to_string(desk.folder().join("terrace.hcl")).unwrap();
    desk.write("terrace.hcl", estate + &made.stdout);
    desk.ok(&["validate"]);
}

#[test]
fn a_key_is_never_overwritten() {
    let desk = desk();
    desk.ok(&["key", "new"]);
    let before = fs::read(key_of(&desk)).unwrap();
    desk.run(&["key", "new", "--name", "other"]).expect(2).says(&["never overwritten", "terrace key show"]);
    assert_eq!(fs::read(key_of(&desk)).unwrap(), before);
}

#[test]
fn what_is_no_usable_key_is_named() {
    let desk = desk();
    desk.run(&["key", "show"]).expect(2).says(&["there is no signing key", "terrace key new"]);
    desk.ok(&["key", "new"]);
    fs::set_permissions(key_of(&desk), fs::Permissions::from_mode(0o644)).unwrap();
    desk.run(&["key", "show"]).expect(2).says(&["others than its owner", "chmod 600"]);
    fs::write(key_of(&desk), "nonsense").unwrap();
    fs::set_permissions(key_of(&desk), fs::Permissions::from_mode(0o600)).unwrap();
    desk.run(&["key", "show"]).expect(2).says(&["is not an ed25519 key in PKCS#8 PEM"]);
    desk.run(&["key", "new", "--name", "a name"]).expect(2).says(&["a name begins with a letter"]);
}

#[test]
fn the_configuration_folder_can_be_elsewhere() {
    let mut desk = desk();
    let xdg = desk.repository().beside("xdg");
    desk.set("XDG_CONFIG_HOME", &xdg);
    desk.ok(&["key", "new"]);
    assert!(xdg.join("terrace/signing-key.pem").is_file() && !key_of(&desk).exists());
    let own = desk.repository().beside("own");
    desk.set("TERRACE_CONFIG_HOME", &own);
    desk.ok(&["key", "new"]);
    assert!(own.join("signing-key.pem").is_file());
}

#[test]
fn without_a_home_folder_it_is_said() {
    let mut desk = desk();
    desk.set("HOME", "");
    desk.run(&["key", "show"]).expect(2).says(&["HOME", "TERRACE_CONFIG_HOME"]);
}

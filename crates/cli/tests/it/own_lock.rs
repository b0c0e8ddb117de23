//! Locks on states in S3 (`use_lockfile`), whose backend tells who holds them: what a Terraform of Terrace's own left which died is released,
//! and nothing else is. The emulator of AWS keeps the locks.

use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use serde_json::Value as Json;
use terrace_testkit::tools;

use crate::blocked::{self, kill_in_mid_apply, kill_terraforms, let_go, times_made};
use crate::desk::{Desk, Done, wait_until};
use crate::emulator::Emulator;

const BUCKET: &str = "states";
const STATE: &str = "dev/slow";
const LOCK: &str = "dev/slow.tflock";
const RELEASED: &str = "on the state of dev/slow: a Terraform of Terrace's own had left it when it died";

/// The blocked estate with its state in S3. `first` is delivered already; the next delivery makes `second`, and blocks.
struct Bench {
    emulator: Emulator,
    desk: Desk,
    /// The state with `first` alone.
    before: Json,
}

impl Bench {
    fn new() -> Option<Self> {
        let (tools, terraform) = (tools::aws()?, tools::terraform()?);
        let emulator = Emulator::start(&tools);
        emulator.make_bucket(BUCKET);
        let mut desk = blocked::estate_for(&terraform);
        Emulator::surround(&mut desk);
        desk.edit("terrace.hcl", "state \"local\" {}", &block(emulator.address()));
        let code = std::fs::read_to_string(desk.repository().root().join("stacks/slow/main.tf")).unwrap();
        let second = code.find("resource \"terraform_data\" \"second\"").expect("it comes after `first`");
        desk.write("stacks/slow/main.tf", &code[..second]);
        desk.commit("States in S3, and one resource");
        desk.ok(&["deliver"]).says(&["1 applied"]);
        desk.write("stacks/slow/main.tf", &code);
        desk.commit("A second resource");
        let before = serde_json::from_str(&emulator.object(BUCKET, STATE)).unwrap();
        let bench = Self { emulator, desk, before };
        assert_eq!(bench.objects(), [STATE], "an apply that ends lets go of its lock");
        Some(bench)
    }

    /// The same after a delivery that was killed in mid-apply, and its Terraform with it.
    fn cut_off() -> Option<Self> {
        let bench = Self::new()?;
        kill_in_mid_apply(&bench.desk, &["deliver"]);
        kill_terraforms(&bench.desk);
        assert_eq!(bench.objects(), [STATE, LOCK], "nobody let go of the lock");
        Some(bench)
    }

    fn objects(&self) -> Vec<String> {
        self.emulator.objects(BUCKET)
    }

    /// The lock, as Terraform has written it.
    fn lock(&self) -> Json {
        serde_json::from_str(&self.emulator.object(BUCKET, LOCK)).unwrap()
    }

    fn set_lock(&self, lock: &Json) {
        self.emulator.put(BUCKET, LOCK, &lock.to_string());
    }

    /// The ledger's entries of locks that were released.
    fn released(&self) -> Vec<Json> {
        let log = self.desk.json(&["ledger", "log", "--kind", "lock_released", "--json"]);
        log["entries"].as_array().unwrap().clone()
    }

    /// The lock was released, once, and both resources are there: `first` is still the one that it was.
    fn is_mended(&self, done: Done, lock: &Json) {
        let id = lock["ID"].as_str().unwrap();
        done.expect(0)
            .says(&[&format!("released the lock {id} {RELEASED}"), "slow  applied"])
            .without(&["waiting for the state"]);
        assert_eq!(self.objects(), [STATE], "no lock is left");
        let released = self.released();
        let told = |entry: &Json| -> Json { serde_json::from_str(entry["body"].as_str().unwrap()).unwrap() };
        let told: Vec<_> = released.iter().map(told).map(|body| (body["lock"].clone(), body["who"].clone())).collect();
        assert_eq!(told, [(lock["ID"].clone(), lock["Who"].clone())], "{released:#?}");
        let now: Json = serde_json::from_str(&self.emulator.object(BUCKET, STATE)).unwrap();
        assert_eq!(now["lineage"], self.before["lineage"]);
        let (first, second) = (id_of(&now, "first"), id_of(&now, "second"));
        assert_eq!(first, id_of(&self.before, "first"), "it was made a second time");
        assert!(second.is_some(), "{now:#}");
        // The one that was cut off, and the one that came to its end.
        assert_eq!(times_made(&self.desk), 2);
        self.desk.ok(&["deliver", "--again"]).says(&["1 unchanged"]).without(&[RELEASED]);
        self.desk.ok(&["ledger", "verify"]);
    }
}

fn block(address: &str) -> String {
    format!(
        "state \"s3\" {{\n    bucket = \"{BUCKET}\"\n    key = \"${{env.name}}/${{stack.name}}\"\n    region = \"eu-west-1\"\n    \
         use_lockfile = true\n    endpoints = {{ s3 = \"http://{address}\" }}\n    use_path_style = true\n    \
         skip_credentials_validation = true\n    skip_requesting_account_id = true\n    skip_metadata_api_check = true\n    \
         skip_region_validation = true\n    skip_s3_checksum = true\n  }}"
    )
}

/// The id of a `terraform_data` in a state.
fn id_of(state: &Json, name: &str) -> Option<String> {
    let all = state["resources"].as_array().unwrap();
    let found = all.iter().find(|resource| resource["name"] == name)?;
    Some(found["instances"][0]["attributes"]["id"].as_str().expect("a text").to_owned())
}

#[test]
fn a_resumed_run_releases_the_lock_that_its_dead_terraform_left() {
    let Some(bench) = Bench::cut_off() else { return };
    let lock = bench.lock();
    let done = bench.desk.run(&["resume"]);
    bench.is_mended(done, &lock);
}

#[test]
fn the_next_delivery_releases_the_lock_that_a_dead_terraform_left() {
    let Some(bench) = Bench::cut_off() else { return };
    let lock = bench.lock();
    let done = bench.desk.run(&["deliver"]);
    bench.is_mended(done, &lock);
}

#[test]
fn a_lock_of_somebody_else_is_waited_for_and_named_and_never_released() {
    let Some(bench) = Bench::cut_off() else { return };
    let died = bench.lock();
    let other = |field: &str, value: &str| {
        let mut lock = died.clone();
        lock["ID"] = "8a2c7a4e-0000-4000-8000-000000000001".into();
        lock[field] = value.into();
        lock
    };
    // By the same person on the same machine, by hand, when the dead Terraform was dead for longer than clocks may differ.
    let later = SystemTime::now() + Duration::from_secs(3);
    wait_until("it is later", || SystemTime::now() > later);
    let later = Timestamp::try_from(later).unwrap().to_string();
    let by_hand = other("Created", &later);
    let from_elsewhere = other("Who", "ada@elsewhere");
    for (lock, since, arguments) in [
        (&by_hand, &later[..10], &["resume", "--lock-timeout", "1"][..]),
        (&from_elsewhere, "20", &["deliver", "--lock-timeout", "1"]),
    ] {
        bench.set_lock(lock);
        let who = lock["Who"].as_str().unwrap();
        let waiting = format!("waiting for the state of dev/slow: locked by {who} since {since}");
        let id = lock["ID"].as_str().unwrap();
        bench.desk.run(arguments).expect(1).says(&[&waiting, id, "slow  failed"]).without(&[RELEASED]);
        assert_eq!(bench.lock(), *lock, "it is still there");
        assert_eq!((bench.released(), times_made(&bench.desk)), (vec![], 1));
    }
    // It was for this difference alone.
    bench.set_lock(&died);
    let done = bench.desk.run(&["deliver"]);
    bench.is_mended(done, &died);
}

#[test]
fn a_lock_that_somebody_else_lets_go_of_is_not_released() {
    let Some(bench) = Bench::cut_off() else { return };
    bench.emulator.remove(BUCKET, LOCK);
    bench.desk.ok(&["resume"]).says(&["slow  applied"]).without(&[RELEASED]);
    assert_eq!((bench.released(), bench.objects()), (vec![], vec![STATE.to_owned()]));
}

#[test]
fn the_lock_of_a_terraform_that_died_alone_is_released_by_the_next_delivery() {
    let Some(bench) = Bench::new() else { return };
    let terrace = bench.desk.start(&["deliver"]);
    wait_until("the apply is in the middle", || times_made(&bench.desk) == 1);
    let lock = bench.lock();
    kill_terraforms(&bench.desk);
    let_go(&bench.desk);
    terrace.wait().expect(1).says(&["killed by signal 9", "its last 20 seconds", "the lock that it left is released"]);
    assert_eq!((bench.lock(), bench.released()), (lock.clone(), vec![]));
    let done = bench.desk.run(&["deliver"]);
    bench.is_mended(done, &lock);
}

//! Several deliveries at once.

use terrace_testkit::tools;

use crate::desk::wait_until;
use crate::small;

#[test]
fn one_environment_belongs_to_one_delivery_and_others_are_told_whose_it_is() {
    let Some(terraform) = tools::terraform() else { return };
    let desk = small::estate(&terraform);
    desk.ok(&["deliver", "--to", "dev", "side"]);
    desk.ok(&["sandbox", "latency", "1"]);
    let first = desk.start(&["deliver", "--to", "dev", "base"]);
    let holder = || desk.json(&["status", "--json"])["environments"][0]["held_by"].clone();
    wait_until("the first delivery holds dev", || !holder().is_null());
    assert_eq!(
        (&holder()["pid"], &holder()["command"]),
        (&first.pid().into(), &"terrace deliver --to dev base".into())
    );
    desk.ok(&["status"]).says(&["dev: `terrace deliver --to dev base` is at work since "]);

    let pid = first.pid();
    let by = format!("dev is taken by `terrace deliver --to dev base` (process {pid} of ada on ");
    let second = desk.start(&["deliver", "--to", "dev", "middle"]);
    desk.run(&["plan", "side"]).expect(1).says(&[&by, "Wait until it is done"]);
    // Another environment is nobody's.
    desk.ok(&["deliver", "--env", "test", "side"]).says(&["1 applied"]).without(&["waiting for"]);
    first.wait().expect(0).says(&["1 applied"]).without(&["waiting for"]);
    let waited = format!("waiting for dev: it is taken by `terrace deliver --to dev base` (process {pid} of ada on ");
    second.wait().expect(0).says(&[&waited, "1 applied"]);
    assert!(holder().is_null());
    assert_eq!(desk.exists(), ["base-dev", "middle-dev", "side-dev", "side-test"].map(|name| format!("bucket {name}")));
    desk.ok(&["deliver", "--to", "dev", "--again", "side"]).says(&["1 unchanged"]);
}

#[test]
fn two_environments_are_delivered_to_at_once() {
    let Some(terraform) = tools::terraform() else { return };
    let desk = small::estate(&terraform);
    desk.ok(&["deliver", "--to", "dev", "base", "side"]);
    let both = [
        desk.start(&["deliver", "--to", "dev", "middle", "top"]),
        desk.start(&["deliver", "--env", "test", "base", "side"]),
    ];
    for one in both {
        one.wait().expect(0).says(&["2 applied"]).without(&["waiting for"]);
    }
    assert_eq!(desk.exists().len(), 6);
    let runs = desk.json(&["run", "list", "--json"])["runs"].clone();
    assert!(runs.as_array().unwrap().iter().all(|run| run["outcome"] == "succeeded"), "{runs:#}");
}

//! Several deliveries at once.

use terrace_testkit::tools;

use crate::desk::wait_until;
use crate::small;

#[test]
fn one_environment_belongs_to_one_delivery_and_others_are_told_whose_it_is() {
    let Some(terraform) = tools::terraform() else { return };
    let desk = small::estate(&terraform);
    desk.ok(&["sandbox", "latency", "0.5"]);
    let first = desk.start(&["deliver", "--to", "dev", "side"]);
    let holder = || desk.json(&["status", "--json"])["environments"][0]["held_by"].clone();
    wait_until("the first delivery holds dev", || !holder().is_null());
    assert_eq!(
        (&holder()["pid"], &holder()["command"]),
        (&first.pid().into(), &"terrace deliver --to dev side".into())
    );
    desk.ok(&["status"]).says(&["dev: `terrace deliver --to dev side` is at work since "]);

    let by = format!("dev is taken by `terrace deliver --to dev side` (process {} of ada on ", first.pid());
    desk.run(&["deliver", "--to", "dev", "base"]).expect(1).says(&[&by, "Wait until it is done"]);
    desk.run(&["plan", "base"]).expect(1).says(&[&by]);
    // Another environment is nobody's.
    desk.ok(&["deliver", "--env", "test", "side"]);
    first.wait().expect(0).says(&["1 applied"]);
    assert!(holder().is_null());
    assert_eq!(desk.exists(), ["bucket side-dev", "bucket side-test"]);
    desk.ok(&["deliver", "--to", "dev", "--again", "side"]).says(&["1 unchanged"]);
}

#[test]
fn two_environments_are_delivered_to_at_once() {
    let Some(terraform) = tools::terraform() else { return };
    let desk = small::estate(&terraform);
    let both = [desk.start(&["deliver"]), desk.start(&["deliver", "--env", "test"])];
    for one in both {
        one.wait().expect(0).says(&["4 applied"]);
    }
    assert_eq!(desk.exists().len(), 8);
    let runs = desk.json(&["run", "list", "--json"])["runs"].clone();
    assert!(runs.as_array().unwrap().iter().all(|run| run["outcome"] == "succeeded"), "{runs:#}");
}

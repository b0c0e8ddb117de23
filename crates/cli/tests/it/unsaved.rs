//! States that are not where they should be, and Terraforms that are not gone when they should be: nothing may be built twice.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use terrace_testkit::tools;

use crate::desk::wait_until;
use crate::small;

/// Where states are kept by HTTP (Terraform's `http` backend), as long as `accepts` says so. Ends with the test's process.
struct StateServer {
    address: String,
    accepts: Arc<AtomicBool>,
}

impl StateServer {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let accepts = Arc::new(AtomicBool::new(false));
        let is_accepting = Arc::clone(&accepts);
        std::thread::spawn(move || {
            let mut state: Option<Vec<u8>> = None;
            for connection in listener.incoming().flatten() {
                answer(connection, &mut state, is_accepting.load(Ordering::SeqCst));
            }
        });
        Self { address, accepts }
    }
}

/// Answers one request: gives the state, or takes a new one, or refuses it.
fn answer(mut connection: TcpStream, state: &mut Option<Vec<u8>>, accepts: bool) {
    let mut reader = BufReader::new(connection.try_clone().unwrap());
    let mut lines = reader.by_ref().lines().map_while(Result::ok);
    let request = lines.next().unwrap_or_default();
    let headers: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
    let length = headers.iter().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).unwrap();
    let (status, content) = match (request.starts_with("GET"), &state) {
        (true, Some(kept)) => ("200 OK", kept.clone()),
        (true, None) => ("404 Not Found", Vec::new()),
        (false, _) if accepts => {
            *state = Some(body);
            ("200 OK", Vec::new())
        }
        (false, _) => ("400 Bad Request", Vec::new()),
    };
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", content.len());
    let _ = connection.write_all(&[head.as_bytes(), &content].concat());
}

#[test]
fn a_state_that_could_not_be_saved_stops_the_next_delivery() {
    let Some(terraform) = tools::terraform() else { return };
    let server = StateServer::start();
    let desk = small::estate(&terraform);
    let place = format!("state \"http\" {{\n    address = \"{}/${{env.name}}/${{stack.name}}\"\n  }}", server.address);
    desk.edit("terrace.hcl", "state \"local\" {}", &place);
    desk.commit("States by HTTP");
    desk.run(&["deliver", "--to", "dev", "side"]).expect(1).says(&["✗ side  failed in apply", "Failed to save state"]);

    server.accepts.store(true, Ordering::SeqCst);
    let refused = || {
        desk.run(&["deliver", "--to", "dev", "side"])
            .expect(1)
            .says(&["an earlier apply of side could not save its state", "terraform state push errored.tfstate"]);
    };
    assert!(desk.changes_of(refused).is_empty(), "nothing is made beside a state that is not saved");

    let work = desk.home("work/dev/side/tree/stacks/side");
    let mut push = Command::new(&terraform);
    desk.surround(&mut push);
    let pushed = push.args(["state", "push", "errored.tfstate"]).current_dir(&work).output().unwrap();
    assert!(pushed.status.success(), "{}", String::from_utf8_lossy(&pushed.stderr));
    fs::remove_file(work.join("errored.tfstate")).unwrap();
    desk.ok(&["deliver", "--to", "dev", "--again", "side"]).says(&["= side  unchanged"]);
    assert_eq!(desk.exists(), ["bucket side-dev"]);
}

#[test]
fn nobody_starts_beside_a_terraform_that_outlived_terrace() {
    let Some(terraform) = tools::terraform() else { return };
    let desk = small::delivered(&terraform);
    // As a Terraform whose Terrace was killed: it holds the file of its error output.
    let held = File::options().append(true).open(desk.home("work/dev/side/terraform.err")).unwrap();
    held.lock().unwrap();
    let mut orphan = Command::new("/bin/sleep").arg("120").stderr(held).spawn().unwrap();
    desk.edit("stacks/side/main.tf", "name = var.name", "name = \"new-${var.name}\"");
    desk.commit("Another name");
    let before = desk.changes();
    let delivering = desk.start(&["deliver", "--to", "dev", "side"]);
    wait_until("the delivery has come to it", || {
        desk.json(&["run", "show", "--json"])["instances"][0]["state"] == "preparing"
    });
    // Long enough to begin, if it began beside it.
    std::thread::sleep(std::time::Duration::from_millis(500));
    assert_eq!(desk.changes(), before);
    orphan.kill().unwrap();
    orphan.wait().unwrap();
    delivering.wait().expect(0).says(&[
        "a Terraform is still at work on dev/side, which an earlier Terrace started: waiting for it",
        "✓ side  applied: 1 added, 0 changed, 1 destroyed",
    ]);
}

#[test]
fn plans_of_two_environments_at_once_do_not_mix() {
    let Some(terraform) = tools::terraform() else { return };
    let desk = small::delivered(&terraform);
    let environments: Vec<String> = desk.json(&["status", "--json"])["environments"]
        .as_array()
        .unwrap()
        .iter()
        .map(|environment| environment["name"].as_str().unwrap().to_owned())
        .filter(|name| name != "dev")
        .collect();
    let other = environments.first().expect("the small estate has two environments");
    for _ in 0..3 {
        let (dev, second) = (desk.start(&["plan", "--json"]), desk.start(&["plan", "--json", "--env", other]));
        let (dev, second) = (dev.wait().expect(0).json(), second.wait().expect(0).json());
        assert_eq!(dev["resources"].as_array().unwrap().len(), 0, "{dev:#}");
        let planned = second["instances"].as_array().unwrap().iter().filter(|one| one["state"] == "planned").count();
        assert_eq!(second["resources"].as_array().unwrap().len(), planned, "one bucket a stack: {second:#}");
    }
}

#[test]
fn a_backend_in_an_override_file_does_not_reach_terraform() {
    let Some(terraform) = tools::terraform() else { return };
    let desk = small::estate(&terraform);
    desk.write(
        "stacks/side/zz_override.tf",
        "terraform {\n  backend \"local\" {\n    path = \"/tmp/shared.tfstate\"\n  }\n}\n",
    );
    desk.commit("A backend by the back door");
    desk.run(&["deliver", "--to", "dev"]).expect(2).says(&["backend-override", "stacks/side/zz_override.tf"]);
    assert!(desk.exists().is_empty());
}

#[test]
fn terrace_does_not_work_behind_a_link() {
    let Some(terraform) = tools::terraform() else { return };
    let desk = small::estate(&terraform);
    let elsewhere = desk.repository().beside("elsewhere");
    fs::create_dir_all(&elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, desk.folder().join(".terrace")).unwrap();
    desk.run(&["deliver", "--to", "dev"]).expect(1).says(&["symbolic link"]);
    assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 0);
}

#[test]
fn a_link_that_leads_to_nothing_is_told() {
    let Some(terraform) = tools::terraform() else { return };
    let desk = small::estate(&terraform);
    desk.repository().link("stacks/side/lost.txt", "../../shared/gone.txt");
    desk.commit("A link to nothing");
    desk.ok(&["deliver", "--to", "dev", "side"])
        .says(&["warning: not in the release of side: `stacks/side/lost.txt` (links that lead to nothing)"]);
}

//! The example on the real AWS provider, against an emulator of AWS on loopback. Owns the emulator while a test runs.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use terrace_testkit::tools;

use crate::deliver::states;
use crate::desk::Desk;

/// The bucket that the example keeps its states in.
const BUCKET: &str = "landing-emulator-state";

/// The emulator. It ends when its input does, however the test ends.
struct Emulator {
    process: Child,
    address: String,
}

impl Emulator {
    fn start(tools: &Path) -> Self {
        let mut command = Command::new(tools.join("moto"));
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the emulator starts");
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("http://").expect("its address").to_owned();
        Self { process, address }
    }

    /// Asks a service of a region (as `eu-west-1/eks`) for a path; returns what it answers, if it is content.
    fn ask(&self, place: &str, method: &str, path: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let (address, end) = (&self.address, "Connection: close\r\nContent-Length: 0\r\n\r\n");
        // The service is told by what the request is signed for (Signature Version 4); the emulator looks at no signature.
        let signed =
            format!("AWS4-HMAC-SHA256 Credential=test/20200101/{place}/aws4_request, SignedHeaders=host, Signature=0");
        write!(stream, "{method} {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: {signed}\r\n{end}").unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let answer = String::from_utf8_lossy(&answer).into_owned();
        assert!(answer.lines().next().is_some_and(|status| status.contains(" 200 ")), "{method} {path}: {answer}");
        answer
    }

    /// The names of the objects in the bucket, sorted.
    fn objects(&self) -> Vec<String> {
        let listed = self.ask("us-east-1/s3", "GET", &format!("/{BUCKET}?list-type=2"));
        let keys = listed.split("<Key>").skip(1).filter_map(|rest| rest.split("</Key>").next());
        let mut keys: Vec<_> = keys.map(ToOwned::to_owned).collect();
        keys.sort();
        keys
    }

    /// What is recorded of the networks.
    fn networks(&self) -> String {
        self.ask("eu-west-1/ec2", "GET", "/?Action=DescribeVpcs&Version=2016-11-15")
    }

    /// What is recorded of the cluster that the example makes.
    fn cluster(&self) -> String {
        self.ask("eu-west-1/eks", "GET", "/clusters/landing-emulator")
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

/// The example as `terrace init` writes it, delivering to this emulator.
fn example(terraform: &Path, tools: &Path, emulator: &Emulator) -> Desk {
    let mut desk = Desk::empty(terraform);
    desk.ok(&["init", "--example", "aws"]);
    desk.edit("terrace.hcl", "127.0.0.1:5000", &emulator.address);
    desk.commit("Begin");
    desk.set("TF_CLI_CONFIG_FILE", tools.join("terraformrc"));
    desk.set("AWS_ACCESS_KEY_ID", "test");
    desk.set("AWS_SECRET_ACCESS_KEY", "test");
    desk.set("AWS_EC2_METADATA_DISABLED", "true");
    desk
}

#[test]
fn the_example_is_delivered_with_the_real_provider_by_each_terraform() {
    let Some(tools_folder) = tools::aws() else { return };
    for terraform in tools::terraforms() {
        let emulator = Emulator::start(&tools_folder);
        emulator.ask("us-east-1/s3", "PUT", &format!("/{BUCKET}"));
        let desk = example(&terraform, &tools_folder, &emulator);
        let all = |word: &str| ["network", "cluster", "secrets"].map(|stack| (stack.to_owned(), word.to_owned()));

        assert_eq!(states(&desk.json(&["deliver", "--env", "emulator", "--json"])), all("applied"));
        let objects = ["cluster", "network", "secrets"].map(|stack| format!("emulator/{stack}/terraform.tfstate"));
        assert_eq!(emulator.objects(), objects, "three states, and no lock is left");
        assert!(emulator.cluster().contains("\"ACTIVE\""), "{}", emulator.cluster());
        assert!(!emulator.networks().contains("<key>Team</key>"), "{}", emulator.networks());
        assert_eq!(states(&desk.json(&["deliver", "--env", "emulator", "--again", "--json"])), all("unchanged"));

        let vpc = "enable_dns_hostnames = true\n\n  tags = {\n";
        desk.edit("stacks/network/main.tf", vpc, &format!("{vpc}    Team = \"network\"\n"));
        desk.commit("Say whose the network is");
        desk.ok(&["list", "--affected", "HEAD~1", "--why"]);
        let run = desk.json(&["deliver", "--env", "emulator", "--affected", "HEAD~1", "--json"]);
        let expected = [("network", "applied"), ("cluster", "skipped"), ("secrets", "skipped")];
        assert_eq!(states(&run), expected.map(|(stack, state)| (stack.to_owned(), state.to_owned())));
        assert!(emulator.networks().contains("<key>Team</key>"), "{}", emulator.networks());
        assert_eq!(emulator.objects(), objects);
    }
}

#[test]
fn a_failure_of_the_real_provider_is_shown_with_its_place_and_mended() {
    let (Some(tools_folder), Some(terraform)) = (tools::aws(), tools::terraform()) else { return };
    let emulator = Emulator::start(&tools_folder);
    let desk = example(&terraform, &tools_folder, &emulator);
    // The bucket is not there yet.
    desk.run(&["deliver", "--env", "emulator", "network"]).expect(1).says(&["✗ network", BUCKET]);
    emulator.ask("us-east-1/s3", "PUT", &format!("/{BUCKET}"));
    desk.edit("terrace.hcl", "10.10.0.0/16", "10.10.0.0/8");
    desk.commit("A network that is too wide");
    desk.run(&["deliver", "--env", "emulator", "network"]).expect(1).says(&["✗ network", "stacks/network/main.tf:"]);
    assert!(!emulator.objects().iter().any(|object| object.ends_with(".tflock")), "{:?}", emulator.objects());
    desk.edit("terrace.hcl", "10.10.0.0/8", "10.10.0.0/16");
    desk.commit("Mend");
    desk.ok(&["deliver", "--env", "emulator", "network"]).says(&["1 applied"]);
}

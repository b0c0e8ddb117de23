//! A folder of Terraform code, the real Terraform in it, and a sandbox cloud under it.
#![allow(clippy::disallowed_methods, reason = "tests have no other place to read the environment in")]

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use terrace_sandbox::{Attachment, Cloud, Contained, Server};
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

/// The start of every configuration.
const HEAD: &str = r#"
terraform {
  required_providers {
    sandbox = { source = "terrace/sandbox" }
  }
}
provider "sandbox" {
  region = "eu-west-1"
}
"#;

/// A cloud, and a server for it.
pub(crate) struct Sandbox {
    folder: tempfile::TempDir,
    server: Server,
}

impl Sandbox {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let server = Server::start(&folder.path().join("cloud.db"), folder.path()).await.expect("a server");
        Self { folder, server }
    }

    pub(crate) fn cloud(&self) -> &Cloud {
        self.server.cloud()
    }

    /// How many resources there are.
    pub(crate) fn count(&self) -> usize {
        self.cloud().inventory().expect("readable").count()
    }

    /// The id of a resource by its kind and name, out of the inventory.
    #[track_caller]
    pub(crate) fn id(&self, target: &str) -> String {
        fn find<'c>(all: &'c [Contained], ends: &str) -> Option<&'c str> {
            all.iter().find_map(|contained| {
                let resource = &contained.resource;
                let path = format!("{}/{}/{}", resource.vendor, resource.kind, resource.name);
                if path.ends_with(ends) { Some(resource.id.as_str()) } else { find(&contained.holds, ends) }
            })
        }
        let inventory = self.cloud().inventory().expect("readable");
        let mut regions = inventory.clouds.iter().flat_map(|cloud| &cloud.regions);
        regions.find_map(|region| find(&region.resources, target)).expect("a resource of that name").to_owned()
    }

    /// Waits until there is something, a minute at most.
    pub(crate) async fn eventually<T>(&self, mut look: impl FnMut() -> Option<T>) -> T {
        for _ in 0..6000 {
            if let Some(found) = look() {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("it did not come about");
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("cloud.db")
    }

    /// A stack with this configuration, run as the identity of its name.
    pub(crate) async fn stack(&self, name: &str, code: &str) -> Stack {
        let attachment = self.server.attach(name).expect("attached");
        let stack = Stack { folder: self.folder.path().join(name), attachment };
        std::fs::create_dir_all(&stack.folder).expect("a folder");
        stack.write(code);
        stack.run(&["init"]).await.succeeded();
        stack
    }
}

/// A folder of Terraform code.
pub(crate) struct Stack {
    folder: PathBuf,
    attachment: Attachment,
}

/// What a Terraform said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) text: String,
}

impl Said {
    #[track_caller]
    pub(crate) fn succeeded(self) -> String {
        assert_eq!(self.code, Some(0), "{}", self.text);
        self.text
    }

    /// Terraform failed, and its words have this in them (whatever the line breaks).
    #[track_caller]
    pub(crate) fn failed_with(self, words: &str) -> String {
        assert_eq!(self.code, Some(1), "{}", self.text);
        let flat = |text: &str| {
            text.split(['│', '╷', '╵', '\n', ' ']).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
        };
        assert!(flat(&self.text).contains(&flat(words)), "no `{words}` in:\n{}", self.text);
        self.text
    }
}

impl Stack {
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Writes another configuration.
    pub(crate) fn write(&self, code: &str) {
        std::fs::write(self.folder.join("main.tf"), format!("{HEAD}{code}")).expect("written");
    }

    /// Starts Terraform.
    pub(crate) fn start(&self, arguments: &[&str]) -> Child {
        let mut command = Command::new(binary());
        command
            .args(arguments)
            .arg("-no-color")
            .current_dir(&self.folder)
            .env_remove("TF_CLI_CONFIG_FILE")
            .env("TF_REATTACH_PROVIDERS", self.attachment.reattach_providers())
            .env("TF_IN_AUTOMATION", "1")
            .env("CHECKPOINT_DISABLE", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command.spawn().expect("terraform starts")
    }

    /// Starts Terraform and waits until it says these words.
    pub(crate) async fn start_until(&self, arguments: &[&str], words: &str) -> (Child, Output) {
        let mut child = self.start(arguments);
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let mut before = String::new();
        while let Some(line) = lines.next_line().await.expect("text") {
            let is_it = line.contains(words);
            before = before + &line + "\n";
            if is_it {
                return (child, Output(lines));
            }
        }
        panic!("terraform ended before `{words}`:\n{before}\n{}", said(child).await.text);
    }

    pub(crate) async fn run(&self, arguments: &[&str]) -> Said {
        said(self.start(arguments)).await
    }

    pub(crate) async fn apply(&self) -> Said {
        self.run(&["apply", "-auto-approve", "-input=false"]).await
    }

    pub(crate) async fn destroy(&self) -> Said {
        self.run(&["destroy", "-auto-approve", "-input=false"]).await
    }

    /// Plans, and tells whether there is anything to do.
    pub(crate) async fn plan(&self) -> (bool, String) {
        let said = self.run(&["plan", "-input=false", "-detailed-exitcode"]).await;
        assert!(matches!(said.code, Some(0 | 2)), "{}", said.text);
        (said.code == Some(2), said.text)
    }

    #[track_caller]
    pub(crate) fn state(&self) -> String {
        std::fs::read_to_string(self.folder.join("terraform.tfstate")).expect("a state")
    }
}

/// What a Terraform that still runs is yet to say.
pub(crate) struct Output(Lines<BufReader<ChildStdout>>);

impl Output {
    pub(crate) async fn rest(mut self) -> String {
        let mut rest = String::new();
        while let Some(line) = self.0.next_line().await.expect("text") {
            rest = rest + &line + "\n";
        }
        rest
    }
}

pub(crate) async fn said(child: Child) -> Said {
    let output = child.wait_with_output().await.expect("terraform ends");
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    Said { code: output.status.code(), text }
}

/// The Terraform of `TERRACE_TEST_TERRAFORM`, or of PATH.
fn binary() -> PathBuf {
    match std::env::var_os("TERRACE_TEST_TERRAFORM") {
        Some(binary) => binary.into(),
        None => {
            ["terraform", "tofu"].iter().find_map(|name| which::which(name).ok()).expect("terraform or tofu on PATH")
        }
    }
}

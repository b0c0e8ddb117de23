//! A folder of Terraform code, the real Terraform in it, and a sandbox cloud under it.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use terrace_sandbox::{Attachment, Cloud, Server};
use tokio::process::{Child, Command};

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

//! A real registry (docker-registry, the distribution project's) on a free port of loopback, with a folder of its own. Owns its
//! configuration and its process, which ends with its owner. It knows no referrers API: that is what the fallback tag is for.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::tools::found_on_path;

/// After so long, a registry will not start any more. It takes a tenth of a second on a quiet machine.
const PATIENCE: Duration = Duration::from_mins(1);
const PAUSE: Duration = Duration::from_millis(20);
/// A port that was free may be taken by another before the registry has it.
const ATTEMPTS: usize = 5;

/// A registry at work.
pub struct Registry {
    process: Child,
    address: SocketAddr,
    folder: TempDir,
}

/// Who may use a registry.
#[derive(Debug, Clone, Copy)]
pub enum Access {
    /// Everybody.
    Open,
    /// Only this user with this password.
    User {
        /// The line of an htpasswd file that stands for both (bcrypt alone is read).
        htpasswd: &'static str,
    },
}

/// The user `ada` with the password `lovelace`.
pub const ADA: Access = Access::User { htpasswd: "ada:$2b$05$J7AeFBzAt1ZnsW9vS3dbDeeKXkL9FGJyKnfJZRDYO16s/nadzPO8W" };

impl Registry {
    /// Starts the program on a free port.
    ///
    /// # Panics
    /// Where it does not start.
    pub fn start(program: &Path, access: Access) -> Self {
        for _ in 0..ATTEMPTS {
            if let Some(started) = Self::try_start(program, access) {
                return started;
            }
        }
        panic!("{} did not start on any free port", program.display());
    }

    fn try_start(program: &Path, access: Access) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("a bound port");
        drop(listener);
        let configuration = folder.path().join("config.yml");
        fs::write(&configuration, configuration_of(address, folder.path(), access)).expect("a writable folder");
        let log = fs::File::create(folder.path().join("log")).expect("a writable folder");
        let process = dying_with_us(program)
            .arg("serve")
            .arg(&configuration)
            .env_clear()
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a file"))
            .stderr(log)
            .spawn()
            .expect("docker-registry can be started");
        let mut registry = Self { process, address, folder };
        registry.wait_until_it_answers().then_some(registry)
    }

    fn wait_until_it_answers(&mut self) -> bool {
        let deadline = Instant::now() + PATIENCE;
        while !answers(self.address) {
            // It has ended: mostly another has taken its port meanwhile.
            if self.process.try_wait().expect("it is a child").is_some() {
                return false;
            }
            assert!(Instant::now() < deadline, "the registry does not answer:\n{}", self.log());
            thread::sleep(PAUSE);
        }
        self.process.try_wait().expect("it is a child").is_none()
    }

    /// `127.0.0.1:PORT`.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where a blob is on the registry's disk.
    pub fn blob(&self, hex: &str) -> PathBuf {
        let blobs = self.folder.path().join("data/docker/registry/v2/blobs/sha256");
        blobs.join(&hex[..2]).join(hex).join("data")
    }

    /// What it has said so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A command that the kernel ends when the thread that started it ends, also by a signal, where the machine has `setpriv`.
fn dying_with_us(program: &Path) -> Command {
    let Some(setpriv) = found_on_path("setpriv") else { return Command::new(program) };
    let mut command = Command::new(setpriv);
    command.args(["--pdeathsig", "KILL", "--"]).arg(program);
    command
}

fn configuration_of(address: SocketAddr, folder: &Path, access: Access) -> String {
    let data = folder.join("data");
    let mut text = format!(
        "version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: {}\n  delete:\n    enabled: true\nhttp:\n  addr: {address}\n",
        data.display()
    );
    if let Access::User { htpasswd } = access {
        let path = folder.join("htpasswd");
        fs::write(&path, format!("{htpasswd}\n")).expect("a writable folder");
        let _ = write!(text, "auth:\n  htpasswd:\n    realm: terrace\n    path: {}\n", path.display());
    }
    text
}

/// Whether a server at this address speaks HTTP.
fn answers(address: SocketAddr) -> bool {
    let ask = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(format!("GET /v2/ HTTP/1.0\r\nHost: {address}\r\n\r\n").as_bytes())?;
        let mut line = String::new();
        BufReader::new(stream.take(1024)).read_line(&mut line)?;
        Ok(line)
    };
    ask().is_ok_and(|line| line.starts_with("HTTP/1."))
}

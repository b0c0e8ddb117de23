//! Runs a Terraform process to its end. Its output goes to a file, which is read while it grows: a process that outlives Terrace
//! still has somewhere to write, and what it said can be looked at later.

use std::ffi::{OsStr, OsString};
use std::fs::{File, TryLockError};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Output, Stdio};
use std::time::Duration;

use tokio::process::{Child, Command};
use tokio::sync::watch;

use super::Environment;

/// How often a growing output is looked at. The end of a process is noticed at once; this is for people who watch.
const POLL: Duration = Duration::from_millis(50);
/// How often a file that an earlier process holds is tried, once a [`POLL`]: some five seconds, in which a process that is just ending
/// does end.
const HOLD_TRIES: u32 = 100;
/// The longest line that is read; what is beyond is dropped. A plan's largest messages are far below.
const LINE_BYTES_MAX: usize = 4 << 20;
/// How much of a process's error output is kept for a report: its end.
const ERROR_BYTES_MAX: u64 = 64 << 10;

/// A process to be run.
#[derive(Debug)]
pub struct Invocation<'a> {
    /// The program.
    pub program: &'a Path,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// The folder that it works in.
    pub folder: &'a Path,
    /// All that it sees of the environment.
    pub environment: &'a Environment,
    /// Where its standard output goes.
    pub log: PathBuf,
    /// Where its error output goes. The file is locked for as long as the process lives, also after Terrace: whoever uses the same file
    /// finds out that it is still at work.
    pub errors: PathBuf,
}

/// How a process ended.
#[derive(Debug)]
pub struct Exit {
    /// Its status.
    pub status: ExitStatus,
    /// The end of its error output.
    pub errors: String,
    /// Whether it was asked to stop.
    pub interrupted: bool,
}

/// A process could not be run or watched.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// It could not be started.
    #[error("cannot start {}: {source}", program.display())]
    Start {
        /// The program.
        program: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// An earlier process is still at work: Terrace was killed, and it was not.
    #[error("a Terraform that an earlier Terrace started is still at work ({})", errors.display())]
    StillAtWork {
        /// The file that the process holds.
        errors: PathBuf,
    },
    /// Its log could not be written or read.
    #[error("cannot use the log {}: {source}", path.display())]
    Log {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Waiting for it failed.
    #[error("cannot wait for {}: {source}", program.display())]
    Wait {
        /// The program.
        program: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl Invocation<'_> {
    /// Starts the process, hands each line of its standard output to `on_line`, and waits for its end. When `stop` becomes true the
    /// process is sent one interrupt (SIGINT), which Terraform takes as a request to stop gracefully, and is waited for all the same:
    /// it is never killed, since that could lose what it did.
    pub async fn run(
        &self,
        mut stop: watch::Receiver<bool>,
        mut on_line: impl FnMut(&[u8]),
    ) -> Result<Exit, ProcessError> {
        let log_error = |path: &Path| {
            let path = path.to_owned();
            move |source| ProcessError::Log { path, source }
        };
        let errors = self.hold_errors().await?;
        let output = File::create(&self.log).map_err(log_error(&self.log))?;
        let mut tail = Tail::open(&self.log).map_err(log_error(&self.log))?;
        let mut child = self.command(output, errors).spawn().map_err(|source| self.start_error(source))?;
        let pid = child.id();
        let mut interrupted = false;
        // A log that cannot be read is no reason to leave the process alone: it is waited for, and the error told then.
        let mut readable = Ok(());
        let status = loop {
            tokio::select! {
                status = child.wait() => {
                    break status.map_err(|source| ProcessError::Wait { program: self.program.to_owned(), source })?;
                }
                () = stopped(&mut stop), if !interrupted => {
                    interrupted = true;
                    interrupt(pid);
                }
                () = tokio::time::sleep(POLL), if readable.is_ok() => readable = tail.read(&mut on_line),
            }
        };
        readable.and_then(|()| tail.read(&mut on_line)).map_err(log_error(&self.log))?;
        tail.finish(&mut on_line);
        let errors = end_of(&self.errors).map_err(log_error(&self.errors))?;
        Ok(Exit { status, errors, interrupted })
    }

    fn command(&self, output: File, errors: File) -> Command {
        let mut command = Command::new(self.program);
        command
            .args(&self.arguments)
            .current_dir(self.folder)
            .env_clear()
            .envs(self.environment.iter())
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            // A group of its own: the terminal's Ctrl-C reaches Terrace alone, which passes on one interrupt.
            .process_group(0)
            .kill_on_drop(false);
        command
    }

    fn start_error(&self, source: io::Error) -> ProcessError {
        ProcessError::Start { program: self.program.to_owned(), source }
    }

    /// Opens the file for the error output and locks it. The lock is the open file's, which the process inherits: it ends with the last of
    /// both.
    async fn hold_errors(&self) -> Result<File, ProcessError> {
        let failed = |source| ProcessError::Log { path: self.errors.clone(), source };
        let file = File::options().create(true).append(true).open(&self.errors).map_err(failed)?;
        for _ in 0..HOLD_TRIES {
            match file.try_lock() {
                Ok(()) => {
                    file.set_len(0).map_err(failed)?;
                    return Ok(file);
                }
                Err(TryLockError::WouldBlock) => tokio::time::sleep(POLL).await,
                Err(TryLockError::Error(source)) => return Err(failed(source)),
            }
        }
        Err(ProcessError::StillAtWork { errors: self.errors.clone() })
    }
}

/// Whether a process that was started with this file for its error output is still at work, perhaps without the Terrace that started it.
pub fn is_at_work(errors: &Path) -> io::Result<bool> {
    let file = match File::open(errors) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    match file.try_lock_shared() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Asks the process that was started with this file for its error output to stop, once: one that a Terrace left which is gone, and not what it
/// has started itself. Says whether it was found: only Linux tells what others have open.
pub fn interrupt_holder(errors: &Path) -> bool {
    let Ok(errors) = errors.canonicalize() else { return false };
    let mut found = false;
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let pid = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok());
        let holds = std::fs::read_link(entry.path().join("fd/2")).is_ok_and(|file| file == errors);
        if holds && leads_group(pid) {
            found = true;
            interrupt(pid);
        }
    }
    found
}

/// Whether a process has a group of its own, as each has that was started here.
fn leads_group(pid: Option<u32>) -> bool {
    let pid = pid.and_then(|pid| i32::try_from(pid).ok()).and_then(rustix::process::Pid::from_raw);
    pid.is_some_and(|pid| rustix::process::getpgid(Some(pid)).is_ok_and(|group| group == pid))
}

/// What a process said that was run for its answer.
#[derive(Debug)]
pub struct Captured {
    /// Its status.
    pub status: ExitStatus,
    /// Its standard output.
    pub output: Vec<u8>,
    /// Its error output.
    pub errors: String,
    /// Whether it was asked to stop.
    pub interrupted: bool,
}

/// What came of a process whose output was read while it was written.
#[derive(Debug)]
pub struct Streamed<T> {
    /// Its status.
    pub status: ExitStatus,
    /// What was made of its standard output.
    pub read: T,
    /// Its error output.
    pub errors: String,
    /// Whether it was asked to stop.
    pub interrupted: bool,
}

/// Runs a process for its answer, which is kept in memory only: it may hold secrets.
pub async fn capture(
    program: &Path,
    arguments: &[&OsStr],
    folder: &Path,
    environment: &Environment,
    stop: watch::Receiver<bool>,
) -> Result<Captured, ProcessError> {
    let failed = |source| ProcessError::Start { program: program.to_owned(), source };
    let child = answering(program, arguments, folder, environment, Stdio::piped()).map_err(failed)?;
    let (output, interrupted) = end(child, stop).await.map_err(failed)?;
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    Ok(Captured { status: output.status, output: output.stdout, errors, interrupted })
}

/// Runs a process for its answer, which `read` reads while the process writes it: of one that is large nothing but what `read` keeps is in memory,
/// and nothing on a disk. `read` works on a thread of its own. What it leaves unread is thrown away, so that the process comes to its end.
///
/// # Panics
/// When `read` does.
pub async fn stream<T: Send + 'static>(
    program: &Path,
    arguments: &[&OsStr],
    folder: &Path,
    environment: &Environment,
    stop: watch::Receiver<bool>,
    read: impl FnOnce(&mut dyn Read) -> T + Send + 'static,
) -> Result<Streamed<T>, ProcessError> {
    let failed = |source| ProcessError::Start { program: program.to_owned(), source };
    let (mut output, input) = io::pipe().map_err(failed)?;
    let child = answering(program, arguments, folder, environment, input.into()).map_err(failed)?;
    let reading = tokio::task::spawn_blocking(move || {
        let read = read(&mut output);
        io::copy(&mut output, &mut io::sink()).map(|_| read)
    });
    let (ended, interrupted) = end(child, stop).await.map_err(failed)?;
    let read = reading.await.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
    let read = read.map_err(|source| ProcessError::Wait { program: program.to_owned(), source })?;
    let errors = String::from_utf8_lossy(&ended.stderr).into_owned();
    Ok(Streamed { status: ended.status, read, errors, interrupted })
}

/// Starts a process for its answer.
fn answering(
    program: &Path,
    arguments: &[&OsStr],
    folder: &Path,
    environment: &Environment,
    output: Stdio,
) -> io::Result<Child> {
    Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .envs(environment.iter())
        .stdin(Stdio::null())
        .stdout(output)
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
}

/// Waits for the end of a process, and asks it once to stop when that is asked for. Says whether it was.
async fn end(child: Child, mut stop: watch::Receiver<bool>) -> io::Result<(Output, bool)> {
    let pid = child.id();
    let mut output = std::pin::pin!(child.wait_with_output());
    let mut interrupted = false;
    loop {
        tokio::select! {
            output = &mut output => return output.map(|output| (output, interrupted)),
            () = stopped(&mut stop), if !interrupted => {
                interrupted = true;
                interrupt(pid);
            }
        }
    }
}

/// Returns when a stop is asked for; never, when nobody can ask any more.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    if stop.wait_for(|stop| *stop).await.is_err() {
        std::future::pending::<()>().await;
    }
}

fn interrupt(pid: Option<u32>) {
    let pid = pid.and_then(|pid| i32::try_from(pid).ok()).and_then(rustix::process::Pid::from_raw);
    if let Some(pid) = pid {
        // The process may have ended in this very moment; then there is nothing to interrupt.
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::INT);
    }
}

fn end_of(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(ERROR_BYTES_MAX)))?;
    let mut bytes = Vec::new();
    file.take(ERROR_BYTES_MAX).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Reads a file that grows, line by line.
struct Tail {
    file: File,
    line: Vec<u8>,
    /// Whether the present line is beyond the limit and its rest is dropped.
    dropping: bool,
}

impl Tail {
    fn open(path: &Path) -> io::Result<Self> {
        Ok(Self { file: File::open(path)?, line: Vec::new(), dropping: false })
    }

    /// Hands on the lines that are complete by now.
    fn read(&mut self, on_line: &mut impl FnMut(&[u8])) -> io::Result<()> {
        let mut buffer = [0; 16 << 10];
        loop {
            let count = match self.file.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            for piece in buffer[..count].split_inclusive(|byte| *byte == b'\n') {
                self.take(piece, on_line);
            }
        }
    }

    fn take(&mut self, piece: &[u8], on_line: &mut impl FnMut(&[u8])) {
        let ends = piece.ends_with(b"\n");
        if self.line.len() + piece.len() > LINE_BYTES_MAX {
            self.dropping = true;
            self.line.clear();
        }
        if !self.dropping {
            self.line.extend_from_slice(piece);
        }
        if ends {
            self.finish(on_line);
        }
    }

    /// Hands on what is left without a line's end.
    fn finish(&mut self, on_line: &mut impl FnMut(&[u8])) {
        let line = self.line.trim_ascii();
        if !line.is_empty() && !self.dropping {
            on_line(line);
        }
        self.line.clear();
        self.dropping = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, folder: &Path, environment: &Environment) -> Invocation<'static> {
        let (folder, environment) =
            (Box::leak(folder.to_owned().into_boxed_path()), Box::leak(Box::new(environment.clone())));
        Invocation {
            program: Path::new("/bin/sh"),
            arguments: vec!["-c".into(), script.into()],
            folder,
            environment,
            log: folder.join("out.log"),
            errors: folder.join("errors"),
        }
    }

    fn environment() -> Environment {
        Environment::scrubbed([("PATH".into(), "/usr/bin:/bin".into())], &[], Path::new("/"))
    }

    #[tokio::test]
    async fn lines_arrive_and_the_status_too() {
        let folder = tempfile::tempdir().unwrap();
        let (_keep, stop) = watch::channel(false);
        let mut lines = Vec::new();
        let script = "echo one; echo trouble >&2; printf two; exit 3";
        let invocation = shell(script, folder.path(), &environment());
        let exit = invocation.run(stop, |line| lines.push(String::from_utf8_lossy(line).into_owned())).await.unwrap();
        assert_eq!(
            (lines, exit.status.code(), exit.errors),
            (vec!["one".into(), "two".into()], Some(3), "trouble\n".into())
        );
        assert!(!exit.interrupted);
    }

    #[tokio::test]
    async fn a_stop_interrupts_once_and_waits() {
        let folder = tempfile::tempdir().unwrap();
        let (ask, stop) = watch::channel(false);
        let script = "trap 'echo asked; count=$((count+1))' INT; echo up; while [ -z \"$count\" ]; do sleep 0.05; done; sleep 0.2; exit 7";
        let invocation = shell(script, folder.path(), &environment());
        let mut lines = Vec::new();
        let exit = invocation
            .run(stop, |line| {
                lines.push(String::from_utf8_lossy(line).into_owned());
                ask.send_replace(true);
            })
            .await
            .unwrap();
        assert_eq!((lines, exit.status.code(), exit.interrupted), (vec!["up".into(), "asked".into()], Some(7), true));
    }

    async fn streamed<T: Send + 'static>(
        script: &str,
        stop: watch::Receiver<bool>,
        read: impl FnOnce(&mut dyn Read) -> T + Send + 'static,
    ) -> Streamed<T> {
        let arguments = ["-c", script].map(OsStr::new);
        stream(Path::new("/bin/sh"), &arguments, Path::new("/"), &environment(), stop, read).await.unwrap()
    }

    #[tokio::test]
    async fn an_answer_is_read_while_it_is_written() {
        let (_keep, stop) = watch::channel(false);
        let count = |output: &mut dyn Read| io::copy(output, &mut io::sink()).unwrap();
        // More than any pipe holds.
        let done = streamed("head -c 3000000 /dev/zero; echo trouble >&2; exit 3", stop, count).await;
        assert_eq!((done.read, done.status.code(), done.errors.as_str()), (3_000_000, Some(3), "trouble\n"));
        assert!(!done.interrupted);
    }

    #[tokio::test]
    async fn who_reads_no_further_keeps_no_process_from_its_end() {
        let (_keep, stop) = watch::channel(false);
        let first = |output: &mut dyn Read| {
            let mut byte = [0];
            output.read_exact(&mut byte).map(|()| byte[0]).unwrap()
        };
        let done = streamed("echo first; head -c 3000000 /dev/zero && exit 5", stop, first).await;
        assert_eq!((done.read, done.status.code()), (b'f', Some(5)), "it was not killed by a broken pipe");
    }

    #[tokio::test]
    async fn an_answer_that_is_awaited_can_be_called_off() {
        let (ask, stop) = watch::channel(false);
        ask.send_replace(true);
        let script = "trap 'exit 7' INT; while :; do sleep 0.05; done";
        let done = streamed(script, stop, |output| output.read_to_end(&mut Vec::new()).unwrap()).await;
        assert_eq!((done.read, done.interrupted), (0, true));
        assert!(!done.status.success());
    }

    #[tokio::test]
    async fn who_comes_while_a_process_is_at_work_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let errors = File::create(folder.path().join("errors")).unwrap();
        errors.lock().unwrap();
        // As a process that has outlived Terrace: it alone holds the open file.
        let mut orphan = std::process::Command::new("/bin/sleep").arg("60").stderr(errors).spawn().unwrap();
        let (_keep, stop) = watch::channel(false);
        let invocation = shell("echo never", folder.path(), &environment());
        let refused = invocation.run(stop.clone(), |_| {}).await;
        assert!(matches!(refused, Err(ProcessError::StillAtWork { .. })), "{refused:?}");
        orphan.kill().unwrap();
        orphan.wait().unwrap();
        assert!(invocation.run(stop, |_| {}).await.unwrap().status.success());
    }

    #[test]
    fn who_holds_a_file_is_interrupted_and_nobody_else() {
        use std::os::unix::process::{CommandExt, ExitStatusExt};
        let folder = tempfile::tempdir().unwrap();
        let errors = folder.path().join("errors");
        assert!(!interrupt_holder(&errors), "there is no such file");
        let start = |errors: Stdio| {
            let mut sleep = std::process::Command::new("/bin/sleep");
            sleep.arg("60").current_dir(folder.path()).stderr(errors).process_group(0).spawn().unwrap()
        };
        let mut holder = start(File::create(&errors).unwrap().into());
        let mut beside = start(Stdio::null());
        assert!(interrupt_holder(&errors));
        assert_eq!(holder.wait().unwrap().signal(), Some(2));
        assert!(!interrupt_holder(&errors), "it is gone");
        assert!(beside.try_wait().unwrap().is_none(), "it works in the same folder and was left alone");
        beside.kill().unwrap();
        beside.wait().unwrap();
    }

    #[test]
    fn a_line_without_end_is_dropped_and_the_next_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let mut text = vec![b'x'; LINE_BYTES_MAX + 10];
        text.extend_from_slice(b"\nnext\n");
        std::fs::write(&path, text).unwrap();
        let mut lines = Vec::new();
        Tail::open(&path).unwrap().read(&mut |line: &[u8]| lines.push(line.to_vec())).unwrap();
        assert_eq!(lines, [b"next"]);
    }
}

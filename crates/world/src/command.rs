//! Runs a program of the user's for its exit code. It has a time limit, keeps the end of what it says, and leaves nothing at work: other
//! than Terraform it may be killed.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe::Receiver;
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};

use crate::terraform::Environment;

/// How much of what it says is kept, in bytes: the end of it.
const OUTPUT_BYTES_MAX: usize = 16 << 10;
/// How long a program has to end after it was interrupted, before it is killed.
const GRACE: Duration = Duration::from_secs(5);
/// How long what was said is still waited for, once the program has ended: a process that it left in the background may hold the pipe.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// A program to be run.
#[derive(Debug)]
pub struct Program<'a> {
    /// Its name, which is looked up on PATH, or its path, which is relative to `folder`.
    pub program: &'a OsStr,
    /// Its arguments.
    pub arguments: &'a [OsString],
    /// The folder that it works in.
    pub folder: &'a Path,
    /// All that it sees of the environment.
    pub environment: &'a Environment,
    /// How long it may take.
    pub timeout: Duration,
}

/// How a program ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// Of itself, with an exit code, or by a signal where there is none.
    Exited(Option<i32>),
    /// Its time was over: it was interrupted, and killed if that did not help.
    TimedOut,
    /// Somebody asked to stop: the same.
    Stopped,
}

/// What came of a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ran {
    /// How it ended.
    pub ended: Ended,
    /// The end of what it said, on both of its outputs, in the sequence in which it said it.
    pub output: String,
}

/// A program could not be run.
#[derive(Debug, thiserror::Error)]
#[error("cannot start {}: {source}", program.display())]
pub struct StartError {
    program: PathBuf,
    source: io::Error,
}

impl Program<'_> {
    /// Runs it to its end.
    pub async fn run(&self, mut stop: watch::Receiver<bool>) -> Result<Ran, StartError> {
        let (mut child, mut output) = self.start().map_err(|source| StartError { program: self.path(), source })?;
        let mut said = Vec::new();
        let ended = {
            let deadline = Instant::now() + self.timeout;
            let mut reading = std::pin::pin!(read_end(&mut output, &mut said));
            let mut is_read = false;
            loop {
                tokio::select! {
                    status = child.wait() => break Ended::Exited(status.ok().and_then(|status| status.code())),
                    () = &mut reading, if !is_read => is_read = true,
                    Ok(_) = stop.wait_for(|stop| *stop) => break Ended::Stopped,
                    () = sleep_until(deadline) => break Ended::TimedOut,
                }
            }
        };
        if !matches!(ended, Ended::Exited(_)) {
            end(&mut child).await;
        }
        let _ = timeout(LAST_WORDS, read_end(&mut output, &mut said)).await;
        Ok(Ran { ended, output: String::from_utf8_lossy(&said).into_owned() })
    }

    fn start(&self) -> io::Result<(Child, Receiver)> {
        // One pipe for both outputs: what was said keeps its sequence.
        let (reader, writer) = io::pipe()?;
        let mut command = Command::new(self.path());
        command
            .args(self.arguments)
            .current_dir(self.folder)
            .env_clear()
            .envs(self.environment.iter())
            .stdin(Stdio::null())
            .stdout(writer.try_clone()?)
            .stderr(writer)
            // A group of its own: a signal reaches all that it started, and the terminal's Ctrl-C reaches Terrace alone.
            .process_group(0)
            .kill_on_drop(true);
        let child = command.spawn()?;
        Ok((child, Receiver::from_owned_fd(reader.into())?))
    }

    /// A path is led to the folder here: where the system would start looking is not the same everywhere.
    fn path(&self) -> PathBuf {
        let path = Path::new(self.program);
        if path.components().count() > 1 || self.program.as_encoded_bytes().contains(&b'/') {
            self.folder.join(path)
        } else {
            path.to_owned()
        }
    }
}

/// Reads until nobody writes any more, and keeps the end of it.
async fn read_end(output: &mut Receiver, said: &mut Vec<u8>) {
    let mut piece = [0; 4 << 10];
    while let Ok(count @ 1..) = output.read(&mut piece).await {
        said.extend_from_slice(&piece[..count]);
        let beyond = said.len().saturating_sub(OUTPUT_BYTES_MAX);
        said.drain(..beyond);
    }
}

/// Ends a program and all that it started: gently first.
async fn end(child: &mut Child) {
    let group = child.id().and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw);
    let signal = |signal| group.map(|group| kill_process_group(group, signal));
    signal(Signal::INT);
    if timeout(GRACE, child.wait()).await.is_err() {
        // It has not been waited for, so its number is still its own.
        signal(Signal::KILL);
        let _ = child.wait().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn run(script: &str, timeout: Duration, stop: watch::Receiver<bool>) -> (Ran, Duration) {
        run_in(tempfile::tempdir().unwrap().path(), script, timeout, stop).await
    }

    async fn run_in(folder: &Path, script: &str, timeout: Duration, stop: watch::Receiver<bool>) -> (Ran, Duration) {
        let environment = Environment::scrubbed([("PATH".into(), "/usr/bin:/bin".into())], &[], Path::new("/"));
        let began = std::time::Instant::now();
        let arguments = ["-c".into(), script.into()];
        let (program, environment) = (OsStr::new("sh"), &environment);
        let program = Program { program, arguments: &arguments, folder, environment, timeout };
        (program.run(stop).await.unwrap(), began.elapsed())
    }

    const LONG: Duration = Duration::from_mins(1);

    #[tokio::test]
    async fn both_outputs_are_kept_in_sequence_and_the_code_too() {
        let (_keep, stop) = watch::channel(false);
        let (ran, _) = run("echo one; echo two >&2; echo three; exit 7", LONG, stop).await;
        assert_eq!(ran, Ran { ended: Ended::Exited(Some(7)), output: "one\ntwo\nthree\n".into() });
    }

    #[tokio::test]
    async fn of_much_the_end_is_kept() {
        let (_keep, stop) = watch::channel(false);
        let (ran, _) = run("i=0; while [ $i -lt 9000 ]; do echo line $i; i=$((i+1)); done", LONG, stop).await;
        assert_eq!(ran.output.len(), OUTPUT_BYTES_MAX);
        assert!(ran.output.ends_with("line 8999\n"));
    }

    #[tokio::test]
    async fn when_its_time_is_over_all_that_it_started_is_interrupted() {
        let (_keep, stop) = watch::channel(false);
        let (ran, took) = run("trap 'echo bye; exit 0' INT; echo up; sleep 60", Duration::from_secs(2), stop).await;
        assert_eq!(ran, Ran { ended: Ended::TimedOut, output: "up\nbye\n".into() });
        assert!(took < Duration::from_secs(2) + GRACE, "{took:?}");
    }

    #[tokio::test]
    async fn who_does_not_listen_is_killed() {
        let (ask, stop) = watch::channel(false);
        let folder = tempfile::tempdir().unwrap();
        let up = folder.path().join("up");
        let asking = async {
            while !up.exists() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            ask.send_replace(true);
        };
        let script = "trap '' INT; : > up; while :; do sleep 1; done";
        let ((ran, took), ()) = tokio::join!(run_in(folder.path(), script, LONG, stop), asking);
        assert_eq!(ran.ended, Ended::Stopped);
        assert!(took >= GRACE, "{took:?}");
    }

    #[tokio::test]
    async fn what_is_left_in_the_background_is_not_waited_for() {
        let (_keep, stop) = watch::channel(false);
        let (ran, took) = run("echo done; sleep 8 & exit 0", LONG, stop).await;
        assert_eq!(ran, Ran { ended: Ended::Exited(Some(0)), output: "done\n".into() });
        assert!(took < Duration::from_secs(7), "{took:?}");
    }

    #[tokio::test]
    async fn a_program_that_is_not_there_is_an_error() {
        let environment = Environment::scrubbed([], &[], Path::new("/"));
        let (_keep, stop) = watch::channel(false);
        let (program, folder) = (OsStr::new("./none"), Path::new("/tmp"));
        let nothing = Program { program, arguments: &[], folder, environment: &environment, timeout: LONG };
        let error = nothing.run(stop).await.unwrap_err().to_string();
        assert!(error.starts_with("cannot start /tmp/./none: "), "{error}");
    }
}

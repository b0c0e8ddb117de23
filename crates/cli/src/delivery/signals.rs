//! Turns the signals that ask a process to end into the wish that a run stops.

use std::sync::Arc;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use crate::error::CommandError;
use crate::views::progress::Progress;

/// Becomes true at the first SIGINT, SIGTERM or SIGHUP. Later ones change nothing: Terraform has been asked, and is waited for.
pub fn stop_on_signals(progress: Arc<Progress>) -> Result<watch::Receiver<bool>, CommandError> {
    asked_to_stop(move || {
        progress.line(
            "! still waiting for Terraform to finish what it has begun; killing it could lose track of what it made",
        );
    })
}

/// Becomes true at the first SIGINT, SIGTERM or SIGHUP; `again` is called at each later one.
/// A signal that was ignored when Terrace was started (SIGHUP below `nohup`, SIGINT in a script's background job) stays ignored.
pub fn asked_to_stop(again: impl Fn() + Send + 'static) -> Result<watch::Receiver<bool>, CommandError> {
    let ignored = std::fs::read_to_string(STATUS_FILE).map_or(0, |status| ignored_signals(&status));
    let listen = |kind: SignalKind| {
        let is_ignored = ignored & mask(kind) != 0;
        (!is_ignored).then(|| signal(kind)).transpose()
    };
    let failed = |error| CommandError::failed(format!("signals cannot be handled: {error}"));
    let mut interrupt = listen(SignalKind::interrupt()).map_err(failed)?;
    let mut terminate = listen(SignalKind::terminate()).map_err(failed)?;
    let mut hang_up = listen(SignalKind::hangup()).map_err(failed)?;
    let (sender, receiver) = watch::channel(false);
    tokio::spawn(async move {
        loop {
            tokio::select! {
                () = received(&mut interrupt) => {}
                () = received(&mut terminate) => {}
                () = received(&mut hang_up) => {}
            }
            if sender.send_replace(true) {
                again();
            }
        }
    });
    Ok(receiver)
}

async fn received(signal: &mut Option<Signal>) {
    match signal {
        Some(signal) => {
            signal.recv().await;
        }
        None => std::future::pending().await,
    }
}

/// Where Linux says which signals a process ignores (its manual page `proc_pid_status`). Where there is no such file, none counts as ignored: to
/// ask the system itself would take unsafe code.
const STATUS_FILE: &str = "/proc/self/status";

/// The set of ignored signals in the text of a status file: bit N-1 stands for signal N.
fn ignored_signals(status: &str) -> u64 {
    let digits = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    digits.and_then(|digits| u64::from_str_radix(digits.trim(), 16).ok()).unwrap_or(0)
}

fn mask(kind: SignalKind) -> u64 {
    let number = u32::try_from(kind.as_raw_value()).unwrap_or(0);
    number.checked_sub(1).and_then(|bit| 1_u64.checked_shl(bit)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_ignored_is_read_bit_by_bit() {
        let ignored =
            ignored_signals("Name:\tterrace\nSigBlk:\t0000000000000002\nSigIgn:\t0000000000001001\nSigCgt:\t0\n");
        assert_ne!(ignored & mask(SignalKind::hangup()), 0);
        assert_eq!(ignored & mask(SignalKind::interrupt()), 0);
        assert_eq!(ignored & mask(SignalKind::terminate()), 0);
        assert_eq!(ignored_signals("SigIgn:\tnothing like it\n"), 0);
        assert_eq!(ignored_signals(""), 0);
    }
}

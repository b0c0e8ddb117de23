//! Turns the signals that ask a process to end into the wish that a run stops.

use std::sync::Arc;

use tokio::sync::watch;

use crate::error::CommandError;
use crate::views::progress::Progress;

/// Becomes true at the first SIGINT, SIGTERM or SIGHUP. Later ones change nothing: Terraform has been asked, and is waited for.
pub fn stop_on_signals(progress: Arc<Progress>) -> Result<watch::Receiver<bool>, CommandError> {
    use tokio::signal::unix::{SignalKind, signal};
    let failed = |error| CommandError::failed(format!("signals cannot be handled: {error}"));
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut hang_up = signal(SignalKind::hangup()).map_err(failed)?;
    let (sender, receiver) = watch::channel(false);
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
                _ = hang_up.recv() => {}
            }
            if sender.send_replace(true) {
                progress.line(
                    "! still waiting for Terraform to finish what it has begun; killing it could lose track of what it made",
                );
            }
        }
    });
    Ok(receiver)
}

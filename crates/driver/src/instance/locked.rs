//! Runs a command that locks the state: waits for the lock of somebody else, and releases one that its own kind left when it died.

use std::ffi::{OsStr, OsString};
use std::time::{Duration, Instant};

use terrace_domain::run::InstanceId;
use terrace_domain::state::LockInfo;
use terrace_world::terraform::{ProcessError, process};
use tokio::sync::watch;

use super::command::{Told, run_terraform};
use super::prepare::Prepared;
use super::teller::{Noted, Teller};
use super::trace::{self, LeftBehind};
use crate::context::Context;

/// Runs a command that locks the state. A lock that a Terraform of this very instance left when it died is released; one of somebody else
/// is waited for, and named.
pub(super) async fn run_unlocked(
    ctx: &Context,
    id: &InstanceId,
    prepared: &Prepared,
    command: &str,
    arguments: &[OsString],
    stop: watch::Receiver<bool>,
    teller: &Teller,
) -> Result<Told, ProcessError> {
    let folder = ctx.folder(id);
    let deadline = Instant::now() + Duration::from_secs(ctx.lock_wait_secs);
    let (mut pause, mut named, mut released) = (LOCK_PAUSE_MIN, None, false);
    loop {
        // That it was at work is no reason to stop: only a lock that is found later cannot be told from somebody else's then.
        let began = trace::now();
        let _ = trace::begin(&folder, command, &ctx.log(id, &format!("{command}.jsonl")));
        let told = run_terraform(ctx, id, prepared, command, arguments.to_vec(), stop.clone(), teller).await?;
        if told.exit.status.code().is_none() {
            // It was killed: its lock, if it had one, is still there, and its trace tells that it is its own.
            return Ok(told);
        }
        let _ = trace::end(&folder);
        let Some(lock) = told.lock(began) else {
            let _ = trace::forget(&folder);
            return Ok(told);
        };
        let is_own = trace::left_behind(&folder).into_iter().any(|left| is_left_by(&lock, left, &ctx.lockers));
        if !released && is_own {
            released = release_lock(ctx, id, prepared, &lock, stop.clone()).await;
            if released {
                teller.note(Noted::LockReleased { instance: id.clone(), lock });
                continue;
            }
        }
        if Instant::now() >= deadline || *stop.borrow() {
            return Ok(told);
        }
        if named.as_ref() != Some(&lock.id) {
            named = Some(lock.id.clone());
            teller.waits(&lock);
        }
        let mut asked = stop.clone();
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            Ok(_) = asked.wait_for(|stop| *stop) => {}
        }
        pause = (pause * 2).min(LOCK_PAUSE_MAX);
    }
}

/// The pauses between two attempts to lock a state that somebody else has locked: short at first, for those who are just ending.
const LOCK_PAUSE_MIN: Duration = Duration::from_millis(500);
const LOCK_PAUSE_MAX: Duration = Duration::from_secs(10);
/// How far clocks of one machine's processes may be apart, in milliseconds: a lock's time comes from another program, in whole seconds.
const CLOCK_SLACK_MS: i64 = 2_000;

/// Whether a lock is the one that a Terraform left which died: made by this user on this machine, while that was at work.
fn is_left_by(lock: &LockInfo, left: LeftBehind, lockers: &[String]) -> bool {
    let Some(created) = lock.created_at() else { return false };
    lockers.contains(&lock.who)
        && created.0 >= left.began.0.saturating_sub(CLOCK_SLACK_MS)
        && created.0 <= left.heard.0.saturating_add(CLOCK_SLACK_MS)
}

/// Releases a lock by its id, so that no other than the one that was looked at is released.
async fn release_lock(
    ctx: &Context,
    id: &InstanceId,
    prepared: &Prepared,
    lock: &LockInfo,
    stop: watch::Receiver<bool>,
) -> bool {
    let arguments = [OsStr::new("force-unlock"), OsStr::new("-force"), OsStr::new(&lock.id)];
    let work = ctx.folder(id).work();
    let done = process::capture(&ctx.terraform.program, &arguments, &work, prepared.place().environment(), stop).await;
    done.is_ok_and(|done| done.status.success())
}

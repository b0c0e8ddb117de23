//! A check that asks a server.

use std::time::Duration;

use terrace_domain::check::{HttpCheck, Shortfall, judge_answer};
use terrace_world::http::{Asker, Request, RequestError};
use tokio::sync::watch;

use super::attempts::Attempt;
use super::mask::Mask;

/// What is asked, evaluated.
pub(super) struct Asked<'a> {
    pub(super) check: &'a HttpCheck,
    pub(super) url: String,
    pub(super) headers: Vec<(String, String)>,
}

/// Asks once.
pub(super) async fn attempt(
    asker: &Asker,
    asked: &Asked<'_>,
    timeout: Duration,
    mask: &Mask,
    mut stop: watch::Receiver<bool>,
) -> Attempt {
    let Asked { check, url, headers } = asked;
    let request = Request { url, method: check.method, headers, timeout };
    let answer = tokio::select! {
        answer = asker.ask(&request) => answer,
        Ok(_) = stop.wait_for(|stop| *stop) => return Attempt::Stopped,
    };
    match answer {
        Ok(answer) => match judge_answer(check, answer.status, answer.reason, &answer.body) {
            Ok(()) => Attempt::Holds,
            Err(shortfall) => Attempt::NotYet(Shortfall { detail: mask.apply(&shortfall.detail), ..shortfall }),
        },
        Err(RequestError::Unanswered(why)) => Attempt::NotYet(Shortfall::new(why)),
        Err(RequestError::Wrong(why)) => Attempt::Never(Shortfall::new(why)),
    }
}

//! Waits for a Terraform that outlived the Terrace that started it.

use std::time::Duration;

use terrace_domain::run::InstanceId;
use terrace_world::terraform::process;
use tokio::sync::watch;

use super::halt::{Halt, StepResult, failed};
use super::teller::Teller;
use crate::context::Context;

/// Puts in order what an apply left that Terrace did not see the end of: waits for a Terraform that is still at work. What it has done is in
/// the state then, and the next plan tells what is left. A lock that one left which died is met, and known, when the state is locked next.
/// A stop is passed on to that Terraform, once, and it is waited for all the same.
pub async fn settle(
    ctx: &Context,
    id: &InstanceId,
    mut stop: watch::Receiver<bool>,
    teller: &Teller,
) -> StepResult<()> {
    let errors = ctx.folder(id).errors();
    let (mut told, mut asked) = (false, false);
    while process::is_at_work(&errors).map_err(failed(teller.step))? {
        if !std::mem::replace(&mut told, true) {
            teller.outlived();
        }
        tokio::select! {
            () = tokio::time::sleep(SETTLE_PAUSE) => {}
            Ok(_) = stop.wait_for(|stop| *stop), if !asked => {
                asked = true;
                process::interrupt_holder(&errors);
            }
        }
    }
    if asked { Err(Halt::Interrupted) } else { Ok(()) }
}

/// How often it is looked whether a Terraform that outlived its Terrace has come to its end.
const SETTLE_PAUSE: Duration = Duration::from_millis(200);

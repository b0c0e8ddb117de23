//! A check that runs `terraform test`: once, with the instance's inputs. It may build real things, and takes them down again, so it is
//! interrupted and never killed, as all that is Terraform's.

use std::ffi::OsString;
use std::time::Duration;

use terrace_domain::run::{InstanceId, Step, TerraformDiagnostic};
use tokio::sync::watch;

use crate::context::Context;
use crate::instance::command::{Told, run_terraform, with_path};
use crate::instance::halt::{StepResult, failed};
use crate::instance::prepare::{Prepared, write_inputs};
use crate::instance::private_file::remove;
use crate::instance::teller::Teller;

/// What the tests came to.
pub(super) enum Tested {
    Pass,
    /// What failed, in a line, and what Terraform says of it.
    Fail(String, Vec<TerraformDiagnostic>),
    Stopped,
}

/// Runs the tests of an instance's folder.
pub(super) async fn run(
    ctx: &Context,
    id: &InstanceId,
    prepared: &Prepared,
    timeout: Duration,
    stop: watch::Receiver<bool>,
    teller: &Teller,
) -> StepResult<Tested> {
    let folder = ctx.folder(id);
    write_inputs(&folder, &prepared.inputs).map_err(failed(Step::Verify))?;
    let arguments: Vec<OsString> = vec!["test".into(), "-json".into(), with_path("-var-file=", &folder.inputs())];
    let ran = within(ctx, id, prepared, arguments, timeout, stop, teller).await;
    remove(&folder.inputs()).map_err(failed(Step::Verify))?;
    let (mut told, timed_out) = ran?;
    if told.exit.interrupted && !timed_out {
        return Ok(Tested::Stopped);
    }
    if told.exit.status.success() && !timed_out {
        return Ok(Tested::Pass);
    }
    let runs = std::mem::take(&mut told.failed_runs);
    let summary = match &runs[..] {
        _ if timed_out => format!("not done within {timeout:?}, and interrupted"),
        [] => "terraform test failed".to_owned(),
        [one] => format!("{one} failed"),
        several => format!("{} runs failed: {}", several.len(), several.join(", ")),
    };
    Ok(Tested::Fail(summary, told.failure(ctx, id, Step::Verify, "test").diagnostics))
}

/// Runs Terraform, and interrupts it when its time is over or when somebody asks to stop. Says which it was.
async fn within(
    ctx: &Context,
    id: &InstanceId,
    prepared: &Prepared,
    arguments: Vec<OsString>,
    timeout: Duration,
    mut stop: watch::Receiver<bool>,
    teller: &Teller,
) -> StepResult<(Told, bool)> {
    let (interrupt, interrupted) = watch::channel(false);
    let mut running = std::pin::pin!(run_terraform(ctx, id, prepared, "test", arguments, interrupted, teller));
    let mut over = std::pin::pin!(tokio::time::sleep(timeout));
    let (mut timed_out, mut asked) = (false, false);
    let told = loop {
        tokio::select! {
            told = &mut running => break told.map_err(failed(Step::Verify))?,
            () = &mut over, if !timed_out && !asked => timed_out = true,
            Ok(_) = stop.wait_for(|stop| *stop), if !asked => asked = true,
        }
        interrupt.send_replace(true);
    };
    Ok((told, timed_out && !asked))
}

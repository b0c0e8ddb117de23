//! The bytes of an instance's state: read from where Terraform keeps it, and put back there. They are held in memory; where Terraform takes
//! them from a file, that file is its owner's alone and is there only meanwhile.

use std::ffi::OsStr;
use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;

use terrace_domain::run::{InstanceId, Step};
use terrace_domain::state::LockInfo;
use terrace_world::terraform::process;
use tokio::sync::watch;

use super::halt::{Halt, StepResult, failed, failure, terraform_failure};
use super::lay_out::{Place, lay_out};
use super::prepare::Prepared;
use super::private_file::write_private;
use crate::context::Context;

/// An instance whose state can be read and replaced.
pub struct OpenState {
    place: Place,
}

/// Lays out the work folder and initialises Terraform, as for a plan, but without inputs.
pub async fn open_state(ctx: &Context, id: &InstanceId, stop: watch::Receiver<bool>) -> StepResult<OpenState> {
    let place = lay_out(ctx, id)?;
    place.initialise(ctx, id, false, stop).await?;
    Ok(OpenState { place })
}

/// The state of an instance that was prepared, for a snapshot after its apply; `None` where there is none.
pub async fn state_of(
    ctx: &Context,
    id: &InstanceId,
    prepared: &Prepared,
    stop: watch::Receiver<bool>,
) -> StepResult<Option<Vec<u8>>> {
    read(ctx, id, prepared.place(), stop).await
}

impl OpenState {
    /// The state; `None` where there is none.
    pub async fn read(
        &self,
        ctx: &Context,
        id: &InstanceId,
        stop: watch::Receiver<bool>,
    ) -> StepResult<Option<Vec<u8>>> {
        read(ctx, id, &self.place, stop).await
    }

    /// Puts a state in place of the present one, by `terraform state push`: every backend knows that. With `force` also one of another
    /// lineage or with a lower serial.
    pub async fn push(
        &self,
        ctx: &Context,
        id: &InstanceId,
        state: &[u8],
        force: bool,
        stop: watch::Receiver<bool>,
    ) -> StepResult<()> {
        let file = ctx.folder(id).pushed_state();
        let written = write_private(&file, state);
        let unwritten = |error| format!("cannot write {}: {error}", file.display());
        let mut arguments = vec![OsStr::new("state"), OsStr::new("push")];
        if force {
            arguments.push(OsStr::new("-force"));
        }
        arguments.push(file.as_os_str());
        let pushed = match written {
            Ok(()) => answer(ctx, id, &self.place, &arguments, stop).await.map(drop),
            Err(error) => Err(failed(Step::Apply)(unwritten(error))),
        };
        // It holds secrets: it goes whatever happened.
        match fs::remove_file(&file) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                let what = format!("cannot remove {}, which holds a state: {error}", file.display());
                pushed.and(Err(failed(Step::Apply)(what)))
            }
            _ => pushed,
        }
    }
}

async fn read(
    ctx: &Context,
    id: &InstanceId,
    place: &Place,
    stop: watch::Receiver<bool>,
) -> StepResult<Option<Vec<u8>>> {
    if let Some(path) = local_path(ctx, place) {
        return match fs::read(&path) {
            Ok(bytes) => Ok(Some(bytes).filter(|bytes| !bytes.trim_ascii().is_empty())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed(Step::Apply)(format!("cannot read the state {}: {error}", path.display()))),
        };
    }
    let arguments = ["state", "pull"].map(OsStr::new);
    let bytes = answer(ctx, id, place, &arguments, stop).await?;
    Ok(Some(bytes).filter(|bytes| !bytes.trim_ascii().is_empty()))
}

/// The file of a local state, whose path is relative to the estate's root.
fn local_path(ctx: &Context, place: &Place) -> Option<PathBuf> {
    let (kind, settings) = place.backend();
    if kind != "local" {
        return None;
    }
    Some(ctx.home.path().parent()?.join(settings.get("path")?.as_str()?))
}

async fn answer(
    ctx: &Context,
    id: &InstanceId,
    place: &Place,
    arguments: &[&OsStr],
    stop: watch::Receiver<bool>,
) -> StepResult<Vec<u8>> {
    let work = ctx.folder(id).work();
    let captured = process::capture(&ctx.terraform.program, arguments, &work, place.environment(), stop)
        .await
        .map_err(|error| failure(Step::Apply, error.to_string()))?;
    if captured.status.success() {
        return Ok(captured.output);
    }
    if captured.interrupted {
        return Err(Halt::Interrupted);
    }
    let command = arguments[..2].join(OsStr::new(" "));
    let errors = without_frame(&captured.errors);
    let folder = &ctx.stack(id).folder;
    let mut failure =
        terraform_failure(Step::Apply, &command.to_string_lossy(), captured.status, Vec::new(), &errors, folder);
    if let Some(lock) = LockInfo::from_text(&errors) {
        failure.help = Some(format!(
            "{} holds the lock since {} ({}, lock {}). Wait for it; if nobody is at work there, `terraform force-unlock {}` in the \
             instance's work folder removes it.",
            lock.who, lock.created, lock.operation, lock.id, lock.id
        ));
    }
    Err(failure.into())
}

/// `state pull` and `state push` know no `-no-color` in all versions: the frame and the colours go here.
fn without_frame(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        plain.push_str(before);
        rest = after.find('m').map_or("", |end| &after[end + 1..]);
    }
    plain.push_str(rest);
    let line = |line: &str| {
        let line = line.strip_prefix(['│', '╷', '╵']).unwrap_or(line);
        line.strip_prefix(' ').unwrap_or(line).to_owned() + "\n"
    };
    plain.lines().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_and_colours_are_taken_off() {
        let text = "\u{1b}[31m╷\u{1b}[0m\n│ \u{1b}[1mError: \u{1b}[0mno\n│ \n│   ID: x\n╵\n";
        assert_eq!(without_frame(text), "\nError: no\n\n  ID: x\n\n");
        assert_eq!(without_frame("Error: plain\n\u{1b}["), "Error: plain\n");
    }
}

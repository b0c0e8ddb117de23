//! What `push` and `pull` share: how a registry is asked, who asks, and how the work is stopped. Moves nothing itself.

use std::future::Future;

use clap::Args;
use terrace_registry::{Credentials, Options, RegistryError, Target, install_tls};
use terrace_release::stored::StoredError;

use crate::delivery::asked_to_stop;
use crate::error::CommandError;
use crate::settings::Settings;

/// How a registry is asked.
#[derive(Debug, Args)]
pub struct Connection {
    /// Ask a registry without TLS that is not on this machine
    #[arg(long)]
    plain_http: bool,
}

impl Connection {
    /// The options for this registry, with what the user's file of credentials has for it.
    pub fn options(&self, settings: &Settings, target: &Target) -> Result<Options, CommandError> {
        let credentials = match &settings.credentials {
            Some(file) => Credentials::of_file(file, target.registry()).map_err(RegistryError::from)?,
            None => Credentials::anonymous(),
        };
        Ok(Options { credentials, plain_http: self.plain_http, ..Options::default() })
    }
}

/// Brings the work to its end, unless somebody asks to stop: then it is dropped where it is, and what was listed or tagged until then
/// is whole.
pub fn complete<T>(work: impl Future<Output = Result<T, RegistryError>>) -> Result<T, CommandError> {
    install_tls();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| CommandError::failed(format!("no work can begin: {error}")))?;
    runtime.block_on(async {
        let mut stop = asked_to_stop(|| {})?;
        tokio::select! {
            done = work => done.map_err(failed),
            _ = stop.wait_for(|is_asked| *is_asked) => Err(CommandError::failed("interrupted: somebody asked to stop").help(
                "Run it again: what has arrived is not sent twice, and nothing refers to what has not.",
            )),
        }
    })
}

/// An error, with what the layout said of it where it was the layout.
fn failed(error: RegistryError) -> CommandError {
    if let RegistryError::Layout { source, .. } = &error
        && let Some(StoredError::Format(wrong)) = source.get_ref().and_then(|inner| inner.downcast_ref())
    {
        return CommandError::usage(format!("what was asked for is no estate release of Terrace: {wrong}"))
            .help("Name the tag or the digest of an estate release. Nothing was taken into the layout.");
    }
    error.into()
}

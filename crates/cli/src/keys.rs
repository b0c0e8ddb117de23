//! The keys that a command works with: what signs evidence, whose signatures count, and what opens sealed files. Makes those that are missing
//! on first need, and says so.

use std::path::PathBuf;

use terrace_domain::estate::Estate;
use terrace_driver::home::{Home, make_private};
use terrace_evidence::keys::SigningKey;
use terrace_evidence::trusted::TrustedKeys;
use terrace_vault::{Recipient, Vault, identity};

use crate::error::CommandError;
use crate::settings::Settings;
use crate::views;

/// Under what name one's own key is trusted where the estate trusts nobody by name.
const OWN: &str = "this-user";

/// The user's signing key; made where there is none.
pub fn signing_key(settings: &Settings) -> Result<SigningKey, CommandError> {
    let path = settings.signing_key()?;
    if path.exists() {
        return Ok(SigningKey::load(&path)?);
    }
    let key = SigningKey::generate()?;
    match key.save_new(&path) {
        Ok(()) => {
            views::say(&format!(
                "A signing key was made: {} (`terrace key show` prints the block by which an estate trusts it).",
                path.display()
            ));
            Ok(key)
        }
        // Another process has made one meanwhile.
        Err(_) if path.exists() => Ok(SigningKey::load(&path)?),
        Err(error) => Err(error.into()),
    }
}

/// The keys whose signatures count: those that the estate trusts; where it names none, the user's own.
pub fn trusted_keys(settings: &Settings, estate: &Estate) -> Result<TrustedKeys, CommandError> {
    if !estate.trust.is_empty() {
        return Ok(TrustedKeys::of_estate(&estate.trust)?);
    }
    own_key(settings)
}

fn own_key(settings: &Settings) -> Result<TrustedKeys, CommandError> {
    let own = OWN.parse().expect("the constant is a name");
    Ok(TrustedKeys::new([(own, signing_key(settings)?.public_key())])?)
}

/// The same for who only looks, with or without an estate: no key is made.
pub fn known_keys(settings: &Settings, estate: Option<&Estate>) -> Result<TrustedKeys, CommandError> {
    let is_made = settings.signing_key().is_ok_and(|path| path.exists());
    match estate {
        Some(estate) if is_made || !estate.trust.is_empty() => trusted_keys(settings, estate),
        None if is_made => own_key(settings),
        _ => Ok(TrustedKeys::default()),
    }
}

/// Where states and plans are sealed: for the user, and for whom the estate names. Without a home folder the identity lies in `.terrace`.
pub fn vault(settings: &Settings, home: &Home, estate: &Estate) -> Result<Vault, CommandError> {
    let folder: PathBuf = settings.configuration.clone().unwrap_or_else(|| home.path().to_owned());
    make_private(&folder)?;
    let identities = identity::load_or_create(&folder)?;
    let recipients = estate.recipients.iter().map(|recipient| recipient.key.parse::<Recipient>());
    let recipients = recipients.collect::<Result<_, _>>().map_err(|error| CommandError::usage(error.to_string()))?;
    Ok(Vault::open(&home.path().join("snapshots"), identities, recipients)?)
}

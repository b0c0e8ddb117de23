//! Who one is to a registry: what `docker login`, `podman login` or a credential helper left in a configuration file. Owns how that
//! is read; the folder comes from the caller. Never writes it.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use docker_credential::{CredentialRetrievalError, DockerCredential, get_credential_from_reader};
use oci_client::secrets::RegistryAuth;

/// Where the file is in a home folder.
const FILE: &str = ".docker/config.json";

/// Credentials for one registry.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials(pub(crate) RegistryAuth);

/// Why credentials cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    /// The file cannot be read.
    #[error("the credentials in {} cannot be read", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file or its helper says nothing that can be used.
    #[error("{} has no usable credentials for {registry}: {why}", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// The registry.
        registry: String,
        /// What is wrong.
        why: String,
    },
}

impl CredentialsError {
    /// What to do next.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::File { .. } => None,
            Self::Unusable { registry, .. } => {
                Some(format!("Log in again with a user name and a password or token: `docker login {registry}`."))
            }
        }
    }
}

impl Credentials {
    /// None: what everybody may do.
    pub fn anonymous() -> Self {
        Self(RegistryAuth::Anonymous)
    }

    /// A user name, and a password or a token that stands for one.
    pub fn user(name: impl Into<String>, password: impl Into<String>) -> Self {
        Self(RegistryAuth::Basic(name.into(), password.into()))
    }

    /// What the file `.docker/config.json` of a home folder has for a registry; [`Self::anonymous`] where it has nothing. A credential
    /// helper that the file names is asked.
    pub fn of_home(home: &Path, registry: &str) -> Result<Self, CredentialsError> {
        Self::of_file(&home.join(FILE), registry)
    }

    /// The same of a file anywhere.
    pub fn of_file(path: &Path, registry: &str) -> Result<Self, CredentialsError> {
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::anonymous()),
            Err(source) => return Err(CredentialsError::File { path: path.to_owned(), source }),
        };
        let unusable =
            |why: String| CredentialsError::Unusable { path: path.to_owned(), registry: registry.to_owned(), why };
        match get_credential_from_reader(file, registry) {
            Ok(DockerCredential::UsernamePassword(name, password)) => Ok(Self::user(name, password)),
            // A refresh token of OAuth2, which the client library cannot exchange.
            Ok(DockerCredential::IdentityToken(_)) => Err(unusable("it is an identity token".to_owned())),
            Err(CredentialRetrievalError::NoCredentialConfigured) => Ok(Self::anonymous()),
            // What the helper printed may hold a secret.
            Err(CredentialRetrievalError::HelperFailure { helper, .. }) => Err(unusable(format!("`{helper}` failed"))),
            Err(error) => Err(unusable(error.to_string())),
        }
    }

    pub(crate) fn is_anonymous(&self) -> bool {
        self.0 == RegistryAuth::Anonymous
    }
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.is_anonymous() { "anonymous" } else { "a user" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(content: &str, registry: &str) -> Result<Credentials, CredentialsError> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join(".docker")).unwrap();
        std::fs::write(folder.path().join(FILE), content).unwrap();
        Credentials::of_home(folder.path(), registry)
    }

    #[test]
    fn what_docker_login_wrote_is_found() {
        let file = r#"{"auths": {"registry.example.com": {"auth": "YWRhOmxvdmVsYWNl"}}}"#;
        assert_eq!(read(file, "registry.example.com").unwrap(), Credentials::user("ada", "lovelace"));
        assert_eq!(read(file, "other.example.com").unwrap(), Credentials::anonymous());
        assert_eq!(read("{}", "registry.example.com").unwrap(), Credentials::anonymous());
        assert_eq!(Credentials::of_home(Path::new("/nowhere"), "x").unwrap(), Credentials::anonymous());
    }

    #[test]
    fn a_damaged_file_is_an_error() {
        let file = r#"{"auths": {"registry.example.com": {"auth": "%%%"}}}"#;
        for content in [file, "{"] {
            let error = read(content, "registry.example.com").unwrap_err();
            assert!(error.help().unwrap().contains("docker login registry.example.com"), "{error}");
        }
    }
}

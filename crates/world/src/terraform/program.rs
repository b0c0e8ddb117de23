//! Finds the Terraform program and asks its version.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use semver::Version;
use terrace_domain::version::Constraint;

use super::Environment;

/// The oldest version whose machine-readable plan output, saved plans and override files Terrace builds on.
pub const OLDEST: Version = Version::new(1, 3, 0);

/// The programs that are looked for when the estate names none, in this order.
pub const CANDIDATES: [&str; 2] = ["terraform", "tofu"];

/// Which product a program is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Product {
    /// HashiCorp's Terraform.
    Terraform,
    /// OpenTofu.
    OpenTofu,
}

impl Product {
    /// The product's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Terraform => "Terraform",
            Self::OpenTofu => "OpenTofu",
        }
    }
}

/// A Terraform program that answered with its version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terraform {
    /// The program, as an absolute path.
    pub program: PathBuf,
    /// The product.
    pub product: Product,
    /// Its version.
    pub version: Version,
}

/// Why there is no Terraform to work with.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    /// None of the programs is there.
    #[error("no {} on PATH", names.join(" or "))]
    NotFound {
        /// The names that were looked for.
        names: Vec<String>,
    },
    /// The program does not answer as Terraform would.
    #[error("`{} version -json` does not answer as Terraform does: {answer}", program.display())]
    NotTerraform {
        /// The program.
        program: PathBuf,
        /// What it said, or why it could not be started.
        answer: String,
    },
    /// The program is older than Terrace can work with.
    #[error("{product} {version} at {} is too old: Terrace needs {OLDEST} or newer", program.display(), product = product.as_str())]
    TooOld {
        /// The program.
        program: PathBuf,
        /// The product.
        product: Product,
        /// Its version.
        version: Version,
    },
    /// The program's version is not one that the estate asks for.
    #[error(
        "{product} {version} at {} does not meet the estate's `version = \"{constraint}\"`",
        program.display(), product = product.as_str()
    )]
    NotAllowed {
        /// The program.
        program: PathBuf,
        /// The product.
        product: Product,
        /// Its version.
        version: Version,
        /// The constraint as written.
        constraint: String,
    },
    /// The estate's constraint cannot be read.
    #[error(transparent)]
    Constraint(#[from] terrace_domain::version::NotAConstraint),
}

impl Terraform {
    /// Product and version: `terraform 1.11.4`.
    pub fn named(&self) -> String {
        format!("{} {}", self.product.as_str(), self.version)
    }

    /// Finds the program (`binary`: a name looked up in `path`, or a path; `None`: the first of [`CANDIDATES`]), asks its version and
    /// holds it against the constraint. A path with a `/` is relative to `base`.
    pub async fn find(
        binary: Option<&str>,
        constraint: Option<&str>,
        base: &Path,
        environment: &Environment,
    ) -> Result<Self, ProgramError> {
        let path = environment.get("PATH").unwrap_or_default().to_owned();
        let program = locate(binary, &path, base)?;
        let terraform = ask_version(program, base, environment).await?;
        terraform.check(constraint)?;
        Ok(terraform)
    }

    fn check(&self, constraint: Option<&str>) -> Result<(), ProgramError> {
        let (program, product, version) = (self.program.clone(), self.product, self.version.clone());
        if version < OLDEST {
            return Err(ProgramError::TooOld { program, product, version });
        }
        match constraint {
            Some(text) if !Constraint::parse(text)?.allows(&version) => {
                Err(ProgramError::NotAllowed { program, product, version, constraint: text.to_owned() })
            }
            _ => Ok(()),
        }
    }
}

fn locate(binary: Option<&str>, path: &OsStr, base: &Path) -> Result<PathBuf, ProgramError> {
    let names = binary.map_or_else(|| CANDIDATES.to_vec(), |binary| vec![binary]);
    let mut found = names.iter().filter_map(|name| which::which_in(name, Some(path), base).ok());
    found.next().ok_or_else(|| ProgramError::NotFound { names: names.iter().map(|name| (*name).to_owned()).collect() })
}

async fn ask_version(program: PathBuf, base: &Path, environment: &Environment) -> Result<Terraform, ProgramError> {
    let output = tokio::process::Command::new(&program)
        .args([OsString::from("version"), OsString::from("-json")])
        // Programs that choose among versions look at the folder that they are started in.
        .current_dir(base)
        .env_clear()
        .envs(environment.iter())
        .stdin(Stdio::null())
        .output()
        .await;
    let wrong = |answer: String| ProgramError::NotTerraform { program: program.clone(), answer };
    let output = output.map_err(|error| wrong(error.to_string()))?;
    let version = read_version(&output.stdout).ok_or_else(|| {
        let said = if output.stdout.is_empty() { &output.stderr } else { &output.stdout };
        wrong(first_words(&String::from_utf8_lossy(said)))
    })?;
    // OpenTofu answers in the same words; its command is what tells it apart.
    let is_tofu = program.file_stem().is_some_and(|name| name.to_string_lossy().contains("tofu"));
    let product = if is_tofu { Product::OpenTofu } else { Product::Terraform };
    Ok(Terraform { program, product, version })
}

fn read_version(answer: &[u8]) -> Option<Version> {
    let json: serde_json::Value = serde_json::from_slice(answer).ok()?;
    Version::parse(json.get("terraform_version")?.as_str()?).ok()
}

/// The beginning of what a program said: enough to recognise it, one line.
fn first_words(text: &str) -> String {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("nothing");
    line.chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terraform(version: &str) -> Terraform {
        Terraform { program: "/bin/terraform".into(), product: Product::Terraform, version: version.parse().unwrap() }
    }

    #[test]
    fn versions_are_held_against_the_constraint() {
        assert!(terraform("1.11.4").check(Some(">= 1.9")).is_ok());
        assert!(matches!(terraform("1.11.4").check(Some("< 1.11")), Err(ProgramError::NotAllowed { .. })));
        assert!(matches!(terraform("0.12.31").check(None), Err(ProgramError::TooOld { .. })));
        assert!(matches!(terraform("1.11.4").check(Some("new")), Err(ProgramError::Constraint(_))));
    }

    #[test]
    fn a_missing_program_is_named() {
        let error = locate(None, OsStr::new("/no/such/folder"), Path::new("/")).unwrap_err();
        assert_eq!(error.to_string(), "no terraform or tofu on PATH");
        let error = locate(Some("terraform-1.9"), OsStr::new(""), Path::new("/")).unwrap_err();
        assert_eq!(error.to_string(), "no terraform-1.9 on PATH");
    }
}

//! Finds out which Terraform processes a command of Terrace starts: a script in Terraform's place notes each call, then becomes Terraform.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// A folder with a program `terraform` in it.
pub(crate) struct StandIn {
    folder: PathBuf,
    real: PathBuf,
}

/// A call of Terraform.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) arguments: Vec<OsString>,
    pub(crate) folder: PathBuf,
    pub(crate) environment: Vec<(OsString, OsString)>,
    /// The file of inputs that the call read and that is gone by now: where it was, and what was in it.
    pub(crate) inputs: Option<(PathBuf, Vec<u8>)>,
    /// A copy of the laid-out files (see [`Call::tree`]) as an `init` found them.
    pub(crate) before: Option<PathBuf>,
    /// What an `output` printed.
    pub(crate) printed: Option<Vec<u8>>,
}

impl Call {
    /// The Terraform command.
    pub(crate) fn command(&self) -> String {
        self.arguments[0].to_string_lossy().into_owned()
    }

    /// The folder with all files that are laid out for the stack: modules lie beside its own folder.
    pub(crate) fn tree(&self) -> Option<PathBuf> {
        let (instance, _) = self.folder.to_str()?.rsplit_once("/tree/")?;
        Some(PathBuf::from(instance).join("tree"))
    }

    /// Whether an argument is there.
    pub(crate) fn has(&self, argument: &str) -> bool {
        self.arguments.iter().any(|one| one == argument)
    }
}

impl StandIn {
    /// Stands in for the Terraform on PATH.
    pub(crate) fn new(folder: &Path) -> Result<Self> {
        let real = which::which("terraform").or_else(|_| which::which("tofu")).context("no Terraform on PATH")?;
        fs::create_dir_all(folder.join("bin"))?;
        Ok(Self { folder: folder.to_owned(), real })
    }

    /// The path of the program: the same whether calls are noted or not.
    pub(crate) fn program(&self) -> PathBuf {
        self.folder.join("bin").join("terraform")
    }

    /// From now on the program is Terraform itself.
    pub(crate) fn be_terraform(&self) -> Result<()> {
        self.clear()?;
        symlink(&self.real, self.program()).context("link to Terraform")
    }

    /// From now on calls are noted.
    pub(crate) fn be_recorder(&self) -> Result<()> {
        self.clear()?;
        let script = SCRIPT
            .replace("@calls@", &self.calls_folder().to_string_lossy())
            .replace("@real@", &self.real.to_string_lossy());
        fs::write(self.program(), script)?;
        fs::set_permissions(self.program(), fs::Permissions::from_mode(0o755))?;
        fs::create_dir(self.calls_folder()).context("make a folder for the calls")
    }

    /// The calls that were noted, in the order of their beginnings.
    pub(crate) fn calls(&self) -> Result<Vec<Call>> {
        let mut folders: Vec<PathBuf> =
            fs::read_dir(self.calls_folder())?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
        folders.sort();
        folders.iter().map(|folder| read_call(folder)).collect()
    }

    fn calls_folder(&self) -> PathBuf {
        self.folder.join("calls")
    }

    fn clear(&self) -> Result<()> {
        if self.program().symlink_metadata().is_ok() {
            fs::remove_file(self.program())?;
        }
        if self.calls_folder().exists() {
            fs::remove_dir_all(self.calls_folder())?;
        }
        Ok(())
    }
}

const SCRIPT: &str = r#"#!/bin/sh
# Notes this call, then becomes Terraform.
call='@calls@'/$(date +%s%N)-$$
mkdir "$call"
pwd > "$call/folder"
env -0 > "$call/environment"
printf '%s\0' "$@" > "$call/arguments"
for argument in "$@"; do
    case $argument in
        -var-file=*) cp "${argument#-var-file=}" "$call/inputs" ;;
    esac
done
case $1 in
    init) cp -R "${PWD%/tree/*}/tree" "$call/before" ;;
    output)
        '@real@' "$@" > "$call/printed"
        code=$?
        cat "$call/printed"
        exit $code
        ;;
esac
exec '@real@' "$@"
"#;

fn read_call(folder: &Path) -> Result<Call> {
    let parts = |name: &str| -> Result<Vec<OsString>> {
        let bytes = fs::read(folder.join(name)).with_context(|| format!("read the {name} of a call"))?;
        let ended = bytes.strip_suffix(b"\0").unwrap_or(&bytes);
        Ok(ended.split(|byte| *byte == 0).map(|part| OsString::from_vec(part.to_vec())).collect())
    };
    let arguments = parts("arguments")?;
    let environment = parts("environment")?.into_iter().filter_map(pair).collect();
    let inputs_path = arguments.iter().find_map(|argument| argument.to_str()?.strip_prefix("-var-file="));
    let inputs = match inputs_path {
        Some(path) => Some((PathBuf::from(path), fs::read(folder.join("inputs"))?)),
        None => None,
    };
    let written = fs::read_to_string(folder.join("folder"))?;
    let before = Some(folder.join("before")).filter(|before| before.exists());
    let printed = fs::read(folder.join("printed")).ok();
    Ok(Call { folder: PathBuf::from(written.trim_end()), environment, inputs, arguments, before, printed })
}

fn pair(variable: OsString) -> Option<(OsString, OsString)> {
    let mut bytes = variable.into_vec();
    let at = bytes.iter().position(|byte| *byte == b'=')?;
    let value = bytes.split_off(at + 1);
    bytes.pop();
    Some((OsString::from_vec(bytes), OsString::from_vec(value)))
}

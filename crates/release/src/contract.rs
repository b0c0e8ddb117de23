//! The contract as it is stored: the configuration blob of a stack's manifest, JSON with the schema `terrace.release/1`; and the list of
//! the estate's own files, `terrace.estate/1`. Owns both forms and what is refused in them.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use terrace_domain::name::EstateName;
use terrace_domain::path::RepoPath;
use terrace_domain::release::{
    Contract, FileMode, FileRecord, OutputContract, ProviderVersions, VariableContract, VendoredModule,
};

use crate::oci::{FormatError, from_json, to_json};
use crate::unpack::checked_path;
use crate::vendor::MODULES_FOLDER;

/// The schema of contracts.
pub const CONTRACT_SCHEMA: &str = "terrace.release/1";
/// The schema of the list of the estate's files.
pub const ESTATE_SCHEMA: &str = "terrace.estate/1";

#[derive(Serialize, Deserialize)]
struct ContractWire {
    schema: String,
    stack: String,
    folder: String,
    capability: Option<String>,
    owner: Option<String>,
    variables: BTreeMap<String, VariableWire>,
    outputs: BTreeMap<String, OutputWire>,
    providers: BTreeMap<String, ProviderVersions>,
    required_version: BTreeSet<String>,
    modules: Vec<ModuleWire>,
    files: Vec<FileWire>,
    vendored: Vec<FileWire>,
}

#[derive(Serialize, Deserialize)]
struct VariableWire {
    r#type: Option<String>,
    required: bool,
    sensitive: bool,
    ephemeral: bool,
}

#[derive(Serialize, Deserialize)]
struct OutputWire {
    sensitive: bool,
}

#[derive(Serialize, Deserialize)]
struct ModuleWire {
    key: String,
    source: String,
    version: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct FileWire {
    path: String,
    mode: String,
    blob: String,
    size: u64,
}

#[derive(Serialize, Deserialize)]
struct EstateWire {
    schema: String,
    estate: String,
    folder: String,
    files: Vec<FileWire>,
}

/// The estate's own files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EstateFiles {
    /// The estate's name.
    pub name: EstateName,
    /// The folder of its file in the repository.
    pub folder: RepoPath,
    /// The files, sorted by path.
    pub files: Vec<FileRecord>,
}

/// A contract as it is stored.
pub fn to_bytes(contract: &Contract) -> Vec<u8> {
    let variable = |variable: &VariableContract| VariableWire {
        r#type: variable.type_constraint.clone(),
        required: variable.required,
        sensitive: variable.sensitive,
        ephemeral: variable.ephemeral,
    };
    let module = |module: &VendoredModule| ModuleWire {
        key: module.key.clone(),
        source: module.source.clone(),
        version: module.version.clone(),
    };
    to_json(&ContractWire {
        schema: CONTRACT_SCHEMA.to_owned(),
        stack: contract.stack.to_string(),
        folder: contract.folder.as_str().to_owned(),
        capability: contract.capability.as_ref().map(ToString::to_string),
        owner: contract.owner.clone(),
        variables: contract.variables.iter().map(|(name, own)| (name.clone(), variable(own))).collect(),
        outputs: contract
            .outputs
            .iter()
            .map(|(name, output)| (name.clone(), OutputWire { sensitive: output.sensitive }))
            .collect(),
        providers: contract.providers.clone(),
        required_version: contract.required_version.clone(),
        modules: contract.modules.iter().map(module).collect(),
        files: files_to_wire(&contract.files),
        vendored: files_to_wire(&contract.vendored),
    })
}

/// Reads a contract; `what` names it in errors.
pub fn from_bytes(bytes: &[u8], what: &str) -> Result<Contract, FormatError> {
    check_schema(bytes, what, CONTRACT_SCHEMA)?;
    let wire: ContractWire = from_json(bytes, what)?;
    let name_error = |error: terrace_domain::name::NameError| FormatError::wrong(what, error.to_string());
    let variable = |variable: VariableWire| VariableContract {
        type_constraint: variable.r#type,
        required: variable.required,
        sensitive: variable.sensitive,
        ephemeral: variable.ephemeral,
    };
    let module =
        |module: ModuleWire| VendoredModule { key: module.key, source: module.source, version: module.version };
    let contract = Contract {
        stack: wire.stack.parse().map_err(name_error)?,
        folder: folder_from_wire(&wire.folder, what)?,
        capability: wire.capability.map(|name| name.parse()).transpose().map_err(name_error)?,
        owner: wire.owner,
        variables: wire.variables.into_iter().map(|(name, own)| (name, variable(own))).collect(),
        outputs: wire
            .outputs
            .into_iter()
            .map(|(name, output)| (name, OutputContract { sensitive: output.sensitive }))
            .collect(),
        providers: wire.providers,
        required_version: wire.required_version,
        modules: wire.modules.into_iter().map(module).collect(),
        files: files_from_wire(wire.files, what)?,
        vendored: files_from_wire(wire.vendored, what)?,
    };
    check_places(&contract, what)?;
    Ok(contract)
}

/// Fetched modules lie where Terraform looks for them, and nothing else does.
fn check_places(contract: &Contract, what: &str) -> Result<(), FormatError> {
    let modules = contract.folder.join(MODULES_FOLDER).expect("a folder's name does not climb");
    if let Some(file) = contract.vendored.iter().find(|file| !file.path.is_within(&modules)) {
        return Err(FormatError::wrong(what, format!("the fetched file `{}` is not in `{modules}`", file.path)));
    }
    if let Some(file) = contract.files.iter().find(|file| file.path.is_within(&modules)) {
        return Err(FormatError::wrong(what, format!("the file `{}` is in the place of fetched modules", file.path)));
    }
    Ok(())
}

/// The list of the estate's files as it is stored.
pub fn estate_to_bytes(estate: &EstateFiles) -> Vec<u8> {
    to_json(&EstateWire {
        schema: ESTATE_SCHEMA.to_owned(),
        estate: estate.name.to_string(),
        folder: estate.folder.as_str().to_owned(),
        files: files_to_wire(&estate.files),
    })
}

/// Reads the list of the estate's files; `what` names it in errors.
pub fn estate_from_bytes(bytes: &[u8], what: &str) -> Result<EstateFiles, FormatError> {
    check_schema(bytes, what, ESTATE_SCHEMA)?;
    let wire: EstateWire = from_json(bytes, what)?;
    let name = wire.estate.parse().map_err(|error| FormatError::wrong(what, format!("{error}")))?;
    Ok(EstateFiles { name, folder: folder_from_wire(&wire.folder, what)?, files: files_from_wire(wire.files, what)? })
}

/// The schema comes first: of another version nothing else can be judged.
fn check_schema(bytes: &[u8], what: &str, expected: &str) -> Result<(), FormatError> {
    #[derive(Deserialize)]
    struct Head {
        schema: Option<String>,
    }
    let head: Head = from_json(bytes, what)?;
    FormatError::expect_type(what, head.schema.as_deref(), expected)
}

fn folder_from_wire(text: &str, what: &str) -> Result<RepoPath, FormatError> {
    if text.is_empty() {
        return Ok(RepoPath::root());
    }
    checked_path(text).map_err(|reason| FormatError::wrong(what, format!("the folder `{text}`: {reason}")))
}

fn files_to_wire(files: &[FileRecord]) -> Vec<FileWire> {
    let wire = |file: &FileRecord| FileWire {
        path: file.path.as_str().to_owned(),
        mode: file.mode.as_str().to_owned(),
        blob: file.blob.to_string(),
        size: file.size,
    };
    files.iter().map(wire).collect()
}

/// Refuses what could not be written to a disk as it is listed: paths that climb, files in files, the same path twice.
fn files_from_wire(files: Vec<FileWire>, what: &str) -> Result<Vec<FileRecord>, FormatError> {
    let mut records: Vec<FileRecord> = Vec::with_capacity(files.len());
    for file in files {
        let wrong = |reason: &str| FormatError::wrong(what, format!("the file `{}`: {reason}", file.path));
        let path = checked_path(&file.path).map_err(wrong)?;
        let mode = FileMode::from_git(&file.mode).ok_or_else(|| wrong("its mode is not one of a release's"))?;
        let blob = file.blob.parse().map_err(|_| wrong("its blob is not an id of git's"))?;
        if records.last().is_some_and(|last| last.path >= path) {
            return Err(wrong("it is not in the order of paths, or comes twice"));
        }
        records.push(FileRecord { path, mode, blob, size: file.size });
    }
    let is_file = |path: &RepoPath| records.binary_search_by(|record| record.path.cmp(path)).is_ok();
    for record in &records {
        if let Some(folder) = std::iter::successors(record.path.parent(), RepoPath::parent).find(is_file) {
            return Err(FormatError::wrong(what, format!("`{folder}` is a file, and `{}` lies in it", record.path)));
        }
    }
    Ok(records)
}

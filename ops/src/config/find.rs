//! Finds the configuration and reads it: `--config`, else `CAUSEWAY_CONFIG`, else `./causeway.toml`, else
//! `./causeway-demo/causeway.toml`.

use std::fs;
use std::path::{Path, PathBuf};

use super::layers::{self, File, Layered, Sources};
use super::{Config, check, code_tables, profiles};
use crate::diagnostic::{Code, Diagnostic, Outcome, Stop};

/// The name of a configuration file.
pub(crate) const FILE_NAME: &str = "causeway.toml";
/// Where the demo lives by default.
pub(crate) const DEMO_FOLDER: &str = "causeway-demo";

/// What the command line says of the configuration.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wanted {
    /// `--config` or `CAUSEWAY_CONFIG`.
    pub(crate) path: Option<PathBuf>,
    /// `--set section.key=value`.
    pub(crate) set: Vec<(String, String)>,
}

/// A configuration that was found.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    /// The file.
    pub(crate) file: File,
    /// The whole, and who set what.
    pub(crate) layered: Layered<Config>,
}

impl Found {
    /// The settings.
    pub(crate) const fn config(&self) -> &Config {
        &self.layered.value
    }

    /// The data folder: relative to the file.
    pub(crate) fn data_dir(&self) -> PathBuf {
        let folder = self.file.path.parent().unwrap_or(Path::new(""));
        folder.join(&self.config().data_dir)
    }
}

/// Finds, reads and checks the configuration. Every contradiction is told, not just the first.
pub(crate) fn find(wanted: &Wanted) -> Outcome<Found> {
    let mut found = read(wanted)?;
    let mut troubles = check::contradictions(&found);
    troubles.extend(code_tables::load(&mut found));
    troubles.extend(profiles::load(&mut found));
    match troubles.pop() {
        None => Ok(found),
        Some(only) if troubles.is_empty() => Err(only.into()),
        Some(last) => {
            troubles.push(last);
            Err(Stop::Several(troubles))
        }
    }
}

/// Finds and reads the configuration, without judging whether its settings go together.
pub(crate) fn read(wanted: &Wanted) -> Outcome<Found> {
    let path = locate(wanted)?;
    let text = fs::read_to_string(&path).map_err(|error| {
        Diagnostic::new(Code::ConfigFile, format!("`{}` cannot be read", path.display())).because(&error)
    })?;
    let file = File { path, text };
    let environment = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    let sources = Sources { file: Some(file.clone()), environment, flags: wanted.set.clone() };
    let mut layered = layers::read::<Config>(&sources)?;
    let folder = file.path.parent().unwrap_or(Path::new(""));
    layered.value.door = layered.value.door.into_iter().map(|door| door.below(folder)).collect();
    layered.value.file_door = layered.value.file_door.into_iter().map(|door| door.below(folder)).collect();
    let clinics = layered.value.cm_file_door.into_iter().map(|door| door.below(folder)).collect();
    layered.value.cm_file_door = clinics;
    layered.value.cm_door = layered.value.cm_door.into_iter().map(|door| door.below(folder)).collect();
    layered.value.dicom_door = layered.value.dicom_door.into_iter().map(|door| door.below(folder)).collect();
    Ok(Found { file, layered })
}

fn locate(wanted: &Wanted) -> Outcome<PathBuf> {
    if let Some(path) = &wanted.path {
        return Ok(if path.is_dir() { path.join(FILE_NAME) } else { path.clone() });
    }
    let usual = [PathBuf::from(FILE_NAME), Path::new(DEMO_FOLDER).join(FILE_NAME)];
    usual.into_iter().find(|path| path.is_file()).ok_or_else(|| {
        let here =
            std::env::current_dir().map_or_else(|_gone| String::new(), |folder| format!(" in {}", folder.display()));
        Diagnostic::new(Code::NoConfig, format!("there is no `{FILE_NAME}`{here}")).into()
    })
}

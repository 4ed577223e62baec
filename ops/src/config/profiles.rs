//! The profiles of the feeds that are in files of their own. docs/profiles.md tells what stands in one.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use causeway_core::feed::Profile;
use causeway_core::feed::dialect::Dialect;
use causeway_hl7::config::CharsetSetting;

use super::find::Found;
use super::trouble;
use crate::diagnostic::{Code, Diagnostic, Outcome};

/// The largest file, in bytes.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// Reads the profiles of all feeds into the configuration, and tells every bad one. A character set that a profile names
/// becomes the default of its feed.
pub(crate) fn load(found: &mut Found) -> Vec<Diagnostic> {
    let folder = found.file.path.parent().unwrap_or(Path::new("")).to_owned();
    let config = &mut found.layered.value;
    let mut troubles = Vec::new();
    let files = config.file_door.iter_mut().map(|door| &mut door.feed);
    for feed in config.door.iter_mut().flat_map(|door| &mut door.feeds).chain(files) {
        match read(&folder, &feed.profile) {
            Ok(profile) => {
                feed.charset = CharsetSetting::of(profile.charset(feed.charset.rule().clone()));
                feed.profile = profile;
            }
            Err(trouble) => troubles.push(trouble),
        }
    }
    // The character set of a DICOM feed is not that of HL7 messages: an instance declares its own.
    for feed in config.dicom_door.iter_mut().flat_map(|door| &mut door.feeds) {
        match read(&folder, &feed.profile) {
            Ok(profile) => feed.profile = profile,
            Err(trouble) => troubles.push(trouble),
        }
    }
    troubles
}

/// The profile of this name, for the command line: read, when it is in a file.
///
/// # Errors
/// A name that is none, or a file that cannot be read.
pub(crate) fn named(name: &str) -> Outcome<Profile> {
    let Some(profile) = Profile::named(name) else {
        let told = Diagnostic::new(Code::Argument, format!("there is no profile `{name}`"));
        let fix = match trouble::closest(name, Profile::NAMES) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!("the profiles are {}, and files that end in .toml", Profile::NAMES.join(" and ")),
        };
        return Err(told.fix(fix).into());
    };
    Ok(read(Path::new(""), &profile)?)
}

/// A profile with what its file says, which is looked for in this folder.
fn read(folder: &Path, profile: &Profile) -> Result<Profile, Diagnostic> {
    let Some(file) = profile.file() else { return Ok(profile.clone()) };
    let at = folder.join(file);
    let text = text_of(&at)?;
    let dialect = Dialect::parse(&text).map_err(|error| trouble::in_file(&at, &text, &error))?;
    Ok(Profile::File { path: file.to_owned(), dialect: Arc::new(dialect) })
}

fn text_of(path: &PathBuf) -> Result<String, Diagnostic> {
    let about = fs::metadata(path).and_then(|about| {
        let small = about.len() <= FILE_BYTES_MAX;
        if small { fs::read_to_string(path) } else { Err(std::io::Error::other("it is larger than 1 MiB")) }
    });
    about.map_err(|error| {
        let told = Diagnostic::new(Code::ConfigFile, "the profile of a feed cannot be read");
        told.at(path.display().to_string()).because(&error)
    })
}

#[cfg(test)]
mod tests {
    use causeway_core::feed::CharsetRule;

    use super::*;
    use crate::config::find::{Wanted, find};
    use crate::diagnostic::{Place, Stop};

    /// What becomes of a configuration with one feed of this profile, and of the profile's file.
    fn with(profile: &str) -> Result<Found, Vec<Diagnostic>> {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir(folder.path().join("sites")).expect("a folder");
        fs::write(folder.path().join("sites/clinic.toml"), profile).expect("a profile");
        let path = folder.path().join("causeway.toml");
        let feed = "[[door]]\nlisten = \"127.0.0.1:0\"\n[[door.feed]]\nname = \"clinic\"\nprovider = \"HA\"\nsenders = [\"any\"]\n\
                    profile = \"sites/clinic.toml\"\n";
        fs::write(&path, feed).expect("a file");
        match find(&Wanted { path: Some(path), set: Vec::new() }) {
            Ok(found) => Ok(found),
            Err(Stop::Several(troubles)) => Err(troubles),
            Err(Stop::Told(trouble)) => Err(vec![*trouble]),
            Err(Stop::ReaderGone) => Err(Vec::new()),
        }
    }

    #[test]
    fn a_profile_stands_beside_the_configuration_and_its_character_set_is_the_default_of_the_feed() {
        let found =
            with("base = \"hk-public-hospital\"\ncharset = \"BIG-5\"\n[visit]\nclasses.D = \"O\"\n").expect("it holds");
        let settings = found.config().feed_settings().next().expect("a feed");
        assert_eq!(settings.charset, CharsetRule::Default("BIG-5".to_owned()));
        let classes = &settings.profile.dialect().visit.classes;
        assert_eq!(classes.keys().collect::<Vec<_>>(), ["A", "D"]);
    }

    #[test]
    fn a_key_that_does_not_exist_is_told_with_its_line_and_what_was_meant() {
        let troubles = with("# ours\n[identity]\nbare_hkid_at = [\"PID-3\"]\n").expect_err("a slip");
        let Some(Place::Line { file, line, column, hint, .. }) = troubles.first().and_then(|t| t.place.as_deref())
        else {
            panic!("{troubles:?}");
        };
        assert!(file.ends_with("sites/clinic.toml"), "{file}");
        assert_eq!((*line, *column, hint.as_str()), (3, 1, "did you mean `bare_hkid_in`?"));
    }

    #[test]
    fn a_value_that_cannot_be_is_told_with_its_line() {
        let troubles = with("[promise]\nfields = [\"PV1-19\", \"PV1.44\"]\n").expect_err("a slip");
        let Some(Place::Line { line, .. }) = troubles.first().and_then(|t| t.place.as_deref()) else {
            panic!("{troubles:?}");
        };
        assert_eq!(*line, 2);
    }

    #[test]
    fn a_name_that_is_none_is_told_with_what_was_meant() {
        let Err(Stop::Told(trouble)) = named("hk-public-hospitals") else { panic!("no such profile") };
        assert_eq!(trouble.fix, "did you mean `hk-public-hospital`?");
        assert!(matches!(named("gone.toml"), Err(Stop::Told(_))), "a file that is not there");
    }
}

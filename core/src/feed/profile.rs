//! Which dialect a feed speaks: one of the two that are part of the program, or one that a site has written down in a file.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::CharsetRule;
use super::dialect::{Base, Dialect};

/// The dialect of a feed, as the configuration names it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Profile {
    /// HL7 v2.3 to 2.8 as the standard has it.
    #[default]
    Generic,
    /// The v2.3.1 dialect of Hong Kong's public hospitals.
    HkPublicHospital,
    /// That of a file.
    File {
        /// Where it is, as the configuration says it.
        path: PathBuf,
        /// What it says: until whoever loads the configuration has read it, as [`Profile::Generic`].
        dialect: Arc<Dialect>,
    },
}

impl Profile {
    /// The names of those that are part of the program.
    pub const NAMES: &'static [&'static str] = &["generic", "hk-public-hospital"];
    /// How the name of a file ends.
    const FILE_ENDS: &'static str = ".toml";

    /// The profile of this name; a name that ends in `.toml` is that of a file, which is not read.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "generic" => Some(Self::Generic),
            "hk-public-hospital" => Some(Self::HkPublicHospital),
            path if path.ends_with(Self::FILE_ENDS) => {
                Some(Self::File { path: path.into(), dialect: Arc::new(Base::Generic.dialect().clone()) })
            }
            _ => None,
        }
    }

    /// What it changes.
    pub fn dialect(&self) -> &Dialect {
        match self {
            Self::Generic => Base::Generic.dialect(),
            Self::HkPublicHospital => Base::HkPublicHospital.dialect(),
            Self::File { dialect, .. } => dialect,
        }
    }

    /// The file it is in, if it is in one.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::Generic | Self::HkPublicHospital => None,
            Self::File { path, .. } => Some(path),
        }
    }

    /// Its name: the file as the configuration says it.
    pub fn name(&self) -> String {
        match self {
            Self::Generic => "generic".to_owned(),
            Self::HkPublicHospital => "hk-public-hospital".to_owned(),
            Self::File { path, .. } => path.display().to_string(),
        }
    }

    /// The rule for character sets: that of the feed, unless it leaves the choice to the message and the dialect has a default.
    #[must_use]
    pub fn charset(&self, of_feed: CharsetRule) -> CharsetRule {
        match (of_feed, &self.dialect().charset) {
            (CharsetRule::Auto, Some(charset)) => CharsetRule::Default(charset.as_str().to_owned()),
            (of_feed, _) => of_feed,
        }
    }
}

impl Serialize for Profile {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.name())
    }
}

impl<'de> Deserialize<'de> for Profile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::named(&name)
            .ok_or_else(|| de::Error::unknown_variant(&name, &["generic", "hk-public-hospital", "FILE.toml"]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_is_named_in_one_word_or_by_a_file() {
        for name in ["generic", "hk-public-hospital", "sites/clinic.toml"] {
            let read: Profile = serde_json::from_value(name.into()).expect("a profile");
            assert_eq!(read.name(), name);
            assert_eq!(serde_json::to_value(&read).expect("written"), name);
        }
        let strange = serde_json::from_value::<Profile>("hk-public".into()).expect_err("none");
        assert!(strange.to_string().contains("FILE.toml"), "{strange}");
        assert!(Profile::NAMES.iter().all(|name| Profile::named(name).is_some_and(|found| found.file().is_none())));
    }

    #[test]
    fn the_character_set_of_a_dialect_stands_behind_that_of_the_feed() {
        let dialect = Arc::new(Dialect::parse("charset = \"BIG-5\"").expect("a dialect"));
        let profile = Profile::File { path: "clinic.toml".into(), dialect };
        assert_eq!(profile.charset(CharsetRule::Auto), CharsetRule::Default("BIG-5".to_owned()));
        let forced = CharsetRule::Force("UTF-8".to_owned());
        assert_eq!(profile.charset(forced.clone()), forced);
        assert_eq!(Profile::Generic.charset(CharsetRule::Auto), CharsetRule::Auto);
    }
}

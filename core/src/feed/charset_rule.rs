//! A rule for character sets in one word, for configurations: `auto`, `default:NAME` or `force:NAME`.

use serde::{Deserialize as _, Deserializer, Serializer};

use super::CharsetRule;

/// For `serialize_with`.
///
/// # Errors
/// Those of the serializer.
pub fn serialize<S: Serializer>(rule: &CharsetRule, serializer: S) -> Result<S::Ok, S::Error> {
    match rule {
        CharsetRule::Auto => serializer.serialize_str("auto"),
        CharsetRule::Default(name) => serializer.collect_str(&format_args!("default:{name}")),
        CharsetRule::Force(name) => serializer.collect_str(&format_args!("force:{name}")),
    }
}

/// For `deserialize_with`.
///
/// # Errors
/// The word is no rule.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<CharsetRule, D::Error> {
    let text = String::deserialize(deserializer)?;
    match text.split_once(':') {
        None if text == "auto" => Ok(CharsetRule::Auto),
        Some(("default", name)) if !name.is_empty() => Ok(CharsetRule::Default(name.to_owned())),
        Some(("force", name)) if !name.is_empty() => Ok(CharsetRule::Force(name.to_owned())),
        Some(_) | None => Err(serde::de::Error::custom("expected auto, default:NAME or force:NAME")),
    }
}

//! The character set of a feed as it is written: `auto`, `default:NAME` or `force:NAME`.

use causeway_core::feed::CharsetRule;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// How a feed's character set is found, in one word.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CharsetSetting(CharsetRule);

impl CharsetSetting {
    /// The rule that is meant.
    pub const fn rule(&self) -> &CharsetRule {
        &self.0
    }

    /// The setting that writes this rule.
    pub const fn of(rule: CharsetRule) -> Self {
        Self(rule)
    }

    /// The name it holds, if it holds one.
    pub fn name(&self) -> Option<&str> {
        match &self.0 {
            CharsetRule::Auto => None,
            CharsetRule::Default(name) | CharsetRule::Force(name) => Some(name),
        }
    }
}

impl Serialize for CharsetSetting {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            CharsetRule::Auto => serializer.serialize_str("auto"),
            CharsetRule::Default(name) => serializer.collect_str(&format_args!("default:{name}")),
            CharsetRule::Force(name) => serializer.collect_str(&format_args!("force:{name}")),
        }
    }
}

impl<'de> Deserialize<'de> for CharsetSetting {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match text.split_once(':') {
            None if text == "auto" => Ok(Self(CharsetRule::Auto)),
            Some(("default", name)) => Ok(Self(CharsetRule::Default(name.trim().to_owned()))),
            Some(("force", name)) => Ok(Self(CharsetRule::Force(name.trim().to_owned()))),
            Some(_) | None => Err(serde::de::Error::custom(format!(
                "`{text}` is no character set rule: write auto, default:NAME or force:NAME, as in force:BIG-5"
            ))),
        }
    }
}

impl JsonSchema for CharsetSetting {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "CharsetSetting".into()
    }

    fn json_schema(_generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^(auto|(default|force):.+)$" })
    }
}

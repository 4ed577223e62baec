//! The configuration, documented from its types: the JSON Schema for editors, and `docs/configuration.md`, which a test
//! writes and holds.

#[cfg(test)]
mod page;

use serde_json::Value;

use super::Config;

/// The JSON Schema.
pub(crate) fn schema() -> Value {
    let mut schema = schemars::schema_for!(Config);
    schema.insert("title".to_owned(), Value::from("Causeway configuration"));
    schema.to_value()
}

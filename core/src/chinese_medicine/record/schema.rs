//! JSON Schemas of the values whose types belong to others.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::person::DocumentKind;

macro_rules! schemas {
    ($($name:ident $schema:tt)+) => {
        $(
            pub(super) struct $name;

            impl JsonSchema for $name {
                fn inline_schema() -> bool {
                    true
                }
                fn schema_name() -> Cow<'static, str> {
                    stringify!($name).into()
                }
                fn json_schema(_: &mut SchemaGenerator) -> Schema {
                    json_schema!($schema)
                }
            }
        )+
    };
}

schemas! {
    IssuedSchema {"type": "string", "format": "date-time"}
    DaySchema {"type": "string", "format": "date"}
    BirthSchema {"type": "string", "pattern": "^[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?$"}
    SexSchema {"type": "string", "enum": ["M", "F", "O", "U"]}
    DocumentKindSchema {
        "type": "string",
        "enum": (DocumentKind::ALL.iter().map(|kind| kind.as_str()).collect::<Vec<_>>())
    }
}

//! The published format, written from the types: the JSON Schema of a record (draft 2020-12) and the OpenAPI 3.1 page of
//! the door. `docs/chinese-medicine/` holds them, and a test holds those.

use causeway_core::chinese_medicine::{Fault, RECORD_BYTES_MAX, Record};
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

/// The path of the door.
pub const PATH: &str = "/chinese-medicine/records";
/// The largest example: a visit with every form of prescription and treatment.
const EXAMPLE: &str = include_str!("../examples/full.json");

/// The example of a file by the template.
pub const EXAMPLE_CSV: &str = include_str!("../../../docs/chinese-medicine/example.csv");

/// The JSON Schema of a record.
pub fn schema() -> Value {
    let mut schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<Record>();
    schema.insert("title".to_owned(), "Causeway Chinese-medicine record".into());
    schema.insert("$id".to_owned(), "urn:causeway:schema:causeway-cm-1".into());
    schema.insert("examples".to_owned(), json!([example()]));
    schema.to_value()
}

/// The OpenAPI page of the door.
pub fn openapi() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut generator = settings.into_generator();
    let record = generator.subschema_for::<Record>();
    let problem = problem(&mut generator);
    let result = result(&mut generator);
    let schemas = generator.take_definitions(true);
    let mut components: serde_json::Map<String, Value> = schemas.into_iter().collect();
    components.insert("Problem".to_owned(), problem);
    components.insert("Result".to_owned(), result);
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Causeway Chinese-medicine door",
            "version": "1",
            "description": "Takes records of Chinese-medicine visits. 202 says that the record is durable in the log; \
                what becomes of it is told by the hub's pages.",
        },
        "security": [{"token": []}, {"certificate": []}],
        "paths": { PATH: { "post": operation(&record) } },
        "components": {
            "schemas": components,
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "The token of the feed."},
                "certificate": {"type": "mutualTLS", "description": "A client certificate of the feed."},
            },
        },
    })
}

/// The example of the schema.
fn example() -> Value {
    serde_json::from_str(EXAMPLE).unwrap_or_default()
}

fn operation(record: &schemars::Schema) -> Value {
    let problem = |description: &str| json!({"description": description, "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}});
    let result = json!({"$ref": "#/components/schemas/Result"});
    let lines = "One record a line; one result a line, in the same order, as the records become durable.";
    json!({
        "operationId": "sendRecords",
        "summary": "Send one record, or a stream of them",
        "parameters": [{
            "name": "Idempotency-Key", "in": "header", "required": false,
            "schema": {"type": "string", "minLength": 1, "maxLength": 64},
            "description": "Names a request with one record: the same key with the same bytes is the same record. Without it the \
                visit's number and the record's version name it.",
        }],
        "requestBody": {"required": true, "content": {
            "application/json": {"schema": record, "example": example()},
            "application/x-ndjson": {"schema": {"type": "string", "description": lines}},
        }},
        "responses": {
            "202": {"description": "The record is durable.", "content": {"application/json": {"schema": result}}},
            "200": {"description": lines, "content": {"application/x-ndjson": {"schema": {"type": "string"}}}},
            "400": problem("The record is not taken: what is wrong with it, each with its JSON Pointer."),
            "401": problem("Neither token nor certificate is one of a feed."),
            "413": problem(&format!("The record is longer than the door takes; never more than {RECORD_BYTES_MAX} bytes.")),
            "415": problem("The content is neither JSON nor NDJSON."),
            "503": problem("Nothing can be made durable at this moment: send again."),
        },
    })
}

fn problem(generator: &mut SchemaGenerator) -> Value {
    let fault = generator.subschema_for::<Fault>();
    json!({
        "description": "RFC 9457.",
        "type": "object",
        "required": ["type", "title", "status"],
        "properties": {
            "type": {"type": "string"}, "title": {"type": "string"}, "status": {"type": "integer"},
            "errors": {"type": "array", "items": fault},
        },
    })
}

fn result(generator: &mut SchemaGenerator) -> Value {
    let fault = generator.subschema_for::<Fault>();
    json!({
        "description": "What became of one record.",
        "type": "object",
        "required": ["line", "status"],
        "properties": {
            "line": {"type": "integer", "minimum": 1},
            "status": {"type": "string", "enum": ["accepted", "resent", "rejected", "later"]},
            "trace": {"type": "string", "format": "uuid"},
            "errors": {"type": "array", "items": fault},
        },
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use causeway_core::chinese_medicine::{FaultCode, read};

    use super::*;

    /// Whether a page says what the types say; `UPDATE_EXPECT=1` rewrites it.
    fn is_fresh(name: &str, document: &Value) -> bool {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/chinese-medicine").join(name);
        let text = serde_json::to_string_pretty(document).expect("JSON") + "\n";
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            std::fs::write(&path, &text).expect("written");
        }
        std::fs::read_to_string(&path).is_ok_and(|there| there == text)
    }

    #[test]
    fn the_published_schema_and_openapi_page_are_those_of_the_types() {
        assert!(is_fresh("record.schema.json", &schema()), "UPDATE_EXPECT=1 rewrites it");
        assert!(is_fresh("openapi.json", &openapi()), "UPDATE_EXPECT=1 rewrites it");
    }

    #[test]
    fn every_example_is_a_record() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
        let mut found = 0;
        for file in std::fs::read_dir(folder).expect("the examples") {
            let path = file.expect("a file").path();
            let bytes = std::fs::read(&path).expect("readable");
            let record = read(&bytes);
            assert!(record.is_ok(), "{}: {record:?}", path.display());
            found += 1;
        }
        assert!(found >= 3, "{found}");
    }

    #[test]
    fn every_reference_of_the_documents_leads_somewhere() {
        fn references(value: &Value, found: &mut Vec<String>) {
            match value {
                Value::Object(object) => {
                    found.extend(object.get("$ref").and_then(Value::as_str).map(str::to_owned));
                    object.values().for_each(|value| references(value, found));
                }
                Value::Array(list) => list.iter().for_each(|value| references(value, found)),
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
            }
        }
        for document in [schema(), openapi()] {
            let mut found = Vec::new();
            references(&document, &mut found);
            assert!(found.len() > 10);
            for reference in found {
                let pointer = reference.strip_prefix('#').expect("within the document");
                assert!(document.pointer(pointer).is_some(), "{reference}");
            }
        }
    }

    #[test]
    fn what_the_schema_requires_and_forbids_the_reader_does_too() {
        let (schema, example) = (schema(), example());
        let required = schema["required"].as_array().expect("required fields");
        assert!(required.len() >= 7 && schema["additionalProperties"] == json!(false));
        for name in required.iter().filter_map(Value::as_str) {
            let mut record = example.clone();
            record.as_object_mut().expect("an object").remove(name);
            let faults = read(record.to_string().as_bytes()).expect_err(name);
            assert_eq!(faults.first().map(|fault| fault.code), Some(FaultCode::MissingField), "{name}");
        }
        let mut record = example;
        record["more"] = json!(1);
        let faults = read(record.to_string().as_bytes()).expect_err("unknown");
        assert_eq!(faults.first().map(|fault| fault.code), Some(FaultCode::UnknownField));
    }
}

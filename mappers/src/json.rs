//! A mapped message as one JSON object: what `causeway map --json` prints.

use causeway_core::mapped::Mapped;
use serde_json::{Value, json};

/// `{"input","control_id","type","records":[{"domain","key","resource"}],"notes":[],"faults":[]}`. `input` says where the
/// message came from.
pub fn line(input: &str, mapped: &Mapped) -> Value {
    let record = |record: &causeway_core::record::Record| json!({"domain": record.domain, "key": record.key, "resource": record.resource});
    json!({
        "input": input,
        "control_id": mapped.control_id,
        "type": mapped.kind,
        "records": mapped.records.iter().map(record).collect::<Vec<_>>(),
        "notes": mapped.notes,
        "faults": mapped.faults,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_members_are_those_of_the_command_line_and_no_others() {
        let line = line("a.hl7", &Mapped::default());
        let members: Vec<&String> = line.as_object().map(|object| object.keys().collect()).unwrap_or_default();
        assert_eq!(members, ["input", "control_id", "type", "records", "notes", "faults"]);
    }
}

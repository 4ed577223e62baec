//! What became of a record, as the published format says it: a line of JSON for programs, a row for spreadsheets.

use causeway_core::chinese_medicine::Fault;
use serde_json::{Value, json};

use crate::csv::{RowFault, Visit};
use crate::desk::Taken;

/// A result of the published format.
pub fn result(line: u64, taken: &Taken) -> Value {
    match taken {
        Taken::Accepted { trace, .. } => json!({"line": line, "status": status(taken), "trace": trace}),
        Taken::Rejected(faults) => json!({"line": line, "status": status(taken), "errors": faults}),
        Taken::Later => json!({"line": line, "status": status(taken)}),
    }
}

/// The word for what became of it.
const fn status(taken: &Taken) -> &'static str {
    match taken {
        Taken::Accepted { resent: false, .. } => "accepted",
        Taken::Accepted { resent: true, .. } => "resent",
        Taken::Rejected(_) => "rejected",
        Taken::Later => "later",
    }
}

/// The heading of a result file for spreadsheets, with a byte order mark.
pub(crate) const HEADING: &str = "\u{feff}first_row,last_row,status,trace,row,column,code,what,what_zh,fix\r\n";

/// The rows of a result file on one visit: one when it was taken, else one for each fault.
pub(crate) fn rows(visit: &Visit, taken: &Taken) -> String {
    let (first, last) = (visit.first, visit.last);
    match taken {
        Taken::Accepted { trace, .. } => format!("{first},{last},{},{trace},,,,,,\r\n", status(taken)),
        Taken::Later => format!("{first},{last},{},,,,,,,\r\n", status(taken)),
        Taken::Rejected(faults) => {
            let of_rows = visit.record.as_ref().err().map(Vec::as_slice).unwrap_or_default();
            let whole = faults.iter().map(|fault| row(visit, first, "", fault));
            let each = of_rows.iter().map(|RowFault { row: at, column, fault }| row(visit, *at, column, fault));
            whole.chain(each).collect()
        }
    }
}

fn row(visit: &Visit, at: u64, column: &str, fault: &Fault) -> String {
    let (first, last, code) = (visit.first, visit.last, fault.code.as_str());
    let texts = [fault.detail.as_str(), fault.code.text_zh(), fault.fix.as_str()].map(quoted).join(",");
    format!("{first},{last},rejected,,{at},{column},{code},{texts}\r\n")
}

/// Texts of ours, which may hold commas.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

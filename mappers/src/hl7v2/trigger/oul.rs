//! OUL^R21 to R24, unsolicited laboratory observations: IG message maps OUL_R22 to OUL_R24. What they find is mapped as
//! that of ORU, under the same keys; only the order of the segments differs.

use super::oru;
use super::results::Layout;
use crate::hl7v2::{Map, Trigger};

/// The segments that are mapped beside those required. SAC, INV, SID, TCD, TQ1 and CTI say how the laboratory works.
const OPTIONAL: &[&str] = &["PD1", "NK1", "PV1", "PV2", "ORC", "OBX", "NTE", "SPM"];

/// The events of this family.
pub(crate) const TRIGGERS: &[Trigger] = &[
    observation("R21", "Unsolicited laboratory observation", "", |c, s, o| oru::map(c, s, o, Layout::OrderFirst)),
    observation("R22", "Unsolicited specimen oriented observation", "OUL_R22", |c, s, o| {
        oru::map(c, s, o, Layout::SpecimenFirst);
    }),
    observation("R23", "Unsolicited specimen container oriented observation", "OUL_R23", |c, s, o| {
        oru::map(c, s, o, Layout::SpecimenFirst);
    }),
    observation("R24", "Unsolicited order oriented observation", "OUL_R24", |c, s, o| {
        oru::map(c, s, o, Layout::OrderFirstOrcBehind);
    }),
];

const fn observation(event: &'static str, title: &'static str, ig: &'static str, map: Map) -> Trigger {
    Trigger { code: "OUL", event, title, ig, required: &["PID", "OBR"], optional: OPTIONAL, map }
}

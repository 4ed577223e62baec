//! OUL^R21 to R24, unsolicited laboratory observations: IG message maps OUL_R22 to OUL_R24. What they find is mapped as
//! that of ORU, under the same keys; only the order of the segments differs.

use super::oru;
use super::results::Layout;
use crate::hl7v2::Trigger;

/// The segments that are mapped beside those required. SAC, INV, SID, TCD, TQ1 and CTI say how the laboratory works.
const OPTIONAL: &[&str] = &["PD1", "NK1", "PV1", "PV2", "ORC", "OBX", "NTE", "SPM"];

/// The events of this family.
pub(crate) const TRIGGERS: &[Trigger] = &[
    Trigger {
        code: "OUL",
        event: "R21",
        title: "Unsolicited laboratory observation",
        ig: "",
        required: &["PID", "OBR"],
        optional: OPTIONAL,
        map: |context, segments, output| oru::map(context, segments, output, Layout::OrderFirst),
    },
    Trigger {
        code: "OUL",
        event: "R22",
        title: "Unsolicited specimen oriented observation",
        ig: "OUL_R22",
        required: &["PID", "OBR"],
        optional: OPTIONAL,
        map: |context, segments, output| oru::map(context, segments, output, Layout::SpecimenFirst),
    },
    Trigger {
        code: "OUL",
        event: "R23",
        title: "Unsolicited specimen container oriented observation",
        ig: "OUL_R23",
        required: &["PID", "OBR"],
        optional: OPTIONAL,
        map: |context, segments, output| oru::map(context, segments, output, Layout::SpecimenFirst),
    },
    Trigger {
        code: "OUL",
        event: "R24",
        title: "Unsolicited order oriented observation",
        ig: "OUL_R24",
        required: &["PID", "OBR"],
        optional: OPTIONAL,
        map: |context, segments, output| oru::map(context, segments, output, Layout::OrderFirstOrcBehind),
    },
];

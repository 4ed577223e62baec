//! The segments, one file each: what is read of it, and what it becomes.

pub(crate) mod aig;
pub(crate) mod ail;
pub(crate) mod aip;
pub(crate) mod ais;
pub(crate) mod al1;
pub(crate) mod dg1;
pub(crate) mod evn;
pub(crate) mod iam;
pub(crate) mod ipc;
pub(crate) mod mrg;
pub(crate) mod msh;
pub(crate) mod nk1;
pub(crate) mod nte;
pub(crate) mod obr;
pub(crate) mod obx;
pub(crate) mod orc;
pub(crate) mod pd1;
pub(crate) mod pid;
pub(crate) mod pr1;
pub(crate) mod prb;
pub(crate) mod prd;
pub(crate) mod pv1;
pub(crate) mod pv2;
pub(crate) mod rf1;
pub(crate) mod rgs;
pub(crate) mod rol;
pub(crate) mod rxa;
pub(crate) mod rxc;
pub(crate) mod rxd;
pub(crate) mod rxe;
pub(crate) mod rxo;
pub(crate) mod rxr;
pub(crate) mod sch;
pub(crate) mod spm;
pub(crate) mod tq1;
pub(crate) mod tq2;
pub(crate) mod txa;
pub(crate) mod zds;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::profile::SegmentUse;

/// Every segment that is read, in the order of the documentation.
pub const ALL: &[&SegmentUse] = &[
    &msh::USE,
    &evn::USE,
    &pid::USE,
    &pd1::USE,
    &nk1::USE,
    &mrg::USE,
    &pv1::USE,
    &pv2::USE,
    &rol::USE,
    &al1::USE,
    &iam::USE,
    &dg1::USE,
    &pr1::USE,
    &orc::USE,
    &obr::USE,
    &obx::USE,
    &nte::USE,
    &spm::USE,
    &ipc::USE,
    &zds::USE,
    &sch::USE,
    &rgs::USE,
    &ais::USE,
    &aig::USE,
    &ail::USE,
    &aip::USE,
    &txa::USE,
    &tq1::USE,
    &tq2::USE,
    &rxo::USE,
    &rxe::USE,
    &rxr::USE,
    &rxc::USE,
    &rxd::USE,
    &rxa::USE,
    &prb::USE,
    &rf1::USE,
    &prd::USE,
];

/// By name: every segment of every message is looked up.
static BY_NAME: LazyLock<BTreeMap<&str, &SegmentUse>> =
    LazyLock::new(|| ALL.iter().map(|segment| (segment.name, *segment)).collect());

/// What is done with a segment; `None` when it is not read at all.
pub(crate) fn find(name: &str) -> Option<&'static SegmentUse> {
    BY_NAME.get(name).copied()
}

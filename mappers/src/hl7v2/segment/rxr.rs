//! RXR, pharmacy/treatment route: IG maps `RXR[MedicationRequest]` and `RXR[Immunization]`.

use crate::codes;
use crate::codes::Table;
use crate::fhir::Json;
use crate::hl7v2::context::Context;
use crate::hl7v2::datatype::cwe;
use crate::hl7v2::note::NoteCode;
use crate::hl7v2::profile::{SegmentUse, required, used};
use crate::hl7v2::reader::Seg;

/// What is done with its fields.
pub(crate) const USE: SegmentUse = SegmentUse {
    name: "RXR",
    title: "Pharmacy/treatment route",
    ig: "RXR[MedicationRequest], RXR[Immunization]",
    fields: &[
        required(1, "Route", "Dosage.route, Immunization.route"),
        used(2, "Administration site", "Dosage.site, Immunization.site"),
        used(4, "Administration method", "Dosage.method"),
        used(5, "Routing instruction", "Dosage.additionalInstruction"),
    ],
};

/// How it gets into the body: one way for all doses of an order.
#[derive(Debug, Default, Clone)]
pub(crate) struct Route {
    /// RXR-1.
    pub(crate) route: Option<Json>,
    /// RXR-2.
    pub(crate) site: Option<Json>,
    /// RXR-4.
    pub(crate) method: Option<Json>,
    /// RXR-5.
    pub(crate) instructions: Vec<Json>,
}

/// Reads the first; R4 has place for one, and the others are noted.
pub(crate) fn read<'m>(context: &Context<'m>, routes: &[&Seg<'m>]) -> Route {
    let Some((rxr, others)) = routes.split_first() else { return Route::default() };
    for other in others {
        context.note(NoteCode::UnusedSegment, other.place(), "only the first route is used");
        other.keep();
    }
    let coded = |number: usize, table: &Table<4>, name: &str| {
        rxr.first(context, number).map(|value| {
            let system = value.text(3);
            let is_of_table = system.is_empty() || &*system == name || !value.has(1);
            Json::shared(if is_of_table && value.has(1) {
                cwe::of_table(&value, |code| table.concept(code))
            } else {
                cwe::read(&value).concept
            })
        })
    };
    let route = coded(1, &codes::ROUTE, "HL70162");
    let site = coded(2, &codes::ADMINISTRATION_SITE, "HL70163");
    let method = coded(4, &codes::ADMINISTRATION_METHOD, "HL70165");
    let instructions = cwe::fields(rxr, context, 5);
    if route.as_ref().is_none_or(Json::is_empty) {
        context.missing(rxr, 1, "the route is missing");
    }
    Route { route, site, method, instructions }
}

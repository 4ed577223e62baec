//! Medicines: orders (MedicationRequest), what was dispensed (MedicationDispense), what was given
//! (MedicationAdministration) and vaccines (Immunization), from the groups of segments behind ORC.

pub(crate) mod administration;
pub(crate) mod dispense;
pub(crate) mod dosage;
pub(crate) mod drug;
pub(crate) mod group;
pub(crate) mod herbal;
pub(crate) mod immunization;
pub(crate) mod order;
pub(crate) mod ordered;
pub(crate) mod timing;
pub(crate) mod vaccine_facts;

//! The contract of the registry port: what every engine promises, as tests that know no engine.
//!
//! An engine's test file says `causeway_core::registry_contract!(new)`, with the same `new` as for the repository's
//! contract ([`super::repository`]), whose store carries the registry.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a contract suite is test code: what does not hold must fail loudly"
)]

mod consents;
mod persons;

pub use self::consents::{
    a_late_event_takes_its_place_in_time, an_event_recorded_twice_counts_once,
    an_event_the_state_machine_does_not_know_changes_nothing, events_add_up_to_the_standing,
    replaying_the_events_gives_the_standing,
};
pub use self::persons::{
    a_document_belongs_to_one_person, a_number_is_linked_to_one_person_and_can_be_taken_back,
    a_person_is_corrected_and_stays_the_same_person, a_person_needs_a_sound_document, every_change_is_audited,
    every_person_has_an_ehr_number_of_its_own, persons_are_found_by_numbers_and_parts_of_names,
    persons_are_paged_by_number, providers_are_kept_as_they_are_given,
};

/// Makes the tests of the contract for one engine.
#[macro_export]
macro_rules! registry_contract {
    ($new:path) => {
        $crate::registry_contract!(
            @tests $new,
            every_person_has_an_ehr_number_of_its_own,
            a_person_needs_a_sound_document,
            a_document_belongs_to_one_person,
            persons_are_found_by_numbers_and_parts_of_names,
            persons_are_paged_by_number,
            a_person_is_corrected_and_stays_the_same_person,
            a_number_is_linked_to_one_person_and_can_be_taken_back,
            providers_are_kept_as_they_are_given,
            every_change_is_audited,
            events_add_up_to_the_standing,
            an_event_the_state_machine_does_not_know_changes_nothing,
            an_event_recorded_twice_counts_once,
            a_late_event_takes_its_place_in_time,
            replaying_the_events_gives_the_standing,
        );
    };
    (@tests $new:path, $($name:ident,)+) => {
        $(#[test] fn $name() { $crate::contract::registry::$name($new); })+
    };
}

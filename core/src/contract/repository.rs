//! The contract of the repository port: what every engine promises, as tests that know no engine.
//!
//! An engine's test file says `causeway_core::repository_contract!(new)`, where `new` is a `fn() -> Box<dyn Subject>` that
//! makes a fresh, empty repository each time.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a contract suite is test code: what does not hold must fail loudly"
)]

mod auditing;
mod changing;
mod commitments;
mod committing;
mod completing;
mod counting;
mod fetching;
mod finding;
mod growing;
mod imaging;
mod merging;
mod pointing;
mod redoing;
mod resolving;
mod ruling;
mod taking_up;
mod versions;
pub mod world;

use std::any::Any;
use std::sync::Arc;

use crate::port::{Commitments, Images, Pointers, Registry, Repository};

pub use self::auditing::{
    audit_lines_are_found_by_person_action_and_time, audit_lines_are_numbered_without_a_gap_and_hold,
    every_decided_message_leaves_one_line_with_its_rule, every_operation_by_hand_is_audited,
    reading_records_is_audited_first,
};
pub use self::changing::{
    a_correction_takes_the_place_of_what_it_corrects,
    a_rejected_study_is_gone_for_readers_and_comes_back_when_its_note_is_rejected,
    a_rejection_note_hides_what_it_names_in_any_order_of_arrival,
    another_content_under_a_uid_is_kept_beside_the_first_and_told,
    images_of_a_study_of_another_person_wait_in_one_batch_or_two, one_uid_in_two_studies_is_kept_in_both_and_told,
};
pub use self::commitments::{
    a_commitment_is_remembered_until_it_is_settled, a_transaction_uid_stands_for_one_request_of_its_caller,
    one_of_several_gets_the_lease_of_a_commitment, settled_commitments_are_forgotten_in_time,
};
pub use self::committing::{
    a_batch_is_stored_whole_or_not_at_all, a_commit_moves_the_offset_and_stores_what_was_decided,
    a_message_of_another_place_is_refused, a_new_repository_begins_at_offset_zero,
    a_plan_that_cannot_be_made_leaves_nothing_behind, a_record_without_a_permit_is_refused,
    a_sequence_number_is_taken_once, a_zombies_commit_touches_nothing, an_offset_never_goes_back,
    counters_of_states_add_up_to_the_messages, nothing_clinical_is_kept_of_what_is_withheld,
    partitions_go_on_independently, paused_feeds_are_kept, sequence_numbers_are_kept_and_forgotten,
};
pub use self::completing::{
    a_complete_study_stays_so_and_one_that_was_taken_back_does_too, a_final_report_says_that_a_study_is_complete,
    a_study_is_open_until_it_was_quiet,
};
pub use self::counting::{
    a_sender_that_invents_codes_reaches_a_bound, local_codes_are_counted_once_a_message_that_is_accepted,
};
pub use self::fetching::{
    a_document_that_came_is_remembered, one_of_several_gets_the_lease_of_a_pointer,
    what_waits_for_a_document_is_due_until_somebody_tries, why_a_try_failed_is_remembered_until_the_document_came,
};
pub use self::finding::{
    a_count_agrees_with_the_list, held_messages_are_grouped_by_reason_and_feed, messages_are_found_by_every_condition,
    messages_are_paged_newest_first_and_tailed_oldest_first, messages_are_traced_by_trace_control_id_and_position,
    records_are_found_by_person_domain_and_key,
};
pub use self::growing::{
    a_batch_makes_one_version_of_a_study, a_study_grows_by_what_comes_late_after_a_resend,
    a_study_grows_with_its_instances_in_any_order_of_arrival, an_instance_run_again_leaves_its_study_as_it_is,
};
pub use self::imaging::{
    a_study_is_counted_from_its_instances, an_instance_is_found_by_its_message,
    an_instance_run_again_takes_the_place_of_what_it_was, an_instance_without_its_study_is_refused,
    instances_are_found_with_their_metadata, studies_are_found_by_every_condition,
};
pub use self::merging::{
    a_merge_that_goes_round_is_held, a_merge_the_other_way_stands_once_the_first_is_taken_back_in_any_order_of_arrival,
    merges_of_two_persons_do_not_meet, of_two_merges_that_meet_one_is_held,
};
pub use self::pointing::{
    a_blob_is_removed_only_when_nothing_points_to_it, what_a_commit_begins_to_point_to_meanwhile_stays,
    what_any_version_a_fetch_or_a_large_message_points_to_is_told, what_is_an_instance_of_the_index_is_told_and_stays,
};
pub use self::redoing::{
    a_message_nobody_knows_is_not_redone, a_preview_tells_and_changes_nothing, a_redo_moves_no_offset,
    an_accepted_message_stays_accepted, doing_it_again_adds_nothing, only_what_is_held_or_rejected_can_be_discarded,
    steps_and_versions_of_a_redone_message_are_kept,
};
pub use self::resolving::{
    a_change_made_through_another_handle_is_seen_at_once,
    a_message_stored_before_is_known_by_sender_control_id_and_bytes, a_number_of_someone_else_stays_theirs,
    a_number_seen_with_a_confirmed_match_is_linked, look_alikes_are_sought_only_without_a_number_that_matches,
    numbers_claimed_for_another_provider_find_nobody, persons_and_providers_are_resolved_in_order,
};
pub use self::ruling::{
    a_rejection_note_that_is_rejected_by_hand_gives_back_what_it_hid,
    a_ruling_that_changes_nothing_is_not_made_and_a_preview_neither,
    a_study_that_is_deleted_is_entered_in_error_and_begins_anew_after_a_restore,
    an_image_that_is_deleted_stays_away_until_it_is_restored, rulings_are_kept_with_who_made_them_when_and_why,
    what_comes_in_another_study_under_a_uid_that_is_rejected_is_hidden_too,
    what_comes_under_a_uid_that_is_rejected_is_hidden_too, what_is_rejected_by_hand_is_hidden_until_it_is_restored,
    what_is_rejected_by_hand_still_stands_for_its_person,
};
pub use self::taking_up::{
    a_change_of_scope_takes_up_what_was_withheld_of_the_provider, a_confirmed_link_takes_up_messages_of_its_own_batch,
    a_person_who_is_added_takes_up_what_waits_for_the_document, a_ticket_comes_in_parts_oldest_first_and_each_once,
    an_event_takes_up_what_waits_for_it, nothing_waits_no_ticket, only_what_the_change_can_let_in_is_taken_up,
    what_waits_for_a_number_is_taken_up_when_it_is_linked,
};
pub use self::versions::{
    a_late_version_joins_the_history_only, a_merge_stands_until_it_is_lifted_in_any_order_of_arrival,
    a_newer_version_becomes_current_and_the_former_is_kept, a_record_taken_back_is_hidden_and_kept,
    any_order_of_arrival_gives_the_same_current_content, one_key_of_two_persons_is_two_records,
    the_same_content_again_makes_no_version, what_was_said_again_is_not_undone_by_what_was_said_between,
};

/// A repository with its registry, as one process holds them.
#[derive(Clone)]
pub struct Store {
    /// The repository.
    pub repository: Arc<dyn Repository>,
    /// The registry that belongs to it.
    pub registry: Arc<dyn Registry>,
    /// The index of instances that belongs to it.
    pub images: Arc<dyn Images>,
    /// The requests for storage commitment that belong to it.
    pub commitments: Arc<dyn Commitments>,
    /// What points to blobs.
    pub pointers: Arc<dyn Pointers>,
    /// What must be there as long as the two are: a temporary folder, a server.
    pub keep: Arc<dyn Any + Send + Sync>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Store")
    }
}

/// A repository under test.
pub trait Subject {
    /// Opens it: each call gives another handle to the same data, as another process would have.
    fn open(&self) -> Store;
}

/// Makes a fresh, empty repository.
pub type New = fn() -> Box<dyn Subject>;

/// Makes the tests of the contract for one engine.
#[macro_export]
macro_rules! repository_contract {
    ($new:path) => {
        $crate::repository_contract!(
            @tests $new,
            a_new_repository_begins_at_offset_zero,
            a_commit_moves_the_offset_and_stores_what_was_decided,
            a_zombies_commit_touches_nothing,
            partitions_go_on_independently,
            an_offset_never_goes_back,
            a_message_of_another_place_is_refused,
            a_record_without_a_permit_is_refused,
            a_batch_is_stored_whole_or_not_at_all,
            a_plan_that_cannot_be_made_leaves_nothing_behind,
            nothing_clinical_is_kept_of_what_is_withheld,
            counters_of_states_add_up_to_the_messages,
            paused_feeds_are_kept,
            sequence_numbers_are_kept_and_forgotten,
            a_commitment_is_remembered_until_it_is_settled,
            a_transaction_uid_stands_for_one_request_of_its_caller,
            one_of_several_gets_the_lease_of_a_commitment,
            settled_commitments_are_forgotten_in_time,
            a_sequence_number_is_taken_once,
            why_a_try_failed_is_remembered_until_the_document_came,
            local_codes_are_counted_once_a_message_that_is_accepted,
            a_sender_that_invents_codes_reaches_a_bound,
            persons_and_providers_are_resolved_in_order,
            a_message_stored_before_is_known_by_sender_control_id_and_bytes,
            numbers_claimed_for_another_provider_find_nobody,
            look_alikes_are_sought_only_without_a_number_that_matches,
            a_change_made_through_another_handle_is_seen_at_once,
            a_number_seen_with_a_confirmed_match_is_linked,
            a_number_of_someone_else_stays_theirs,
            the_same_content_again_makes_no_version,
            a_newer_version_becomes_current_and_the_former_is_kept,
            a_late_version_joins_the_history_only,
            what_was_said_again_is_not_undone_by_what_was_said_between,
            any_order_of_arrival_gives_the_same_current_content,
            a_merge_stands_until_it_is_lifted_in_any_order_of_arrival,
            a_merge_that_goes_round_is_held,
            merges_of_two_persons_do_not_meet,
            a_merge_the_other_way_stands_once_the_first_is_taken_back_in_any_order_of_arrival,
            of_two_merges_that_meet_one_is_held,
            a_record_taken_back_is_hidden_and_kept,
            one_key_of_two_persons_is_two_records,
            a_study_grows_with_its_instances_in_any_order_of_arrival,
            a_batch_makes_one_version_of_a_study,
            a_study_grows_by_what_comes_late_after_a_resend,
            an_instance_run_again_leaves_its_study_as_it_is,
            instances_are_found_with_their_metadata,
            an_instance_is_found_by_its_message,
            a_study_is_counted_from_its_instances,
            studies_are_found_by_every_condition,
            an_instance_run_again_takes_the_place_of_what_it_was,
            an_instance_without_its_study_is_refused,
            a_rejection_note_hides_what_it_names_in_any_order_of_arrival,
            a_rejected_study_is_gone_for_readers_and_comes_back_when_its_note_is_rejected,
            another_content_under_a_uid_is_kept_beside_the_first_and_told,
            a_correction_takes_the_place_of_what_it_corrects,
            one_uid_in_two_studies_is_kept_in_both_and_told,
            images_of_a_study_of_another_person_wait_in_one_batch_or_two,
            what_is_rejected_by_hand_is_hidden_until_it_is_restored,
            what_comes_under_a_uid_that_is_rejected_is_hidden_too,
            what_comes_in_another_study_under_a_uid_that_is_rejected_is_hidden_too,
            a_ruling_that_changes_nothing_is_not_made_and_a_preview_neither,
            rulings_are_kept_with_who_made_them_when_and_why,
            a_rejection_note_that_is_rejected_by_hand_gives_back_what_it_hid,
            what_is_rejected_by_hand_still_stands_for_its_person,
            an_image_that_is_deleted_stays_away_until_it_is_restored,
            a_study_that_is_deleted_is_entered_in_error_and_begins_anew_after_a_restore,
            steps_and_versions_of_a_redone_message_are_kept,
            an_accepted_message_stays_accepted,
            doing_it_again_adds_nothing,
            a_preview_tells_and_changes_nothing,
            a_redo_moves_no_offset,
            a_message_nobody_knows_is_not_redone,
            only_what_is_held_or_rejected_can_be_discarded,
            nothing_waits_no_ticket,
            a_person_who_is_added_takes_up_what_waits_for_the_document,
            what_waits_for_a_number_is_taken_up_when_it_is_linked,
            an_event_takes_up_what_waits_for_it,
            a_change_of_scope_takes_up_what_was_withheld_of_the_provider,
            a_confirmed_link_takes_up_messages_of_its_own_batch,
            only_what_the_change_can_let_in_is_taken_up,
            a_ticket_comes_in_parts_oldest_first_and_each_once,
            what_waits_for_a_document_is_due_until_somebody_tries,
            one_of_several_gets_the_lease_of_a_pointer,
            a_document_that_came_is_remembered,
            what_any_version_a_fetch_or_a_large_message_points_to_is_told,
            what_is_an_instance_of_the_index_is_told_and_stays,
            a_complete_study_stays_so_and_one_that_was_taken_back_does_too,
            a_final_report_says_that_a_study_is_complete,
            a_study_is_open_until_it_was_quiet,
            a_blob_is_removed_only_when_nothing_points_to_it,
            what_a_commit_begins_to_point_to_meanwhile_stays,
            messages_are_found_by_every_condition,
            messages_are_paged_newest_first_and_tailed_oldest_first,
            a_count_agrees_with_the_list,
            messages_are_traced_by_trace_control_id_and_position,
            held_messages_are_grouped_by_reason_and_feed,
            records_are_found_by_person_domain_and_key,
            audit_lines_are_numbered_without_a_gap_and_hold,
            every_decided_message_leaves_one_line_with_its_rule,
            reading_records_is_audited_first,
            every_operation_by_hand_is_audited,
            audit_lines_are_found_by_person_action_and_time,
        );
    };
    (@tests $new:path, $($name:ident,)+) => {
        $(#[test] fn $name() { $crate::contract::repository::$name($new); })+
    };
}

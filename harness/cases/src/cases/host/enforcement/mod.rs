//! Who may do what, and how much of it.

mod heard;

use crate::lab::host::HostLab;

crate::cases::cases! {
    HostLab:
    capability_is_needed_to_start,
    marker_without_capability_denies,
    unknown_handler_id_denies,
    foreign_handler_id_denies,
    stale_handler_id_denies,
    capability_names_are_exact,
    ended_sessions_answer_so,
    guests_see_nothing_of_the_machine,
    files_end_at_the_data_folder,
    no_connection_leaves_the_host,
    memory_past_the_limit_is_refused,
    every_callback_has_a_budget,
    other_components_are_refused,
    quotas_answer_errors,
    texts_of_answers_are_bounded,
}

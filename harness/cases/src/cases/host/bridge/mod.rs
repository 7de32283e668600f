//! What guests are told, what they can do, and what becomes of those that trap.

pub(super) mod probing;

use crate::lab::host::HostLab;

crate::cases::cases! {
    HostLab:
    login_reaches_the_guest,
    invalid_packets_are_errors,
    text_is_encoded_for_the_protocol,
    bad_components_are_errors,
    a_trap_ends_every_session,
    a_trap_anywhere_ends_every_session,
    nothing_is_called_after_a_trap,
    a_plugin_that_fails_keeps_its_gates_shut,
    other_plugins_notice_nothing,
    a_trap_takes_one_player,
    tasks_run_once_and_in_time,
    tasks_end_with_their_plugin,
    a_batch_goes_whole_or_not_at_all,
    any_split_of_the_bytes,
    text_fits_the_version,
}

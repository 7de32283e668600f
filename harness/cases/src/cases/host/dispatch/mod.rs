//! From a connection to a handler's callbacks.

mod lines;

use crate::lab::host::HostLab;

crate::cases::cases! {
    HostLab:
    events_come_in_order,
    start_comes_once_and_first,
    packets_during_start_wait,
    what_waits_during_start_is_bounded,
    serverbound_packets_arrive_as_sent,
    clientbound_packets_arrive_as_sent,
    callbacks_do_not_overlap,
    one_end_for_each_start,
    nothing_follows_the_end,
    pre_connect_answers_do_what_they_say,
    the_first_opinion_decides,
    a_failing_listener_denies,
    a_restarted_plugin_keeps_its_place,
    nobody_passes_before_a_plugin_has_come_up,
    a_slow_start_is_cut_off,
    keep_alive_is_the_guests,
    malformed_frames_end_the_session,
    misbehaving_clients_end_as_the_spec_says,
    a_client_that_does_not_read_is_dropped,
    a_flood_makes_nobody_wait,
    a_shutdown_tells_everybody,
    all_queues_together_are_bounded,
}

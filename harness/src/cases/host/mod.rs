//! What is asked of hosts.

mod asking;
mod bytes;

super::cases! {
    capability_is_needed_to_start,
    marker_without_capability_denies,
    unknown_handler_id_denies,
    foreign_handler_id_denies,
    other_components_are_refused,
    events_come_in_order,
    start_comes_once_and_first,
    packets_during_start_wait,
    serverbound_packets_arrive_as_sent,
    clientbound_packets_arrive_as_sent,
    one_end_for_each_start,
    login_reaches_the_guest,
    invalid_packets_are_errors,
    text_is_encoded_for_the_protocol,
    unknown_protocol_is_refused_readably,
    configuration_offers_every_registry,
}

//! From a connection to a handler's callbacks.

crate::cases::cases! {
    events_come_in_order,
    start_comes_once_and_first,
    packets_during_start_wait,
    serverbound_packets_arrive_as_sent,
    clientbound_packets_arrive_as_sent,
    one_end_for_each_start,
    misbehaving_clients_end_as_the_spec_says,
}

//! Before there is a session.

mod line;
mod naming;

use crate::lab::host::HostLab;

crate::cases::cases! {
    HostLab:
    unknown_protocol_is_refused_readably,
    bad_login_ends_with_a_reason,
    names_are_those_of_accounts,
    a_player_is_in_once,
    silent_login_ends_after_thirty_seconds,
    configuration_offers_every_registry,
    registries_come_whole_without_packs,
    unanswered_configuration_ends,
    slow_configuration_is_kept_alive,
    compression_starts_where_announced,
    tags_hold_what_registries_name,
    old_ping_is_answered,
}

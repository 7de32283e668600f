//! Before there is a session.

crate::cases::cases! {
    unknown_protocol_is_refused_readably,
    configuration_offers_every_registry,
}

//! What guests are told, what they can do, and what becomes of those that trap.

crate::cases::cases! {
    login_reaches_the_guest,
    invalid_packets_are_errors,
    text_is_encoded_for_the_protocol,
}

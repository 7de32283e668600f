//! Who may do what, and how much of it.

crate::cases::cases! {
    capability_is_needed_to_start,
    marker_without_capability_denies,
    unknown_handler_id_denies,
    foreign_handler_id_denies,
    other_components_are_refused,
}

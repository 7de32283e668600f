//! What a guest can call, one module an interface. A quota is an error of the call; only a broken rule of the contract
//! is a trap.

mod config_service;
mod event_bus;
mod log;
mod scheduler;
mod virtual_backend;

use super::bindings::infrarust::plugin::{events, types};
use super::state::GuestState;

impl types::Host for GuestState {}
impl events::Host for GuestState {}

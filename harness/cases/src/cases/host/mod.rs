//! What is asked of hosts, by group of clauses.

mod asking;
pub mod bridge;
mod bytes;
pub mod dispatch;
pub mod enforcement;
pub mod login;

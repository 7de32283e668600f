//! A client keeps cookies of a bounded size under identifiers, and leaves on others.

use super::visit::{survives, visit};
use crate::case::Case;
use crate::lab::guest::GuestLab;
use crate::verdict::Outcome;

/// See the module.
pub const CASE: Case<GuestLab> = Case::new(
    "cookies-follow-the-protocol",
    &["VB-RAW-10"],
    "Joins, talks, asks to leave, and looks at each cookie that the guest stores or asks for.",
    |lab| Box::pin(run(lab)),
);

async fn run(lab: &GuestLab) -> Outcome {
    let player = visit(lab).await?;
    let expected = "cookies under identifiers, of at most 5,120 bytes";
    survives(
        &player,
        "VB-RAW-10",
        expected,
        &["cookie_request", "store_cookie"],
    )
}

//! A name is shown, logged, compared and made part of paths by whoever gets it; few expect more than an account's.

use super::naming;
use crate::case::Case;
use crate::lab::host::HostLab;
use crate::verdict::Outcome;

const CLAUSE: &str = "VB-LOG-10";

/// Every kind of character that accounts have, and as many as they have.
const GOOD: [&str; 4] = ["a", "AZaz09_", "__________", "sixteen_letters_"];

/// A colour code, letters that look like others, an emoji, marks of direction and of no width, the parts of a path and
/// of a line.
const BAD: [&str; 10] = [
    "§4admin",
    "аdmin",
    "müller",
    "😀",
    "a\u{202e}nimda",
    "a\u{200b}b",
    "../secret",
    "a-b",
    "a'b",
    "<a>",
];

/// See the module.
pub const CASE: Case<HostLab> = Case::new(
    "names-are-those-of-accounts",
    &[CLAUSE],
    "Logs in with names of letters, digits and underscores, and with others.",
    |lab| Box::pin(run(lab)),
);

async fn run(lab: &HostLab) -> Outcome {
    let host = lab.host_of_probe(&[]).await?;
    for name in GOOD {
        naming::passes(lab, &host, CLAUSE, name).await?;
    }
    for name in BAD {
        naming::ends(lab, &host, CLAUSE, name).await?;
    }
    naming::only_told_of(lab, CLAUSE, &GOOD).await
}

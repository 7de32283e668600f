//! A name is shown, logged, compared and made part of paths by whoever gets it; few expect more than an account's.

use std::time::Duration;

use reference_backend::Event;

use super::line::Line;
use crate::case::Case;
use crate::subject::host::HostLab;
use crate::subject::native::Told;
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

/// A host answers at once in virtual time.
const SOON: Duration = Duration::from_secs(1);

/// See the module.
pub const CASE: Case = Case::host(
    "names-are-those-of-accounts",
    &[CLAUSE],
    "Logs in with names of letters, digits and underscores, and with others.",
    |lab| Box::pin(run(lab)),
);

async fn run(lab: &HostLab) -> Outcome {
    let host = lab.host_of("gate", lab.native("gate")).await?;
    for name in GOOD {
        let mut line = Line::with_login(lab, &host, name).await;
        let heard = line.hear(SOON).await;
        let goes_on = |name| ["compress", "success"].contains(&name);
        if !heard.packet().is_some_and(|said| goes_on(said.name)) {
            let expected = format!("that the name {name:?} may log in");
            return Err(line.broken(CLAUSE, expected, heard.text()));
        }
    }
    for name in BAD {
        let mut line = Line::with_login(lab, &host, name).await;
        line.must_end(CLAUSE, &format!("of a login as {name:?}"), SOON)
            .await?;
        let asked =
            |told: &Told| matches!(told, Told::Event(Event::PreLogin(event)) if event.name == name);
        if lab.notebook.of("gate").iter().any(|(_, told)| asked(told)) {
            let expected = format!("that no plugin is told of a login as {name:?}");
            return Err(line.broken(CLAUSE, expected, "pre-login was fired"));
        }
    }
    Ok(())
}

//! A player with the wrong version must learn so, and the server list must show the server.

use crate::case::Case;
use crate::cases::host::bytes::{Packet, Wire, handshake, string};
use crate::lab::door::Host;
use crate::lab::host::HostLab;
use crate::verdict::{Finding, Outcome};

const CLAUSE: &str = "VB-LOG-01";

/// Before the first release, between two, past the last, a snapshot's, and a negative one.
const STRANGE: [i32; 6] = [0, 3, 339, 99_999, 0x4000_0100, -1];

async fn status(lab: &HostLab, host: &Host, protocol: i32) -> Outcome {
    let mut wire = Wire(lab.wire(host));
    let mut request = handshake(protocol, 1);
    request.extend(Packet::new(0).framed());
    wire.write(&request).await;
    let answer = wire.frame().await;
    let text = answer
        .as_ref()
        .filter(|(id, _)| *id == 0)
        .and_then(|(_, data)| string(data));
    let json: Option<serde_json::Value> = text.and_then(|text| serde_json::from_str(text).ok());
    if json.is_some_and(|json| json.get("version").is_some()) {
        return Ok(());
    }
    let expected = format!("a status with a version for protocol {protocol}");
    Err(Finding::new(CLAUSE, expected, format!("{answer:?}")).into())
}

async fn login(lab: &HostLab, host: &Host, protocol: i32) -> Outcome {
    let mut wire = Wire(lab.wire(host));
    let mut request = handshake(protocol, 2);
    request.extend(Packet::new(0).string("somebody").framed());
    wire.write(&request).await;
    let answer = wire.frame().await;
    let text = answer
        .as_ref()
        .filter(|(id, _)| *id == 0)
        .and_then(|(_, data)| string(data));
    match text.map(|text| sim_proto::Text::from_json(sim_proto::Version::new(protocol), text)) {
        Some(Ok(text)) if text.plain.chars().any(char::is_alphanumeric) => Ok(()),
        _ => {
            let expected = format!(
                "a login disconnect with a readable reason in JSON for protocol {protocol}"
            );
            Err(Finding::new(CLAUSE, expected, format!("{answer:?}")).into())
        }
    }
}

/// See the module.
pub const CASE: Case<HostLab> = Case::new(
    "unknown-protocol-is-refused-readably",
    &["VB-LOG-01"],
    "Asks for the status and logs in with protocol numbers that no release has.",
    |lab| Box::pin(run(lab)),
)
.on_the_newest();

async fn run(lab: &HostLab) -> Outcome {
    let host = lab.host_of_probe(&[]).await?;
    for protocol in STRANGE {
        status(lab, &host, protocol).await?;
        login(lab, &host, protocol).await?;
    }
    status(lab, &host, lab.protocol).await
}

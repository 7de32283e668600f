//! What a plugin can connect to, it can tell everything to, and it stands behind the firewall.

use std::net::{Ipv4Addr, TcpListener};

use vb_contract::PluginConfig;

use crate::case::Case;
use crate::lab::carried::dialler;
use crate::lab::door::Plan;
use crate::lab::host::HostLab;
use crate::verdict::{Finding, Outcome, Stop};

const CLAUSE: &str = "VB-ENF-08";

/// See the module.
pub const CASE: Case<HostLab> = Case::new(
    "no-connection-leaves-the-host",
    &["VB-ENF-08"],
    "Listens on a port of this machine and loads a guest that connects to it through WASI: it is refused, or nobody comes.",
    |lab| Box::pin(run(lab)),
)
.on_the_newest();

async fn run(lab: &HostLab) -> Outcome {
    let untestable = |error| Stop::Untestable(format!("no port to listen on: {error}"), Vec::new());
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(untestable)?;
    listener.set_nonblocking(true).map_err(untestable)?;
    let port = listener.local_addr().map_err(untestable)?.port();
    let guest = dialler(port).into();
    let plan = Plan::default().guest("dialler", guest, PluginConfig::default());
    let Ok(_host) = lab.try_start(plan).await? else {
        return Ok(());
    };
    lab.settle().await;
    // A connection is made when `connect` returns, whoever has taken it by then.
    match listener.accept() {
        Ok(_) => Err(Finding::new(
            CLAUSE,
            "a guest that imports wasi:sockets to be refused, or to reach nobody",
            "it connected to a port of the machine that the host runs on",
        )
        .into()),
        Err(_) => Ok(()),
    }
}

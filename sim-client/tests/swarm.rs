//! Many clients at once, in virtual time.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod common;

use std::io;
use std::time::Duration;

use common::{PROTOCOL, Server, clientbound};
use sim_client::{ConnectError, Driver, End, Plan, Target, join_many, names};
use sim_proto::{ClientConfig, CloseReason, Verdict};
use tokio::io::{DuplexStream, duplex};

const SECOND: Duration = Duration::from_secs(1);

fn configs(count: usize) -> impl Iterator<Item = ClientConfig> {
    names("sim", count)
        .unwrap()
        .into_iter()
        .map(|name| ClientConfig::new(PROTOCOL, name))
}

fn plan() -> Plan {
    Plan {
        limit: 40 * SECOND,
        stay: 10 * SECOND,
        chat: Some("hello".to_owned()),
    }
}

async fn swarm<F>(
    count: usize,
    serve: impl Fn(String, DuplexStream) -> F,
) -> Vec<sim_client::Outcome>
where
    F: Future<Output = ()> + Send + 'static,
{
    join_many(configs(count), &plan(), async |config: ClientConfig| {
        let (near, far) = duplex(4096);
        tokio::spawn(serve(config.name.clone(), far));
        Ok(Driver::new(near, config))
    })
    .await
}

#[tokio::test(start_paused = true)]
async fn a_hundred_join_at_once() {
    for count in [50, 100] {
        let outcomes = swarm(count, async |_, stream| {
            common::joins(stream).await;
        })
        .await;
        assert_eq!(outcomes.len(), count);
        for (outcome, name) in outcomes.iter().zip(names("sim", count).unwrap()) {
            assert_eq!(outcome.name, name);
            assert!(outcome.succeeded(), "{:?}", outcome.end);
            assert!(
                outcome
                    .trace
                    .packets()
                    .any(|(_, packet)| packet.name == Some("chat"))
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn each_fares_in_its_own_way() {
    let serve = async |name: String, stream| {
        let mut server = Server::new(stream);
        match name.as_str() {
            "sim1" => {
                server.join().await;
            }
            "sim2" => {
                server.join().await;
                tokio::time::sleep(5 * SECOND).await;
                let bye = common::reason("bye");
                server.write(clientbound::KICK, &bye).await.unwrap();
            }
            "sim3" => {
                server.login().await;
            }
            _ => return,
        }
        server.read_to_end().await;
    };
    let outcomes = swarm(4, serve).await;
    assert!(outcomes[0].succeeded());
    assert!(
        matches!(&outcomes[1].end, End::Lost { lost, reason: CloseReason::Disconnected(text), .. }
            if text.plain == "bye" && *lost == 5 * SECOND),
        "{:?}",
        outcomes[1].end
    );
    assert!(
        matches!(
            &outcomes[2].end,
            End::NotInWorld {
                verdict: Verdict::WouldDisconnect(_)
            }
        ),
        "{:?}",
        outcomes[2].end
    );
    assert!(
        matches!(
            &outcomes[3].end,
            End::NotInWorld {
                verdict: Verdict::Disconnected {
                    reason: CloseReason::Eof
                }
            }
        ),
        "{:?}",
        outcomes[3].end
    );
    assert_eq!(
        outcomes
            .iter()
            .filter(|outcome| outcome.succeeded())
            .count(),
        1
    );
}

#[tokio::test(start_paused = true)]
async fn who_cannot_connect_does_not_disturb_the_others() {
    let outcomes = join_many(configs(2), &plan(), async |config: ClientConfig| {
        if config.name == "sim1" {
            return Err(ConnectError::Refused {
                target: "localhost".parse::<Target>().unwrap(),
                source: io::ErrorKind::ConnectionRefused.into(),
            });
        }
        let (near, far) = duplex(4096);
        tokio::spawn(common::joins(far));
        Ok(Driver::new(near, config))
    })
    .await;
    assert!(matches!(outcomes[0].end, End::NotConnected(_)));
    assert_eq!(outcomes[0].trace.next_number(), 0);
    assert!(outcomes[1].succeeded());
}

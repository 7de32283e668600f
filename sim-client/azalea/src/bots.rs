//! azalea's clients, all in one bevy app, as azalea's authors mean them to be run.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::Receiver;
use std::thread;
use std::time::{Duration, Instant};

use azalea_client::DefaultPlugins;
use azalea_client::account::Account;
use azalea_client::join::{ConnectOpts, StartJoinServerEvent};
use azalea_core::tick::GameTick;
use azalea_protocol::address::{ResolvedAddr, ServerAddr};
use bevy_app::App;
use tokio::sync::watch;

use crate::args::Target;
use crate::tap::Join;

/// The time between two updates, in which packets are handled: azalea's own runner makes 60 a second, like frames.
const UPDATE: Duration = Duration::from_micros(1_000_000 / 60);

/// The time between two ticks of the game.
const TICK: Duration = Duration::from_millis(50);

/// How many ticks may be made up for; azalea's own runner forgets what is further back.
const MAX_BEHIND: u32 = 10;

/// What the taps know of azalea besides its packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Health {
    /// It has just made an update.
    Alive,
    /// It panicked, which ends all its clients. The panic hook has said why.
    Panicked,
}

/// Runs the clients that come from `joins`, for ever or until azalea panics. `health` is told of every update.
pub(crate) fn run(target: &Target, joins: &Receiver<Join>, health: &watch::Sender<Health>) {
    // What is half done after a panic is not used again.
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let mut bots = Bots::new();
        loop {
            let start = Instant::now();
            for join in joins.try_iter() {
                bots.join(target, &join);
            }
            bots.update(start);
            health.send_replace(Health::Alive);
            thread::sleep(UPDATE.saturating_sub(start.elapsed()));
        }
    }));
    if panicked.is_err() {
        health.send_replace(Health::Panicked);
    }
}

struct Bots {
    app: App,
    last_tick: Instant,
}

impl Bots {
    fn new() -> Self {
        let mut app = App::new();
        app.add_plugins(DefaultPlugins);
        app.finish();
        app.cleanup();
        Bots {
            app,
            last_tick: Instant::now(),
        }
    }

    /// The handshake names the real server, though the connection goes to the tap.
    fn join(&mut self, target: &Target, join: &Join) {
        self.app.world_mut().write_message(StartJoinServerEvent {
            account: Account::offline(&join.name),
            connect_opts: ConnectOpts {
                address: ResolvedAddr {
                    server: ServerAddr {
                        host: target.host.clone(),
                        port: target.port,
                    },
                    socket: join.tap,
                },
                server_proxy: None,
                sessionserver_proxy: None,
            },
            start_join_callback_tx: None,
        });
    }

    fn update(&mut self, now: Instant) {
        self.app.update();
        if now.duration_since(self.last_tick) >= TICK {
            self.last_tick += TICK;
            if now.duration_since(self.last_tick) > TICK * MAX_BEHIND {
                self.last_tick = now;
            }
            self.app.world_mut().run_schedule(GameTick);
        }
    }
}

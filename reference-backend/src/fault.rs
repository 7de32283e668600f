//! Faults that can be switched on: broken hosts, by which whoever judges hosts proves that they notice.
//!
//! Without the feature `faults` none can be: `Faults::has` is then always false, and the compiler removes what hangs
//! on it. A host that serves players is built without.

use vb_contract::{ConfigError, HostConfig};

macro_rules! faults {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal,)+) => {
        /// One way to get a clause about hosts wrong. The names are those of the killers in `wit/SPEC.md`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Fault {
            $($(#[doc = $doc])+ $variant,)+
            /// A fault of the protocol's own machine.
            Wire(backend_proto::Fault),
        }

        const OWN: &[(&str, Fault)] = &[$(($name, Fault::$variant)),+];
    };
}

faults! {
    // Enforcement.
    /// VB-ENF-01: links every interface for every plugin.
    LinksEverything = "links-everything",
    /// VB-ENF-02: treats `virtual-backend` from a plugin without the capability as `allowed`.
    MarkerFallsThrough = "marker-falls-through",
    /// VB-ENF-03: uses the plugin's first handler for an id that it does not know.
    FirstHandler = "first-handler",
    /// VB-ENF-04: keeps the handlers of all plugins in one table.
    OneGlobalTable = "one-global-table",
    /// VB-ENF-05: keeps the handler table when an instance is replaced.
    TableSurvivesRestart = "table-survives-restart",
    /// VB-ENF-06: takes `virtual_backend` for the name.
    AcceptsSnakeCase = "accepts-snake-case",
    /// VB-ENF-07: gives the slot of an ended session to the next one, kept handles included.
    ReusesSlots = "reuses-slots",
    /// VB-ENF-08: gives the guest the host's network, environment, arguments and files.
    InheritsEverything = "inherits-everything",
    /// VB-ENF-09: lets linear memory grow without a limit.
    NoMemoryLimit = "no-memory-limit",
    /// VB-ENF-10: sets no CPU budget for the end callback.
    NoDeadlineOnEnd = "no-deadline-on-end",
    /// VB-ENF-11: accepts every component and fails at the first call.
    AcceptsAnyComponent = "accepts-any-component",
    /// VB-ENF-12: accepts tasks without a limit.
    UnlimitedTasks = "unlimited-tasks",
    /// VB-ENF-13: takes texts of any length in the answers of listeners.
    AnyLength = "any-length",

    // Dispatch.
    /// VB-DSP-01: asks `server-pre-connect` before login success.
    PreConnectBeforeLogin = "pre-connect-before-login",
    /// VB-DSP-02: calls the start callback twice.
    StartsTwice = "starts-twice",
    /// VB-DSP-03: drops what arrives during the start callback.
    DropsEarlyPackets = "drops-early-packets",
    /// VB-DSP-04: swaps two packets that arrive together.
    SwapsTwo = "swaps-two",
    /// VB-DSP-04: writes the payload of packets that it knows anew.
    ReEncodes = "re-encodes",
    /// VB-DSP-05: sends the disconnect past the queue.
    DisconnectsFirst = "disconnects-first",
    /// VB-DSP-06: runs the callback of each packet in a task of its own.
    SpawnsPerPacket = "spawns-per-packet",
    /// VB-DSP-07: forgets the end callback when the connection is reset.
    NoEndOnReset = "no-end-on-reset",
    /// VB-DSP-07: calls the end callback once for the kick and once for the close that follows.
    TwoEndsOnKick = "two-ends-on-kick",
    /// VB-DSP-08: delivers a packet that was waiting when the session ended.
    LatePacket = "late-packet",
    /// VB-DSP-09: lets a denied connection through.
    DeniedAllows = "denied-allows",
    /// VB-DSP-10: asks every listener and takes the last answer.
    LastWriterWins = "last-writer-wins",
    /// VB-DSP-11: waits for the start callback without a deadline.
    StartHangs = "start-hangs",
    /// VB-DSP-12: sends keep-alives in a session and swallows the answers.
    AnswersForGuest = "answers-for-guest",
    /// VB-DSP-14: queues for a client without a limit.
    UnboundedQueue = "unbounded-queue",
    /// VB-DSP-15: serves a connection until it has nothing more to read.
    UnfairSelect = "unfair-select",
    /// VB-DSP-16: closes the sockets and exits: nobody is told, and nothing is waited for.
    ShutdownKills = "shutdown-kills",
    /// VB-DSP-17: puts a plugin behind its equals each time that it comes back.
    RestartedLast = "restarted-last",
    /// VB-DSP-18: shuts only the gates to which a plugin that is down has itself subscribed.
    OwnGatesOnly = "own-gates-only",
    /// VB-DSP-19: bounds each queue and not all of them together.
    UnsummedQueues = "unsummed-queues",
    /// VB-DSP-19: lets whoever comes first fill what all have together.
    FirstCome = "first-come",

    // Login.
    /// VB-LOG-09: lets a player in twice.
    TwoOfOnePlayer = "two-of-one-player",

    // The bridge.
    /// VB-BRG-01: passes on the first property only.
    TruncatesProperties = "truncates-properties",
    /// VB-BRG-02: answers `Ok` for an invalid packet and drops it.
    OkThenDropped = "ok-then-dropped",
    /// VB-BRG-04: passes bad JSON on to the client.
    RawJson = "raw-json",
    /// VB-BRG-05: ends only the session in whose callback the trap happened.
    HangsTheRest = "hangs-the-rest",
    /// VB-BRG-06: calls the end callbacks of lost sessions in the new instance.
    EndIntoSuccessor = "end-into-successor",
    /// VB-BRG-07: asks the remaining listeners while a plugin is down.
    GateOpens = "gate-opens",
    /// VB-BRG-08: calls all guests, native ones included, under one lock.
    GlobalLock = "global-lock",
    /// VB-BRG-09: runs `per-session` plugins in one instance.
    TrapTakesAll = "trap-takes-all",
    /// VB-BRG-10: goes on running tasks after cancel and disable.
    LeaksTasks = "leaks-tasks",
    /// VB-BRG-11: sends the packets before the invalid one and says nothing.
    HalfABatch = "half-a-batch",
    /// VB-BRG-12: with compression off loses the rest of a packet that is longer than 64 KiB.
    SplitsAt64Kib = "splits-at-64-kib",
    /// VB-BRG-13: sends a component as it was given to clients of all versions.
    OneTextForAll = "one-text-for-all",
}

impl Fault {
    /// Every fault and its name.
    pub fn all() -> impl Iterator<Item = (&'static str, Self)> {
        let wire = backend_proto::Fault::ALL.iter();
        OWN.iter()
            .copied()
            .chain(wire.map(|(name, fault)| (*name, Self::Wire(*fault))))
    }

    /// The fault of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::all().find_map(|(known, fault)| (known == name).then_some(fault))
    }
}

/// Which fault is switched on, if any.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Faults {
    #[cfg(feature = "faults")]
    on: Option<Fault>,
}

impl Faults {
    /// This one.
    #[cfg(feature = "faults")]
    pub const fn only(fault: Fault) -> Self {
        Self { on: Some(fault) }
    }

    /// Whether this one is switched on.
    pub fn has(self, fault: Fault) -> bool {
        #[cfg(feature = "faults")]
        return self.on == Some(fault);
        #[cfg(not(feature = "faults"))]
        {
            let _ = fault;
            false
        }
    }

    /// Reads a configuration.
    pub fn parse(self, text: &str, file: &str) -> Result<HostConfig, ConfigError> {
        if self.has(Fault::AcceptsSnakeCase) {
            return HostConfig::parse(
                &text.replace("\"virtual_backend\"", "\"virtual-backend\""),
                file,
            );
        }
        HostConfig::parse(text, file)
    }

    /// What the protocol's machine has of it.
    pub fn wire(self) -> backend_proto::Faults {
        #[cfg(feature = "faults")]
        if let Some(Fault::Wire(fault)) = self.on {
            return backend_proto::Faults::only(fault);
        }
        backend_proto::Faults::default()
    }
}

/// A configuration as a host reads it that is broken in this way.
///
/// # Errors
/// As [`HostConfig::parse`].
#[cfg(feature = "faults")]
pub fn parse_broken(text: &str, file: &str, fault: Fault) -> Result<HostConfig, ConfigError> {
    Faults::only(fault).parse(text, file)
}

//! Faults of the wire that can be switched on, so that whoever judges hosts can prove that they notice.
//!
//! Without the feature `faults` none can be: `Faults::has` is then always false, and the compiler removes what hangs
//! on it.

/// One way to get the protocol wrong. The names are those of the killers in `wit/SPEC.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// VB-LOG-01: closes without a word on a protocol that is not supported.
    CrashesOnUnknown,
    /// VB-LOG-02: waits for login start without a limit.
    WaitsForEver,
    /// VB-LOG-03: omits the animal variants of 770.
    NoVariants,
    /// VB-LOG-04: sends no keep-alive in configuration.
    SilentConfiguration,
    /// VB-LOG-05: compresses from one packet later than announced.
    CompressionLate,
    /// VB-LOG-07: sends `update_tags` without any tag.
    EmptyTags,
    /// VB-LOG-08: takes the ping of an old client for the length of a frame.
    DeafToOldPings,
    /// VB-LOG-10: lets any name in that the protocol can carry.
    AnyName,
    /// VB-DSP-13: waits for the rest of a frame that is too long.
    OversizedIsIncomplete,
    /// VB-BRG-03: writes messages as JSON on every protocol.
    JsonTextAlways,
}

impl Fault {
    /// Every fault by its name.
    pub const ALL: &[(&'static str, Self)] = &[
        ("crashes-on-unknown", Self::CrashesOnUnknown),
        ("waits-for-ever", Self::WaitsForEver),
        ("no-variants", Self::NoVariants),
        ("silent-configuration", Self::SilentConfiguration),
        ("compression-late", Self::CompressionLate),
        ("empty-tags", Self::EmptyTags),
        ("deaf-to-old-pings", Self::DeafToOldPings),
        ("any-name", Self::AnyName),
        ("oversized-is-incomplete", Self::OversizedIsIncomplete),
        ("json-text-always", Self::JsonTextAlways),
    ];
}

/// Which fault is switched on, if any.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Faults {
    #[cfg(feature = "faults")]
    on: Option<Fault>,
}

impl Faults {
    /// This one.
    #[cfg(feature = "faults")]
    #[must_use]
    pub const fn only(fault: Fault) -> Self {
        Self { on: Some(fault) }
    }

    /// Whether this one is switched on.
    pub(crate) fn has(self, fault: Fault) -> bool {
        #[cfg(feature = "faults")]
        return self.on == Some(fault);
        #[cfg(not(feature = "faults"))]
        {
            let _ = fault;
            false
        }
    }
}

use core::fmt;

/// What is wrong with the registries that the client was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RegistryFault {
    /// A registry that the client needs is not there.
    Missing {
        /// Its identifier.
        registry: String,
    },
    /// A registry that the client needs has no entry.
    Empty {
        /// Its identifier.
        registry: String,
    },
    /// An entry that the client looks up by name is not there.
    EntryMissing {
        /// The registry's identifier.
        registry: String,
        /// The entry's identifier.
        entry: String,
    },
    /// An entry came twice (768+).
    Duplicate {
        /// The registry's identifier.
        registry: String,
        /// The entry's identifier.
        entry: String,
    },
    /// The codec holds a registry that the game does not synchronize (751-765).
    Unknown {
        /// Its identifier.
        registry: String,
    },
    /// The registry itself is not as the codec wants it.
    Malformed {
        /// Its identifier.
        registry: String,
        /// What is wrong.
        problem: &'static str,
    },
    /// An entry is not as the client's version wants it.
    Element {
        /// The registry's identifier.
        registry: String,
        /// The entry's identifier.
        entry: String,
        /// The field.
        field: String,
        /// What is wrong with it.
        problem: ElementProblem,
    },
    /// An entry came without data, but the client has none of its own (766+).
    NoData {
        /// The registry's identifier.
        registry: String,
        /// The entry's identifier.
        entry: String,
        /// Whether a known pack was agreed on at all.
        packs_agreed: bool,
    },
    /// An entry refers to a tag that the server did not send (776+).
    MissingTag {
        /// The registry's identifier.
        registry: String,
        /// The entry's identifier.
        entry: String,
        /// The tag, without "#".
        tag: String,
    },
}

/// What is wrong with a field of an element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ElementProblem {
    /// It is not there.
    Absent,
    /// It is of another type.
    WrongType {
        /// What it is.
        found: String,
        /// What it must be.
        expected: &'static str,
    },
    /// A tag must be named with "#" (758+).
    NoHash,
    /// A tag must be named without "#" (until 757).
    Hash,
    /// A height that is no multiple of 16, or out of bounds.
    Height {
        /// What is wrong, as the game says it.
        rule: &'static str,
        /// The value.
        value: i64,
    },
    /// Not an identifier.
    NotIdentifier(String),
}

impl RegistryFault {
    /// What a player sees.
    pub(crate) fn client_shows(&self) -> String {
        match self {
            RegistryFault::Missing { registry } | RegistryFault::Empty { registry } => {
                format!("\"Registry must be non-empty: {registry}\", or a crash while joining")
            }
            RegistryFault::EntryMissing { registry, entry } => {
                format!("\"Missing key in ResourceKey[minecraft:root / {registry}]: {entry}\"")
            }
            RegistryFault::MissingTag { tag, .. } => format!("\"Missing tag: {tag}\""),
            RegistryFault::Unknown { registry } => format!(
                "\"Failed to decode: Unknown or not serializable registry: \
                 ResourceKey[minecraft:root / {registry}]\""
            ),
            RegistryFault::Duplicate { entry, .. } => {
                format!("a crash while joining: \"Adding duplicate key\" {entry} \"to registry\"")
            }
            RegistryFault::Malformed { .. }
            | RegistryFault::Element { .. }
            | RegistryFault::NoData { .. } => {
                "\"Failed to load registries due to errors\", or a decoder exception".to_owned()
            }
        }
    }
}

impl fmt::Display for RegistryFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RegistryFault::Missing { registry } => write!(f, "registry {registry} is missing"),
            RegistryFault::Empty { registry } => write!(f, "registry {registry} has no entries"),
            RegistryFault::EntryMissing { registry, entry } => {
                write!(
                    f,
                    "registry {registry} has no entry {entry}, which the client looks up"
                )
            }
            RegistryFault::Unknown { registry } => {
                write!(f, "registry {registry} is none that the client can read")
            }
            RegistryFault::Duplicate { registry, entry } => {
                write!(f, "registry {registry} has entry {entry} twice")
            }
            RegistryFault::Malformed { registry, problem } => {
                write!(f, "registry {registry}: {problem}")
            }
            RegistryFault::Element {
                registry,
                entry,
                field,
                problem,
            } => {
                write!(
                    f,
                    "registry {registry}, entry {entry}, field `{field}`: {problem}"
                )
            }
            RegistryFault::NoData {
                registry,
                entry,
                packs_agreed: true,
            } => write!(
                f,
                "registry {registry}, entry {entry} came without data, and no pack of the client's has it"
            ),
            RegistryFault::NoData {
                registry,
                entry,
                packs_agreed: false,
            } => write!(
                f,
                "registry {registry}, entry {entry} came without data, but no known pack was agreed on"
            ),
            RegistryFault::MissingTag {
                registry,
                entry,
                tag,
            } => write!(
                f,
                "registry {registry}, entry {entry} refers to the tag #{tag}, which the server did not send"
            ),
        }
    }
}

impl fmt::Display for ElementProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ElementProblem::Absent => f.write_str("it is absent"),
            ElementProblem::WrongType { found, expected } => {
                write!(f, "it is a {found}, not {expected}")
            }
            ElementProblem::NoHash => f.write_str("a tag must be named with \"#\" before it"),
            ElementProblem::Hash => f.write_str("a tag must be named without \"#\""),
            ElementProblem::Height { rule, value } => write!(f, "{rule}, but it is {value}"),
            ElementProblem::NotIdentifier(text) => write!(f, "`{text}` is not a valid identifier"),
        }
    }
}

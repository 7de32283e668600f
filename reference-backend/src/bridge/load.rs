//! What is checked before anything of a guest runs. Each refusal says what was found and what was expected.

use super::engine::GuestEngine;
use super::extent::{self, Extent, TooMuch};
use super::fit;
use super::wasi;
use crate::capability::{Capability, Grants};
use crate::config::Limits;
use crate::fault::Fault;
use crate::shown::shown;
use std::collections::BTreeSet;
use std::fmt;
use std::hash::{DefaultHasher, Hasher as _};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;
use wasmtime::component::Component;

/// The package whose interfaces guests import and export.
pub const CONTRACT_PACKAGE: &str = "infrarust:plugin";
/// The version that this host speaks. A draft: no other version is compatible with it.
pub const CONTRACT_VERSION: &str = "0.4.0-vb.1";

/// The interfaces that hold only types; nothing has to be linked for them.
const TYPE_INTERFACES: [&str; 2] = ["types", "events"];
pub(super) const GUEST: &str = "guest";
pub(super) const HANDLER: &str = "virtual-backend-handler";
const VIRTUAL_BACKEND: &str = "virtual-backend";
const EVENT_BUS: &str = "event-bus";

/// Stack of the thread that compiles: what a main thread has, as the compiler recurses over what it is given.
const COMPILE_STACK: usize = 8 << 20;

/// The first four bytes of every WebAssembly binary.
const MAGIC: &[u8; 4] = b"\0asm";
/// What follows in a core module: version 1, layer 0.
const CORE_MODULE: [u8; 4] = [1, 0, 0, 0];

/// A component that is a plugin of this contract, compiled. Cheap to clone.
#[derive(Clone)]
pub struct GuestComponent {
    pub(crate) component: Component,
    pub(crate) engine: GuestEngine,
    /// Interfaces of the contract that are imported, without package and version.
    pub(crate) imports: BTreeSet<String>,
    pub(crate) exports_handler: bool,
    wants_folder: bool,
    size: usize,
    /// Of its bytes: by it one component is known under several names.
    pub(crate) digest: u64,
    extent: Extent,
}

impl fmt::Debug for GuestComponent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuestComponent")
            .field("imports", &self.imports)
            .field("exports_handler", &self.exports_handler)
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}

/// Why a guest was refused before it could run. `name` is the plugin's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// Nothing at all.
    #[error("plugin {name}: the file is empty")]
    Empty {
        /// The plugin.
        name: String,
    },
    /// Something else than WebAssembly.
    #[error("plugin {name}: not WebAssembly: it begins with {found}, expected the bytes 00 61 73 6d{}", if *.text { "; a guest as text must be assembled first" } else { "" })]
    NotWasm {
        /// The plugin.
        name: String,
        /// Its first bytes, as hex.
        found: String,
        /// Whether it looks like WebAssembly text.
        text: bool,
    },
    /// A core module where a component is due.
    #[error(
        "plugin {name}: a core module, expected a component; make one of it with `wasm-tools component new {name}.wasm -o {name}.component.wasm`"
    )]
    CoreModule {
        /// The plugin.
        name: String,
    },
    /// Larger than allowed.
    #[error(
        "plugin {name}: {size} bytes, at most {limit} are allowed; raise `component_bytes` under [plugins.{name}.limits]"
    )]
    TooBig {
        /// The plugin.
        name: String,
        /// Its size in bytes.
        size: u64,
        /// What is allowed.
        limit: u64,
    },
    /// Compiling takes longer than allowed.
    #[error(
        "plugin {name}: not compiled within {limit} ms; raise `compile_ms` under [plugins.{name}.limits]"
    )]
    TooSlow {
        /// The plugin.
        name: String,
        /// What is allowed, in ms.
        limit: u64,
    },
    /// It declares more than allowed, or would make the host build it more often.
    #[error(
        "plugin {name}: the component makes the host build more than {limit} of types, imports, exports, instances, aliases and functions; raise `component_items` under [plugins.{name}.limits]"
    )]
    TooManyItems {
        /// The plugin.
        name: String,
        /// What is allowed.
        limit: u64,
    },
    /// Its core modules declare more than allowed.
    #[error(
        "plugin {name}: its core modules have more than {limit} functions, types, imports, exports, globals and segments; raise `module_items` under [plugins.{name}.limits]"
    )]
    TooManyModuleItems {
        /// The plugin.
        name: String,
        /// What is allowed.
        limit: u64,
    },
    /// A component inside it imports a component.
    #[error(
        "plugin {name}: a component inside it imports a component, so that nothing says how often that is built; compose it of components that import instances and functions"
    )]
    ComponentArgument {
        /// The plugin.
        name: String,
    },
    /// wasmtime cannot read or compile it.
    #[error("plugin {name}: not a valid component: {}", shown(.message))]
    Malformed {
        /// The plugin.
        name: String,
        /// wasmtime's words.
        message: String,
    },
    /// A component of another world.
    #[error("plugin {name}: a component of another world: it exports {}, expected {expected}", list(.found))]
    OtherWorld {
        /// The plugin.
        name: String,
        /// What it exports.
        found: Vec<String>,
        /// What it should export.
        expected: String,
    },
    /// The right package at another version.
    #[error(
        "plugin {name}: made for {found}, this host speaks {expected}; rebuild it against the host's `wit/`"
    )]
    OtherContract {
        /// The plugin.
        name: String,
        /// What it names.
        found: String,
        /// What the host speaks.
        expected: String,
    },
    /// The right names with other types.
    #[error(
        "plugin {name}: does not fit {expected}: {}; rebuild it against the host's `wit/`",
        shown(.message)
    )]
    OtherTypes {
        /// The plugin.
        name: String,
        /// What the host speaks.
        expected: String,
        /// Where, what was found and what is expected, in wasmtime's words.
        message: String,
    },
    /// Something that this host does not have under any capability.
    #[error("plugin {name}: imports {}, which this host does not have{}", list(.imports), wasi_hint(.imports))]
    UnknownImport {
        /// The plugin.
        name: String,
        /// What it imports.
        imports: Vec<String>,
    },
    /// It asks for sessions and has nothing to be called with.
    #[error("plugin {name}: imports {found} and does not export {expected}")]
    MissingHandler {
        /// The plugin.
        name: String,
        /// The import.
        found: String,
        /// The export that belongs to it.
        expected: String,
    },
}

/// A guest may not have what it imports.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("plugin {plugin}: imports {interface}, which needs the capability \"{capability}\": {}", .capability.how_to_grant(.plugin))]
pub struct MissingCapability {
    /// The plugin.
    pub plugin: String,
    /// The interface, with package and version.
    pub interface: String,
    /// What it needs.
    pub capability: Capability,
}

impl GuestEngine {
    /// Checks and compiles a guest, with the default limits. `name` is for messages.
    ///
    /// # Errors
    /// See [`LoadError`].
    pub fn load(&self, name: &str, bytes: &[u8]) -> Result<GuestComponent, LoadError> {
        self.load_within(name, bytes, &Limits::default())
    }

    /// Checks and compiles a guest of at most the size, and within the time, that `limits` say. `name` is for messages.
    ///
    /// # Errors
    /// See [`LoadError`].
    pub fn load_within(
        &self,
        name: &str,
        bytes: &[u8],
        limits: &Limits,
    ) -> Result<GuestComponent, LoadError> {
        check_bytes(name, bytes, limits.component_bytes)?;
        let extent = check_extent(name, bytes, limits)?;
        let component = self.compile(name, bytes, limits.compile_ms)?;
        let ty = component.component_type();
        let imports: Vec<String> = ty
            .imports(&self.engine)
            .map(|(import, _)| import.to_owned())
            .collect();
        let wants_folder = imports.iter().any(|import| wasi::asks_for_folders(import));
        let exports = ty
            .exports(&self.engine)
            .map(|(export, _)| export.to_owned())
            .collect();
        let checked = check_world(name, imports, exports).and_then(|world| {
            fit::check(self, &component, world.1)
                .map_err(|error| LoadError::OtherTypes {
                    name: name.to_owned(),
                    expected: format!("{CONTRACT_PACKAGE}@{CONTRACT_VERSION}"),
                    message: format!("{error:#}"),
                })
                .map(|()| world)
        });
        let (imports, exports_handler) = match checked {
            Err(_) if self.faults.has(Fault::AcceptsAnyComponent) => (BTreeSet::new(), false),
            checked => checked?,
        };
        Ok(GuestComponent {
            component,
            engine: self.clone(),
            imports,
            exports_handler,
            wants_folder,
            size: bytes.len(),
            digest: digest(bytes),
            extent,
        })
    }
}

fn digest(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(bytes);
    hasher.finish()
}

impl GuestEngine {
    /// Compiles on a thread of its own, so that the time it takes has an end. A thread cannot be stopped: past the limit
    /// it is left to itself, and what it makes is thrown away. How much it can make is bounded by the component's size.
    fn compile(&self, name: &str, bytes: &[u8], limit: u64) -> Result<Component, LoadError> {
        let malformed = |message: String| LoadError::Malformed {
            name: name.to_owned(),
            message,
        };
        let (done, compiled) = mpsc::channel();
        let (engine, bytes) = (self.engine.clone(), bytes.to_vec());
        std::thread::Builder::new()
            .name("guest-compile".to_owned())
            .stack_size(COMPILE_STACK)
            .spawn(move || {
                // Nobody listens any more when it took too long.
                let _ = done.send(Component::from_binary(&engine, &bytes));
            })
            .map_err(|error| malformed(format!("no thread to compile it: {error}")))?;
        match compiled.recv_timeout(Duration::from_millis(limit)) {
            Ok(compiled) => compiled.map_err(|error| malformed(format!("{error:#}"))),
            Err(RecvTimeoutError::Timeout) => Err(LoadError::TooSlow {
                name: name.to_owned(),
                limit,
            }),
            Err(RecvTimeoutError::Disconnected) => Err(malformed("the compiler failed".to_owned())),
        }
    }
}

impl GuestComponent {
    /// The interfaces of the contract that the guest imports, without package and version.
    pub fn imports(&self) -> impl Iterator<Item = &str> {
        self.imports.iter().map(String::as_str)
    }

    /// Bytes of the component.
    #[must_use]
    pub fn size(&self) -> usize {
        self.size
    }

    /// How much of its limit `component_items` the component takes: what it declares, each as often as it is built.
    #[must_use]
    pub fn component_items(&self) -> u64 {
        self.extent.component_items
    }

    /// How much of its limit `module_items` the component takes: what its core modules declare.
    #[must_use]
    pub fn module_items(&self) -> u64 {
        self.extent.module_items
    }

    /// Whether the guest can play server.
    #[must_use]
    pub fn has_handler(&self) -> bool {
        self.exports_handler
    }

    /// Whether it can subscribe to events.
    pub(crate) fn listens(&self) -> bool {
        self.imports.contains(EVENT_BUS)
    }

    /// Whether the guest asks WASI for folders, and so has a use for its data folder.
    #[must_use]
    pub fn wants_folder(&self) -> bool {
        self.wants_folder
    }

    pub(crate) fn check_grants(
        &self,
        plugin: &str,
        grants: &Grants,
    ) -> Result<(), MissingCapability> {
        for interface in &self.imports {
            if let Some(capability) = capability_of(interface)
                && !grants.allows(capability)
            {
                return Err(MissingCapability {
                    plugin: plugin.to_owned(),
                    interface: qualified(interface),
                    capability,
                });
            }
        }
        Ok(())
    }
}

/// The capability that an interface needs; none for those that are always there.
fn capability_of(interface: &str) -> Option<Capability> {
    match interface {
        EVENT_BUS => Some(Capability::EventBus),
        "scheduler" => Some(Capability::Scheduler),
        "config-service" => Some(Capability::ConfigRead),
        VIRTUAL_BACKEND => Some(Capability::VirtualBackend),
        _ => None,
    }
}

fn is_known_import(interface: &str) -> bool {
    interface == "log" || TYPE_INTERFACES.contains(&interface) || capability_of(interface).is_some()
}

fn check_bytes(name: &str, bytes: &[u8], limit: u64) -> Result<(), LoadError> {
    let name = name.to_owned();
    if bytes.is_empty() {
        return Err(LoadError::Empty { name });
    }
    if bytes.len() as u64 > limit {
        return Err(LoadError::TooBig {
            name,
            size: bytes.len() as u64,
            limit,
        });
    }
    let Some(rest) = bytes.strip_prefix(MAGIC) else {
        let head: Vec<String> = bytes
            .iter()
            .take(4)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        return Err(LoadError::NotWasm {
            name,
            found: head.join(" "),
            text: bytes.trim_ascii_start().starts_with(b"("),
        });
    };
    if rest.starts_with(&CORE_MODULE) {
        return Err(LoadError::CoreModule { name });
    }
    Ok(())
}

fn check_extent(name: &str, bytes: &[u8], limits: &Limits) -> Result<Extent, LoadError> {
    let name = name.to_owned();
    extent::measure(bytes, limits).map_err(|error| match error {
        TooMuch::ComponentItems => LoadError::TooManyItems {
            name,
            limit: limits.component_items,
        },
        TooMuch::ModuleItems => LoadError::TooManyModuleItems {
            name,
            limit: limits.module_items,
        },
        TooMuch::ComponentArgument => LoadError::ComponentArgument { name },
        TooMuch::Malformed(message) => LoadError::Malformed { name, message },
    })
}

/// Compares what a component names with the contract; answers the contract's interfaces that it imports, and whether it
/// exports the handler.
fn check_world(
    name: &str,
    imports: Vec<String>,
    exports: Vec<String>,
) -> Result<(BTreeSet<String>, bool), LoadError> {
    let name = name.to_owned();
    let ours = |names: &[String]| -> Vec<(String, String)> {
        names.iter().filter_map(|full| split(full)).collect()
    };
    let (imported, exported) = (ours(&imports), ours(&exports));
    if let Some((interface, version)) = exported
        .iter()
        .chain(&imported)
        .find(|(_, version)| version != CONTRACT_VERSION)
    {
        return Err(LoadError::OtherContract {
            name,
            found: format!("{CONTRACT_PACKAGE}/{interface}@{version}"),
            expected: format!("{CONTRACT_PACKAGE}@{CONTRACT_VERSION}"),
        });
    }
    if !exported.iter().any(|(interface, _)| interface == GUEST) {
        return Err(LoadError::OtherWorld {
            name,
            found: exports,
            expected: qualified(GUEST),
        });
    }
    let unknown: Vec<String> = imports
        .iter()
        .filter(|full| {
            let ours = split(full).is_some_and(|(interface, _)| is_known_import(&interface));
            !ours && !wasi::is_linked(full)
        })
        .cloned()
        .collect();
    if !unknown.is_empty() {
        return Err(LoadError::UnknownImport {
            name,
            imports: unknown,
        });
    }
    let exports_handler = exported.iter().any(|(interface, _)| interface == HANDLER);
    let imports: BTreeSet<String> = imported
        .into_iter()
        .map(|(interface, _)| interface)
        .collect();
    if imports.contains(VIRTUAL_BACKEND) && !exports_handler {
        return Err(LoadError::MissingHandler {
            name,
            found: qualified(VIRTUAL_BACKEND),
            expected: qualified(HANDLER),
        });
    }
    Ok((imports, exports_handler))
}

/// Interface and version of a name in the contract's package; an absent version is empty.
fn split(full: &str) -> Option<(String, String)> {
    let rest = full.strip_prefix(CONTRACT_PACKAGE)?.strip_prefix('/')?;
    let (interface, version) = rest.split_once('@').unwrap_or((rest, ""));
    Some((interface.to_owned(), version.to_owned()))
}

pub(super) fn qualified(interface: &str) -> String {
    format!("{CONTRACT_PACKAGE}/{interface}@{CONTRACT_VERSION}")
}

/// Names in a sentence; a component with a hundred of them would bury it.
fn list(names: &[String]) -> String {
    const SHOWN: usize = 8;
    match names.len() {
        0 => "nothing".to_owned(),
        count if count > SHOWN => {
            let first = shown(names[..SHOWN].join(", "));
            format!("{first} and {} more", count - SHOWN)
        }
        _ => shown(names.join(", ")),
    }
}

fn wasi_hint(imports: &[String]) -> &'static str {
    if imports.iter().any(|import| import.starts_with("wasi:")) {
        "; of WASI there are cli, clocks, filesystem, io, random and sockets of version 0.2"
    } else {
        ""
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn bytes_that_are_no_component() {
        assert!(matches!(
            check_bytes("p", b"", 100),
            Err(LoadError::Empty { .. })
        ));
        let error = check_bytes("p", b"(module)", 100).unwrap_err();
        assert_eq!(
            error.to_string(),
            "plugin p: not WebAssembly: it begins with 28 6d 6f 64, expected the bytes 00 61 73 6d; a guest as text must be assembled first"
        );
        let error = check_bytes("p", b"\x7fELF\x02", 100).unwrap_err();
        assert!(
            matches!(error, LoadError::NotWasm { text: false, .. }),
            "{error}"
        );
        let error = check_bytes("p", b"\0asm\x01\0\0\0", 100).unwrap_err();
        assert!(
            error.to_string().contains("wasm-tools component new"),
            "{error}"
        );
    }

    #[test]
    fn the_size_limit_has_an_edge() {
        let bytes = b"\0asm\x0d\0\x01\0";
        assert_eq!(check_bytes("p", bytes, 8), Ok(()));
        assert_eq!(
            check_bytes("p", bytes, 7),
            Err(LoadError::TooBig {
                name: "p".to_owned(),
                size: 8,
                limit: 7
            })
        );
    }

    #[test]
    fn worlds() {
        let guest = "infrarust:plugin/guest@0.4.0-vb.1";
        let handler = "infrarust:plugin/virtual-backend-handler@0.4.0-vb.1";
        let backend = "infrarust:plugin/virtual-backend@0.4.0-vb.1";
        let log = "infrarust:plugin/log@0.4.0-vb.1";
        let (imports, plays) =
            check_world("p", names(&[log, backend]), names(&[guest, handler])).unwrap();
        assert!(imports.contains("virtual-backend") && plays);
        assert!(!check_world("p", names(&[log]), names(&[guest])).unwrap().1);

        let error = check_world("p", names(&[]), names(&["wasi:cli/run@0.2.0"])).unwrap_err();
        assert_eq!(
            error.to_string(),
            "plugin p: a component of another world: it exports wasi:cli/run@0.2.0, expected infrarust:plugin/guest@0.4.0-vb.1"
        );
        let error =
            check_world("p", names(&[]), names(&["infrarust:plugin/guest@0.3.0"])).unwrap_err();
        assert_eq!(
            error.to_string(),
            "plugin p: made for infrarust:plugin/guest@0.3.0, this host speaks infrarust:plugin@0.4.0-vb.1; rebuild it against the host's `wit/`"
        );
        assert!(check_world("p", names(&["wasi:io/poll@0.2.0"]), names(&[guest])).is_ok());
        for other in [
            "wasi:http/types@0.2.0",
            "wasi:io/poll@0.3.0",
            "wasi:io/poll",
            "wasi:io@0.2.0",
        ] {
            let error = check_world("p", names(&[other]), names(&[guest])).unwrap_err();
            assert!(error.to_string().contains("of WASI there are"), "{error}");
        }
        let error = check_world(
            "p",
            names(&["infrarust:plugin/players@0.4.0-vb.1"]),
            names(&[guest]),
        )
        .unwrap_err();
        assert!(matches!(error, LoadError::UnknownImport { .. }), "{error}");
        let error = check_world("p", names(&[backend]), names(&[guest])).unwrap_err();
        assert!(matches!(error, LoadError::MissingHandler { .. }), "{error}");
    }
}

//! The host's environment and its network, for a host that is broken on purpose: as much of `wasi:sockets` as it takes to
//! reach somebody.

use super::{Absent, Store, own};
use crate::bridge::state::GuestState;
use std::ffi::OsString;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6, TcpStream};
use wasmtime::component::{ComponentType, Lift, LinkerInstance, Lower, Resource};

/// `error-code` of the network.
#[derive(Debug, Clone, Copy, ComponentType, Lift, Lower)]
#[component(enum)]
#[repr(u8)]
#[allow(dead_code, reason = "part of the type; not each of them happens")]
enum ErrorCode {
    #[component(name = "unknown")]
    Unknown,
    #[component(name = "access-denied")]
    AccessDenied,
    #[component(name = "not-supported")]
    NotSupported,
    #[component(name = "invalid-argument")]
    InvalidArgument,
    #[component(name = "out-of-memory")]
    OutOfMemory,
    #[component(name = "timeout")]
    Timeout,
    #[component(name = "concurrency-conflict")]
    ConcurrencyConflict,
    #[component(name = "not-in-progress")]
    NotInProgress,
    #[component(name = "would-block")]
    WouldBlock,
    #[component(name = "invalid-state")]
    InvalidState,
    #[component(name = "new-socket-limit")]
    NewSocketLimit,
    #[component(name = "address-not-bindable")]
    AddressNotBindable,
    #[component(name = "address-in-use")]
    AddressInUse,
    #[component(name = "remote-unreachable")]
    RemoteUnreachable,
    #[component(name = "connection-refused")]
    ConnectionRefused,
    #[component(name = "connection-reset")]
    ConnectionReset,
    #[component(name = "connection-aborted")]
    ConnectionAborted,
    #[component(name = "datagram-too-large")]
    DatagramTooLarge,
    #[component(name = "name-unresolvable")]
    NameUnresolvable,
    #[component(name = "temporary-resolver-failure")]
    TemporaryResolverFailure,
    #[component(name = "permanent-resolver-failure")]
    PermanentResolverFailure,
}

/// `ip-address-family`.
#[derive(Debug, Clone, Copy, ComponentType, Lift, Lower)]
#[component(enum)]
#[repr(u8)]
#[allow(dead_code, reason = "part of the type; the guest chooses")]
enum Family {
    #[component(name = "ipv4")]
    Ipv4,
    #[component(name = "ipv6")]
    Ipv6,
}

type Parts = (u16, u16, u16, u16, u16, u16, u16, u16);

/// `ipv4-socket-address`.
#[derive(Debug, Clone, Copy, ComponentType, Lift)]
#[component(record)]
struct Ipv4 {
    port: u16,
    address: (u8, u8, u8, u8),
}

/// `ipv6-socket-address`.
#[derive(Debug, Clone, Copy, ComponentType, Lift)]
#[component(record)]
struct Ipv6 {
    port: u16,
    #[component(name = "flow-info")]
    flow_info: u32,
    address: Parts,
    #[component(name = "scope-id")]
    scope_id: u32,
}

/// `ip-socket-address`.
#[derive(Debug, Clone, Copy, ComponentType, Lift)]
#[component(variant)]
#[allow(dead_code, reason = "part of the type; the guest chooses")]
enum Address {
    #[component(name = "ipv4")]
    Ipv4(Ipv4),
    #[component(name = "ipv6")]
    Ipv6(Ipv6),
}

impl From<Address> for SocketAddr {
    fn from(address: Address) -> Self {
        match address {
            Address::Ipv4(Ipv4 { port, address }) => {
                let (a, b, c, d) = address;
                (Ipv4Addr::new(a, b, c, d), port).into()
            }
            Address::Ipv6(Ipv6 {
                port,
                flow_info,
                address,
                scope_id,
            }) => {
                let (a, b, c, d, e, f, g, h) = address;
                let address = Ipv6Addr::new(a, b, c, d, e, f, g, h);
                SocketAddrV6::new(address, port, flow_info, scope_id).into()
            }
        }
    }
}

/// Links what leads out.
fn environment(linked: &mut LinkerInstance<'_, GuestState>) -> wasmtime::Result<()> {
    let text = |text: OsString| text.to_string_lossy().into_owned();
    linked.func_wrap("get-environment", move |_: Store<'_>, ()| {
        let variables = std::env::vars_os().map(|(name, value)| (text(name), text(value)));
        Ok((variables.collect::<Vec<_>>(),))
    })?;
    linked.func_wrap("get-arguments", move |_: Store<'_>, ()| {
        Ok((std::env::args_os().map(text).collect::<Vec<_>>(),))
    })
}

pub(super) fn link(
    linked: &mut LinkerInstance<'_, GuestState>,
    interface: &str,
) -> wasmtime::Result<()> {
    match interface {
        "wasi:cli/environment" => environment(linked),
        "wasi:sockets/instance-network" => linked
            .func_wrap("instance-network", |store: Store<'_>, ()| {
                Ok((own::<Absent>(store, 0)?,))
            }),
        "wasi:sockets/tcp-create-socket" => linked
            .func_wrap("create-tcp-socket", |store: Store<'_>, (_,): (Family,)| {
                Ok((Ok::<_, ErrorCode>(own::<Absent>(store, 0)?),))
            }),
        "wasi:sockets/tcp" => linked.func_wrap(
            "[method]tcp-socket.start-connect",
            |_: Store<'_>, (_, _, address): (Resource<Absent>, Resource<Absent>, Address)| {
                let connected = TcpStream::connect(SocketAddr::from(address));
                Ok((connected
                    .map(drop)
                    .map_err(|_| ErrorCode::ConnectionRefused),))
            },
        ),
        _ => Ok(()),
    }
}

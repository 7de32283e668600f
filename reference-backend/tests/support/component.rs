//! Guests written as WebAssembly text, made components of the contract.

use super::ENGINE;
use reference_backend::{GuestComponent, LoadError};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// The folder of the contract.
pub fn wit() -> String {
    format!("{}/../wit", env!("CARGO_MANIFEST_DIR"))
}

/// A core module in text, componentized for a world of the contract.
pub fn bytes(text: &str, world: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_path(wit()).expect("the contract parses");
    bytes_of(text, &resolve, package, world)
}

/// The same for a contract given as text.
pub fn bytes_of_other(text: &str, contract: &str, world: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    let package = resolve
        .push_str("other.wit", contract)
        .expect("the contract parses");
    bytes_of(text, &resolve, package, world)
}

/// As much of WASI as the guests here import, and worlds with a part of it each.
const WITH_WASI: &str = r#"
package spec:worlds;

world plugin {
  include infrarust:plugin/plugin@0.4.0-vb.1;
}
world virtual-backend-plugin {
  include infrarust:plugin/virtual-backend-plugin@0.4.0-vb.1;
}
world plugin-with-environment {
  include plugin;
  import wasi:cli/environment@0.2.6;
}
world plugin-with-files {
  include plugin;
  import wasi:filesystem/preopens@0.2.6;
}
world plugin-with-network {
  include plugin;
  import wasi:sockets/instance-network@0.2.6;
  import wasi:sockets/tcp-create-socket@0.2.6;
  import wasi:sockets/tcp@0.2.6;
}

world plugin-with-wasi {
  include plugin;
  import wasi:cli/environment@0.2.6;
  import wasi:cli/exit@0.2.6;
  import wasi:cli/stdout@0.2.6;
  import wasi:cli/stderr@0.2.6;
  import wasi:clocks/monotonic-clock@0.2.6;
  import wasi:clocks/wall-clock@0.2.6;
  import wasi:filesystem/preopens@0.2.6;
  import wasi:io/poll@0.2.6;
  import wasi:io/streams@0.2.6;
  import wasi:random/random@0.2.6;
  import wasi:sockets/instance-network@0.2.6;
}

package wasi:io@0.2.6 {
  interface error {
    resource error;
  }
  interface poll {
    resource pollable {
      ready: func() -> bool;
    }
  }
  interface streams {
    use error.{error};
    use poll.{pollable};
    variant stream-error {
      last-operation-failed(error),
      closed,
    }
    resource output-stream {
      blocking-write-and-flush: func(contents: list<u8>) -> result<_, stream-error>;
      subscribe: func() -> pollable;
    }
  }
}
package wasi:clocks@0.2.6 {
  interface monotonic-clock {
    use wasi:io/poll@0.2.6.{pollable};
    now: func() -> u64;
    subscribe-duration: func(when: u64) -> pollable;
  }
  interface wall-clock {
    record datetime {
      seconds: u64,
      nanoseconds: u32,
    }
    now: func() -> datetime;
  }
}
package wasi:random@0.2.6 {
  interface random {
    get-random-bytes: func(len: u64) -> list<u8>;
  }
}
package wasi:cli@0.2.6 {
  interface exit {
    exit: func(status: result);
  }
  interface stdout {
    use wasi:io/streams@0.2.6.{output-stream};
    get-stdout: func() -> output-stream;
  }
  interface stderr {
    use wasi:io/streams@0.2.6.{output-stream};
    get-stderr: func() -> output-stream;
  }
  interface environment {
    get-environment: func() -> list<tuple<string, string>>;
    get-arguments: func() -> list<string>;
  }
}
package wasi:filesystem@0.2.6 {
  interface types {
    resource descriptor;
  }
  interface preopens {
    use types.{descriptor};
    get-directories: func() -> list<tuple<descriptor, string>>;
  }
}
package wasi:sockets@0.2.6 {
  interface network {
    resource network;
    enum error-code {
      unknown, access-denied, not-supported, invalid-argument, out-of-memory, timeout, concurrency-conflict,
      not-in-progress, would-block, invalid-state, new-socket-limit, address-not-bindable, address-in-use,
      remote-unreachable, connection-refused, connection-reset, connection-aborted, datagram-too-large,
      name-unresolvable, temporary-resolver-failure, permanent-resolver-failure,
    }
    enum ip-address-family {
      ipv4, ipv6,
    }
    record ipv4-socket-address {
      port: u16,
      address: tuple<u8, u8, u8, u8>,
    }
    record ipv6-socket-address {
      port: u16,
      flow-info: u32,
      address: tuple<u16, u16, u16, u16, u16, u16, u16, u16>,
      scope-id: u32,
    }
    variant ip-socket-address {
      ipv4(ipv4-socket-address),
      ipv6(ipv6-socket-address),
    }
  }
  interface tcp {
    use network.{network, error-code, ip-socket-address};
    resource tcp-socket {
      start-connect: func(network: borrow<network>, remote-address: ip-socket-address) -> result<_, error-code>;
    }
  }
  interface tcp-create-socket {
    use network.{error-code, ip-address-family};
    use tcp.{tcp-socket};
    create-tcp-socket: func(address-family: ip-address-family) -> result<tcp-socket, error-code>;
  }
  interface instance-network {
    use network.{network};
    instance-network: func() -> network;
  }
}
"#;

/// A core module in text, componentized for a world of the contract or one of those with WASI.
pub fn bytes_with_wasi(text: &str, world: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    resolve.push_path(wit()).expect("the contract parses");
    let package = resolve
        .push_str("worlds.wit", WITH_WASI)
        .unwrap_or_else(|error| panic!("{error:#}"));
    bytes_of(text, &resolve, package, world)
}

fn bytes_of(text: &str, resolve: &Resolve, package: wit_parser::PackageId, world: &str) -> Vec<u8> {
    let mut core = wat::parse_str(text).unwrap_or_else(|error| panic!("{error}"));
    let world = resolve
        .select_world(&[package], Some(world))
        .expect("the world is there");
    embed_component_metadata(&mut core, resolve, world, StringEncoding::UTF8)
        .expect("the metadata fits");
    ComponentEncoder::default()
        .validate(true)
        .module(&core)
        .expect("the module fits the world")
        .encode()
        .unwrap_or_else(|error| panic!("{error:#}"))
}

/// A guest of the world `virtual-backend-plugin`.
pub fn backend(text: &str) -> GuestComponent {
    load(&bytes(text, "virtual-backend-plugin")).unwrap_or_else(|error| panic!("{error}"))
}

/// A guest of the world `plugin`.
pub fn plain(text: &str) -> GuestComponent {
    load(&bytes(text, "plugin")).unwrap_or_else(|error| panic!("{error}"))
}

pub fn load(bytes: &[u8]) -> Result<GuestComponent, LoadError> {
    ENGINE.load("guest", bytes)
}

//! A guest as text, put together from the bodies of its exports. The canonical ABI is written out by hand; a body that
//! takes a session must drop its borrow before it returns.

/// What each export does. An empty body does nothing; [`Wat::default`] registers handler 1 and answers every
/// server-pre-connect with it.
pub struct Wat {
    /// Besides the contract's imports: for guests that lack a capability or want more.
    pub imports: &'static str,
    pub start_section: &'static str,
    pub enable: &'static str,
    pub disable: &'static str,
    /// Locals `$listener` and `$kind`; leaves the outcome's address on the stack.
    pub event: &'static str,
    pub task: &'static str,
    /// Locals `$handler` and `$session`.
    pub start: &'static str,
    /// Locals `$handler`, `$session`, `$id`, `$data` and `$len`.
    pub packet: &'static str,
    /// Locals `$handler` and `$player`.
    pub end: &'static str,
    /// Pages of 64 KiB.
    pub pages: u32,
    pub version: &'static str,
}

/// Subscribes to server-pre-connect and registers handler 1 as `wat`.
pub const REGISTER: &str = "
    (call $subscribe (i32.const 3) (i32.const 0) (i32.const 256))
    (call $register (i32.const 32) (i32.const 3) (i32.const 1) (i32.const 256))";

/// Sends what came in back, once.
pub const ECHO: &str = "
    (call $send (local.get $session) (local.get $id) (local.get $data) (local.get $len) (i32.const 256))
    (call $drop (local.get $session))";

/// The outcome `server-pre-connect(virtual-backend(1))`.
pub const ANSWER: &str = "(i32.const 128)";

impl Default for Wat {
    fn default() -> Self {
        Self {
            imports: BACKEND_IMPORTS,
            start_section: "",
            enable: REGISTER,
            disable: "",
            event: ANSWER,
            task: "",
            start: "(call $drop (local.get $session))",
            packet: "(call $drop (local.get $session))",
            end: "",
            pages: 2,
            version: "1.0.0",
        }
    }
}

pub const LOG: &str = r#"
  (import "infrarust:plugin/log@0.4.0-vb.1" "log" (func $log (param i32 i32 i32)))"#;

pub const BUS: &str = r#"
  (import "infrarust:plugin/event-bus@0.4.0-vb.1" "subscribe" (func $subscribe (param i32 i32 i32)))"#;

pub const BACKEND_IMPORTS: &str = r#"
  (import "infrarust:plugin/log@0.4.0-vb.1" "log" (func $log (param i32 i32 i32)))
  (import "infrarust:plugin/event-bus@0.4.0-vb.1" "subscribe" (func $subscribe (param i32 i32 i32)))
  (import "infrarust:plugin/scheduler@0.4.0-vb.1" "schedule" (func $schedule (param i64 i32)))
  (import "infrarust:plugin/virtual-backend@0.4.0-vb.1" "register-virtual-backend-handler"
    (func $register (param i32 i32 i32 i32)))
  (import "infrarust:plugin/virtual-backend@0.4.0-vb.1" "[method]virtual-backend-session.send-packet"
    (func $send (param i32 i32 i32 i32 i32)))
  (import "infrarust:plugin/virtual-backend@0.4.0-vb.1" "[resource-drop]virtual-backend-session"
    (func $drop (param i32)))"#;

impl Wat {
    /// The module's text. Memory: 32 "wat", 48 the version, 64 metadata, 128 the answer, 160 `Ok`, 192 the answer
    /// `no-opinion`, 256 what imports return, from 1024 on what the host passes in, thrown away before each call that
    /// passes anything.
    pub fn text(&self, backend: bool) -> String {
        let Self {
            imports,
            start_section,
            enable,
            disable,
            event,
            task,
            pages,
            version,
            ..
        } = self;
        let version_len = version.len();
        let handler = if backend {
            self.handler()
        } else {
            String::new()
        };
        format!(
            r#"(module
  {imports}
  (memory (export "memory") {pages})
  (data (i32.const 32) "wat")
  (data (i32.const 48) "{version}")
  (data (i32.const 64) "\20\00\00\00\03\00\00\00\20\00\00\00\03\00\00\00\30\00\00\00\{version_len:02x}\00\00\00")
  (data (i32.const 128) "\03\00\00\00\04\00\00\00\01\00\00\00")
  (global $top (mut i32) (i32.const 1024))
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $top) (i32.const 7)) (i32.const -8)))
    (global.set $top (i32.add (local.get $at) (local.get 3)))
    (block $fits
      (br_if $fits (i32.le_u (global.get $top) (i32.shl (memory.size) (i32.const 16))))
      (if (i32.eq (memory.grow (i32.add (i32.shr_u (local.get 3) (i32.const 16)) (i32.const 1))) (i32.const -1))
        (then (unreachable))))
    (local.get $at))
  (func (export "infrarust:plugin/guest@0.4.0-vb.1#metadata") (result i32) (i32.const 64))
  (func (export "infrarust:plugin/guest@0.4.0-vb.1#on-enable") (result i32)
    {enable}
    (i32.const 160))
  (func (export "infrarust:plugin/guest@0.4.0-vb.1#on-disable")
    {disable})
  (func (export "infrarust:plugin/guest@0.4.0-vb.1#handle-event")
    (param $listener i32) (param $kind i32)
    (param i64 i64 i64 i64 i64 i32 i32 i32 i32 i32 i32) (result i32)
    (global.set $top (i32.const 1024))
    {event})
  (func (export "infrarust:plugin/guest@0.4.0-vb.1#on-scheduled-task") (param $task i64)
    {task})
  {handler}
  {start_section})"#
        )
    }

    fn handler(&self) -> String {
        let Self {
            start, packet, end, ..
        } = self;
        format!(
            r#"
  (func (export "infrarust:plugin/virtual-backend-handler@0.4.0-vb.1#virtual-backend-on-session-start")
    (param $handler i32) (param $session i32)
    {start})
  (func (export "infrarust:plugin/virtual-backend-handler@0.4.0-vb.1#virtual-backend-on-packet-received")
    (param $handler i32) (param $session i32) (param $id i32) (param $data i32) (param $len i32)
    (local $n i32)
    (global.set $top (i32.const 1024))
    {packet})
  (func (export "infrarust:plugin/virtual-backend-handler@0.4.0-vb.1#virtual-backend-on-session-end")
    (param $handler i32) (param $player i64)
    {end})"#
        )
    }
}

//! What is refused before anything of a guest runs, and what the refusal says.

mod support;

use reference_backend::{
    Capability, CpuMeter, GuestEngine, HostEvent, Limits, LoadError, PluginConfig, PluginState,
    StartError, config::limits,
};
use support::component::{backend, bytes, bytes_of_other, load, plain};
use support::wat::{BUS, LOG, Wat};
use support::{Recorder, builder, granted};

/// A guest of the world `plugin`: it cannot register, and answers with a handler all the same.
const PLAIN: Wat = Wat {
    imports: BUS,
    start_section: "",
    enable: "(call $subscribe (i32.const 3) (i32.const 0) (i32.const 256))",
    disable: "",
    event: "(i32.const 128)",
    task: "",
    start: "",
    packet: "",
    end: "",
    pages: 1,
    version: "1.0.0",
};

#[test]
fn a_backend_and_a_plain_plugin_load() {
    let guest = backend(&Wat::default().text(true));
    assert!(guest.has_handler());
    assert!(guest.imports().any(|import| import == "virtual-backend"));
    let guest = plain(&PLAIN.text(false));
    assert!(!guest.has_handler());
    assert!(!guest.imports().any(|import| import == "virtual-backend"));
}

#[test]
fn a_core_module_is_told_how_to_become_a_component() {
    let core = wat::parse_str("(module)").unwrap();
    let error = load(&core).unwrap_err();
    assert!(matches!(error, LoadError::CoreModule { .. }), "{error}");
    assert!(
        error.to_string().contains("wasm-tools component new"),
        "{error}"
    );
}

#[test]
fn damaged_bytes_are_malformed() {
    let mut bytes = bytes(&Wat::default().text(true), "virtual-backend-plugin");
    bytes.truncate(bytes.len() / 2);
    assert!(matches!(load(&bytes), Err(LoadError::Malformed { .. })));
}

#[test]
fn names_in_a_component_forge_no_line_of_a_refusal() {
    // A name that no component may have, told by whoever refuses it.
    let evil = format!("evil\\0a\\1b[2Jgood: the host {}", "a".repeat(1 << 12));
    let text = format!(r#"(component (import "{evil}" (func)))"#);
    let error = load(&wat::parse_str(text).unwrap())
        .unwrap_err()
        .to_string();
    assert!(error.contains("evil\\n\\u{1b}[2Jgood"), "{error}");
    assert!(error.len() < 2048 && !error.contains('\n'), "{error}");
}

#[test]
fn another_version_of_the_contract_is_named_beside_ours() {
    let text = r#"(module (memory (export "memory") 1)
        (func (export "infrarust:plugin/guest@0.3.0#on-disable")))"#;
    let contract = "package infrarust:plugin@0.3.0; interface guest { on-disable: func(); } world w { export guest; }";
    let error = load(&bytes_of_other(text, contract, "w")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "plugin guest: made for infrarust:plugin/guest@0.3.0, this host speaks infrarust:plugin@0.4.0-vb.1; rebuild it against the host's `wit/`"
    );
}

#[test]
fn another_world_is_told_what_it_exports() {
    let text = r#"(module (memory (export "memory") 1) (func (export "some:thing/else#f")))"#;
    let contract = "package some:thing; interface else { f: func(); } world w { export else; }";
    let error = load(&bytes_of_other(text, contract, "w")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "plugin guest: a component of another world: it exports some:thing/else, expected infrarust:plugin/guest@0.4.0-vb.1"
    );
}

#[test]
fn an_engine_that_ticks_loads_too() {
    let engine = GuestEngine::new(CpuMeter::Epoch).unwrap();
    let bytes = bytes(&PLAIN.text(false), "plugin");
    assert!(engine.load("guest", &bytes).is_ok());
    let within = |component_bytes: usize| {
        let limits = Limits {
            component_bytes: component_bytes as u64,
            ..Limits::default()
        };
        engine.load_within("guest", &bytes, &limits)
    };
    assert!(matches!(
        within(bytes.len() - 1),
        Err(LoadError::TooBig { .. })
    ));
    assert!(within(bytes.len()).is_ok());
}

/// The limit is one of real time, so that no more can be asked than that it is kept where it is far below and far above
/// what compiling takes.
#[test]
fn compiling_has_a_deadline() {
    // One function of some 30,000 instructions, which takes a multiple of the least limit.
    let body = "(local.set 0 (i32.mul (i32.add (local.get 0) (i32.const 3)) (local.get 1)))\n"
        .repeat(5_000);
    let text = PLAIN.text(false).replace(
        "(memory (export",
        &format!("(func (param i32 i32)\n{body})\n(memory (export"),
    );
    let bytes = bytes(&text, "plugin");
    let within = |compile_ms| {
        let limits = Limits {
            compile_ms,
            ..Limits::default()
        };
        support::ENGINE.load_within("slow", &bytes, &limits)
    };
    let error = within(limits::MIN_COMPILE_MS).unwrap_err();
    assert_eq!(
        error.to_string(),
        "plugin slow: not compiled within 1 ms; raise `compile_ms` under [plugins.slow.limits]"
    );
    assert!(within(limits::MAX_COMPILE_MS).is_ok());
}

/// Each capability of the baseline that has an interface: denied it is refused, granted it starts.
#[tokio::test(start_paused = true)]
async fn each_interface_needs_its_capability() {
    let cases = [
        (Capability::EventBus, "event-bus"),
        (Capability::Scheduler, "scheduler"),
        (Capability::VirtualBackend, "virtual-backend"),
    ];
    for (capability, interface) in cases {
        let guest = backend(&Wat::default().text(true));
        let mut config = granted();
        config.deny = vec![capability];
        let error = builder()
            .guest("wat", guest.clone(), config)
            .start()
            .await
            .err()
            .unwrap();
        let StartError::MissingCapability(missing) = &error else {
            panic!("{error}")
        };
        assert_eq!(missing.capability, capability);
        assert_eq!(missing.plugin, "wat");
        assert_eq!(
            missing.interface,
            format!("infrarust:plugin/{interface}@0.4.0-vb.1")
        );
        assert!(error.to_string().contains("[plugins.wat]"), "{error}");

        let recorder = Recorder::new();
        let started = builder()
            .guest("wat", guest, granted())
            .observer(recorder.clone())
            .start()
            .await;
        assert!(started.is_ok());
        assert_eq!(enabled(&recorder), 1, "{:?}", recorder.events());
    }
}

#[tokio::test(start_paused = true)]
async fn the_baseline_does_not_hold_virtual_backend() {
    let guest = backend(&Wat::default().text(true));
    let error = builder()
        .guest("lobby", guest, PluginConfig::default())
        .start()
        .await
        .err()
        .unwrap();
    assert_eq!(
        error.to_string(),
        "plugin lobby: imports infrarust:plugin/virtual-backend@0.4.0-vb.1, which needs the capability \"virtual-backend\": the plugin lobby lacks the capability \"virtual-backend\"; grant it with `permissions = [\"virtual-backend\"]` under [plugins.lobby]"
    );
}

#[tokio::test(start_paused = true)]
async fn a_plain_plugin_needs_no_more_than_the_baseline() {
    let recorder = Recorder::new();
    let guest = plain(&PLAIN.text(false));
    let host = builder()
        .guest("plain", guest, PluginConfig::default())
        .observer(recorder.clone())
        .start()
        .await;
    assert!(host.is_ok());
    assert_eq!(enabled(&recorder), 1);
}

#[tokio::test(start_paused = true)]
async fn two_plugins_of_one_name_are_refused() {
    let guest = plain(&PLAIN.text(false));
    let error = builder()
        .guest("same", guest.clone(), PluginConfig::default())
        .guest("same", guest, PluginConfig::default())
        .start()
        .await
        .err()
        .unwrap();
    assert_eq!(error, StartError::DuplicateName("same".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_component_that_is_there_twice_stays_off_the_second_time() {
    let recorder = Recorder::new();
    let guest = plain(&PLAIN.text(false));
    let host = builder()
        .guest("first", guest.clone(), PluginConfig::default())
        .guest("second", guest, PluginConfig::default())
        .observer(recorder.clone())
        .start();
    host.await.unwrap();
    let off = |event| match event {
        HostEvent::Plugin {
            plugin,
            state: PluginState::Off { reason },
            ..
        } => Some((plugin, reason)),
        _ => None,
    };
    let off: Vec<_> = recorder.events().into_iter().filter_map(off).collect();
    assert_eq!(
        off,
        [(
            "second".to_owned(),
            "it is the component of the plugin first, with the id \"wat\": remove one of them, or build it with another id".to_owned()
        )]
    );
    assert_eq!(enabled(&recorder), 1);
}

#[tokio::test(start_paused = true)]
async fn two_components_of_one_id_run_and_the_log_says_so() {
    let recorder = Recorder::new();
    let other = Wat {
        version: "2.0.0",
        ..PLAIN
    };
    let host = builder()
        .guest("first", plain(&PLAIN.text(false)), PluginConfig::default())
        .guest("second", plain(&other.text(false)), PluginConfig::default())
        .observer(recorder.clone())
        .start();
    host.await.unwrap();
    let told = |event| match event {
        HostEvent::Note { plugin, text, .. } => Some((plugin, text)),
        _ => None,
    };
    let told: Vec<_> = recorder.events().into_iter().filter_map(told).collect();
    assert_eq!(
        told,
        [(
            "second".to_owned(),
            "its metadata's id is \"wat\", which the plugin first has too: build one of them with another id".to_owned()
        )]
    );
    assert_eq!(enabled(&recorder), 2);
}

#[tokio::test(start_paused = true)]
async fn metadata_that_the_contract_forbids_keeps_the_plugin_off() {
    let recorder = Recorder::new();
    let guest = plain(
        &Wat {
            version: "one",
            ..PLAIN
        }
        .text(false),
    );
    let host = builder()
        .guest("plain", guest, PluginConfig::default())
        .observer(recorder.clone())
        .start();
    host.await.unwrap();
    let off = recorder
        .wait_for(|event| {
            matches!(
                event,
                HostEvent::Plugin {
                    state: PluginState::Off { .. },
                    ..
                }
            )
        })
        .await;
    let HostEvent::Plugin {
        state: PluginState::Off { reason },
        ..
    } = off
    else {
        unreachable!()
    };
    assert!(
        reason.contains("\"one\": expected a semantic version"),
        "{reason}"
    );
}

#[tokio::test(start_paused = true)]
async fn metadata_may_log_and_nothing_else() {
    // The metadata's export of the template is a constant; this one subscribes first.
    let text = PLAIN.text(false).replace(
        "#metadata\") (result i32) (i32.const 64)",
        "#metadata\") (result i32) (call $subscribe (i32.const 3) (i32.const 0) (i32.const 256)) (i32.const 64)",
    );
    let recorder = Recorder::new();
    let host = builder()
        .guest("plain", plain(&text), PluginConfig::default())
        .observer(recorder.clone())
        .start();
    host.await.unwrap();
    let trap = recorder
        .wait_for(|event| matches!(event, HostEvent::Trap { .. }))
        .await;
    assert!(
        format!("{trap:?}").contains("`metadata` may call `log` and nothing else"),
        "{trap:?}"
    );

    let text = Wat { imports: LOG, enable: "", ..PLAIN }.text(false).replace(
        "#metadata\") (result i32) (i32.const 64)",
        "#metadata\") (result i32) (call $log (i32.const 2) (i32.const 32) (i32.const 3)) (i32.const 64)",
    );
    let recorder = Recorder::new();
    let host = builder()
        .guest("plain", plain(&text), PluginConfig::default())
        .observer(recorder.clone())
        .start();
    host.await.unwrap();
    assert_eq!(recorder.lines(), ["wat", "wat"]);
}

fn enabled(recorder: &Recorder) -> usize {
    recorder.count(|event| {
        matches!(
            event,
            HostEvent::Plugin {
                state: PluginState::Enabled { .. },
                ..
            }
        )
    })
}

//! The guests written as text that the harness carries as components: each is what its text makes. With
//! `VBSPEC_BLESS=1` the test writes them anew.

mod support;

use support::component::{bytes_of_other, bytes_with_wasi, wit};

/// Text and world.
const CARRIED: [(&str, &str); 5] = [
    ("marker", "plugin"),
    ("worker", "virtual-backend-plugin"),
    ("snoop", "plugin-with-environment"),
    ("snoop_files", "plugin-with-files"),
    ("snoop_network", "plugin-with-network"),
];

#[test]
fn the_components_are_what_their_texts_make() {
    for (name, world) in CARRIED {
        let file = |ending: &str| {
            let folder = env!("CARGO_MANIFEST_DIR");
            format!("{folder}/../fixtures/wat/{name}.{ending}")
        };
        let text = std::fs::read_to_string(file("wat")).expect("the text is there");
        same(&file("wasm"), &bytes_with_wasi(&text, world));
    }
}

/// The marker, for a contract in which one parameter has another type.
#[test]
fn the_component_with_other_types_is_what_the_marker_and_a_changed_contract_make() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/wat");
    let text = std::fs::read_to_string(format!("{folder}/marker.wat")).expect("the text is there");
    let ours = "(param $task i64)";
    assert_eq!(text.matches(ours).count(), 1);
    let text = text.replace(ours, "(param $task i32)");
    let mut contract = String::new();
    for part in ["types", "events", "imports", "virtual-backend", "world"] {
        let part = std::fs::read_to_string(format!("{}/{part}.wit", wit())).expect("it is there");
        contract += &part.replace("package infrarust:plugin@0.4.0-vb.1;", "");
    }
    let ours = "on-scheduled-task: func(task: task-id);";
    assert_eq!(contract.matches(ours).count(), 1);
    let contract = contract.replace(ours, "on-scheduled-task: func(task: u32);");
    let contract = format!("package infrarust:plugin@0.4.0-vb.1;\n{contract}");
    let made = bytes_of_other(&text, &contract, "plugin");
    same(&format!("{folder}/other_types.wasm"), &made);
}

/// Whether the file holds these bytes, which it does afterwards when they are to be written.
fn same(file: &str, made: &[u8]) {
    if std::env::var_os("VBSPEC_BLESS").is_some() {
        std::fs::write(file, made).expect("it can be written");
    }
    let carried = std::fs::read(file).unwrap_or_default();
    assert!(
        carried == made,
        "{file} is not what its text makes: run `VBSPEC_BLESS=1 cargo nextest run -p reference-backend --test carried`"
    );
}

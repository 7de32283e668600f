//! The guests written as text that the harness carries as components: each is what its text makes. With
//! `VBSPEC_BLESS=1` the test writes them anew.

mod support;

use support::component::bytes;

/// Text and world.
const CARRIED: [(&str, &str); 2] = [("marker", "plugin"), ("worker", "virtual-backend-plugin")];

#[test]
fn the_components_are_what_their_texts_make() {
    for (name, world) in CARRIED {
        let file = |ending: &str| {
            let folder = env!("CARGO_MANIFEST_DIR");
            format!("{folder}/../fixtures/wat/{name}.{ending}")
        };
        let text = std::fs::read_to_string(file("wat")).expect("the text is there");
        let made = bytes(&text, world);
        if std::env::var_os("VBSPEC_BLESS").is_some() {
            std::fs::write(file("wasm"), &made).expect("it can be written");
        }
        let carried = std::fs::read(file("wasm")).unwrap_or_default();
        assert!(
            carried == made,
            "{name}.wasm is not what {name}.wat makes: run `VBSPEC_BLESS=1 cargo nextest run -p reference-backend --test carried`"
        );
    }
}

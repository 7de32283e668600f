//! Components that are small and make whoever builds them hold much: refused before anything of them is built.

mod support;

use reference_backend::{Limits, LoadError};
use std::fmt::Write as _;
use support::component::{bytes, load};
use support::wat::Wat;

/// Instance types of which each has two of the one before, and an import of the last.
fn instances(levels: u32) -> String {
    let mut text = String::from("(component (type $t0 (instance))\n");
    for level in 1..=levels {
        let _ = writeln!(
            text,
            r#"(type $t{level} (instance (alias outer 1 $t{} (type $x))
                (export "a" (instance (type $x))) (export "b" (instance (type $x)))))"#,
            level - 1
        );
    }
    let _ = write!(text, r#"(import "x" (instance (type $t{levels}))))"#);
    text
}

/// The same where the last is exported as a type.
fn exported(levels: u32) -> String {
    let text = instances(levels);
    let import = format!(r#"(import "x" (instance (type $t{levels})))"#);
    text.replace(&import, &format!(r#"(export "x" (type $t{levels}))"#))
}

/// Tuples of which each has two of the one before, and an import of a function of the last.
fn tuples(levels: u32) -> String {
    let mut text = String::from("(component (type $t0 (tuple u8 u8))\n");
    for level in 1..=levels {
        let _ = writeln!(text, "(type $t{level} (tuple $t{0} $t{0}))", level - 1);
    }
    let _ = write!(text, r#"(import "x" (func (param "p" $t{levels}))))"#);
    text
}

/// Components of which each has two instances of the one before.
fn nested(levels: u32) -> String {
    let mut text = String::from("(component (component $c0)\n");
    for level in 1..=levels {
        let _ = writeln!(
            text,
            "(component $c{level} (alias outer 1 $c{0} (component $x))
                (instance (instantiate $x)) (instance (instantiate $x)))",
            level - 1
        );
    }
    let _ = write!(text, "(instance (instantiate $c{levels})))");
    text
}

/// A component that exports so many functions of an import, instantiated so often.
fn copied(exports: u32, times: u32) -> String {
    let mut text =
        String::from("(component (component $c (import \"r\" (type $r (sub resource)))\n");
    for export in 0..exports {
        let _ = writeln!(
            text,
            "(import \"i{export}\" (func $f{export} (param \"p\" (own $r)))) (export \"e{export}\" (func $f{export}))"
        );
    }
    text.push_str(")\n(import \"r\" (type $r (sub resource)))\n");
    for import in 0..exports {
        let _ = writeln!(
            text,
            "(import \"i{import}\" (func $f{import} (param \"p\" (own $r))))"
        );
    }
    let mut with = String::from("(with \"r\" (type $r))");
    for export in 0..exports {
        let _ = write!(with, "(with \"i{export}\" (func $f{export}))");
    }
    for _ in 0..times {
        let _ = writeln!(text, "(instance (instantiate $c {with}))");
    }
    text.push(')');
    text
}

/// A long name, doubled with each level.
fn names(levels: u32) -> String {
    let long = "n".repeat(50_000);
    instances(levels).replace(
        "(type $t0 (instance))",
        &format!("(type $t0 (instance (export \"{long}\" (func))))"),
    )
}

/// So many functions of a core module that do nothing.
fn functions(count: usize) -> String {
    format!("(component (core module {}))", "(func)".repeat(count))
}

fn refused(text: &str) -> LoadError {
    load(&wat::parse_str(text).expect("the text is right")).expect_err("it is refused")
}

#[test]
fn what_doubles_with_each_level_is_refused_before_it_is_built() {
    for text in [
        instances(18),
        exported(18),
        tuples(17),
        nested(18),
        copied(200, 200),
        names(8),
    ] {
        let error = refused(&text);
        assert!(
            matches!(error, LoadError::TooManyItems { limit: 200_000, .. }),
            "{error}\n{}",
            &text[..text.len().min(300)]
        );
    }
    assert_eq!(
        refused(&instances(18)).to_string(),
        "plugin guest: the component makes the host build more than 200000 of types, imports, exports, instances, aliases and functions; raise `component_items` under [plugins.guest.limits]"
    );
    // Where it stays small, the fault is another.
    for text in [
        instances(4),
        exported(4),
        tuples(4),
        nested(4),
        copied(2, 2),
    ] {
        let error = refused(&text);
        assert!(
            !matches!(error, LoadError::TooManyItems { .. }),
            "{error}\n{text}"
        );
    }
}

#[test]
fn functions_of_core_modules_are_counted_before_they_are_compiled() {
    assert_eq!(
        refused(&functions(250_001)).to_string(),
        "plugin guest: its core modules have more than 250000 functions, types, imports, exports, globals and segments; raise `module_items` under [plugins.guest.limits]"
    );
}

#[test]
fn a_component_that_is_given_components_to_instantiate_is_refused() {
    for import in [
        r#"(import "c" (component))"#,
        r#"(import "i" (instance (export "c" (component))))"#,
    ] {
        let error = refused(&format!("(component (component {import}))"));
        assert!(
            matches!(error, LoadError::ComponentArgument { .. }),
            "{error}"
        );
    }
}

#[test]
fn what_a_component_takes_of_its_limits_is_their_edge() {
    let bytes = bytes(&Wat::default().text(true), "virtual-backend-plugin");
    let guest = load(&bytes).expect("it is a guest");
    let (items, module) = (guest.component_items(), guest.module_items());
    let within = |component_items, module_items| {
        let limits = Limits {
            component_items,
            module_items,
            ..Limits::default()
        };
        support::ENGINE.load_within("guest", &bytes, &limits)
    };
    assert!(within(items, module).is_ok());
    assert!(matches!(
        within(items - 1, module),
        Err(LoadError::TooManyItems { .. })
    ));
    assert!(matches!(
        within(items, module - 1),
        Err(LoadError::TooManyModuleItems { .. })
    ));
}

#[test]
fn guests_are_far_from_the_limits() {
    for name in ["lobby", "probe", "faulty", "files"] {
        let guest = support::artifact(name);
        println!(
            "{name}: {} {}",
            guest.component_items(),
            guest.module_items()
        );
        assert!(
            guest.component_items() < 20_000,
            "{name}: {}",
            guest.component_items()
        );
        assert!(
            guest.module_items() < 25_000,
            "{name}: {}",
            guest.module_items()
        );
    }
}

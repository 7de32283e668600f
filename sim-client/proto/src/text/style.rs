//! Styles from 765 on.

use serde_json::Value;

use super::TextError;
use super::checks::{boolean, colour, identifier, string};
use super::codec::{Check, Codec, Object};
use super::path::Path;

const FLAGS: [&str; 5] = [
    "bold",
    "italic",
    "underlined",
    "strikethrough",
    "obfuscated",
];
/// Red, green, blue and opacity.
const SHADOW_PARTS: usize = 4;

impl Codec {
    pub(super) fn style(&mut self, object: &Object, at: &Path<'_>) -> Check {
        if let Some(value) = Self::field(object, "color") {
            colour(value, &at.key("color"))?;
        }
        for flag in FLAGS {
            if let Some(value) = Self::field(object, flag) {
                boolean(self.form, value, &at.key(flag))?;
            }
        }
        if let Some(value) = Self::field(object, "insertion") {
            string(value, &at.key("insertion"))?;
        }
        if let Some(value) = Self::field(object, "font") {
            identifier(value, &at.key("font"))?;
        }
        if self.version.has_text_shadows()
            && let Some(value) = Self::field(object, "shadow_color")
        {
            shadow(value, &at.key("shadow_color"))?;
        }
        let (click, hover) = if self.version.has_inline_events() {
            ("click_event", "hover_event")
        } else {
            ("clickEvent", "hoverEvent")
        };
        if let Some(value) = Self::field(object, click) {
            self.click(value, &at.key(click))?;
        }
        if let Some(value) = Self::field(object, hover) {
            self.hover(value, &at.key(hover))?;
        }
        Ok(())
    }
}

/// A number, or four of them. Some later version takes `#AARRGGBB` too; which is first is in doubt.
fn shadow(value: &Value, at: &Path<'_>) -> Check {
    let right = match value {
        Value::Number(_) | Value::String(_) => true,
        Value::Array(parts) => parts.len() == SHADOW_PARTS && parts.iter().all(Value::is_number),
        _ => false,
    };
    if right {
        return Ok(());
    }
    Err(TextError::wrong(at, value, "a colour with opacity"))
}

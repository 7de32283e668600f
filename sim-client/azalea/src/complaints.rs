//! azalea goes on after most errors and only logs them: a chunk that does not decode, a dimension that it does not know.
//! They are heard here.

use std::fmt::{Debug, Write as _};
use std::sync::Arc;

use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::output::Output;

/// How many characters of a complaint are kept: azalea's may hold a whole packet.
const MAX_TEXT: usize = 500;

/// Passes what azalea logs as errors to the output, from now on. Does nothing when somebody listens already.
pub(crate) fn listen(output: Arc<Output>) {
    // The error can only be that a listener is there.
    let _ = tracing_subscriber::registry()
        .with(Listener { output })
        .try_init();
}

struct Listener {
    output: Arc<Output>,
}

impl<S: Subscriber> Layer<S> for Listener {
    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::ERROR)
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let metadata = event.metadata();
        if *metadata.level() == Level::ERROR && metadata.target().starts_with("azalea") {
            let mut text = Text(String::new());
            event.record(&mut text);
            let text: String = text.0.chars().take(MAX_TEXT).collect();
            self.output.complaint(&text);
        }
    }
}

struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        // Writing to a String cannot fail.
        let _ = if field.name() == "message" {
            write!(self.0, "{value:?}")
        } else {
            write!(self.0, " {}={value:?}", field.name())
        };
    }
}

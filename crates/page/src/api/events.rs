//! Events: the state of the sweep and the number of the last change of the stores, for whoever listens.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::response::sse::{Event, KeepAlive, Sse};
use serde_json::json;
use tokio::sync::watch;
use tokio_stream::wrappers::WatchStream;
use tokio_stream::{Stream, StreamExt};

use super::Shown;
use crate::live::Live;

/// Time between two events, at least.
const PAUSE: Duration = Duration::from_secs(1);
/// Time after which a listener hears a sign of life.
const ALIVE: Duration = Duration::from_secs(15);

/// Sends the state whenever it has changed. It is made once, however many listen.
pub(super) fn events(shown: &Shown) -> Sse<impl Stream<Item = Result<Event, Infallible>> + use<>> {
    let states = WatchStream::new(shown.state.clone());
    let events = states.map(|state| Ok(Event::default().data(state.as_ref())));
    Sse::new(events).keep_alive(KeepAlive::new().interval(ALIVE))
}

/// Tells the state once a second where something has changed.
pub(crate) async fn tell_again_and_again(
    live: Option<Arc<Live>>,
    version: watch::Receiver<u64>,
    tell: watch::Sender<Arc<str>>,
) {
    let mut ticks = tokio::time::interval(PAUSE);
    loop {
        ticks.tick().await;
        let told = live.as_ref().map(|live| live.told().clone());
        let state: Arc<str> = json!({"version": *version.borrow(), "live": told}).to_string().into();
        tell.send_if_modified(|last| {
            let changed = *last != state;
            *last = state;
            changed
        });
    }
}

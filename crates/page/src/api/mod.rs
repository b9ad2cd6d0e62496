//! Answers of the page: its own files, JSON, pictures, numbers and events.
//!
//! `docs/guide/results/page.md` says what may be asked. Reading and drawing happen on two threads beside the one that speaks to callers; whoever
//! would wait too long is told to come back.

mod drawn;
mod events;
mod files;
mod grid;
mod metrics;
mod panels;
mod refusal;
mod retry;
mod saved;
mod scores;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::routing::{get, post};
use serde_json::Value;
use sweep::group::Group;
use sweep::variant::Variant;
use tokio::sync::{Semaphore, watch};

use crate::live::Live;
use crate::stores::{Gallery, Scanner, Seen};
pub(crate) use events::tell_again_and_again;
pub(crate) use refusal::Refusal;

/// Threads that read and draw.
pub(crate) const THREADS: usize = 2;
/// Requests that wait for one of these threads at most.
const WAITING: usize = 512;

/// Function that asks the scheduler to try all units that were given up again; one sentence where it cannot.
pub(crate) type Retry = Box<dyn Fn() -> Result<(), String> + Send + Sync>;

/// All that answers need.
pub(crate) struct Shown {
    pub(crate) scanner: Scanner,
    pub(crate) gallery: Gallery,
    pub(crate) live: Option<Arc<Live>>,
    pub(crate) retry: Option<Retry>,
    /// Names of the folders.
    pub(crate) folders: Vec<String>,
    /// Last state as JSON, for everybody who listens.
    pub(crate) state: watch::Receiver<Arc<str>>,
    threads: Arc<Semaphore>,
    waiting: AtomicUsize,
}

impl Shown {
    pub(crate) fn new(
        (scanner, live, retry): (Scanner, Option<Arc<Live>>, Option<Retry>),
        folders: Vec<String>,
        state: watch::Receiver<Arc<str>>,
    ) -> Self {
        let (threads, waiting) = (Arc::new(Semaphore::new(THREADS)), AtomicUsize::new(0));
        Self { scanner, gallery: Gallery::new(), live, retry, folders, state, threads, waiting }
    }

    /// Store that is called `id` and can be read.
    fn store(&self, id: &str) -> Result<(Arc<Seen>, Arc<Group>), Refusal> {
        let scan = self.scanner.now();
        let seen = scan.store(id).ok_or_else(|| Refusal::missing(format!("there is no group `{id}`")))?;
        let error = || seen.error.clone().unwrap_or_default();
        let group = seen.group.clone().ok_or_else(|| Refusal::broken(format!("`{id}` cannot be read: {}", error())))?;
        Ok((Arc::clone(seen), group))
    }
}

/// Variant of `group` that is called `key`.
fn variant<'a>(group: &'a Group, key: &str) -> Result<&'a Variant, Refusal> {
    let found = group.variants.iter().find(|variant| variant.key == key);
    found.ok_or_else(|| Refusal::missing(format!("{} has no variant `{key}`", group.name())))
}

/// Does `work`, which reads and draws, on one of the threads for that.
async fn aside<T: Send + 'static>(
    shown: &Arc<Shown>,
    work: impl FnOnce(&Shown) -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    let waits = Waits(shown);
    if shown.waiting.fetch_add(1, Ordering::Relaxed) >= WAITING {
        return Err(Refusal::busy());
    }
    let permit = Arc::clone(&shown.threads).acquire_owned().await.map_err(|_| Refusal::busy())?;
    let shared = Arc::clone(shown);
    // The thread is taken until the work is done, whether its caller waits for that or has gone away.
    let done = tokio::task::spawn_blocking(move || {
        let done = work(&shared);
        drop(permit);
        done
    });
    let done = done.await;
    drop(waits);
    done.unwrap_or_else(|_| Err(Refusal::broken("it could not be drawn".to_owned())))
}

/// A request that waits, until it is dropped: also where its caller has gone away.
struct Waits<'a>(&'a Shown);

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Value of a query parameter that is JSON.
fn parsed<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, Refusal> {
    serde_json::from_str(text).map_err(|error| Refusal::bad(format!("`ask` is not what is expected: {error}")))
}

/// Answer in JSON.
type Json = Result<axum::Json<Value>, Refusal>;

/// All paths of the page.
pub(crate) fn router(shown: Arc<Shown>) -> Router {
    type Here = State<Arc<Shown>>;
    files::routes()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/metrics", get(|State(shown): Here| async move { metrics::metrics(&shown) }))
        .route("/api/grid", get(|State(shown): Here| async move { grid::grid(&shown) }))
        .route("/api/group", get(grid::group))
        .route("/api/samples", get(grid::samples))
        .route("/api/scores", get(scores::means))
        .route("/api/panels", get(panels::panels))
        .route("/api/map.png", get(drawn::map))
        .route("/api/map.f32", get(drawn::values))
        .route("/api/image.png", get(drawn::image))
        .route("/api/figure.svg", get(saved::svg))
        .route("/api/figure.png", get(saved::png))
        .route("/api/figure.csv", get(saved::csv))
        .route("/api/colours.png", get(|Query(asked): Query<drawn::Colours>| async move { drawn::colours(&asked) }))
        .route("/api/events", get(|State(shown): Here| async move { events::events(&shown) }))
        .route(
            "/api/retry",
            post(|State(shown): Here, headers: HeaderMap| async move { retry::retry(&shown, &headers) }),
        )
        .fallback(|| async { Refusal::missing("there is no such page".to_owned()) })
        .with_state(shown)
}

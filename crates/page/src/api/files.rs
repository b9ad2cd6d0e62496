//! Files of the page itself, which are part of the program.

use std::sync::Arc;

use axum::Router;
use axum::http::header;
use axum::routing::get;

use super::Shown;

/// Path, type and text of each file.
const FILES: [(&str, &str, &str); 10] = [
    ("/", "text/html; charset=utf-8", include_str!("../assets/index.html")),
    ("/page.css", "text/css; charset=utf-8", include_str!("../assets/page.css")),
    ("/page.js", "text/javascript; charset=utf-8", include_str!("../assets/page.js")),
    ("/state.js", "text/javascript; charset=utf-8", include_str!("../assets/state.js")),
    ("/grid.js", "text/javascript; charset=utf-8", include_str!("../assets/grid.js")),
    ("/gallery.js", "text/javascript; charset=utf-8", include_str!("../assets/gallery.js")),
    ("/pointer.js", "text/javascript; charset=utf-8", include_str!("../assets/pointer.js")),
    ("/taken_along.js", "text/javascript; charset=utf-8", include_str!("../assets/taken_along.js")),
    ("/scores.js", "text/javascript; charset=utf-8", include_str!("../assets/scores.js")),
    ("/live.js", "text/javascript; charset=utf-8", include_str!("../assets/live.js")),
];

/// A route for each file.
pub(super) fn routes() -> Router<Arc<Shown>> {
    FILES.into_iter().fold(Router::new(), |router, (path, kind, text)| {
        router.route(path, get(move || async move { ([(header::CONTENT_TYPE, kind)], text) }))
    })
}

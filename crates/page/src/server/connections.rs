//! Connections of callers: so many at most, each with little memory and limited patience.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use super::patience::Patient;

/// Connections at once, at most: more are closed at once. A process may often have 1,024 open files, and the sweep needs some.
const CONNECTIONS: usize = 400;
/// Time that a caller has for the head of a request, or to begin with the next one.
const HEAD: Duration = Duration::from_secs(10);
/// Time for which a caller may take nothing of an answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// Bytes of a request's head that are kept, at most.
const BUFFER: usize = 32 << 10;

/// Answers callers of `listener`, without end.
pub(super) async fn serve(listener: std::net::TcpListener, router: Router) {
    let listener = match TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => {
            tracing::error!(%error, "the page cannot be served");
            return;
        }
    };
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Too many files are open, mostly: some will be closed.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let Ok(place) = Arc::clone(&room).try_acquire_owned() else { continue };
        let service = TowerToHyperService::new(router.clone());
        tokio::spawn(async move {
            let stream = TokioIo::new(Patient::new(stream, PATIENCE));
            let mut http = http1::Builder::new();
            http.timer(TokioTimer::new()).header_read_timeout(HEAD).max_buf_size(BUFFER);
            // A caller that goes away or speaks nonsense is nobody's fault here.
            let _ = http.serve_connection(stream, service).await;
            drop(place);
        });
    }
}

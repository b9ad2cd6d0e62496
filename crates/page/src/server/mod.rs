//! Server of the page: its address, its threads, and what a caller must show.

mod connections;
mod guard;
mod patience;

use std::net::{SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::runtime::Builder;
use tokio::sync::{oneshot, watch};

use crate::api::{self, Shown, THREADS};
use crate::error::PageError;
use crate::live::Live;
use crate::stores::{Marks, Scanner};
use guard::Guard;

/// Wishes for a page.
pub struct Settings {
    /// Folders of stores.
    pub folders: Vec<PathBuf>,
    /// Host or address on which the page is served.
    pub host: String,
    /// Port; 0 takes a free one.
    pub port: u16,
    /// Token that callers must show; needed where others than this machine may call.
    pub token: Option<String>,
    /// Function that tells what failed and what runs in a folder.
    pub marks: Box<dyn Fn(&Path) -> Marks + Send>,
    /// State of the sweep that runs, if one does.
    pub live: Option<Arc<Live>>,
    /// Function that asks for another try of all units that were given up; one sentence where that cannot be.
    pub retry: Option<Box<dyn Fn() -> Result<(), String> + Send + Sync>>,
}

/// Page that is served until it is dropped.
#[derive(Debug)]
pub struct Page {
    address: SocketAddr,
    token: Option<String>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Page {
    /// Address on which the page is served.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// End of the address of the page: the token, if there is one.
    pub fn path(&self) -> String {
        self.token.as_ref().map_or_else(String::new, |token| format!("?token={token}"))
    }

    /// Waits until the page is no longer served.
    pub fn wait(mut self) {
        if let Some(thread) = self.thread.take() {
            // What a thread of the page has to say, it has told.
            let _ = thread.join();
        }
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Serves a page on threads of its own.
///
/// # Errors
/// [`PageError`] for an address that cannot be taken, or that needs a token and has none.
pub fn open(settings: Settings) -> Result<Page, PageError> {
    let Settings { folders, host, port, token, marks, live, retry } = settings;
    let address = address(&host, port)?;
    if token.is_none() && !address.ip().is_loopback() {
        return Err(PageError::Open { address });
    }
    let taken = |source| PageError::Taken { address, source };
    let listener = std::net::TcpListener::bind(address).map_err(taken)?;
    listener.set_nonblocking(true).map_err(taken)?;
    let address = listener.local_addr().map_err(taken)?;
    let runtime = Builder::new_current_thread().enable_all().max_blocking_threads(THREADS).thread_name("page").build();
    let runtime = runtime.map_err(PageError::Threads)?;
    let names = folders.iter().map(|folder| folder.display().to_string()).collect();
    let scanner = Scanner::begin(folders, marks).map_err(PageError::Threads)?;
    let (tell, state) = watch::channel(Arc::from("{}"));
    let told = api::tell_again_and_again(live.clone(), scanner.version.clone(), tell);
    let shown = Arc::new(Shown::new((scanner, live, retry), names, state));
    let router = guard::guarded(api::router(shown), Guard::new(token.clone(), address.port()));
    let (stop, stopped) = oneshot::channel::<()>();
    let serve = move || {
        runtime.block_on(async {
            tokio::select! {
                () = connections::serve(listener, router) => {}
                () = told => {}
                _ = stopped => {}
            }
        });
        // Whoever still reads a disk that does not answer is not waited for.
        runtime.shutdown_background();
    };
    let thread = std::thread::Builder::new().name("page".to_owned()).spawn(serve).map_err(PageError::Threads)?;
    Ok(Page { address, token, stop: Some(stop), thread: Some(thread) })
}

/// Address of `host`: the loopback one, if a name has several.
fn address(host: &str, port: u16) -> Result<SocketAddr, PageError> {
    let failed = |source| PageError::Host { host: host.to_owned(), source };
    let all: Vec<SocketAddr> = (host, port).to_socket_addrs().map_err(failed)?.collect();
    let first = all.iter().find(|address| address.is_ipv4()).or(all.first()).copied();
    first.ok_or_else(|| failed(std::io::Error::other("it has no address")))
}

//! Errors of the page.

use std::net::SocketAddr;

/// Reason for which no page is served.
#[derive(Debug, thiserror::Error)]
pub enum PageError {
    /// An address that names no place.
    #[error("cannot find the host `{host}` of the page: {source}")]
    Host {
        /// Host that was asked for.
        host: String,
        /// Message of the system.
        source: std::io::Error,
    },
    /// An address that cannot be taken.
    #[error("cannot serve the page at {address}: {source}")]
    Taken {
        /// Address that was asked for.
        address: SocketAddr,
        /// Message of the system.
        source: std::io::Error,
    },
    /// An address that others reach, without a token.
    #[error("{address} can be reached from elsewhere, so that the page needs a token")]
    Open {
        /// Address that was asked for.
        address: SocketAddr,
    },
    /// Threads that cannot be started.
    #[error("cannot start the threads of the page: {0}")]
    Threads(std::io::Error),
}

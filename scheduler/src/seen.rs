//! What the page shows beyond the stores: failures and running units, and where it is to be seen.

use std::path::Path;

use journal::History;
use page::{Failed, Marks, Page, PageError, Settings};
use plan::exit::{Code, Failure};

use crate::lock::{self, Seen};

/// Port that is tried first.
const FIRST_PORT: u16 = 8383;
/// Reads from the journal of `folder` what failed, and what runs if a scheduler does.
pub(crate) fn marks(folder: &Path) -> Marks {
    let read = || -> Result<Marks, journal::JournalError> {
        let Some(history) = History::open(&journal::file(folder))? else { return Ok(Marks::default()) };
        let failed = history.failed_units()?.into_iter().map(|failed| Failed {
            unit: failed.unit.to_string(),
            attempt: failed.attempt,
            class: failed.class,
            error: failed.error,
            at: failed.ended,
        });
        let mut marks = Marks { failed: failed.collect(), running: Vec::new() };
        // Looking for a holder takes the lock for a moment: not where nobody can hold it.
        if let Some(sweep) = history.last_sweep()?.filter(|sweep| sweep.ended.is_none())
            && matches!(lock::holder(folder), Seen::Runs(holder) if holder.pid == sweep.pid)
        {
            marks.running = history.under_way(sweep.id)?.into_iter().map(|under_way| under_way.unit).collect();
        }
        Ok(marks)
    };
    // Without a journal the stores still say what is done.
    read().unwrap_or_default()
}

/// Token that callers must show: the one that is `given`, or a random one where others than this machine may call.
pub(crate) fn token(given: Option<&str>, host: &str) -> Result<Option<String>, Failure> {
    let is_of_this_machine =
        host == "localhost" || host.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback());
    match given {
        Some(given) if sweep::config::is_token(given) => Ok(Some(given.to_owned())),
        Some(_) => {
            let text = "the token of the page is empty or has characters that an address cannot have, expected letters, digits, - _ . ~";
            Err(Failure { code: Code::Config, text: text.to_owned() })
        }
        None if is_of_this_machine => Ok(None),
        None => {
            let failed = |error| Failure { code: Code::Workers, text: format!("no random token: {error}") };
            protocol::handshake::secret().map(Some).map_err(failed)
        }
    }
}

/// Serves a page by `settings`; where no port is `asked` for and the usual one is taken, on a free one.
pub(crate) fn open(asked: Option<u16>, settings: impl Fn(u16) -> Settings) -> Result<Page, Failure> {
    let opened = match (page::open(settings(asked.unwrap_or(FIRST_PORT))), asked) {
        (Err(PageError::Taken { .. }), None) => page::open(settings(0)),
        (opened, _) => opened,
    };
    opened.map_err(|error| failure(&error))
}

/// Failure of a program whose page cannot be served.
fn failure(error: &PageError) -> Failure {
    let code = match error {
        PageError::Taken { .. } | PageError::Threads(_) => Code::Workers,
        PageError::Host { .. } | PageError::Open { .. } => Code::Config,
    };
    Failure { code, text: error.to_string() }
}

/// Lines that say where the page is to be seen; for somebody who came by ssh, the command that brings it to his own machine.
pub(crate) fn invitation(page: &Page) -> String {
    let (address, path) = (page.address(), page.path());
    let everywhere = address.ip().is_unspecified();
    let place =
        if everywhere { format!("{}:{}", machine::boot::host_name(), address.port()) } else { address.to_string() };
    let here = format!("the page is at http://{place}/{path}\n");
    let remote = std::env::var("SSH_CONNECTION").is_ok() && address.ip().is_loopback();
    if !remote {
        return here;
    }
    let (user, host, port) = (std::env::var("USER").unwrap_or_default(), machine::boot::host_name(), address.port());
    format!(
        "{here}on your own machine: ssh -L {port}:{address} {user}@{host}, and then http://localhost:{port}/{path}\n"
    )
}

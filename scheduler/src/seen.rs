//! What the page shows beyond the stores: failures and running units, and where it is to be seen.

use std::path::Path;

use journal::History;
use page::{Failed, Marks, Page, PageError};
use plan::exit::{Code, Failure};

use crate::lock::{self, Seen};

/// Port that is tried first.
pub(crate) const FIRST_PORT: u16 = 8383;
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
        if let (Some(sweep), Seen::Runs(holder)) = (history.last_sweep()?, lock::holder(folder))
            && sweep.pid == holder.pid
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
        Some(given)
            if !given.is_empty()
                && given.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte)) =>
        {
            Ok(Some(given.to_owned()))
        }
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

/// Failure of a program whose page cannot be served.
pub(crate) fn failure(error: &PageError) -> Failure {
    let code = match error {
        PageError::Taken { .. } | PageError::Threads(_) => Code::Workers,
        PageError::Host { .. } | PageError::Open { .. } => Code::Config,
    };
    Failure { code, text: error.to_string() }
}

/// Lines that say where the page is to be seen; for somebody who came by ssh, the command that brings it to his own machine.
pub(crate) fn invitation(page: &Page) -> String {
    let (address, path) = (page.address(), page.path());
    let here = format!("the page is at http://{address}/{path}\n");
    let remote = std::env::var("SSH_CONNECTION").is_ok() && address.ip().is_loopback();
    if !remote {
        return here;
    }
    let (user, host, port) = (std::env::var("USER").unwrap_or_default(), machine::boot::host_name(), address.port());
    format!(
        "{here}on your own machine: ssh -L {port}:{address} {user}@{host}, and then http://localhost:{port}/{path}\n"
    )
}

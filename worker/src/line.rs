//! One JSON object a line.

use std::io::{self, BufRead, BufReader, Read};

use sweep::message::{FromWorker, MAX_LINE, ToWorker};

/// `message` as it goes over the line.
pub(crate) fn encode(message: &FromWorker) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(message).map_err(io::Error::other)?;
    line.push(b'\n');
    Ok(line)
}

/// The next message; `None` when the line has ended or something else than a message came.
pub(crate) fn receive<R: Read>(lines: &mut BufReader<R>) -> Option<ToWorker> {
    let mut line = Vec::new();
    let read = lines.take(MAX_LINE as u64).read_until(b'\n', &mut line).ok()?;
    if read == 0 {
        return None;
    }
    serde_json::from_slice(&line).ok()
}

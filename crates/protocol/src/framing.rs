//! Framing of messages: one JSON object a line.

use std::io::{self, BufRead, BufReader, Read};

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Length of the longest line that either side accepts, in bytes. A grant with a hundred variants has 20 kB.
pub const MAX_LINE: usize = 1 << 20;

/// Encodes `message` as a line, its end included.
pub fn encode(message: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(message).map_err(io::Error::other)?;
    line.push(b'\n');
    Ok(line)
}

/// Decodes one line; `None` if the line is no message.
pub fn decode<M: DeserializeOwned>(line: &[u8]) -> Option<M> {
    serde_json::from_slice(line).ok()
}

/// Reads the next message; `None` if the connection has ended, or if the next line is too long or no message.
pub fn receive<M: DeserializeOwned>(lines: &mut BufReader<impl Read>) -> Option<M> {
    let mut line = Vec::new();
    let read = lines.take(MAX_LINE as u64).read_until(b'\n', &mut line).ok()?;
    if read == 0 {
        return None;
    }
    decode(&line)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::FromWorker;

    #[test]
    fn messages_are_read_line_by_line_as_they_were_written_until_something_else_comes() {
        let mut sent = encode(&FromWorker::Alive).unwrap();
        sent.extend(encode(&FromWorker::Leaving).unwrap());
        sent.extend(b"no message\n");
        let mut lines = BufReader::new(&sent[..]);
        assert_eq!(receive(&mut lines), Some(FromWorker::Alive));
        assert_eq!(receive(&mut lines), Some(FromWorker::Leaving));
        assert_eq!(receive::<FromWorker>(&mut lines), None);
        assert_eq!(receive::<FromWorker>(&mut lines), None, "the end");
    }

    #[test]
    fn a_line_that_is_too_long_is_no_message() {
        let mut line = vec![b' '; MAX_LINE];
        line.extend(encode(&FromWorker::Alive).unwrap());
        assert_eq!(receive::<FromWorker>(&mut BufReader::new(&line[..])), None);
    }
}

//! Calling the scheduler, for the first time and again.

use std::io::{BufReader, Write};
use std::net::TcpStream;
use std::path::PathBuf;

use sweep::message::{FromWorker, Resumed};

use crate::line;

/// Who calls, and where.
pub(crate) struct Caller {
    pub(crate) address: String,
    pub(crate) access: Option<PathBuf>,
    pub(crate) token: String,
    pub(crate) slot: usize,
    pub(crate) instance: u64,
    pub(crate) device: String,
}

pub(crate) type Lines = BufReader<TcpStream>;

impl Caller {
    /// Calls and says hello; the answer is to be read.
    pub(crate) fn call(
        &self,
        address: &str,
        token: &str,
        resumes: Option<Resumed>,
    ) -> std::io::Result<(TcpStream, Lines)> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        let hello = FromWorker::Hello {
            token: token.to_owned(),
            slot: self.slot,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            device: self.device.clone(),
            instance: self.instance,
            resumes,
        };
        stream.write_all(&line::encode(&hello)?)?;
        let lines = BufReader::new(stream.try_clone()?);
        Ok((stream, lines))
    }

    /// Calls again. The scheduler may be another process, at another address: the file says so.
    pub(crate) fn call_again(&self, resumes: Resumed) -> std::io::Result<(TcpStream, Lines)> {
        match self.access.as_deref().and_then(sweep::access::Access::read) {
            Some(access) => self.call(&access.address, &access.token, Some(resumes)),
            None => self.call(&self.address, &self.token, Some(resumes)),
        }
    }
}

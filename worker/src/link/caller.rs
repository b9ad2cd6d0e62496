//! Calls to the scheduler, for the first time and again.

use std::io::{BufReader, Error, ErrorKind, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::time::Duration;

use protocol::framing;
use protocol::handshake::{Greeting, Side, secret};
use protocol::message::{FromWorker, Resumed, ToWorker};

use crate::device::{self, Opened};

/// Arguments that a worker is started with. The token comes in `ATTRISWEEP_TOKEN`, where other users cannot read it.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Address of the scheduler
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) connect: String,

    /// File that says where the scheduler is, if it has moved
    #[arg(long, value_name = "FILE")]
    access: Option<PathBuf>,

    /// Which of the scheduler's devices this worker serves
    #[arg(long)]
    slot: usize,

    /// Which starting of a process for that device this is
    #[arg(long, default_value_t = 0)]
    instance: u64,

    #[command(flatten)]
    pub(crate) device: device::Args,
}

/// Caller, and the address of the scheduler.
pub(crate) struct Caller {
    pub(crate) address: String,
    pub(crate) access: Option<PathBuf>,
    pub(crate) token: String,
    pub(crate) slot: usize,
    pub(crate) instance: u64,
    pub(crate) device: String,
}

/// Time that a scheduler has for an answer.
const ANSWER: Duration = Duration::from_secs(10);

/// Refusal: the program at the port does not know the secret, or does not want this worker.
fn stranger() -> Error {
    Error::new(ErrorKind::PermissionDenied, "whoever answers there is not the scheduler of this worker, or refuses it")
}

pub(crate) type Lines = BufReader<TcpStream>;

impl Caller {
    pub(crate) fn new(args: &Args, token: String, device: &Opened) -> Self {
        let Args { connect, access, slot, instance, .. } = args;
        let (address, access, device) = (connect.clone(), access.clone(), device.name.clone());
        Self { address, access, token, slot: *slot, instance: *instance, device }
    }

    /// Calls, says hello, and checks the proof that the scheduler answers. Returns the connection to read from.
    pub(crate) fn call(
        &self,
        address: &str,
        token: &str,
        resumes: Option<Resumed>,
    ) -> std::io::Result<(TcpStream, Lines)> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(ANSWER))?;
        let mut lines = BufReader::new(stream.try_clone()?);
        let Some(ToWorker::Challenge { challenge: theirs }) = framing::receive(&mut lines) else {
            return Err(stranger());
        };
        let challenge = secret()?;
        let greeting = Greeting { scheduler: &theirs, worker: &challenge, port: stream.peer_addr()?.port() };
        let hello = FromWorker::Hello {
            proof: greeting.proof(Side::Worker, token),
            challenge: challenge.clone(),
            slot: self.slot,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            device: self.device.clone(),
            instance: self.instance,
            resumes,
        };
        stream.write_all(&framing::encode(&hello)?)?;
        match framing::receive(&mut lines) {
            Some(ToWorker::Proof { proof }) if greeting.proves(&proof, Side::Scheduler, token) => {}
            _ => return Err(stranger()),
        }
        stream.set_read_timeout(None)?;
        Ok((stream, lines))
    }

    /// Calls again. The scheduler may be another process at another address, which the access file has.
    pub(crate) fn call_again(&self, resumes: Resumed) -> std::io::Result<(TcpStream, Lines)> {
        match self.access.as_deref().and_then(protocol::access::Access::read) {
            Some(access) => self.call(&access.address, &access.token, Some(resumes)),
            None => self.call(&self.address, &self.token, Some(resumes)),
        }
    }
}

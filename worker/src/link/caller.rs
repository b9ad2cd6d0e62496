//! Calls to the scheduler, for the first time and again.

use std::io::{BufReader, Error, ErrorKind, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::time::Duration;

use protocol::about::About;
use protocol::access::Access;
use protocol::framing;
use protocol::handshake::{Greeting, Side, secret};
use protocol::message::{FromWorker, Resumed, ToWorker};

use super::place::Place;
use crate::device::{self, Opened};
use crate::exit::Exit;

/// Arguments that a worker is started with. The token comes in `ATTRISWEEP_TOKEN` or in the access file, where other users cannot read it.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Address of the scheduler; without it, the one in the access file
    #[arg(long, value_name = "HOST:PORT", required_unless_present = "access")]
    connect: Option<String>,

    /// File that says where the scheduler is, also if it has moved
    #[arg(long, value_name = "FILE")]
    access: Option<PathBuf>,

    /// Which of the scheduler's devices this worker serves
    #[arg(long)]
    slot: usize,

    /// Which starting of a process for that device this is
    #[arg(long, default_value_t = 0)]
    instance: u64,

    #[command(flatten)]
    pub(crate) logs: logs::Args,

    #[command(flatten)]
    pub(crate) place: Place,

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
    pub(crate) about: About,
    pub(crate) place: Place,
}

/// Time that a scheduler has for an answer.
const ANSWER: Duration = Duration::from_secs(10);

/// Time that an address has to take a call. Left alone, the system tries for two minutes where a network swallows everything.
const PATIENCE: Duration = Duration::from_secs(15);

/// A connection to the first of the addresses that `address` (`HOST:PORT`) stands for that takes it.
fn connected(address: &str) -> std::io::Result<TcpStream> {
    let mut error = Error::new(ErrorKind::NotFound, "the name stands for no address");
    for address in address.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, PATIENCE) {
            Ok(stream) => return Ok(stream),
            Err(failed) => error = failed,
        }
    }
    Err(error)
}

/// Refusal: the program at the port does not know the secret, or does not want this worker.
fn stranger() -> Error {
    Error::new(ErrorKind::PermissionDenied, "whoever answers there is not the scheduler of this worker, or refuses it")
}

pub(crate) type Lines = BufReader<TcpStream>;

impl Caller {
    /// Finds the scheduler and the secret: by the arguments and the environment, or else in the access file.
    pub(crate) fn new(args: &Args, device: &Opened) -> Result<Self, Exit> {
        let file = args.access.as_deref().and_then(Access::read);
        let told = std::env::var("ATTRISWEEP_TOKEN").ok();
        let token = told.or_else(|| file.as_ref().map(|file| file.token.clone()));
        let address = args.connect.clone().or_else(|| file.map(|file| file.address));
        let (Some(token), Some(address)) = (token, address) else {
            let file = args.access.as_deref().unwrap_or(Path::new("")).display();
            let text =
                "nobody waits for this worker: its scheduler has ended, or this machine does not see its output folder";
            return Err(Exit::refused(format!("`{file}` cannot be read, and ATTRISWEEP_TOKEN is not set: {text}")));
        };
        let (access, slot, instance) = (args.access.clone(), args.slot, args.instance);
        let about = args.place.about(device);
        let place = args.place.clone();
        Ok(Self { address, access, token, slot, instance, device: device.name.clone(), about, place })
    }

    /// Calls, says hello, and checks the proof that the scheduler answers. Returns the connection to read from.
    pub(crate) fn call(
        &self,
        address: &str,
        token: &str,
        resumes: Option<Resumed>,
    ) -> std::io::Result<(TcpStream, Lines)> {
        let mut stream = connected(address)?;
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
            // What is left of the job is less than it was when the worker began.
            about: Box::new(About {
                ends_in: self.place.ends_in().map(|left| left.as_secs_f64()),
                ..self.about.clone()
            }),
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
        match self.access.as_deref().and_then(Access::read) {
            Some(access) => self.call(&access.address, &access.token, Some(resumes)),
            None => self.call(&self.address, &self.token, Some(resumes)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;
    use std::time::{SystemTime, UNIX_EPOCH};

    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Words {
        #[command(flatten)]
        place: Place,
    }

    /// A caller whose job ends at `ends`, in seconds since 1970, and that knew `ends_in` when it began.
    fn caller(address: String, ends: u64, ends_in: f64) -> Caller {
        let Words { place } = Words::parse_from(["worker", "--ends", &ends.to_string()]);
        let about = About { ends_in: Some(ends_in), ..About::default() };
        let (token, device) = ("secret".to_owned(), "cpu".to_owned());
        Caller { address, access: None, token, slot: 0, instance: 1, device, about, place }
    }

    /// Seconds until the end of its job that a caller tells a scheduler that hangs up then.
    fn told(listener: &TcpListener) -> Option<f64> {
        let (mut stream, _) = listener.accept().unwrap();
        let challenge = ToWorker::Challenge { challenge: secret().unwrap() };
        stream.write_all(&framing::encode(&challenge).unwrap()).unwrap();
        let Some(FromWorker::Hello { about, .. }) = framing::receive(&mut BufReader::new(stream)) else {
            panic!("no hello")
        };
        about.ends_in
    }

    /// A worker that calls again has less time than it had: a scheduler that believed the first number would grant it units that are
    /// cut off.
    #[test]
    fn each_call_tells_what_is_left_of_the_job_at_that_moment() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let caller = caller(address, now + 10_000, 50_000.0);
        let hearing = thread::spawn(move || [told(&listener), told(&listener)]);
        assert!(caller.call(&caller.address, "secret", None).is_err(), "who hangs up is no scheduler");
        let resumes = Resumed { sweep: "ours".to_owned(), holds: Vec::new() };
        assert!(caller.call_again(resumes).is_err());
        let [first, again] = hearing.join().unwrap().map(Option::unwrap);
        assert!(again > 0.0 && again < first && first <= 10_000.0, "{first}, then {again}");
    }
}

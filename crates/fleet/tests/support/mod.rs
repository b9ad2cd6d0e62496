//! A fleet in a folder, and a worker that is played by the test.

#![expect(clippy::unwrap_used, reason = "helpers of tests may fail loudly, too")]
#![allow(dead_code, reason = "each file of tests takes what it needs")]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use fleet::{Fleet, Settings, Slot, Worker, launchers};
use protocol::about::About;
use protocol::access::{ACCESS, Access};
use protocol::handshake::{Greeting, Side, secret};
use protocol::message::{FromWorker, Resumed, ToWorker};
use sweep::problem::Problems;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

pub(crate) const PATIENCE: Duration = Duration::from_mins(2);

pub(crate) fn settings(folder: &Path, sweep: &str) -> Settings {
    let slot = Slot { name: "cpu:0".into(), model: String::new(), threads: 1, gpu: None, memory: None };
    Settings {
        listen: "127.0.0.1:0".into(),
        slots: vec![slot],
        logs: folder.join("worker"),
        options: Vec::new(),
        lease: Duration::from_secs(20),
        access: folder.join(ACCESS),
        sweep: sweep.to_owned(),
        reads: Vec::new(),
    }
}

pub(crate) async fn open(folder: &Path, sweep: &str) -> Fleet {
    open_with(settings(folder, sweep)).await
}

pub(crate) async fn open_with(settings: Settings) -> Fleet {
    let launcher = launchers::build(None, &mut Problems::new(Path::new("c.yml")));
    open_by(launcher, settings).await
}

/// A fleet of `launcher`, whose workers sleep.
pub(crate) async fn open_by(launcher: Arc<dyn launchers::Launcher>, settings: Settings) -> Fleet {
    // Not written here: a program that is still open in a process that another test starts at this moment cannot be run.
    let worker = Worker::locate(Some(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sleeping_worker").into()));
    Fleet::open(worker, launcher, settings).await.unwrap()
}

/// A line on which these were shown.
pub(crate) async fn hello(access: &Access, instance: u64, resumes: Option<&str>) -> TcpStream {
    call(access, instance, resumes, About::default()).await
}

/// A line of a worker on another machine, whose job was started so often before.
pub(crate) async fn line_of(access: &Access, instance: u64, restart: u32) -> TcpStream {
    call(access, instance, None, About { restart, node: "node-7".into(), ..About::default() }).await
}

async fn call(access: &Access, instance: u64, resumes: Option<&str>, about: About) -> TcpStream {
    let stream = TcpStream::connect(&access.address).await.unwrap();
    let port = stream.peer_addr().unwrap().port();
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    stream.read_line(&mut line).await.unwrap();
    let ToWorker::Challenge { challenge: theirs } = serde_json::from_str(&line).unwrap() else { panic!("{line}") };
    let challenge = secret().unwrap();
    let proof = Greeting { scheduler: &theirs, worker: &challenge, port }.proof(Side::Worker, &access.token);
    let mut stream = stream.into_inner();
    let resumes = resumes.map(|sweep| Resumed { sweep: sweep.into(), holds: Vec::new() });
    let hello = FromWorker::Hello {
        challenge,
        proof,
        slot: 0,
        version: env!("CARGO_PKG_VERSION").into(),
        device: "none".into(),
        instance,
        resumes,
        about: Box::new(about),
    };
    say(&mut stream, &hello).await;
    stream
}

pub(crate) async fn say(stream: &mut TcpStream, message: &FromWorker) {
    stream.write_all(format!("{}\n", serde_json::to_string(message).unwrap()).as_bytes()).await.unwrap();
}

//! Hearing workers: who calls with the token is let in, each line is a message.

use std::time::Duration;

use protocol::framing::{self, MAX_LINE};
use protocol::handshake::{Greeting, Side, secret};
use protocol::message::{FromWorker, ToWorker};
use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio_util::codec::{FramedRead, LinesCodec};

use crate::fleet::Event;
use crate::porch::Porch;

/// A connection of a worker, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WorkerId(pub u64);

/// What a caller must show.
#[derive(Clone, Debug)]
pub(crate) struct Door {
    pub(crate) token: String,
    pub(crate) slots: usize,
    pub(crate) lease: Duration,
    /// Names the sweep: a worker of another one is sent away.
    pub(crate) sweep: String,
}

/// Time that a caller has for its first line.
const HELLO: Duration = Duration::from_secs(10);

/// Longest first line, in bytes: a worker that calls again names the units that it holds.
const LONGEST_HELLO: usize = 1 << 16;

type Lines = FramedRead<BufReader<OwnedReadHalf>, LinesCodec>;

/// Lets callers in for as long as anybody listens to `events`.
pub(crate) async fn listen(listener: TcpListener, door: Door, events: mpsc::UnboundedSender<Event>) {
    let (porch, mut count) = (Porch::default(), 0);
    loop {
        match listener.accept().await {
            Ok((stream, from)) => {
                count += 1;
                let (door, events, inside) = (door.clone(), events.clone(), porch.clone());
                tracing::debug!(%from, worker = count, "somebody calls");
                let (enter, entered) = oneshot::channel();
                let task = tokio::spawn(async move {
                    // Not before its name stands on the porch, from which it is taken once it is let in.
                    let _ = entered.await;
                    serve(stream, (&door, &inside), WorkerId(count), &events).await;
                });
                porch.enter(count, task.abort_handle());
                let _ = enter.send(());
            }
            Err(error) => {
                // Too many open files, most likely: callers try again.
                tracing::warn!(%error, "cannot accept a worker");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
        if events.is_closed() {
            return;
        }
    }
}

async fn serve(
    stream: TcpStream,
    (door, porch): (&Door, &Porch),
    worker: WorkerId,
    events: &mpsc::UnboundedSender<Event>,
) {
    let _ = stream.set_nodelay(true);
    let port = stream.local_addr().map_or(0, |address| address.port());
    let Ok(challenge) = secret() else { return };
    let (reader, mut writer) = stream.into_split();
    if say(&mut writer, &ToWorker::Challenge { challenge: challenge.clone() }).await.is_err() {
        return;
    }
    let mut lines = FramedRead::new(BufReader::new(reader), LinesCodec::new_with_max_length(LONGEST_HELLO));
    let hello = tokio::time::timeout(HELLO, next(&mut lines)).await;
    let Ok(Some(FromWorker::Hello { challenge: theirs, proof, slot, version, device, instance, resumes })) = hello
    else {
        tracing::warn!(worker = worker.0, "refused a caller that did not say hello");
        return;
    };
    let greeting = Greeting { scheduler: &challenge, worker: &theirs, port };
    let proven = greeting.proves(&proof, Side::Worker, &door.token);
    if !proven || slot >= door.slots || version != env!("CARGO_PKG_VERSION") {
        tracing::warn!(worker = worker.0, slot, version, "refused a worker with another token, slot or version");
        return;
    }
    porch.leave(worker.0);
    let mut lines = lines.map_decoder(|_| LinesCodec::new_with_max_length(MAX_LINE));
    let (send, outgoing) = mpsc::unbounded_channel();
    tokio::spawn(speak(writer, outgoing));
    let _ = send.send(ToWorker::Proof { proof: greeting.proof(Side::Scheduler, &door.token) });
    if resumes.as_ref().is_some_and(|resumes| resumes.sweep != door.sweep) {
        tracing::info!(worker = worker.0, slot, "a worker of another sweep is sent away");
        let _ = send.send(ToWorker::Stop);
        return;
    }
    let lease_ms = door.lease.as_millis() as u64;
    let _ = send.send(ToWorker::Welcome { lease_ms, sweep: door.sweep.clone() });
    let holds = resumes.map(|resumes| resumes.holds);
    let _ = events.send(Event::Connected { worker, slot, instance, holds, device, line: send.clone() });
    while let Some(message) = next(&mut lines).await {
        if message == FromWorker::Alive {
            let _ = send.send(ToWorker::Renewed);
        }
        if events.send(Event::Message { worker, message }).is_err() {
            return;
        }
    }
    let _ = events.send(Event::Disconnected { worker });
}

/// The next message; `None` when the line has ended, is too long, or is no message.
async fn next(lines: &mut Lines) -> Option<FromWorker> {
    use tokio_stream::StreamExt;
    let line = lines.next().await?.ok()?;
    framing::decode(line.as_bytes())
}

async fn speak(mut writer: OwnedWriteHalf, mut outgoing: mpsc::UnboundedReceiver<ToWorker>) {
    while let Some(message) = outgoing.recv().await {
        if say(&mut writer, &message).await.is_err() {
            return;
        }
    }
}

async fn say(writer: &mut OwnedWriteHalf, message: &ToWorker) -> std::io::Result<()> {
    writer.write_all(&framing::encode(message)?).await
}

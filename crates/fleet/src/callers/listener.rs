//! The listener: a caller that proves to know the token is let in, and each of its lines is a message.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use protocol::about::Shared;
use protocol::framing::{self, MAX_LINE};
use protocol::handshake::{Greeting, Side, secret};
use protocol::message::{FromWorker, ToWorker};
use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio_util::codec::{FramedRead, LinesCodec};

use super::shared_folder::answered;
use super::unauthenticated::Unauthenticated;
use crate::event::{Event, WorkerId};

/// Facts by which callers are admitted.
#[derive(Clone, Debug)]
pub(crate) struct Admission {
    pub(crate) token: String,
    pub(crate) slots: usize,
    pub(crate) lease: Duration,
    /// Identity of the sweep: a worker of another sweep is sent away.
    pub(crate) sweep: String,
    /// Shared folder that workers of other machines have to find.
    pub(crate) shared: Option<Shared>,
    /// Starts of workers that were given up. A worker elsewhere may live on: it is not heard, so that it ends itself.
    pub(crate) dismissed: Dismissed,
}

/// Instances of workers that are not heard any more.
pub(crate) type Dismissed = Arc<Mutex<HashSet<u64>>>;

impl Admission {
    fn is_dismissed(&self, instance: u64) -> bool {
        self.dismissed.lock().unwrap_or_else(PoisonError::into_inner).contains(&instance)
    }
}

/// Time that a caller has to send its first line.
const HELLO: Duration = Duration::from_secs(10);

/// Time that a worker has to look at the folders of the sweep: a name may show a minute late.
const SIGHT: Duration = Duration::from_secs(150);

/// Longest first line, in bytes. A worker that calls again names in it the units that it holds.
const LONGEST_HELLO: usize = 1 << 16;

type Lines = FramedRead<BufReader<OwnedReadHalf>, LinesCodec>;

/// Accepts callers for as long as `events` has a receiver.
pub(crate) async fn listen(listener: TcpListener, admission: Admission, events: mpsc::UnboundedSender<Event>) {
    let (callers, mut count) = (Unauthenticated::default(), 0);
    loop {
        match listener.accept().await {
            Ok((stream, from)) => {
                count += 1;
                let (admission, events, waiting) = (admission.clone(), events.clone(), callers.clone());
                tracing::debug!(%from, worker = count, "somebody calls");
                let (enter, entered) = oneshot::channel();
                let task = tokio::spawn(async move {
                    // Not before it is among the unauthenticated, from whom it is removed once it is let in.
                    let _ = entered.await;
                    serve(stream, (&admission, &waiting), WorkerId(count), &events).await;
                });
                callers.add(count, task.abort_handle());
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
    (admission, callers): (&Admission, &Unauthenticated),
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
    let Ok(Some(FromWorker::Hello { challenge: theirs, proof, slot, version, device, instance, resumes, about })) =
        hello
    else {
        tracing::warn!(worker = worker.0, "refused a caller that did not say hello");
        return;
    };
    let greeting = Greeting { scheduler: &challenge, worker: &theirs, port };
    let proven = greeting.proves(&proof, Side::Worker, &admission.token);
    if !proven || slot >= admission.slots || version != env!("CARGO_PKG_VERSION") {
        tracing::warn!(worker = worker.0, slot, version, "refused a worker with another token, slot or version");
        return;
    }
    callers.remove(worker.0);
    let mut lines = lines.map_decoder(|_| LinesCodec::new_with_max_length(MAX_LINE));
    let (send, outgoing) = mpsc::unbounded_channel();
    tokio::spawn(speak(writer, outgoing));
    let _ = send.send(ToWorker::Proof { proof: greeting.proof(Side::Scheduler, &admission.token) });
    if admission.is_dismissed(instance) {
        tracing::info!(worker = worker.0, slot, "a worker that was given up is sent away");
        let _ = send.send(ToWorker::Stop);
        return;
    }
    if resumes.as_ref().is_some_and(|resumes| resumes.sweep != admission.sweep) {
        tracing::info!(worker = worker.0, slot, "a worker of another sweep is sent away");
        let _ = send.send(ToWorker::Stop);
        return;
    }
    let lease_ms = admission.lease.as_millis() as u64;
    // A worker that calls again was asked before.
    let shared = admission.shared.clone().filter(|_| resumes.is_none());
    let _ = send.send(ToWorker::Welcome { lease_ms, sweep: admission.sweep.clone(), shared: shared.clone() });
    if let Some(shared) = shared {
        let Some(seen) = sees(&mut lines, shared, slot).await else { return };
        if let Err(reason) = seen {
            let _ = send.send(ToWorker::Stop);
            let _ = events.send(Event::Blind { slot, instance, node: about.node, reason });
            return;
        }
    }
    let holds = resumes.map(|resumes| resumes.holds);
    let _ = events.send(Event::Connected { worker, slot, instance, holds, device, about, line: send.clone() });
    while let Some(message) = next(&mut lines).await {
        if message == FromWorker::Alive && !admission.is_dismissed(instance) {
            let _ = send.send(ToWorker::Renewed);
        }
        if events.send(Event::Message { worker, message }).is_err() {
            return;
        }
    }
    let _ = events.send(Event::Disconnected { worker });
}

/// Whether the worker in `slot` and the scheduler see each other's files; `None` if the worker gives no answer.
async fn sees(lines: &mut Lines, shared: Shared, slot: usize) -> Option<Result<(), String>> {
    let answer = async {
        loop {
            match next(lines).await? {
                FromWorker::Sees(seen) => return Some(seen),
                FromWorker::Alive => {}
                _ => return None,
            }
        }
    };
    match tokio::time::timeout(SIGHT, answer).await.ok()?? {
        Ok(()) => tokio::task::spawn_blocking(move || answered(&shared, slot)).await.ok(),
        Err(reason) => Some(Err(reason)),
    }
}

/// The next message; `None` when the connection has ended, or the line is too long or no message.
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

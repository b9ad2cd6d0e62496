//! Ctrl-C and SIGTERM: an end in order, which says what stays.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread;

use plan::exit::Code;
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Until this is dropped, Ctrl-C and SIGTERM end the process with a sentence and [`Code::Interrupted`]. Of what was found nothing
/// is lost, and workers that measure end with the line to them.
#[derive(Debug)]
pub struct Interruptible(Arc<AtomicBool>);

impl Interruptible {
    /// From now on. Where signals cannot be watched they end the process as ever.
    pub fn begin() -> Self {
        let armed = Arc::new(AtomicBool::new(true));
        let until = Arc::clone(&armed);
        if let Ok((runtime, mut signals)) = watched() {
            thread::spawn(move || {
                loop {
                    runtime.block_on(signals.next());
                    if until.load(SeqCst) {
                        let _ =
                            writeln!(io::stderr(), "interrupted; what was found stays, and the same command goes on");
                        std::process::exit(Code::Interrupted as i32);
                    }
                }
            });
        }
        Self(armed)
    }
}

impl Drop for Interruptible {
    fn drop(&mut self) {
        self.0.store(false, SeqCst);
    }
}

/// Both signals, which end the process no more.
pub struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    /// Waits for the next one.
    pub async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// A runtime, and the signals that it watches for.
pub fn watched() -> io::Result<(Runtime, Signals)> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let signals = {
        let _inside = runtime.enter();
        Signals { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? }
    };
    Ok((runtime, signals))
}

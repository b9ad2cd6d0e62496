//! Ctrl-C and SIGTERM: the process ends in order, with a message.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread;

use plan::exit::Code;
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// While this value lives, Ctrl-C and SIGTERM end the process with a message and [`Code::Interrupted`]. No result is lost, and
/// workers that measure end when their input is closed.
#[derive(Debug)]
pub struct Interruptible(Arc<AtomicBool>);

impl Interruptible {
    /// Begins to watch the signals. Where they cannot be watched, they end the process at once, as they do by default.
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

/// Both signals. While this value lives, they do not end the process by themselves.
pub struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    /// Waits for the next signal.
    pub async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// Starts to watch the signals, in a runtime of their own.
pub fn watched() -> io::Result<(Runtime, Signals)> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let signals = {
        let _inside = runtime.enter();
        Signals { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? }
    };
    Ok((runtime, signals))
}

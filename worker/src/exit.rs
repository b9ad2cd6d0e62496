//! How a worker ends. The scheduler takes the code as a hint only: what counts is what was written.

/// The documented codes, for `--help`.
pub(crate) const HELP: &str = "\
Exit codes:
  0   told to stop, or answered
  2   wrong arguments, or a variable of the environment says what is not known
  70  a defect of this program
  80  the scheduler could not be reached, or refused the worker
  81  what `probe` was asked for cannot be computed
  82  the device failed in a way that only a new process mends
  83  the device cannot be used
  84  the scheduler could not be reached, or was silent, for longer than the lease
  85  `probe` was asked for more than the memory of the device holds
  86  the host gives no more memory
  87  told to leave by SIGTERM: every unit was given back";

/// The code for wrong arguments, as clap has it.
pub(crate) const WRONG: u8 = 2;

/// Ends the process at once, without the exit handlers of libtorch and CUDA: other threads are in the middle of both.
#[expect(unsafe_code, reason = "std has no exit without handlers")]
pub(crate) fn now(code: i32) {
    // SAFETY: ends the process; nothing runs afterwards that could see a broken state.
    unsafe { libc::_exit(code) }
}

/// A worker's last words.
#[derive(Debug)]
pub(crate) struct Exit {
    pub(crate) code: u8,
    pub(crate) text: String,
}

impl Exit {
    /// A defect of this program.
    pub(crate) fn internal(text: impl Into<String>) -> Self {
        Self { code: 70, text: text.into() }
    }

    /// The scheduler could not be reached, or refused the worker.
    pub(crate) fn refused(text: impl Into<String>) -> Self {
        Self { code: 80, text: text.into() }
    }

    /// What was asked for cannot be computed.
    pub(crate) fn request(text: impl Into<String>) -> Self {
        Self { code: 81, text: text.into() }
    }

    /// The device failed in a way that only a new process mends.
    pub(crate) fn sticky(text: impl Into<String>) -> Self {
        Self { code: protocol::message::DEVICE_LOST as u8, text: text.into() }
    }

    /// The memory of the device is too small.
    pub(crate) fn memory(text: impl Into<String>) -> Self {
        Self { code: protocol::message::OUT_OF_MEMORY as u8, text: text.into() }
    }

    /// The device cannot be used.
    pub(crate) fn device(text: impl Into<String>) -> Self {
        Self { code: 83, text: text.into() }
    }
}

//! The meter: an allocator that counts bytes, and refuses requests that are far too large.

use std::alloc::{GlobalAlloc, Layout, System};
use std::fmt;
use std::io::Write;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// The system's allocator, with a count of bytes. A test declares it as its `#[global_allocator]`.
#[derive(Debug)]
pub struct Meter {
    live: AtomicUsize,
    peak: AtomicUsize,
    before: AtomicUsize,
    /// Bytes of a single request above which it is refused, so that a test cannot use up the memory of the machine.
    ceiling: AtomicUsize,
    seed: AtomicU64,
}

/// Largest size of a single request, as a multiple of the accepted bytes; a larger one is refused.
const BEYOND: usize = 8;

impl Meter {
    /// A meter that has counted nothing.
    #[expect(clippy::new_without_default, reason = "only a constant can be a global allocator")]
    pub const fn new() -> Self {
        Self {
            live: AtomicUsize::new(0),
            peak: AtomicUsize::new(0),
            before: AtomicUsize::new(0),
            ceiling: AtomicUsize::new(usize::MAX),
            seed: AtomicU64::new(0),
        }
    }

    /// Writes to standard error directly, as the test harness would lose the text if the process ends.
    pub(crate) fn tell(text: fmt::Arguments<'_>) {
        let _ = std::io::stderr().write_fmt(text);
    }

    pub(crate) fn begin(&self, seed: u64, most: usize) {
        let live = self.live.load(Ordering::Relaxed);
        self.before.store(live, Ordering::Relaxed);
        self.peak.store(live, Ordering::Relaxed);
        self.seed.store(seed, Ordering::Relaxed);
        self.ceiling.store(most.saturating_mul(BEYOND), Ordering::Relaxed);
    }

    /// Most bytes that were allocated at once since [`Meter::begin`], beyond those that were allocated before.
    pub(crate) fn end(&self) -> usize {
        self.ceiling.store(usize::MAX, Ordering::Relaxed);
        self.peak.load(Ordering::Relaxed).saturating_sub(self.before.load(Ordering::Relaxed))
    }

    fn grown(&self, bytes: usize) {
        let live = self.live.fetch_add(bytes, Ordering::Relaxed) + bytes;
        self.peak.fetch_max(live, Ordering::Relaxed);
    }
}

// SAFETY: every request goes to the system's allocator as it is, or is answered with null, which an allocator may do.
#[expect(unsafe_code, reason = "an allocator is an unsafe trait")]
unsafe impl GlobalAlloc for Meter {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.size() > self.ceiling.load(Ordering::Relaxed) {
            let seed = self.seed.load(Ordering::Relaxed);
            self.ceiling.store(usize::MAX, Ordering::Relaxed);
            Self::tell(format_args!("ATTRISWEEP_SEED={seed}: {} bytes were asked for at once\n", layout.size()));
            return std::ptr::null_mut();
        }
        self.grown(layout.size());
        // SAFETY: the caller's own promises about `layout`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        self.live.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's own promises about `pointer` and `layout`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

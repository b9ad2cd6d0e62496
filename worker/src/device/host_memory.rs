//! Memory of the host that this process holds: allocations of libtorch and Rust, and what else is resident.
//!
//! Counting what is taken is exact, the same in every run, and knows its peak; what is resident depends on what the C
//! library keeps for later. What nobody here counts (libraries, compiled kernels, gaps) is the difference between
//! the two, looked at whenever the count rises.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering::Relaxed};

use machine::this_process::resident_without_allocating;

/// Bytes that are allocated now, and most at once since [`forget_peak`].
static NOW: AtomicI64 = AtomicI64::new(0);
static PEAK: AtomicI64 = AtomicI64::new(0);
/// Most bytes that were resident beyond the allocated bytes.
static REST: AtomicI64 = AtomicI64::new(0);
/// Count above which resident memory is checked, and whether it is checked at all.
static LOOK: AtomicI64 = AtomicI64::new(0);
static LOOKING: AtomicBool = AtomicBool::new(false);
/// Limit of the bytes that may be held.
static LIMIT: AtomicI64 = AtomicI64::new(i64::MAX);

/// Bytes that libtorch allocated since the last check of resident memory against the limit.
static UNSEEN: AtomicI64 = AtomicI64::new(0);

/// Bytes between two checks of resident memory while the count rises.
const STEP: i64 = 8 << 20;
/// Bytes between two checks of resident memory against the limit: microseconds for what takes a hundred of them to be written.
const GLANCE: i64 = 1 << 20;

/// Lets libtorch hold no more than `bytes`, with everything else in this process. What Rust takes is counted, and never
/// refused: it could only end the process.
pub(crate) fn limit(bytes: u64) {
    LIMIT.store(i64::try_from(bytes).unwrap_or(i64::MAX), Relaxed);
}

/// Limit in bytes, if there is one.
pub(crate) fn limited() -> Option<u64> {
    let limit = LIMIT.load(Relaxed);
    (limit != i64::MAX).then_some(limit as u64)
}

/// Bytes that are held now.
pub(crate) fn used() -> u64 {
    (NOW.load(Relaxed) + REST.load(Relaxed)).max(0) as u64
}

/// Most bytes that were held at once since [`forget_peak`].
pub(crate) fn peak() -> u64 {
    (PEAK.load(Relaxed) + REST.load(Relaxed)).max(0) as u64
}

/// Sets the peak to the bytes that are held now.
pub(crate) fn forget_peak() {
    PEAK.store(NOW.load(Relaxed), Relaxed);
}

/// Counts `bytes` that were allocated.
pub(crate) fn took(bytes: usize) {
    let now = NOW.fetch_add(bytes as i64, Relaxed) + bytes as i64;
    PEAK.fetch_max(now, Relaxed);
    let look = LOOK.load(Relaxed);
    if now > look && LOOK.compare_exchange(look, now + STEP, Relaxed, Relaxed).is_ok() {
        LOOKING.store(true, Relaxed);
    }
}

/// Counts `bytes` that were freed.
pub(crate) fn gave(bytes: usize) {
    let now = NOW.fetch_sub(bytes as i64, Relaxed);
    // What was taken is resident only once it was used: so it is looked at when the first of it is given back.
    if LOOKING.swap(false, Relaxed) {
        REST.fetch_max(resident().map_or(0, |resident| resident - now), Relaxed);
    }
}

/// Gives freed memory that the C library keeps back to the system.
#[expect(unsafe_code, reason = "a function of the C library")]
fn trim() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: any thread may call it at any time.
    unsafe {
        libc::malloc_trim(0);
    }
}

/// Gives what the C library keeps back to the system and looks anew at what else is resident: after a model was
/// loaded, what loading left would be counted twice as soon as it is used again.
pub(crate) fn settle() {
    trim();
    let now = NOW.load(Relaxed);
    if let Some(resident) = resident() {
        REST.store(resident - now, Relaxed);
    }
    LOOK.store(now + STEP, Relaxed);
}

/// Whether libtorch may allocate `bytes` more. Before an allocation is refused, memory that is kept for later is given back.
fn may_take(bytes: usize) -> bool {
    let limit = LIMIT.load(Relaxed);
    if limit == i64::MAX {
        return true;
    }
    let fits = || NOW.load(Relaxed) + REST.load(Relaxed) + bytes as i64 <= limit;
    (is_roomy(bytes as i64, limit) && fits()) || {
        settle();
        fits()
    }
}

/// Whether no more is resident than may be, as seen now and then. What the C library keeps between what is in use goes back
/// first; what else is resident stays as it was seen, as what was just taken is not resident yet.
fn is_roomy(bytes: i64, limit: i64) -> bool {
    let fits = || resident().is_none_or(|resident| resident <= limit);
    if UNSEEN.fetch_add(bytes, Relaxed) + bytes < GLANCE {
        return true;
    }
    UNSEEN.store(0, Relaxed);
    fits() || {
        trim();
        fits()
    }
}

/// Bytes that are resident, found without allocating: this function runs in the middle of an allocation.
fn resident() -> Option<i64> {
    resident_without_allocating().map(|bytes| bytes as i64)
}

#[expect(unsafe_code, reason = "called by allocator.cpp")]
mod calls {
    #[unsafe(no_mangle)]
    extern "C" fn attrisweep_may_take(bytes: usize) -> bool {
        super::may_take(bytes)
    }

    #[unsafe(no_mangle)]
    extern "C" fn attrisweep_took(bytes: usize) {
        super::took(bytes);
    }

    #[unsafe(no_mangle)]
    extern "C" fn attrisweep_gave(bytes: usize) {
        super::gave(bytes);
    }
}

//! Which passes of a lowered graph have been proved, and what took the lowered graph out of use.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use tch::TchError;

use super::shared::SharedProofs;

/// Start of the error of a pass that took the lowered graph out of use.
const DISPROVED: &str = "the fused kernels of this processor are not used";

/// A turn at proving, which ends when this value goes, also where the proof panics: others wait for its end.
struct Turn<'a>(Option<&'a dyn SharedProofs>);

impl Turn<'_> {
    /// Ends the turn with the pass that was `proved`, and says whether proofs are shared.
    fn end(mut self, proved: Option<&str>) -> bool {
        let shared = self.0.take();
        if let Some(shared) = shared {
            shared.end(proved);
        }
        shared.is_some()
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if let Some(shared) = self.0 {
            shared.end(None);
        }
    }
}

/// Knowledge of a lowered graph: its proved passes, and why it is out of use.
#[derive(Debug, Default)]
pub(crate) struct Record {
    /// Names of passes that were proved.
    known: RefCell<BTreeSet<String>>,
    /// Names of proved passes that [`Record::take_new`] has not given out yet, and that are not shared.
    new: RefCell<Vec<String>>,
    /// Why the lowered graph is out of use.
    against: RefCell<Option<String>>,
    /// Proofs of other processes.
    shared: RefCell<Option<Box<dyn SharedProofs>>>,
    spent: Cell<Duration>,
    /// Number of forward passes so far that no proof made.
    passes: Cell<u64>,
}

impl Record {
    /// Why the lowered graph is out of use, if it is.
    pub(crate) fn against(&self) -> Option<String> {
        self.against.borrow().clone()
    }

    /// Whether the lowered graph is out of use.
    pub(crate) fn is_against(&self) -> bool {
        self.against.borrow().is_some()
    }

    /// Takes the lowered graph out of use.
    pub(crate) fn rule_out(&self, reason: &str) {
        self.against.replace(Some(reason.to_owned()));
    }

    /// Takes the lowered graph out of use after the pass `name`. Returns the error that has the pass made again.
    pub(crate) fn disproved(&self, name: &str, why: &str) -> TchError {
        let reason = format!("{DISPROVED} ({name}: {why}); the plain operations compute");
        self.rule_out(&reason);
        TchError::Torch(reason)
    }

    /// Whether `error` is one of [`Record::disproved`].
    pub(crate) fn is_disproof(error: &TchError) -> bool {
        matches!(error, TchError::Torch(text) if text.starts_with(DISPROVED))
    }

    /// Whether the pass `name` has been proved.
    pub(crate) fn knows(&self, name: &str) -> bool {
        self.known.borrow().contains(name)
    }

    /// Notes that the pass `name` was found right.
    pub(crate) fn note(&self, name: &str) {
        if self.known.borrow_mut().insert(name.to_owned()) {
            self.new.borrow_mut().push(name.to_owned());
        }
    }

    /// Adds passes that were proved before, by a process like this one.
    pub(crate) fn trust(&self, passes: impl IntoIterator<Item = String>) {
        self.known.borrow_mut().extend(passes);
    }

    /// Shares proofs with other processes from now on.
    pub(crate) fn share(&self, proofs: Box<dyn SharedProofs>) {
        self.shared.replace(Some(proofs));
    }

    /// The result of `prove` for the pass `name`; `None` where another process has proved the pass meanwhile. `is_proof` says which
    /// results are proofs. Time that passes counts as that of proofs.
    pub(crate) fn in_turn<T>(
        &self,
        name: &str,
        prove: impl FnOnce() -> T,
        is_proof: impl FnOnce(&T) -> bool,
    ) -> Option<T> {
        let started = Instant::now();
        let shared = self.shared.borrow();
        self.trust(shared.iter().flat_map(|shared| shared.begin()));
        let turn = Turn(shared.as_deref());
        let result = (!self.knows(name)).then(prove);
        let proved = result.as_ref().is_some_and(is_proof).then_some(name);
        if turn.end(proved) {
            // It is kept already.
            self.trust(proved.map(str::to_owned));
        }
        self.spent.set(self.spent.get() + started.elapsed());
        result
    }

    /// Names of passes that were proved since the last call, and that were not shared.
    pub(crate) fn take_new(&self) -> Vec<String> {
        self.new.take()
    }

    /// Number of forward passes so far that no proof made.
    pub(crate) fn passes(&self) -> u64 {
        self.passes.get()
    }

    /// Counts a forward pass.
    pub(crate) fn count_pass(&self) {
        self.passes.set(self.passes.get() + 1);
    }

    /// Time that proofs have taken so far.
    pub(crate) fn spent(&self) -> Duration {
        self.spent.get()
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::rc::Rc;

    use super::*;

    /// Whether it is the turn of this process.
    #[derive(Clone, Debug, Default)]
    struct Mine(Rc<Cell<bool>>);

    impl SharedProofs for Mine {
        fn begin(&self) -> Vec<String> {
            assert!(!self.0.replace(true), "this process has the turn already");
            Vec::new()
        }

        fn end(&self, _: Option<&str>) {
            self.0.set(false);
        }
    }

    #[test]
    fn a_turn_ends_where_its_proof_panics_and_the_next_proof_has_one() {
        let (record, mine) = (Record::default(), Mine::default());
        record.share(Box::new(mine.clone()));
        let proof = || record.in_turn("forward 8 32x32", || panic!("no memory"), |(): &()| true);
        assert!(catch_unwind(AssertUnwindSafe(proof)).is_err());
        assert!(!mine.0.get() && !record.knows("forward 8 32x32"));
        assert_eq!(record.in_turn("forward 8 32x32", || 7, |_| true), Some(7));
        assert!(!mine.0.get() && record.knows("forward 8 32x32"));
    }
}

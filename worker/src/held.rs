//! What a worker holds of the sweep: granted units, and results that the scheduler has not noted.

use sweep::message::FromWorker;
use sweep::unit::UnitId;

/// Units and results, in the order in which they came.
#[derive(Debug, Default)]
pub(crate) struct Held {
    units: Vec<(UnitId, u32)>,
    results: Vec<FromWorker>,
}

impl Held {
    /// A unit was granted.
    pub(crate) fn granted(&mut self, unit: UnitId, attempt: u32) {
        self.units.push((unit, attempt));
    }

    /// If `message` is the result of a unit, it is kept until it is noted.
    pub(crate) fn result(&mut self, message: &FromWorker) {
        if let Some(of) = named(message) {
            self.units.retain(|held| *held != of);
            self.results.push(message.clone());
        }
    }

    /// The scheduler has heard the result of this attempt.
    pub(crate) fn noted(&mut self, unit: &UnitId, attempt: u32) {
        self.results.retain(|result| named(result).is_none_or(|of| of != (unit.clone(), attempt)));
    }

    /// Results that may have been lost with a line.
    pub(crate) fn results(&self) -> Vec<FromWorker> {
        self.results.clone()
    }

    /// Everything, what is done and was not noted first.
    pub(crate) fn all(&self) -> Vec<(UnitId, u32)> {
        self.results.iter().filter_map(named).chain(self.units.iter().cloned()).collect()
    }
}

/// The unit and attempt of a result.
fn named(message: &FromWorker) -> Option<(UnitId, u32)> {
    match message {
        FromWorker::Done { unit, attempt, .. } | FromWorker::Failed { unit, attempt, .. } => {
            Some((unit.clone(), *attempt))
        }
        FromWorker::Hello { .. } | FromWorker::Alive => None,
    }
}

#[cfg(test)]
mod tests {
    use sweep::message::Report;

    use super::*;

    #[test]
    fn a_result_is_held_from_the_grant_until_it_is_noted() {
        let (a, b) = (UnitId("g/0".into()), UnitId("g/1".into()));
        let mut held = Held::default();
        held.granted(a.clone(), 1);
        held.granted(b.clone(), 2);
        let done = FromWorker::Done { unit: b.clone(), attempt: 2, report: Report::default() };
        held.result(&done);
        assert_eq!(held.all(), [(b.clone(), 2), (a.clone(), 1)]);
        held.noted(&b, 1);
        assert_eq!(held.results(), [done]);
        held.noted(&b, 2);
        assert_eq!((held.all(), held.results().len()), (vec![(a, 1)], 0));
    }
}

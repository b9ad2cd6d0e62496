//! Granted units of a worker, and results that the scheduler has not noted.

use protocol::message::FromWorker;
use sweep::unit::UnitId;

/// Granted unit.
#[derive(Debug)]
struct Unit {
    of: (UnitId, u32),
    /// Whether the device works on the unit.
    begun: bool,
}

/// Units and results, in the order in which they came.
#[derive(Debug, Default)]
pub(crate) struct GrantedUnits {
    units: Vec<Unit>,
    results: Vec<FromWorker>,
}

impl GrantedUnits {
    /// Adds a unit that was granted.
    pub(crate) fn granted(&mut self, unit: UnitId, attempt: u32) {
        self.units.push(Unit { of: (unit, attempt), begun: false });
    }

    /// Marks a unit as begun. Returns false for a unit that has been given back.
    pub(crate) fn begin(&mut self, unit: &UnitId, attempt: u32) -> bool {
        let of = (unit.clone(), attempt);
        let held = self.units.iter_mut().find(|held| held.of == of);
        held.map(|held| held.begun = true).is_some()
    }

    /// Gives a unit back unless the unit is begun. Returns the message that says so.
    pub(crate) fn withdraw(&mut self, unit: &UnitId, attempt: u32) -> Option<FromWorker> {
        let of = (unit.clone(), attempt);
        self.units.iter().find(|held| held.of == of && !held.begun)?;
        let returned = FromWorker::Returned { unit: unit.clone(), attempt };
        self.result(&returned);
        Some(returned)
    }

    /// Gives back all units that are not begun.
    pub(crate) fn withdraw_all(&mut self) -> Vec<FromWorker> {
        let waiting: Vec<_> = self.units.iter().filter(|held| !held.begun).map(|held| held.of.clone()).collect();
        waiting.iter().filter_map(|(unit, attempt)| self.withdraw(unit, *attempt)).collect()
    }

    /// Whether neither a unit nor an unheard result is left.
    pub(crate) fn is_empty(&self) -> bool {
        self.units.is_empty() && self.results.is_empty()
    }

    /// Keeps `message` until it is noted, if `message` is the result of a unit.
    pub(crate) fn result(&mut self, message: &FromWorker) {
        if let Some(of) = named(message) {
            self.units.retain(|held| held.of != of);
            self.results.push(message.clone());
        }
    }

    /// Removes a result that the scheduler has noted.
    pub(crate) fn noted(&mut self, unit: &UnitId, attempt: u32) {
        self.results.retain(|result| named(result).is_none_or(|of| of != (unit.clone(), attempt)));
    }

    /// Results that may have been lost with a connection.
    pub(crate) fn results(&self) -> Vec<FromWorker> {
        self.results.clone()
    }

    /// All units, with those first that are done and not noted.
    pub(crate) fn all(&self) -> Vec<(UnitId, u32)> {
        self.results.iter().filter_map(named).chain(self.units.iter().map(|held| held.of.clone())).collect()
    }
}

/// Unit and attempt of a result.
fn named(message: &FromWorker) -> Option<(UnitId, u32)> {
    match message {
        FromWorker::Done { unit, attempt, .. }
        | FromWorker::Failed { unit, attempt, .. }
        | FromWorker::Returned { unit, attempt } => Some((unit.clone(), *attempt)),
        FromWorker::Hello { .. } | FromWorker::Sees(_) | FromWorker::Alive | FromWorker::Leaving => None,
    }
}

#[cfg(test)]
mod tests {
    use protocol::message::Report;

    use super::*;

    #[test]
    fn a_result_is_held_from_the_grant_until_it_is_noted() {
        let (a, b) = (UnitId::from("g/0"), UnitId::from("g/1"));
        let mut held = GrantedUnits::default();
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

    #[test]
    fn only_a_unit_that_is_not_begun_is_given_back_and_then_it_is_not_begun_any_more() {
        let (a, b) = (UnitId::from("g/0"), UnitId::from("g/1"));
        let mut held = GrantedUnits::default();
        held.granted(a.clone(), 1);
        held.granted(b.clone(), 1);
        assert!(held.begin(&a, 1));
        assert_eq!(held.withdraw(&a, 1), None);
        assert_eq!(held.withdraw(&b, 2), None, "that is another granting");
        let returned = FromWorker::Returned { unit: b.clone(), attempt: 1 };
        assert_eq!(held.withdraw(&b, 1), Some(returned.clone()));
        assert!(!held.begin(&b, 1));
        // It is told again until it is noted, as every result is.
        assert_eq!((held.results(), held.all()), (vec![returned], vec![(b.clone(), 1), (a.clone(), 1)]));
        held.noted(&b, 1);
        assert!(!held.is_empty());
        held.granted(b.clone(), 2);
        assert!(held.begin(&b, 2));
    }
}

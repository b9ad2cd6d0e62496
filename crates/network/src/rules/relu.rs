//! Rules at ReLUs: guided backpropagation and deconvolution.

use super::entry::Entry;
use crate::graph::{Gate, Rule};

pub(super) const ENTRY: Entry = Entry {
    name: "relu",
    summary: "at ReLUs the gradient passes where the input was positive, where the gradient is positive, or both",
    choices: || {
        let both = [false, true];
        let gates = both.into_iter().flat_map(|masked| both.map(|rectified| Gate { masked, rectified }));
        let rules = gates.flat_map(|gate| both.map(|reaches_functions| ReluRule { gate, reaches_functions }));
        rules.map(|rule| Box::new(rule) as Box<dyn Rule>).collect()
    },
};

/// A gate at all ReLUs, or at all ReLUs that are modules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReluRule {
    /// Gate at the ReLUs.
    pub gate: Gate,
    /// Whether the gate holds at functional ReLUs too, which Captum's hooks do not reach; else the plain
    /// gradient does.
    pub reaches_functions: bool,
}

impl ReluRule {
    /// Guided backpropagation: the gradient passes where the input and the gradient are positive.
    pub const fn guided(reaches_functions: bool) -> Self {
        Self { gate: Gate { masked: true, rectified: true }, reaches_functions }
    }

    /// Deconvolution: the gradient passes where the gradient is positive.
    pub const fn deconvolution(reaches_functions: bool) -> Self {
        Self { gate: Gate { masked: false, rectified: true }, reaches_functions }
    }
}

impl Rule for ReluRule {
    fn name(&self) -> String {
        let Self { gate: gate @ Gate { masked, rectified }, reaches_functions } = *self;
        if gate == Gate::PLAIN && reaches_functions {
            return "backward".to_owned();
        }
        format!("backward (masked {masked}, rectified {rectified}, functions {reaches_functions})")
    }

    fn gate(&self, is_functional: bool) -> Gate {
        if is_functional && !self.reaches_functions { Gate::PLAIN } else { self.gate }
    }
}

//! Models whose layers have lost what they learned, in the order of a test of parameter randomisation.

use rand::RngExt;
use sweep::seed::Draw;

/// Which layers are drawn anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// From the output on, ever more of them.
    TopDown,
    /// From the input on, ever more of them.
    BottomUp,
    /// From the output on, one portion at a time: the others are as they were.
    Independent,
}

/// Model in which a portion of the layers with weights is drawn anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Randomised {
    /// Which layers are drawn anew.
    pub order: Order,
    /// Number of the portion, from 1 to `steps`.
    pub step: usize,
    /// Number of portions that the layers fall into.
    pub steps: usize,
}

impl Randomised {
    /// Whether layer number `at`, from the input on, of so many `layers` is drawn anew.
    pub fn is_drawn(&self, at: usize, layers: usize) -> bool {
        let place = if self.order == Order::BottomUp { at } else { layers - 1 - at };
        // In whole numbers: the last portion ends with the last layer.
        let end = |step: usize| layers * step / self.steps;
        let begin = if self.order == Order::Independent { end(self.step - 1) } else { 0 };
        (begin..end(self.step)).contains(&place)
    }

    /// So many numbers between -1 and 1 for layer number `at`. A layer has the same numbers in each portion, on any device.
    pub fn numbers(seed: u64, at: usize, count: usize) -> Vec<f32> {
        let draw = Draw { seed, dataset: ("", ""), image: 0, purpose: "random weights", draw: at as u64 };
        let mut random = draw.generator();
        (0..count).map(|_| random.random_range(-1.0_f32..=1.0)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(order: Order, step: usize) -> Vec<usize> {
        let model = Randomised { order, step, steps: 3 };
        (0..7).filter(|at| model.is_drawn(*at, 7)).collect()
    }

    /// Seven layers in three portions: 2, 4 and 7 of them.
    #[test]
    fn portions_of_the_layers_are_drawn_in_their_order() {
        assert_eq!([1, 2, 3].map(|step| drawn(Order::TopDown, step)), [vec![5, 6], vec![3, 4, 5, 6], (0..7).collect()]);
        assert_eq!(
            [1, 2, 3].map(|step| drawn(Order::BottomUp, step)),
            [vec![0, 1], vec![0, 1, 2, 3], (0..7).collect()]
        );
        assert_eq!([1, 2, 3].map(|step| drawn(Order::Independent, step)), [vec![5, 6], vec![3, 4], vec![0, 1, 2]]);
    }

    #[test]
    fn a_layer_has_the_same_numbers_each_time_and_no_other_layer_has_them() {
        let numbers = |seed, at| Randomised::numbers(seed, at, 1000);
        assert_eq!(numbers(3, 2), numbers(3, 2));
        assert_ne!(numbers(3, 2), numbers(3, 1));
        assert_ne!(numbers(3, 2), numbers(4, 2));
        assert!(numbers(3, 2).iter().all(|number| number.abs() <= 1.0));
        // The mean of 1000 deviates by 1 / sqrt(3000) = 0.018; six times that.
        assert!(numbers(3, 2).iter().sum::<f32>().abs() / 1000.0 < 0.11);
    }
}

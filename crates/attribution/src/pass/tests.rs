use network::graph::{Place, Step, Sum};
use network::rules::Steps;
use network::{Weights, models};
use tch::Device;

use super::*;

/// A rule that reads every value, and leaves the plain gradient as it is.
#[derive(Debug)]
struct Reader;

impl Rule for Reader {
    fn name(&self) -> String {
        "reader".to_owned()
    }

    fn steps(&self) -> Option<&dyn Steps> {
        Some(self)
    }
}

impl Steps for Reader {
    fn reads(&self, _: Place<'_>) -> bool {
        true
    }

    fn take(&self, _: &Step<'_>, _: &Tensor, _: &mut [Sum]) -> Result<bool, TchError> {
        Ok(false)
    }
}

#[test]
fn a_rule_with_steps_has_a_forward_pass_of_its_own() {
    let graph = models::load("cifar_resnet18", &Weights::random(3, 5), (Device::Cpu, Kind::Float)).unwrap();
    // No image of one colour: there whole maps of zeros lie at the kinks of ReLUs, and rounding decides.
    let images = (Tensor::arange(3 * 16 * 16, (Kind::Float, Device::Cpu)) * 0.37).sin().view([1, 3, 16, 16]);
    let origin = Origin { seed: 0, dataset: ("d", "test"), first: 0, chosen: None, mean: None, known: None };
    let pass = Pass::new(&graph, images, Tensor::from_slice(&[1_i64]), 1, origin);
    let (plain, found) = (pass.gradient().unwrap(), pass.backward(&Reader).unwrap());
    let [off, peak] = [(found - plain).abs().max(), plain.abs().max()].map(|value| value.double_value(&[]));
    assert!(off < 1e-4 * peak, "off by {off} of {peak}");
}

#[test]
fn parts_are_all_of_it_even_and_no_larger_than_the_rows_allow() {
    let graph = models::load("resnet18", &Weights::random(3, 5), (Device::Cpu, Kind::Float)).unwrap();
    let sizes = |images: i64, rows, steps| {
        let images = Tensor::f_zeros([images, 3, 32, 32], (Kind::Float, Device::Cpu)).unwrap();
        let targets = Tensor::f_zeros([images.size()[0]], (Kind::Int64, Device::Cpu)).unwrap();
        let origin = Origin { seed: 0, dataset: ("d", "test"), first: 0, chosen: None, mean: None, known: None };
        let pass = Pass::new(&graph, images, targets, rows, origin);
        let all: Vec<usize> = (0..steps).collect();
        let parts: Vec<&[usize]> = pass.parts(&all).collect();
        assert_eq!(parts.concat(), all);
        parts.iter().map(|part| part.len()).collect::<Vec<_>>()
    };
    assert_eq!(sizes(4, 100, 50), [25, 25]);
    assert_eq!(sizes(1, 100, 200), [100, 100]);
    // Five parts would do, of 10 and of 11; six, of 9 each, are as quick.
    assert_eq!(sizes(1, 11, 54), [9; 6]);
    assert_eq!(sizes(1, 8, 50), [7, 7, 7, 7, 7, 7, 8]);
    // No image is ever left out for want of memory.
    assert_eq!(sizes(3, 1, 2), [1, 1]);
    assert_eq!(sizes(1, 8, 0), [0; 0]);
}

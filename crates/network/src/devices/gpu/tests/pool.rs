//! The way back through a max pooling beside libtorch's.

use std::rc::Rc;

use tch::{Kind, Tensor};

use super::{last, wave, worst};
use crate::devices::gpu::end::Ends;
use crate::devices::gpu::launch::emulated::Emulated;
use crate::devices::gpu::pool::Pooled;
use crate::graph::{Come, How, Kept, Operation, Sum};
use crate::operations::MaxPool;

/// Windows that overlap, that lie apart, that go over the edge, with taps apart, and of another form than the map.
const POOLS: [MaxPool; 5] = [
    MaxPool { kernel: [3; 2], stride: [2; 2], padding: [1; 2], dilation: [1; 2], ceil: false },
    MaxPool { kernel: [2; 2], stride: [2; 2], padding: [0; 2], dilation: [1; 2], ceil: false },
    MaxPool { kernel: [3; 2], stride: [2; 2], padding: [0; 2], dilation: [1; 2], ceil: true },
    MaxPool { kernel: [3, 2], stride: [1, 3], padding: [1, 0], dilation: [2, 1], ceil: false },
    MaxPool { kernel: [1, 4], stride: [1, 1], padding: [0, 2], dilation: [1, 1], ceil: false },
];

#[test]
pub(super) fn each_window_gives_its_gradient_to_its_winner_and_two_gradients_are_added_before() {
    for (pool, shape) in
        POOLS.iter().flat_map(|pool| [[2, 3, 9, 8], [1, 4, 7, 11], [3, 1, 6, 6]].map(|shape| (pool, shape)))
    {
        for is_last in [false, true] {
            let order = |values: Tensor| if is_last { last(&values) } else { values };
            let x = order(wave(&shape, 0.37));
            let ours = Pooled::new(Ends(Rc::new(Emulated::default())), *pool);
            let (y, tensors) = ours.run(&[&x], How { keep: true, ..How::FORWARD }).unwrap();
            let kept = Kept { shapes: vec![x.size()], output_shape: y.size(), tensors, values: None };
            let size: [i64; 4] = y.size().try_into().unwrap();
            let [first, second] = [0.43, 0.29].map(|pace| order(wave(&size, pace)));
            for second in [None, Some(second)] {
                let come = Come { first: first.shallow_clone(), second };
                let expected = pool.backward(&kept, &come.whole().unwrap()).unwrap();
                let found = Sum::of_each(1, |sums| ours.backward_of(&kept, &come, sums)).unwrap();
                assert!(worst(&found[0], &expected[0]) < 1e-6, "{pool:?} {shape:?} {is_last}");
                let count = |values: &Tensor| values.not_equal(0.0).sum(Kind::Int64).int64_value(&[]);
                assert_eq!(count(&found[0]), count(&expected[0]), "{pool:?} {shape:?} {is_last}");
            }
        }
    }
}

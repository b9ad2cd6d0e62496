use super::*;

/// Values of the last convolution stay in the memory of a thread, unless the environment asks for NaN there.
#[test]
fn memory_of_a_thread_that_nobody_has_written_holds_no_number() {
    let mut scratch = Scratch::default();
    scratch.reserve(3, 5);
    assert!(scratch.pixels.iter().chain(&scratch.sums).all(|value| value.is_nan()));
    scratch.pixels.fill(1.0);
    scratch.sums.fill(2.0);
    scratch.reserve(7, 4);
    assert_eq!((scratch.pixels.len(), scratch.sums.len()), (7, 5));
    let used = if settings::fills_memory() { 0 } else { 3 };
    assert!(scratch.pixels[used..].iter().all(|value| value.is_nan()));
}

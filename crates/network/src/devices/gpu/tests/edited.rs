//! Kernels that are broken on purpose, line by line: for each mistake the text is compiled anew, and a test of that kernel must fail.

#![expect(unsafe_code, reason = "a library that is compiled here is opened")]

use std::fs;
use std::panic::catch_unwind;
use std::path::Path;
use std::process::Command;

use super::{crop, kernels, pool, rounding};
use crate::devices::gpu::launch::SOURCE;
use crate::devices::gpu::launch::emulated::{Emulate, KERNELS};
use crate::devices::gpu::launch::library::Library;

const REST: [(&str, &str); 2] =
    [("emulate.h", include_str!("../kernels/emulate.h")), ("emulate.cpp", include_str!("../kernels/emulate.cpp"))];

/// A test of kernels, which panics where they are wrong.
type Check = fn();
const END: Check = kernels::an_end_is_batch_norm_then_sum_then_relu;
const BACK: Check = kernels::on_the_way_back_passes_what_the_gate_lets_pass;
const SPREAD: Check = kernels::on_the_way_back_a_gradient_that_is_spread_over_planes_is_not_written_out;
const RESCALE: Check = kernels::the_rescale_rule_is_the_change_of_the_output_over_that_of_the_input;
const POOL: Check = pool::each_window_gives_its_gradient_to_its_winner_and_two_gradients_are_added_before;
const HALVES: Check = rounding::every_half_and_every_middle_between_two_is_rounded_as_libtorch_does;
const FACTS: Check = rounding::what_is_told_of_a_map_is_told_of_that_map_wherever_the_value_lies;
const BOX: Check = crop::a_box_has_the_patch_where_it_lies_and_the_map_around_it;

/// What stands in the text once, what stands there instead, and the test that says so.
const MISTAKES: [(&str, &str, Check); 24] = [
    ("(x - end.mean[channel])", "(x + end.mean[channel])", END),
    ("return x <= 0.0f ? 0.0f : x;", "return x > 0.0f ? x : 0.0f;", END),
    ("at / end.plane % end.channels;", "at % end.channels;", END),
    ("if (end.other) value += end.other[at];", "if (end.other) value -= end.other[at];", END),
    ("value.z = normed(value.z, end, channel + 2 * step);", "value.z = normed(value.z, end, channel + step);", END),
    ("value.x > 0.0f, value.y > 0.0f, value.z > 0.0f", "value.x > 0.0f, value.y > 0.0f, value.y > 0.0f", END),
    ("open ? gradient : gradient * 0.0f", "open ? gradient : 0.0f", BACK),
    ("if (way.other) value += way.other[at];", "", BACK),
    ("passed(value.z, open.z, way.rectify)", "passed(value.z, open.w, way.rectify)", BACK),
    ("at / way.channels / way.plane * way.channels + at % way.channels", "at / way.plane", SPREAD),
    (": at / way.plane;", ": at / way.plane / 2;", SPREAD),
    ("there[at % row]", "there[0]", RESCALE),
    ("size <= none ?", "size < 0.0f ?", RESCALE),
    ("sum += pool.other ?", "sum = pool.other ?", POOL),
    ("before = tap * pool.dilation[axis];", "before = tap;", POOL),
    ("gradient[from] + pool.other[from]", "gradient[from]", POOL),
    ("0xfffu + (size >> 13 & 1u)", "0xfffu", HALVES),
    ("if (size < 0x38800000u) return", "if (size < 0x38000000u) return", HALVES),
    ("|| largest != largest", "", FACTS),
    ("if (first < facts.first)", "if (first != 0xffffffffu && first > facts.first)", FACTS),
    ("at += lanes)", "at += lanes + 1)", FACTS),
    ("crop.whole == 1 ? 0 : image", "0", BOX),
    ("in_y < patches.height", "in_y + 1 < patches.height", BOX),
    ("make_float4(none, none, none, none)", "make_float4(none, none, none, 1.0f)", BOX),
];

/// The emulation of the kernels whose text is `source`, compiled in `folder`.
fn compiled(source: &str, folder: &Path) -> Emulate {
    for (file, text) in REST.into_iter().chain([("kernels.cu", source), ("crop.cu", "")]) {
        fs::write(folder.join(file), text).unwrap();
    }
    let library = folder.join("kernels.so");
    let compiler = std::env::var("CXX").unwrap_or_else(|_| "c++".to_owned());
    let how = ["-std=c++17", "-O1", "-ffp-contract=off", "-w", "-shared", "-fPIC", "-o"];
    let done = Command::new(compiler).args(how).arg(&library).arg(folder.join("emulate.cpp")).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let library = Library::open(&library.to_string_lossy(), false).unwrap();
    // SAFETY: the function of emulate.cpp, and its type.
    unsafe { library.get(c"attrisweep_emulate") }.unwrap()
}

#[test]
fn every_mistake_in_the_text_of_the_kernels_is_found_by_the_test_of_its_kernel() {
    let right = KERNELS.get();
    let mut missed = Vec::new();
    for (text, instead, check) in MISTAKES {
        assert_eq!(SOURCE.matches(text).count(), 1, "`{text}` stands in the text once");
        let folder = tempfile::tempdir().unwrap();
        KERNELS.set(compiled(&SOURCE.replace(text, instead), folder.path()));
        if catch_unwind(check).is_ok() {
            missed.push(text);
        }
    }
    // What is compiled here is as right as what is compiled before.
    let folder = tempfile::tempdir().unwrap();
    KERNELS.set(compiled(SOURCE, folder.path()));
    for check in [SPREAD, POOL, FACTS] {
        check();
    }
    KERNELS.set(right);
    assert!(missed.is_empty(), "not found: {missed:#?}");
}

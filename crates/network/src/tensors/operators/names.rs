//! Names of operators, and what a GPU runs for each.

/// Beginning of the names of launches of kernels of ours.
pub(super) const OURS: &str = "kernel: ";
/// Beginning of the names of operators that the program itself has asked for, whose counts are kernels of a GPU.
pub(super) const OUTER: &str = "gpu: ";
/// Beginning of the names of crossings.
pub(super) const HOST: &str = "host: ";

/// Beginnings of the names of operators that compute nothing: they take memory, or show it in another shape.
pub(super) const NO_KERNEL: [&str; 28] = [
    "aten::_local_scalar_dense",
    "aten::_reshape_alias",
    "aten::_unsafe_view",
    "aten::alias",
    "aten::as_strided",
    "aten::chunk",
    "aten::contiguous",
    "aten::detach",
    "aten::empty",
    "aten::expand",
    "aten::flatten",
    "aten::is_",
    "aten::item",
    "aten::lift_fresh",
    "aten::narrow",
    "aten::permute",
    "aten::reshape",
    "aten::resize_",
    "aten::resolve_",
    "aten::result_type",
    "aten::select",
    "aten::slice",
    "aten::split",
    "aten::squeeze",
    "aten::t",
    "aten::unflatten",
    "aten::unsqueeze",
    "aten::view",
];

/// Operators whose names begin like those of others that compute nothing.
pub(super) const WITH_KERNEL: [&str; 7] = [
    "aten::tan",
    "aten::take",
    "aten::threshold",
    "aten::topk",
    "aten::tri",
    "aten::true_divide",
    "aten::select_backward",
];

/// Operators that a GPU runs as more than one kernel, and how many: those that fill or copy what they write first.
pub(super) const MORE: [(&str, usize); 3] =
    [("aten::max_pool2d_with_indices_backward", 2), ("aten::adaptive_max_pool2d_backward", 2), ("aten::scatter", 2)];

/// Number of kernels that a GPU runs for the operator `name`, which a program has asked for, where so many of those that it has `asked`
/// on a CPU compute: one, whatever a CPU is asked to do first, or what a view had to copy.
pub(super) fn kernels(name: &str, asked: usize) -> usize {
    let more = MORE.iter().find(|(known, _)| *known == name).map(|(_, count)| *count);
    more.unwrap_or(if has_kernel(name) { 1 } else { asked })
}

/// Operators whose result the host reads: it waits for all that the device was asked for.
pub(super) const READ: [&str; 4] = ["aten::_local_scalar_dense", "aten::nonzero", "aten::equal", "aten::masked_select"];

/// Copy of values in place, from another type, layout or device.
pub(super) const COPY: &str = "aten::copy_";

/// Whether the operator `name` computes or copies.
pub(super) fn has_kernel(name: &str) -> bool {
    let begins = |with: &[&str]| with.iter().any(|beginning| name.starts_with(beginning));
    !begins(&[OURS, OUTER, HOST]) && (!begins(&NO_KERNEL) || begins(&WITH_KERNEL))
}

//! Messages of libtorch.

use tch::TchError;

/// libtorch appends a C++ backtrace to its messages.
pub(crate) fn first_line(error: &TchError) -> String {
    let text = match error {
        TchError::Torch(text) => text.clone(),
        other => other.to_string(),
    };
    text.lines().next().unwrap_or_default().to_owned()
}

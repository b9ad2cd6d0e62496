//! Keys of metrics.

use super::key::Default::{Required, Words};
use super::key::{Key, key};

pub(super) const METRIC: &[Key] = &[
    key("class", Required, "Class of the metric.", "Deletion"),
    key("name", Words("`class`"), "First part of the keys of its scores.", "RISE"),
    key(
        "params",
        Words("the class's own"),
        "Parameters of the class. A list of values stands for several choices, each a score of its own.",
        "{steps: [10, 20], baseline: zero}",
    ),
    key(
        "methods",
        Words("every variant of the sweep"),
        "Keys of the maps that are scored; `*` stands for any text, `?` for one letter.",
        "['IntegratedGradients*']",
    ),
    key("only", Words("`all`"), "Images that an average is taken over; all are scored in any case.", "correct"),
    TARGET,
    SCORE,
    CHANNELS,
    SEMANTICS,
];

pub(super) const DEFAULTS: &[Key] = &[TARGET, SCORE, CHANNELS, SEMANTICS];

const TARGET: Key = key(
    "target",
    Words("`predicted`"),
    "Class whose probability or logit is followed: the one that the map explains, or the label.",
    "predicted",
);
const SCORE: Key = key("score", Words("the class's own"), "Output of the model that is followed.", "logit");
const CHANNELS: Key = key(
    "channels",
    Words("the class's own"),
    "How the channels of a map become one number of each pixel, by which pixels are ranked; `each` ranks every value by itself.",
    "abs_sum",
);
const SEMANTICS: Key = key(
    "semantics",
    Words("`exact`"),
    "Whose definition is followed where papers and programs differ, if the class knows several.",
    "exact",
);

//! A key of a config, in words.

/// A key, in words.
pub(crate) struct Key {
    /// Name of the key.
    pub(crate) name: &'static str,
    /// Value where the key is left out.
    pub(crate) default: Default,
    /// Effect of the key.
    pub(crate) meaning: &'static str,
    /// A value, as YAML in one line; empty for a key that does not go with the other examples of its section.
    pub(crate) example: &'static str,
}

/// Value of a key that is left out.
pub(crate) enum Default {
    /// A value, as YAML: a config that writes this value is the same config.
    Value(&'static str),
    /// A rule, in words: no value of the key says the same.
    Words(&'static str),
    /// No value: the key must be given.
    Required,
}

/// Key of a section.
pub(super) const fn key(name: &'static str, default: Default, meaning: &'static str, example: &'static str) -> Key {
    Key { name, default, meaning, example }
}

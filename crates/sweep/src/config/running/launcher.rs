//! `launcher`: the launcher that starts workers, and settings of its own, which the launcher itself reads.

use crate::yaml::{Fields, Node, Value, read};

/// Launcher that a config names.
#[derive(Clone, Debug, PartialEq)]
pub struct Chosen {
    /// Name of the launcher.
    pub name: String,
    /// Settings of the launcher as they stand in the config, with their lines; nothing where the config gives the name alone.
    pub settings: Node,
}

pub(in crate::config) fn chosen(fields: &mut Fields<'_>) -> Option<Chosen> {
    let line = fields.line_of("launcher");
    fields.optional("launcher", |value| {
        let expected =
            |_| "the name of a launcher, or its settings below its name (`{slurm: {partition: gpu}}`)".to_owned();
        match value {
            Value::Map(entries) if entries.len() == 1 => {
                let (entry, settings) = &entries[0];
                Ok(Chosen { name: entry.name.clone(), settings: settings.clone() })
            }
            _ => read::text(value)
                .map(|name| Chosen { name, settings: Node { value: Value::Null, line } })
                .map_err(expected),
        }
    })
}

//! Settings of `launcher: {slurm: ...}`: what a job asks for. Everything that a cluster has a default for is optional.

use std::time::Duration;

use sweep::yaml::{Fields, Value, read};

use super::super::elsewhere::MOST;

/// Most workers at once, where the config does not say.
const WORKERS: u64 = 16;
/// Longest time between two questions to Slurm, in seconds, where the config does not say.
const POLL: f64 = 30.0;
const MIB: u64 = 1 << 20;

/// Settings of jobs.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    /// Options of sbatch that a key stands for, spelled as sbatch wants them.
    pub(super) options: Vec<String>,
    /// Nodes that the config excludes.
    pub(super) exclude: Option<String>,
    /// The generic resource of a job; `None` where the config says nothing.
    pub(super) gres: Option<Gres>,
    pub(super) workers: u64,
    pub(super) cpus: Option<u64>,
    /// Lines of a shell before the worker.
    pub(super) setup: String,
    pub(super) container: Option<Container>,
    pub(super) poll: Duration,
}

/// Generic resource that one job asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Gres {
    Nothing,
    This(String),
}

/// Container in which workers run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Container {
    Apptainer(String),
    Pyxis(String),
}

/// Keys whose value is handed to the option of sbatch of the same name; a list becomes one text with commas.
const NAMED: [&str; 8] =
    ["partition", "account", "qos", "constraint", "nodelist", "reservation", "licenses", "comment"];

/// Options of sbatch that the launcher sets itself, or with which it would not find its jobs again.
const OWN: [&str; 14] = [
    "-a",
    "--array",
    "-J",
    "--job-name",
    "-o",
    "--output",
    "-e",
    "--error",
    "-M",
    "--clusters",
    "-W",
    "--wait",
    "--wrap",
    "--parsable",
];

impl Settings {
    pub(super) fn read(fields: &mut Fields<'_>) -> Self {
        let mut options = Vec::new();
        for key in NAMED {
            options.extend(fields.optional(key, words).map(|words| format!("--{key}={words}")));
        }
        options.extend(fields.optional("time", time).map(|time| format!("--time={time}")));
        let cpus = fields.optional("cpus", read::integer(1, 4096));
        options.extend(cpus.map(|cpus| format!("--cpus-per-task={cpus}")));
        let memory = fields.optional("memory", read::size);
        options.extend(memory.map(|bytes| format!("--mem={}M", bytes.div_ceil(MIB))));
        options.extend(fields.list("options", option).unwrap_or_default().into_iter().map(|(option, _)| option));
        let exclude = fields.optional("exclude", words);
        let gres = fields.optional("gpu", gres);
        let workers = fields.optional("workers", read::integer(1, MOST)).unwrap_or(WORKERS);
        let setup = fields.optional("setup", read::text).unwrap_or_default();
        let container = fields.optional("container", container);
        let poll = Duration::from_secs_f64(fields.optional("poll", read::seconds).unwrap_or(POLL).min(86_400.0));
        Self { options, exclude, gres, workers, cpus, setup, container, poll }
    }
}

fn words(value: &Value) -> Result<String, String> {
    let expected = || "a name, or a list of names".to_owned();
    let word = |value: &Value| read::text(value).ok().filter(|word| !word.contains(['\n', '\0']));
    let words: Option<Vec<String>> = match value {
        Value::List(items) if !items.is_empty() => items.iter().map(|item| word(&item.value)).collect(),
        _ => word(value).map(|word| vec![word]),
    };
    words.map(|words| words.join(",")).ok_or_else(expected)
}

fn option(value: &Value) -> Result<String, String> {
    let text = read::text(value).ok().filter(|text| text.starts_with('-') && !text.contains(['\n', '\0']));
    let text = text.ok_or_else(|| "an option of sbatch with its value, such as `--mail-type=END`".to_owned())?;
    let name = text.split(['=', ' ']).next().unwrap_or_default();
    if OWN.contains(&name) {
        return Err(format!("another option than `{name}`, which the launcher sets itself"));
    }
    Ok(text)
}

/// Reads `a100`, `2` of them, `0` for none, or `{gres: "shard:4"}`.
fn gres(value: &Value) -> Result<Gres, String> {
    let expected =
        || "a kind of GPU such as `a100`, a number of GPUs, or `{gres: TEXT}` such as `{gres: \"shard:4\"}`".to_owned();
    let sound = |text: String| (!text.contains(|c: char| c.is_whitespace() || c == '\0')).then_some(text);
    match value {
        Value::Integer(0) => Ok(Gres::Nothing),
        Value::Integer(count) if (1..=64).contains(count) => Ok(Gres::This(format!("gpu:{count}"))),
        Value::Text(kind) => {
            let kind = sound(kind.clone()).filter(|kind| !kind.contains([':', ','])).ok_or_else(expected)?;
            Ok(Gres::This(format!("gpu:{kind}:1")))
        }
        Value::Map(entries) if entries.len() == 1 && entries[0].0.name == "gres" => {
            read::text(&entries[0].1.value).ok().and_then(sound).map(Gres::This).ok_or_else(expected)
        }
        _ => Err(expected()),
    }
}

fn container(value: &Value) -> Result<Container, String> {
    let expected = "an image for Apptainer, or `{pyxis: IMAGE}`".to_owned();
    match value {
        Value::Map(entries) if entries.len() == 1 && entries[0].0.name == "pyxis" => {
            read::text(&entries[0].1.value).map(Container::Pyxis).map_err(|_| expected)
        }
        _ => read::path(value)
            .map(|path| Container::Apptainer(path.to_string_lossy().into_owned()))
            .map_err(|_| expected),
    }
}

/// Reads `90m`, `4h`, `2d`, or a time of Slurm's own (`1-12:00:00`), and returns what Slurm reads.
fn time(value: &Value) -> Result<String, String> {
    let expected = || "a time such as `90m`, `4h` or `2d`, or one of Slurm's own such as `1-12:00:00`".to_owned();
    let text = read::text(value).map_err(|_| expected())?;
    let minutes = |unit: char, minutes: u64| text.strip_suffix(unit)?.parse::<u64>().ok()?.checked_mul(minutes);
    let known = minutes('m', 1).or_else(|| minutes('h', 60)).or_else(|| minutes('d', 24 * 60));
    if let Some(minutes) = known.filter(|minutes| (1..10_000_000).contains(minutes)) {
        return Ok(minutes.to_string());
    }
    let own = text.contains(':') && text.chars().all(|c| c.is_ascii_digit() || ":-".contains(c));
    own.then_some(text).ok_or_else(expected)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use sweep::problem::Problems;
    use sweep::yaml::parse;

    use super::*;

    fn read(text: &str) -> (Settings, Vec<String>) {
        let node = parse(text).unwrap_or_else(|error| panic!("{error:?}"));
        let mut problems = Problems::new(Path::new("c.yml"));
        let mut fields = Fields::within(&node, "launcher.slurm", &mut problems);
        let settings = Settings::read(&mut fields);
        fields.finish();
        (settings, problems.list().iter().map(|problem| format!("{} {}", problem.line, problem.key)).collect())
    }

    #[test]
    fn every_setting_becomes_the_option_of_sbatch() {
        let text = "partition: [gpu, long]\naccount: lab\ntime: 4h\ncpus: 8\nmemory: 32GiB\ngpu: a100\noptions: [--mail-type=END]\n";
        let (settings, told) = read(text);
        assert_eq!(told, Vec::<String>::new());
        let expected = [
            "--partition=gpu,long",
            "--account=lab",
            "--time=240",
            "--cpus-per-task=8",
            "--mem=32768M",
            "--mail-type=END",
        ];
        assert_eq!(settings.options, expected);
        assert_eq!(settings.gres, Some(Gres::This("gpu:a100:1".into())));
        for (gpu, expected) in [("0", Gres::Nothing), ("2", Gres::This("gpu:2".into()))] {
            assert_eq!(read(&format!("gpu: {gpu}")).0.gres, Some(expected));
        }
        assert_eq!(read("gpu: {gres: \"shard:4\"}").0.gres, Some(Gres::This("shard:4".into())));
        assert_eq!(read("time: 1-12:00:00").0.options, ["--time=1-12:00:00"]);
    }

    #[test]
    fn every_mistake_is_told_with_its_line_all_at_once() {
        let text = "partition: {a: 1}\ntime: soon\ngpu: [1]\noptions: [mail, --clusters=a]\nworkers: 0\npartitoin: x\n";
        let (_, told) = read(text);
        for key in ["1 launcher.slurm.partition", "2 launcher.slurm.time", "3 launcher.slurm.gpu"] {
            assert!(told.iter().any(|told| told == key), "{key} in {told:?}");
        }
        assert!(
            told.contains(&"4 launcher.slurm.options[0]".to_owned())
                && told.contains(&"4 launcher.slurm.options[1]".to_owned()),
            "{told:?}"
        );
        assert!(told.contains(&"5 launcher.slurm.workers".to_owned()), "{told:?}");
        assert!(told.contains(&"6 launcher.slurm.partitoin".to_owned()), "{told:?}");
    }
}

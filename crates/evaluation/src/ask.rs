//! From the metrics of a config to the measurements and scores of a group.

use sweep::config;
use sweep::evaluation::{Direction, Evaluation, Measurement, Of, Score};
use sweep::glob::fits;
use sweep::parameters::{Kind, Parameter, Parameters, part_of_key};
use sweep::problem::{Problems, nearest};
use sweep::variant::{self, Variant, expand};

use crate::families::{self, Cost, MASKS};
use crate::metrics::{self, Entry, METRICS, Measured};

/// Longest key of a score or a measurement: it is the name of a folder.
const LONGEST: usize = 200;

/// Mistake of a metric of masks without masks.
const NO_MASKS: &str = "compares maps with masks of objects, and `paths.masks_root` names no folder of masks";

/// Evaluation that `asked` stands for, of images `[channels, height, width]` and `variants`, and of masks with this digest. Every mistake is
/// noted in `problems`.
pub fn evaluation(
    asked: &[config::Metric],
    (variants, masks): (&[Variant], Option<&str>),
    shape: [usize; 3],
    problems: &mut Problems,
) -> Evaluation {
    let mut evaluation = Evaluation::default();
    for (index, metric) in asked.iter().enumerate() {
        let at = format!("evaluation[{index}]");
        let Some(entry) = metrics::find(&metric.class) else {
            let hint = nearest(&metric.class, METRICS.iter().map(|entry| entry.name));
            problems.add(metric.line, format!("{at}.class"), format!("unknown metric `{}`, {hint}", metric.class));
            continue;
        };
        let of = methods(metric, variants, (&at, problems));
        for (name, _) in metric.params.0.iter().filter(|(_, value)| value.as_array().is_some_and(Vec::is_empty)) {
            problems.add(metric.line, format!("{at}.params.{name}"), "an empty list, expected a value or several");
        }
        for given in expand(&metric.params) {
            let given = with_options(given, metric, entry);
            let key = variant::key(&metric.name, &given);
            let score = |parameters| Score {
                key: key.clone(),
                class: metric.class.clone(),
                parameters,
                measurements: Vec::new(),
                of: of.clone(),
                direction: direction(entry, &given),
                only: metric.only,
            };
            let told = score_of(entry, &given, (shape, masks)).and_then(|(parameters, measured)| {
                add(&mut evaluation, score(parameters), measured).map_err(|text| vec![("name".to_owned(), text)])
            });
            let unknown = unknown_maps(entry, &given, variants);
            for (name, text) in told.err().into_iter().flatten().chain(unknown) {
                match metric.options.common_lines.get(&name).filter(|_| is_default(&name, metric)) {
                    Some(line) => problems.add(*line, format!("evaluation_defaults.{name}"), of_default(&text, metric)),
                    None => problems.add(metric.line, place(&at, &name, metric), text),
                }
            }
        }
    }
    evaluation
}

/// Cost of the measurements of `evaluation` for one image: passes that all methods share, and the cost of each method.
pub fn costs(evaluation: &Evaluation, shape: [usize; 3]) -> (Cost, Cost) {
    let (mut shared, mut each) = (Cost::default(), Cost::default());
    for measurement in &evaluation.measurements {
        let Some(family) = families::find(&measurement.family) else { continue };
        let cost = family.cost(&measurement.parameters, shape);
        let sum = if measurement.of == Of::Image { &mut shared } else { &mut each };
        (sum.passes, sum.maps) = (sum.passes + cost.passes, sum.maps + cost.maps);
    }
    (shared, each)
}

/// Whether the value of the parameter `name` of `metric` comes from `evaluation_defaults`.
fn is_default(name: &str, metric: &config::Metric) -> bool {
    let own = [&metric.options.own, &metric.params];
    own.iter().all(|given| !given.0.contains_key(name))
}

/// Text of a mistake in a default, which is one for this metric alone: the metric may have a value of its own.
fn of_default(text: &str, metric: &config::Metric) -> String {
    format!("{text} for `{}` (line {}); give this metric a value of its own", metric.class, metric.line)
}

/// Key path of the parameter or key `name`.
fn place(at: &str, name: &str, metric: &config::Metric) -> String {
    let beside = ["name", "class"].contains(&name) || metric.options.own.0.contains_key(name);
    if beside { format!("{at}.{name}") } else { format!("{at}.params.{name}") }
}

/// `given` with the options of the config: those of the metric itself, and those of all metrics that it takes.
fn with_options(mut given: Parameters, metric: &config::Metric, entry: &Entry) -> Parameters {
    let takes = |name: &str| entry.parameters.iter().any(|parameter: &Parameter| parameter.name == name);
    let common = metric.options.common.0.iter().filter(|(name, _)| takes(name));
    for (name, value) in metric.options.own.0.iter().chain(common) {
        given.0.entry(name.clone()).or_insert_with(|| value.clone());
    }
    given
}

/// Which of two scores is the better one: in the reverse order of removal, the least relevant first, it is the other one.
fn direction(entry: &Entry, given: &Parameters) -> Direction {
    match entry.direction {
        Direction::Higher if given.get("order").is_some_and(|order| order == "lerf") => Direction::Lower,
        Direction::Lower if given.get("order").is_some_and(|order| order == "lerf") => Direction::Higher,
        own => own,
    }
}

/// Methods that `metric` scores.
fn methods(metric: &config::Metric, variants: &[Variant], (at, problems): (&str, &mut Problems)) -> Of {
    if metric.methods.is_empty() {
        return Of::All;
    }
    for (index, (pattern, line)) in metric.methods.iter().enumerate() {
        if !variants.is_empty() && !variants.iter().any(|variant| fits(pattern, &variant.key)) {
            let hint = nearest(pattern, variants.iter().map(|variant| variant.key.as_str()));
            problems.add(
                *line,
                format!("{at}.methods[{index}]"),
                format!("`{pattern}` fits the key of no map, {hint}"),
            );
        }
    }
    let is_asked = |variant: &&Variant| metric.methods.iter().any(|(pattern, _)| fits(pattern, &variant.key));
    Of::Some(variants.iter().filter(is_asked).map(|variant| variant.key.clone()).collect())
}

/// Mistakes in the parameters that name other maps.
fn unknown_maps(entry: &Entry, given: &Parameters, variants: &[Variant]) -> Mistakes {
    let of_maps = entry.parameters.iter().filter(|parameter| parameter.kind == Kind::Map);
    let named =
        of_maps.filter_map(|parameter| Some((parameter.name.to_string(), given.get(&parameter.name)?.as_str()?)));
    let is_unknown = |key: &str| !variants.is_empty() && variants.iter().all(|variant| variant.key != key);
    let unknown = named.filter(|(_, key)| is_unknown(key));
    let told = |(name, key): (String, &str)| {
        let hint = nearest(key, variants.iter().map(|variant| variant.key.as_str()));
        (name, format!("`{key}` is the key of no map, {hint}"))
    };
    unknown.map(told).collect()
}

/// Mistakes as (name of a key, text).
type Mistakes = Vec<(String, String)>;

/// Checked parameters of a metric, and its measurements for such an image.
fn score_of(
    entry: &Entry,
    given: &Parameters,
    (shape, masks): ([usize; 3], Option<&str>),
) -> Result<(Parameters, Vec<Measurement>), Mistakes> {
    let mut parameters = given.checked(entry.parameters)?;
    // A parameter that the metric sets for its measurement is none of the config's.
    let unfit = |error: sweep::parameters::ParameterError| {
        let is_own = entry.parameters.iter().any(|parameter| parameter.name == error.name());
        vec![(if is_own { error.name() } else { "class" }.to_owned(), error.to_string())]
    };
    let metric = (entry.build)(&parameters).map_err(unfit)?;
    let measurement = |Measured { family, mut parameters }: Measured| {
        if family.parameters().iter().any(|parameter| parameter.name == MASKS) {
            let unknown = || vec![("class".to_owned(), NO_MASKS.to_owned())];
            parameters.0.insert(MASKS.to_owned(), masks.ok_or_else(unknown)?.into());
        }
        let parameters = parameters.checked(family.parameters())?;
        let axes = family.axes(&parameters, shape).map_err(unfit)?;
        let of = if family.sees_map() { Of::All } else { Of::Image };
        let key = families::key(family, &parameters);
        Ok(Measurement { key, family: family.name().to_owned(), parameters, axes, of })
    };
    let measured = metric.measured().into_iter().map(measurement).collect::<Result<Vec<_>, Mistakes>>()?;
    // Scores of other masks under the same name are told from these as those of another parameter are.
    if let Some(masks) = measured.iter().find_map(|measurement| measurement.parameters.get(MASKS)) {
        parameters.0.insert(MASKS.to_owned(), masks.clone());
    }
    Ok((parameters, measured))
}

/// Adds `score`, and the `measured` that are not there yet. The error is one sentence.
fn add(evaluation: &mut Evaluation, mut score: Score, measured: Vec<Measurement>) -> Result<(), String> {
    if evaluation.scores.iter().any(|other| other.key.eq_ignore_ascii_case(&score.key)) {
        return Err(format!("`{}` is there twice; give one of them another `name`", score.key));
    }
    let keys = measured.iter().map(|measurement| &measurement.key).chain([&score.key]);
    for key in keys {
        if let Some(fault) = unusable(key) {
            return Err(format!("the key `{key}` {fault}"));
        }
    }
    for mut measurement in measured {
        score.measurements.push(measurement.key.clone());
        if measurement.of == Of::All {
            measurement.of = score.of.clone();
        }
        match evaluation.measurements.iter_mut().find(|other| other.key == measurement.key) {
            Some(other) => other.of = other.of.and(&measurement.of),
            None => evaluation.measurements.push(measurement),
        }
    }
    evaluation.scores.push(score);
    Ok(())
}

/// Reason for which `key` cannot be the name of a folder.
fn unusable(key: &str) -> Option<String> {
    if key.len() > LONGEST {
        return Some(format!("has {} letters, expected at most {LONGEST}", key.len()));
    }
    let fits = |c: char| c.is_ascii_alphanumeric() || "._-+".contains(c);
    (!key.chars().all(fits)).then(|| "has letters that no name of a folder may have".to_owned())
}

/// Text of the parameters of a score, as its key spells them.
pub fn spelled(parameters: &Parameters) -> String {
    let parts = parameters.0.iter().map(|(name, value)| format!("{name}={}", part_of_key(value)));
    parts.collect::<Vec<_>>().join(", ")
}

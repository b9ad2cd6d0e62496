//! The catalogue as a page of Markdown: docs/catalogue.md. Nothing here knows an entry by name.

use std::borrow::Cow;

use sweep::catalogue::{Catalogue, Item, Method, Operation};
use sweep::evaluation::Direction;
use sweep::parameters::Parameter;
use sweep::semantics::WORDS;

const HEAD: &str = "\
# Catalogue

What attrisweep knows, written by `make catalogue` from the entries themselves: do not edit.
";

const METHODS: &str = "\
Names are values of `class` in `attribution_methods`, parameters keys of its `params`. A list of values stands for
several choices, each a variant of its own. Maps of a *complete* method should sum to the change of the target logit
from the baseline to the image; what they miss of it stands beside them in `convergence_delta/<method key>`.
";

const SEMANTICS: &str = "\
Values of `semantics`, for the sweep or for one method: whose definition is followed where papers and Captum differ.
";

const MODELS: &str = "\
Values of `model_flags`. Any other name stands for a program of `torch.export`, made of the operations below.
";

const OPERATIONS: &str = "\
What models are made of. A program of `torch.export` loads if it calls these ATen operators only, in any overload and
in place too. The backward pass of a method that defines no rule for an operation (GELU, LayerNorm and softmax
attention have none in most methods) takes its plain gradient there.
";

const NOISES: &str = "\
Values of `type` in `noise_conditions`, parameters keys of its `params`. Noise is added to the image that is scaled to
[-1, 1].
";

const METRICS: &str = "\
Names are values of `class` in `evaluation` ([guide](guide/results/evaluation.md)), parameters keys of its `params`; `target`, `score`, `channels` and
`semantics` stand beside `params`. A list of values stands for several choices, each a score of its own.
";

/// The page: everything that `catalogue` holds, `noises` and `metrics`.
pub(super) fn page(catalogue: &Catalogue, noises: &[&Item], metrics: &[(Item, Direction)]) -> String {
    let meanings = WORDS.iter().map(|(word, semantics)| [code(word), semantics.meaning().into()]);
    let models = catalogue.models.iter().map(|item| [code(&item.name), item.summary.clone(), linked(&item.reference)]);
    let parts = [
        HEAD.to_owned(),
        section("Methods", METHODS, catalogue.methods.iter().map(method)),
        section("Semantics", SEMANTICS, [table(["semantics", "meaning"], meanings)]),
        section("Models", MODELS, [table(["model", "what it is", "defined by"], models)]),
        section("Operations", OPERATIONS, [operations(&catalogue.operations)]),
        section("Noises", NOISES, noises.iter().map(|item| entry(item, ""))),
        section("Metrics", METRICS, metrics.iter().map(|(item, direction)| entry(item, better(*direction)))),
    ];
    parts.join("\n")
}

fn section(title: &str, head: &str, parts: impl IntoIterator<Item = String>) -> String {
    let head = format!("## {title}\n\n{head}");
    std::iter::once(head).chain(parts).collect::<Vec<_>>().join("\n")
}

fn better(direction: Direction) -> &'static str {
    match direction {
        Direction::Higher => " Higher is better.",
        Direction::Lower => " Lower is better.",
        Direction::Neither => "",
    }
}

fn method(method: &Method) -> String {
    let mut remark = if method.complete { " Complete.".to_owned() } else { String::new() };
    if !method.aliases.is_empty() {
        let names: Vec<_> = method.aliases.iter().map(|name| code(name)).collect();
        remark.extend([" Also found as ", &names.join(", "), "."]);
    }
    entry(&method.item, &remark)
}

/// A heading, a paragraph and, if there are any, a table of parameters.
fn entry(item: &Item, remark: &str) -> String {
    let (name, summary, reference) = (&item.name, sentence(&item.summary), linked(&item.reference));
    let head = match reference.as_ref() {
        "-" => format!("### {name}\n\n{summary}{remark}\n"),
        _ => format!("### {name}\n\n{summary}{remark} {reference}.\n"),
    };
    match item.parameters.as_ref() {
        [] => head,
        parameters => format!("{head}\n{}", table(["parameter", "values", "default", "meaning"], rows(parameters))),
    }
}

fn rows(parameters: &[Parameter]) -> impl Iterator<Item = [Cow<'_, str>; 4]> {
    parameters.iter().map(|parameter| {
        let default = parameter.default.as_ref().map_or("must be given".to_owned(), ToString::to_string);
        [code(&parameter.name), parameter.kind.to_string().into(), default.into(), parameter.summary.clone()]
    })
}

fn operations(operations: &[Operation]) -> String {
    let rows = operations.iter().map(|operation| {
        let aten: Vec<_> = operation.aten.iter().map(|name| code(name)).collect();
        [code(&operation.name), operation.summary.clone(), aten.join(", ").into(), operation.deep_lift.clone()]
    });
    table(["operation", "what it does", "ATen operators", "DeepLIFT"], rows)
}

fn table<'a, const N: usize>(head: [&str; N], rows: impl Iterator<Item = [Cow<'a, str>; N]>) -> String {
    let line = |cells: [String; N]| format!("| {} |\n", cells.join(" | "));
    let mut text = line(head.map(str::to_owned)) + &line(head.map(|_| "---".to_owned()));
    for row in rows {
        text += &line(row.map(|cell| cell.replace('|', "\\|")));
    }
    text
}

fn code(text: &str) -> Cow<'static, str> {
    format!("`{text}`").into()
}

/// `text` with a capital and a full stop, but for formulas, which begin otherwise.
fn sentence(text: &str) -> String {
    let word = text.split(' ').next().unwrap_or_default();
    let mut letters = text.chars();
    match letters.next() {
        Some(first) if word.len() > 1 && word.chars().all(char::is_alphanumeric) => {
            format!("{}{}.", first.to_uppercase(), letters.as_str())
        }
        _ => format!("{text}."),
    }
}

/// `text` whose addresses are links that end where they should.
fn linked(text: &str) -> Cow<'static, str> {
    let word = |word: &str| {
        let address = word.trim_end_matches([';', ',', '.']);
        if address.starts_with("https://") { format!("<{address}>{}", &word[address.len()..]) } else { word.to_owned() }
    };
    text.split(' ').map(word).collect::<Vec<_>>().join(" ").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_in_a_cell_does_not_end_it() {
        let text = table(["a", "b"], [["x|y".into(), "z".into()]].into_iter());
        assert_eq!(text, "| a | b |\n| --- | --- |\n| x\\|y | z |\n");
    }

    #[test]
    fn links_end_before_the_punctuation_behind_them() {
        assert_eq!(linked("A 2016, https://a.org/b.c; B"), "A 2016, <https://a.org/b.c>; B");
        assert_eq!(linked("-"), "-");
    }

    #[test]
    fn formulas_keep_their_letters() {
        assert_eq!(sentence("absolute gradient"), "Absolute gradient.");
        assert_eq!(sentence("(x - b) times"), "(x - b) times.");
        assert_eq!(sentence("clamp(x) of"), "clamp(x) of.");
        assert_eq!(sentence("x W^T"), "x W^T.");
    }
}

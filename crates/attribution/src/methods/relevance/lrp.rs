//! Layer-wise relevance propagation: the logit shared out layer by layer, by a rule for each.

use std::borrow::Cow;

use network::rules::relevance::{Attentions, COMPOSITES, Layers, Numbers, Pattern, Relevance, composite, layer_rule};
use sweep::parameters::{Default, Kind, Parameter, Parameters};
use tch::TchError;

use crate::methods::entry::Entry;
use crate::methods::method::{Method, MethodError};
use crate::{Attribution, Pass};

pub(in crate::methods) const ENTRY: Entry = Entry::new(
    [
        "LRP",
        "relevance of the target logit, by a rule for each convolution and linear layer; batch norms behind convolutions are part of \
         them. The composites are zennit's, with its 1e-6 in denominators; `epsilon` with 1e-9 is Captum's LRP of networks that it can do \
         (with `+` as it stands in a residual network, Captum's maps sum to anything)",
        "Bach et al. 2015, https://doi.org/10.1371/journal.pone.0130140; composites of zennit, https://arxiv.org/abs/2106.13200",
    ],
    PARAMETERS,
    |parameters, _| Ok(Box::new(Propagation::from(parameters)?)),
)
.sharing_a_score()
.called(&["lrp", "LayerwiseRelevancePropagation"]);

const PARAMETERS: &[Parameter] = &[COMPOSITE, RULES, EPSILON, GAMMA, LOW, HIGH, BIAS, START];

const COMPOSITE: Parameter = Parameter {
    name: Cow::Borrowed("composite"),
    summary: Cow::Borrowed(
        "which rule holds where: z+, alpha-beta (2, 1) or gamma at convolutions and epsilon at linear layers, `flat` or z-box at the first; \
         `epsilon` everywhere; `excitation_backprop` is z+ everywhere, without biases",
    ),
    kind: Kind::Word(Cow::Borrowed(&[
        Cow::Borrowed("epsilon_plus"),
        Cow::Borrowed("epsilon_plus_flat"),
        Cow::Borrowed("epsilon_alpha2_beta1"),
        Cow::Borrowed("epsilon_alpha2_beta1_flat"),
        Cow::Borrowed("epsilon_gamma_box"),
        Cow::Borrowed("epsilon"),
        Cow::Borrowed("excitation_backprop"),
    ])),
    default: Some(Default::Word(Cow::Borrowed("epsilon_plus"))),
};

const RULES: Parameter = Parameter {
    name: Cow::Borrowed("rules"),
    summary: Cow::Borrowed(
        "rules of your own before those of the composite, the first that fits holds: the name of a module, in which `*` is any text, and a rule \
         with its numbers: `epsilon`, `gamma`, `z_plus`, `alpha_beta`, and `flat`, `w_square` and `z_box` where a layer reads the images",
    ),
    kind: Kind::Rules,
    default: Some(Default::Absent),
};

const EPSILON: Parameter =
    number("epsilon", "number that keeps denominators of the epsilon rule from zero", 1e-6, [0.0, 1e6]);
const GAMMA: Parameter =
    number("gamma", "how much more terms with the sign of the output count by the gamma rule", 0.25, [0.0, 1e6]);
const LOW: Parameter = number("low", "least value of what the first layer reads, for z-box", -1.0, [-1e6, 1e6]);
const HIGH: Parameter = number("high", "largest value of what the first layer reads, for z-box", 1.0, [-1e6, 1e6]);

const fn number(name: &'static str, summary: &'static str, default: f64, [least, most]: [f64; 2]) -> Parameter {
    Parameter {
        name: Cow::Borrowed(name),
        summary: Cow::Borrowed(summary),
        kind: Kind::Number { least, most },
        default: Some(Default::Number(default)),
    }
}

const BIAS: Parameter = Parameter {
    name: Cow::Borrowed("bias"),
    summary: Cow::Borrowed("whether biases take their share; if not given they do, except by `excitation_backprop`"),
    kind: Kind::Word(Cow::Borrowed(&[Cow::Borrowed("kept"), Cow::Borrowed("ignored")])),
    default: Some(Default::Absent),
};

const START: Parameter = Parameter {
    name: Cow::Borrowed("start"),
    summary: Cow::Borrowed(
        "relevance of the target: its `logit`, or `one` as zennit's users give; a negative logit turns the sign",
    ),
    kind: Kind::Word(Cow::Borrowed(&[Cow::Borrowed("logit"), Cow::Borrowed("one")])),
    default: Some(Default::Word(Cow::Borrowed("logit"))),
};

/// Least epsilon with which denominators without biases are not mostly rounding.
const LEAST_WITHOUT_BIAS: f64 = 0.01;

/// Relevance propagation: a forward pass that keeps what layers read and give, and one to two and a half backward passes.
pub(super) struct Propagation {
    pub(super) rule: Relevance,
    /// Whether maps are divided by the logit.
    pub(super) per_logit: bool,
}

impl Propagation {
    fn from(parameters: &Parameters) -> Result<Self, MethodError> {
        let numbers = Numbers {
            epsilon: parameters.number("epsilon")?,
            gamma: parameters.number("gamma")?,
            pixels: (parameters.number("low")?, parameters.number("high")?),
        };
        if numbers.pixels.0 >= numbers.pixels.1 {
            return Err(parameters.unfit("low", "a number below `high`").into());
        }
        let name = parameters.word("composite")?;
        let made = composite(name, numbers).ok_or_else(|| parameters.unfit("composite", "the name of a composite"))?;
        let (of_composite, default) = made;
        let with_bias = parameters.get("bias").map_or(default, |word| word == "kept");
        if name == COMPOSITES[5].name && !with_bias && numbers.epsilon < LEAST_WITHOUT_BIAS {
            let expected = "0.01 or more where `composite: epsilon` ignores biases: denominators vanish";
            return Err(parameters.unfit("epsilon", expected).into());
        }
        let mut layers = own_rules(parameters)?;
        layers.extend(of_composite);
        let rule = Relevance { layers, with_bias, attentions: Attentions::Constant };
        Ok(Self { rule, per_logit: parameters.word("start")? == "one" })
    }
}

/// The rules that a user gives for layers by name.
fn own_rules(parameters: &Parameters) -> Result<Layers, MethodError> {
    let given = parameters.get("rules").and_then(|rules| rules.as_array()).map(Vec::as_slice).unwrap_or_default();
    // The declaration lets through only mappings from text to text.
    let pairs = given.iter().filter_map(|item| item.as_object()).flatten();
    let made = pairs.map(|(pattern, rule)| {
        let text = rule.as_str().unwrap_or_default();
        let rule = layer_rule(text).map_err(|error| MethodError::Rule { pattern: pattern.clone(), error })?;
        Ok((Pattern::Named(pattern.clone()), rule))
    });
    made.collect()
}

impl Method for Propagation {
    fn attribute(&self, pass: &Pass<'_>) -> Result<Attribution, TchError> {
        let map = pass.relevance(&self.rule)?;
        if !self.per_logit {
            return Ok(map.into());
        }
        let scores = pass.scores()?.f_view([-1, 1, 1, 1])?.f_to_kind(map.f_kind()?)?;
        Ok(map.f_div(&scores)?.into())
    }
}

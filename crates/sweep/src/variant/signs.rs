//! Whether maps of a variant have a sign: a fact of the method and its parameters, which no single map shows.

use super::Variant;
use crate::parameters::Parameters;

/// Methods that keep what is positive unless `relu_attributions` says otherwise.
const RECTIFIED: [&str; 11] = [
    "LayerGradCam",
    "GradCAMPlusPlus",
    "XGradCAM",
    "LayerCAM",
    "HiResCAM",
    "GradCAMElementWise",
    "EigenCAM",
    "EigenGradCAM",
    "ScoreCAM",
    "AblationCAM",
    "LiftCAM",
];

/// Methods whose maps have no value below zero.
const NOT_BELOW_ZERO: [&str; 6] =
    ["FullGrad", "RawAttention", "AttentionRollout", "GenericAttention", "AttentionGradCAM", "TransformerAttribution"];

impl Variant {
    /// Whether values of the maps may be below zero. A class that is not known here has signs: values below zero must not look like
    /// zero.
    pub fn is_signed(&self) -> bool {
        is_signed(&self.class, &self.parameters)
    }
}

fn is_signed(class: &str, parameters: &Parameters) -> bool {
    let word = |name: &str| parameters.get(name).and_then(serde_json::Value::as_str);
    match class {
        "Saliency" => false,
        "RISE" => word("score") == Some("logit"),
        class if RECTIFIED.contains(&class) => {
            parameters.get("relu_attributions") == Some(&serde_json::Value::Bool(false))
        }
        class if NOT_BELOW_ZERO.contains(&class) => false,
        "NoiseTunnel" => {
            let squares = matches!(word("nt_type"), Some("smoothgrad_sq" | "vargrad"));
            // The method inside has its defaults.
            !squares && word("attribution_method").is_some_and(|method| is_signed(method, &Parameters::default()))
        }
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::semantics::Semantics;
    use crate::variant::{Shared, Variant};

    fn is_signed(class: &str, parameters: Value) -> bool {
        let parameters = serde_json::from_value(parameters).unwrap();
        let (key, class, shared) = (String::new(), class.to_owned(), Shared::Nothing);
        Variant { key, class, parameters, semantics: Semantics::Exact, complete: false, shared, weights: None }
            .is_signed()
    }

    #[test]
    fn absolute_values_rectified_ones_and_squares_have_no_sign() {
        assert!(!is_signed("Saliency", json!({})));
        assert!(!is_signed("LayerGradCam", json!({"relu_attributions": true})));
        assert!(is_signed("LayerGradCam", json!({"relu_attributions": false})));
        assert!(!is_signed("EigenCAM", json!({})) && is_signed("EigenCAM", json!({"relu_attributions": false})));
        assert!(!is_signed("AttentionRollout", json!({})) && !is_signed("RISE", json!({"score": "probability"})));
        assert!(is_signed("RISE", json!({"score": "logit"})) && is_signed("LRP", json!({})));
        assert!(!is_signed("NoiseTunnel", json!({"nt_type": "smoothgrad"})));
        assert!(!is_signed("NoiseTunnel", json!({"nt_type": "vargrad", "attribution_method": "IntegratedGradients"})));
        assert!(is_signed(
            "NoiseTunnel",
            json!({"nt_type": "smoothgrad", "attribution_method": "IntegratedGradients"})
        ));
        // A mean of maps that are not below zero is not, either: Python's plots say the same.
        for method in ["FullGrad", "GradCAMPlusPlus", "LayerGradCam"] {
            assert!(!is_signed("NoiseTunnel", json!({"nt_type": "smoothgrad", "attribution_method": method})));
        }
        assert!(is_signed("IntegratedGradients", json!({})) && is_signed("a method of tomorrow", json!({})));
    }
}

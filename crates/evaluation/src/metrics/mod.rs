//! Metrics: one file and one line in [`METRICS`] each. The name is spelled in the entry alone.

mod curves;
mod entry;
mod faded;
mod inside;
mod others;
mod reading;
mod repeated;
mod scoring;
mod shapes;
mod subsets;

pub use entry::{Entry, Measured, Metric, Row};
pub use scoring::{scores, scores_by};

/// Every metric.
pub const METRICS: &[&Entry] = &[
    &curves::deletion::ENTRY,
    &curves::insertion::ENTRY,
    &curves::pixel_flipping::ENTRY,
    &curves::perturbation::region_perturbation::ENTRY,
    &curves::selectivity::ENTRY,
    &curves::comprehensiveness::ENTRY,
    &curves::sufficiency::ENTRY,
    &curves::imputed::road::ENTRY,
    &curves::imputed::road_combined::ENTRY,
    &curves::perturbation::abpc::ENTRY,
    &curves::irof::ENTRY,
    &subsets::faithfulness_correlation::ENTRY,
    &subsets::mu_fidelity::ENTRY,
    &subsets::sensitivity_n::ENTRY,
    &subsets::infidelity::ENTRY,
    &subsets::faithfulness_estimate::ENTRY,
    &subsets::non_sensitivity::ENTRY,
    &subsets::completeness::ENTRY,
    &faded::average_drop::ENTRY,
    &faded::average_increase::ENTRY,
    &faded::average_gain::ENTRY,
    &faded::average_drop_in_deletion::ENTRY,
    &others::random_logit::ENTRY,
    &others::mprt::ENTRY,
    &others::efficient_mprt::ENTRY,
    &others::agreement::ENTRY,
    &repeated::max_sensitivity::ENTRY,
    &repeated::avg_sensitivity::ENTRY,
    &repeated::local_lipschitz::ENTRY,
    &repeated::relative_input_stability::ENTRY,
    &repeated::relative_output_stability::ENTRY,
    &inside::pointing_game::ENTRY,
    &inside::relevance_mass_accuracy::ENTRY,
    &inside::relevance_rank_accuracy::ENTRY,
    &inside::top_k_intersection::ENTRY,
    &inside::auc::ENTRY,
    &inside::attribution_localisation::ENTRY,
    &inside::pixel_accuracy::ENTRY,
    &inside::mean_iou::ENTRY,
    &inside::mean_average_precision::ENTRY,
    &inside::f1::ENTRY,
    &shapes::sparseness::ENTRY,
    &shapes::complexity::ENTRY,
    &shapes::effective_complexity::ENTRY,
    &shapes::top_mass::ENTRY,
];

/// Finds the metric of `class`.
pub fn find(class: &str) -> Option<&'static Entry> {
    METRICS.iter().copied().find(|entry| entry.name == class)
}

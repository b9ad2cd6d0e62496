//! Metrics of maps and masks of objects.

pub(super) mod attribution_localisation;
pub(super) mod auc;
pub(super) mod f1;
pub(super) mod mean_average_precision;
pub(super) mod mean_iou;
pub(super) mod pixel_accuracy;
pub(super) mod pointing_game;
mod reading;
pub(super) mod relevance_mass_accuracy;
pub(super) mod relevance_rank_accuracy;
pub(super) mod top_k_intersection;

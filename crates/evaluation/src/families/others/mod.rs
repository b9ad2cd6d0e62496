//! Families that compare the map with another map of the same image: of another method, of another class, or of a model that forgot.

pub(super) mod agreement;
pub(super) mod other_class;
pub(super) mod other_model;
pub(super) mod randomised;
pub(super) mod similarity;

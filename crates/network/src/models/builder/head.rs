//! The last layer under a name of the user's own.

use super::Builder;

/// A last layer that is not in the file as the architecture has it.
pub(super) struct Head {
    pub(super) name: String,
    pub(super) biased: bool,
}

impl Builder<'_> {
    /// The last layer, if the file does not call it `name` or gives it no bias: what is left of the file once all other layers
    /// are read must be one linear layer of so many `features`, and nothing else. Whoever trained it may have put it beside the
    /// backbone.
    pub(super) fn head(&mut self, name: &str, features: i64) -> Option<Head> {
        let [weight, bias] = ["weight", "bias"].map(|part| format!("{name}.{part}"));
        if self.weights_are_random() || self.has(&bias) {
            return None;
        }
        let unread = self.unread();
        if self.has(&weight) {
            return self.without_bias(name, &unread);
        }
        let left = if unread.is_empty() { self.beside() } else { unread };
        let (weight, bias) = match &left[..] {
            [weight] => (weight, None),
            // In the order of their names.
            [bias, weight] => (weight, Some(bias)),
            _ => return None,
        };
        let layer = weight.strip_suffix(".weight")?;
        let classes = match self.weights.shape(weight, &[])?[..] {
            [classes, width] if width == features => classes,
            _ => return None,
        };
        let fits = |bias: &String| {
            bias.strip_suffix(".bias") == Some(layer)
                && self.weights.shape(bias, &[]).is_some_and(|shape| shape == [classes])
        };
        if !bias.is_none_or(fits) {
            return None;
        }
        let biased = bias.is_some();
        let (head, shown) = (layer.strip_prefix(&self.prefix).unwrap_or(layer).to_owned(), layer.to_owned());
        for part in ["weight", "bias"] {
            self.elsewhere.insert(format!("{head}.{part}"), format!("{layer}.{part}"));
        }
        let without = if biased { "" } else { ", without a bias" };
        self.notes.push(format!(
            "its last layer is `{shown}`{without}: the only linear layer of {features} features that is left, taken for `{name}`"
        ));
        Some(Head { name: head, biased })
    }

    /// The last layer called `name`, if its weight is all that is left `unread`.
    fn without_bias(&mut self, name: &str, unread: &[String]) -> Option<Head> {
        let shown = format!("{}{name}", self.prefix);
        if *unread != [format!("{shown}.weight")] {
            return None;
        }
        self.notes.push(format!("its last layer `{shown}` has no bias"));
        Some(Head { name: name.to_owned(), biased: false })
    }

    /// Tensors that stand beside the model in the file: below the same name as the model does.
    fn beside(&self) -> Vec<String> {
        let Some(within) = self.prefix.strip_suffix('.') else { return Vec::new() };
        let parent = within.rfind('.').map_or("", |dot| &within[..=dot]);
        let names = self.weights.names(parent).map(|name| format!("{parent}{name}"));
        names.filter(|name| !name.starts_with(&self.prefix)).collect()
    }
}

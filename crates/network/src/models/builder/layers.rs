//! The layers of convolutional networks.

use super::{Builder, Value};
use crate::NetworkError;
use crate::graph::Images;
use crate::operations::{
    Add, AveragePool, BatchNorm, Concatenate, Convolution, Geometry, Linear, MaxPool, Relu, Reshape,
};

/// Most classes of a model: ImageNet-21k has 21 843.
const MOST_CLASSES: i64 = 1 << 16;

impl Builder<'_> {
    /// The images; their channels are those that the convolution `first` takes.
    pub fn images(&mut self, first: &str) -> Value {
        let of_file = || self.size(&format!("{first}.weight"), 1);
        self.channels = self.weights.free_sizes().map(|(channels, _)| channels).or_else(of_file).unwrap_or(3);
        self.push("input", Images, &[], self.channels)
    }

    /// A convolution without bias, with a square kernel, padded so that only the stride shrinks.
    pub fn convolution(&mut self, name: &str, from: Value, out: i64, kernel: i64, stride: i64) -> Value {
        self.padded_convolution(name, from, (out, kernel), Geometry::square(stride, kernel / 2), false)
    }

    /// A convolution to `out` channels with a square kernel; a bias if `biased`.
    pub(crate) fn padded_convolution(
        &mut self,
        name: &str,
        from: Value,
        (out, kernel): (i64, i64),
        geometry: Geometry,
        biased: bool,
    ) -> Value {
        let weight = self.tensor(&format!("{name}.weight"), &[out, from.channels, kernel, kernel]);
        let bias = biased.then(|| self.tensor(&format!("{name}.bias"), &[out]));
        let convolution = self.noted(|_| Convolution::new(weight, bias, geometry));
        self.push_if(name, convolution, from, out)
    }

    /// A batch norm.
    pub fn batch_norm(&mut self, name: &str, from: Value) -> Value {
        let parts = ["weight", "bias", "running_mean", "running_var"];
        let parts = parts.map(|part| self.wide(&format!("{name}.{part}"), &[from.channels]));
        // Counts batches of training; old files do not have it.
        self.used.insert(format!("{}{name}.num_batches_tracked", self.prefix));
        let norm = self.noted(|_| BatchNorm::new(parts, BatchNorm::EPS));
        self.push_if(name, norm, from, from.channels)
    }

    /// A ReLU that is a module.
    pub fn relu(&mut self, name: &str, from: Value) -> Value {
        self.push(name, Relu { functional: false }, &[from], from.channels)
    }

    /// A ReLU that the model calls as a function: Captum cannot hook it.
    pub fn functional_relu(&mut self, name: &str, from: Value) -> Value {
        self.push(name, Relu { functional: true }, &[from], from.channels)
    }

    /// Max pooling with square windows.
    pub fn max_pool(&mut self, name: &str, from: Value, kernel: i64, stride: i64, padding: i64) -> Value {
        let (kernel, stride, padding) = ([kernel; 2], [stride; 2], [padding; 2]);
        let pool = MaxPool { kernel, stride, padding, dilation: [1; 2], ceil: false };
        self.push(name, pool, &[from], from.channels)
    }

    /// Average pooling with square windows beside each other.
    pub fn average_pool(&mut self, name: &str, from: Value, kernel: i64) -> Value {
        let (kernel, stride, padding) = ([kernel; 2], [kernel; 2], [0; 2]);
        let pool = AveragePool::Windows { kernel, stride, padding, ceil: false, count_padding: true, divisor: None };
        self.push(name, pool, &[from], from.channels)
    }

    /// Average pooling to `side` x `side` windows, flattened.
    pub fn pooled_features(&mut self, name: &str, from: Value, side: i64) -> Value {
        let pooled = self.push(name, AveragePool::Adaptive([side; 2]), &[from], from.channels);
        self.flatten("flatten", pooled, from.channels * side * side)
    }

    /// All values of an image in one dimension of `width`.
    pub fn flatten(&mut self, name: &str, from: Value, width: i64) -> Value {
        self.push(name, Reshape::flat(), &[from], width)
    }

    /// Sum of two values of one shape.
    pub fn add(&mut self, name: &str, left: Value, right: Value) -> Value {
        self.push(name, Add, &[left, right], left.channels)
    }

    /// Channels of several values side by side.
    pub fn concatenate(&mut self, name: &str, values: &[Value]) -> Value {
        let channels = values.iter().map(|value| value.channels).sum();
        self.push(name, Concatenate { dim: 1 }, values, channels)
    }

    /// A fully connected layer to `out` values.
    pub fn linear(&mut self, name: &str, from: Value, out: i64) -> Value {
        self.linear_of(name, from, out, true)
    }

    fn linear_of(&mut self, name: &str, from: Value, out: i64, biased: bool) -> Value {
        let weight = self.tensor(&format!("{name}.weight"), &[out, from.channels]);
        let bias = biased.then(|| self.tensor(&format!("{name}.bias"), &[out]));
        self.push(name, Linear { weight, bias }, &[from], out)
    }

    /// The last layer; its rows in the file are the classes.
    pub fn classifier(&mut self, name: &str, from: Value) -> Value {
        let head = self.head(name, from.channels);
        let (name, biased) = head.as_ref().map_or((name, true), |head| (&*head.name, head.biased));
        let of_file = || self.size(&format!("{name}.weight"), 0);
        let found = self.weights.free_sizes().map(|(_, classes)| classes).or_else(of_file).unwrap_or(1);
        let (file, most) = (self.weights.file().to_owned(), MOST_CLASSES);
        let accepted = (1..=most).contains(&found).then_some(found);
        let accepted = accepted.ok_or(NetworkError::Classes { file, found, most });
        match self.noted(|_| accepted) {
            Some(classes) => self.linear_of(name, from, classes, biased),
            None => from,
        }
    }
}

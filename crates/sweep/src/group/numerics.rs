//! Numerics of a group: the seed, and the types that numbers are computed and stored in.

use serde::{Deserialize, Serialize};

/// Precision and seed: how numbers are computed and stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Numerics {
    /// Seed of every random draw.
    pub seed: u64,
    /// Type that the network computes in.
    pub precision: Precision,
    /// Type that maps are stored in.
    pub dtype: Dtype,
    /// Whether batch norms are folded into the convolutions before them.
    pub fold_batch_norm: bool,
}

/// Type that the network computes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// IEEE single precision, as the reference scripts compute.
    Float32,
    /// IEEE double precision, several times slower: for checking.
    Float64,
    /// Single precision whose products a GPU rounds to 10 bits of mantissa, as PyTorch has it in convolutions by default; on
    /// the CPU the same as [`Precision::Float32`].
    Tf32,
    /// Values of 8 bits of mantissa and the range of single precision, between the layers; methods add up in single.
    Bfloat16,
    /// Values of 11 bits of mantissa between the layers, 6e-8 to 65504; methods add up in single precision.
    Float16,
}

impl Precision {
    /// The word of configs and stores.
    pub fn name(self) -> &'static str {
        match self {
            Self::Float32 => "float32",
            Self::Float64 => "float64",
            Self::Tf32 => "tf32",
            Self::Bfloat16 => "bfloat16",
            Self::Float16 => "float16",
        }
    }

    /// Unit roundoff: the most that rounding to the type moves a number, as a share of the number.
    pub fn unit_roundoff(self) -> f32 {
        let bits = match self {
            Self::Float64 => 53,
            Self::Float32 => 24,
            Self::Tf32 | Self::Float16 => 11,
            Self::Bfloat16 => 8,
        };
        0.5_f32.powi(bits)
    }
}

/// Type that attribution maps are stored in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dtype {
    /// Half precision, as the reference scripts store.
    Float16,
    /// Single precision: twice the size, nothing lost.
    Float32,
}

//! The origin of a map: the kind of device that computed it, and the graph that ran there.

use serde::{Deserialize, Serialize};

/// The widest instructions that our kernels use on a processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Isa {
    /// No kernels of attrisweep: the plain graph, on the kernels of libtorch.
    None,
    /// AVX2 with fused multiplication and addition: 8 values at once.
    Avx2,
    /// AVX-512: 16 values at once.
    Avx512,
}

impl Isa {
    /// All sets of instructions, the widest last.
    pub const ALL: [Self; 3] = [Self::None, Self::Avx2, Self::Avx512];

    /// The name in the environment and in stores.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
        }
    }

    /// The instructions with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|isa| isa.name() == name)
    }

    /// Channels that a register holds, in single precision; 0 where there are no kernels.
    pub fn channels(self) -> i64 {
        match self {
            Self::None => 0,
            Self::Avx2 => 8,
            Self::Avx512 => 16,
        }
    }
}

/// Graph, of the two graphs of a model, that passes run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Path {
    /// The graph as it is, operation by operation, on the kernels of libtorch.
    Plain,
    /// Fused operations on values in blocks of channels, on our kernels and oneDNN's.
    Lowered,
}

/// The origin of the maps of a unit.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ComputedBy {
    /// The model of the processor, or of the GPU.
    pub device: String,
    /// The widest instructions of our kernels, on a processor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub isa: Option<Isa>,
    /// Version of the driver, of a GPU.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub driver: Option<String>,
    /// The graph.
    pub path: Path,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instructions_are_spelled_in_one_way() {
        for isa in Isa::ALL {
            assert_eq!(Isa::named(isa.name()), Some(isa));
            assert_eq!(serde_json::to_value(isa).ok(), Some(isa.name().into()));
        }
        assert_eq!(Isa::named("AVX2"), None);
        assert!(Isa::None < Isa::Avx2 && Isa::Avx2 < Isa::Avx512);
    }
}

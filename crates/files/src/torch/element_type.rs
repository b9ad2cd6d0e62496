//! Types of the elements of a tensor, with PyTorch's names for them.

/// Element type of a tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ElementType {
    /// IEEE half precision.
    Float16,
    /// IEEE single precision.
    Float32,
    /// IEEE double precision.
    Float64,
    /// Bytes from 0 to 255.
    Byte,
    /// Signed integers of 32 bits.
    Int32,
    /// Signed integers of 64 bits.
    Int64,
}

impl ElementType {
    /// Every element type.
    pub(super) const ALL: [Self; 6] =
        [Self::Float16, Self::Float32, Self::Float64, Self::Byte, Self::Int32, Self::Int64];

    /// Size of an element in bytes.
    pub fn size(self) -> u64 {
        match self {
            Self::Byte => 1,
            Self::Float16 => 2,
            Self::Float32 | Self::Int32 => 4,
            Self::Float64 | Self::Int64 => 8,
        }
    }

    /// Name of the type in PyTorch.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Float16 => "float16",
            Self::Float32 => "float32",
            Self::Float64 => "float64",
            Self::Byte => "uint8",
            Self::Int32 => "int32",
            Self::Int64 => "int64",
        }
    }

    /// Name of PyTorch's class of storages.
    pub(super) fn storage(self) -> &'static str {
        match self {
            Self::Float16 => "HalfStorage",
            Self::Float32 => "FloatStorage",
            Self::Float64 => "DoubleStorage",
            Self::Byte => "ByteStorage",
            Self::Int32 => "IntStorage",
            Self::Int64 => "LongStorage",
        }
    }
}

//! Gauges: whatever reads values of a GPU.

/// A reading of a device at one moment. Nothing is concluded from a value that is `None`, because it could not be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// Errors that the driver logged since the last reading, by their XID.
    pub xids: Vec<u64>,
    /// The reason why the device does not answer any more, or must be reset first.
    pub gone: Option<String>,
    /// Memory errors since the driver was loaded that ECC could not correct.
    pub uncorrected: Option<u64>,
    /// Whether memory is to be retired at the next reset.
    pub retiring: Option<bool>,
    /// Whether heat or the power supply holds the clocks down.
    pub throttled: Option<bool>,
}

/// Reads devices.
pub trait Gauge: Send {
    /// Reads the device called `uuid` now.
    fn read(&mut self, uuid: &str) -> Reading;
}

//! Rewriting of a graph into another graph of the same function, for any device.

mod channels_last;
mod fold;

//! Rewriting of a graph into another graph of the same function, for any device.

mod canonical;
mod channels_last;
mod fold;

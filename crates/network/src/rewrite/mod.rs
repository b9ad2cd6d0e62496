//! Rewriting of a graph into another graph: of the same function for another layout, or of layers that are drawn anew.

mod canonical;
mod channels_last;
mod fold;
mod randomise;

//! Memory that a change will take, before anything is computed.

use super::Clean;
use super::boxes::Area;
use super::patch::{Replacement, plane};
use crate::graph::{Graph, Reach};

impl Graph {
    /// Bytes of the largest value that `replacement` changes, its box alone where it has one.
    pub fn changed_bytes(&self, clean: &Clean, replacement: &Replacement) -> usize {
        let graph = self.running();
        let [height, width] = plane(&replacement.pixels).unwrap_or_default();
        let mut areas = vec![Some(Area { top: replacement.top, left: replacement.left, height, width })];
        let mut most = 0;
        for (node, value) in graph.nodes.iter().zip(&clean.values).skip(1) {
            let size = plane(value);
            let reached = node.inputs.iter().enumerate().map(|(index, &input)| {
                let reach = node.operation.reach_of(index);
                let local = reach != Reach::Everywhere && plane(&clean.values[input]).is_some();
                areas[input].zip(size).filter(|_| local).map(|(area, size)| area.reaching(reach, size))
            });
            // One input that changes everywhere is enough.
            let area = reached.reduce(|a, b| Some(a?.with(b?))).flatten();
            let pixels = size.map_or(1, |[height, width]| (height * width) as usize).max(1);
            let of_row = value.numel() / (value.size().first().copied().unwrap_or(1).max(1) as usize);
            most = most.max(area.map_or(of_row, |area| of_row / pixels * area.pixels()) * size_of::<f32>());
            areas.push(area);
        }
        most
    }
}

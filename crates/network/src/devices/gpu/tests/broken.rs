//! Kernels that cut boxes out wrongly, and what proofs of hidden windows say of them.

use std::ffi::{CStr, c_void};
use std::rc::Rc;

use super::graphs::on_gpu;
use super::windows::{hidden, whole, windows};
use super::{wave, worst};
use crate::devices::gpu::crop::Crop;
use crate::devices::gpu::launch::emulated::Emulated;
use crate::devices::gpu::launch::{Launch, LaunchError};
use crate::graph::Graph;

/// What a broken kernel does.
#[derive(Clone, Copy, Debug)]
enum Fault {
    /// The last block of a launch is left out.
    LastBlock,
    /// Every image has what the first one should have.
    FirstImage,
    /// The patches of a value lie a pixel too low.
    Lower,
    /// What is outside of the map is one.
    Outside,
}

/// A GPU whose kernels that cut boxes out are broken, and no others.
#[derive(Debug)]
struct Broken(Emulated, Fault);

impl Launch for Broken {
    #[expect(unsafe_code, reason = "as the emulation; and it spoils arguments, as no kernel may")]
    unsafe fn launch(&self, kernel: &CStr, blocks: u32, packed: &mut [*mut c_void]) -> Result<(), LaunchError> {
        if !kernel.to_bytes().starts_with(b"crop") {
            // SAFETY: the caller's word for the arguments.
            return unsafe { self.0.launch(kernel, blocks, packed) };
        }
        // SAFETY: the third argument of these kernels is what is cut out.
        let mut crop = unsafe { *packed[2].cast::<Crop>() };
        let mut fewer = blocks;
        match self.1 {
            Fault::LastBlock => fewer = (blocks - 1).max(1),
            Fault::FirstImage => crop.whole = 1,
            Fault::Lower => {
                for patches in &mut crop.patches {
                    patches.height = patches.height.saturating_sub(1);
                }
            }
            Fault::Outside => crop.outside = 1.0,
        }
        packed[2] = std::ptr::from_mut(&mut crop).cast();
        // SAFETY: as above: what is spoilt has the kernel read less than there is.
        unsafe { self.0.launch(kernel, fewer, packed) }
    }
}

#[test]
fn a_kernel_that_cuts_out_something_else_is_found_and_the_plain_graph_computes() {
    for fault in [Fault::LastBlock, Fault::FirstImage, Fault::Lower, Fault::Outside] {
        let graph = on_gpu("cifar_resnet18", Rc::new(Broken(Emulated::default(), fault)));
        let images = wave(&[3, 3, 32, 32], 0.013);
        let plan = graph.plan(&images, &windows(32, 8)).unwrap().unwrap();
        let clean = graph.clean(&images).unwrap();
        let error = graph.hiding(&clean, &hidden(&images), (&plan, 0..16)).unwrap_err();
        assert!(Graph::is_disproof(&error) && !graph.is_lowered(), "{fault:?}: {error}");
        assert!(error.to_string().contains("windows 16 of 16 in 3 of 32x32"), "{error}");
        // From now on there are whole images.
        assert!(graph.plan(&images, &windows(32, 8)).unwrap().is_none());
    }
}

#[test]
fn a_right_kernel_is_proved_once_for_its_number_of_windows_and_images() {
    let graph = on_gpu("cifar_resnet18", Rc::new(Emulated::default()));
    let images = wave(&[3, 3, 32, 32], 0.013);
    let plan = graph.plan(&images, &windows(32, 8)).unwrap().unwrap();
    let (clean, hidden) = (graph.clean(&images).unwrap(), hidden(&images));
    let _ = graph.proved();
    let expected = whole(&graph, &images, &hidden, &windows(32, 8));
    for (part, proofs) in [(0..5, 1), (5..10, 0), (10..16, 1)] {
        let found = graph.hiding(&clean, &hidden, (&plan, part.clone())).unwrap();
        assert!(worst(&found, &expected.narrow(0, part.start as i64, part.len() as i64)) < 1e-5, "{part:?}");
        assert_eq!(graph.proved().iter().filter(|name| name.starts_with("windows ")).count(), proofs, "{part:?}");
    }
    let error = graph.hiding(&clean, &hidden, (&plan, 10..17)).unwrap_err();
    assert!(error.to_string().contains("windows 10..17 of a plan of 16"), "{error}");
}

"""Bytes and time of codecs on the maps and images of a finished store, for each kind of method: a chunk is one image, as in stores.

    .python/bin/python bench/stores/compression.py outputs/dataset-....zarr

Writes target/bench/compression.md. Times are of one thread, the least of three runs.
"""

import sys
import time
from pathlib import Path

import numcodecs
import numcodecs.blosc
import numpy as np
import zarr

OUT = Path(__file__).parents[2] / "target" / "bench" / "compression.md"
SHUFFLES = {"shuffle": numcodecs.Blosc.SHUFFLE, "bitshuffle": numcodecs.Blosc.BITSHUFFLE}
# First parts of method keys.
KINDS = {
    "gradients": ("Saliency", "InputXGradient", "IntegratedGradients", "DeepLIFT", "GradientShap"),
    "gated gradients": ("GuidedBackprop", "Deconvolution"),
    "ablation": ("FeatureAblation",),
    "occlusion": ("Occlusion",),
}


def codecs():
    """Every codec by its name, as functions that pack and unpack the bytes of an image."""
    for level in (1, 3, 6, 12, 19):
        yield f"zstd {level}", lambda size, level=level: numcodecs.Zstd(level)
    for inner, level in (("zstd", 1), ("zstd", 3), ("zstd", 9), ("lz4", 5)):
        for name, shuffle in SHUFFLES.items():
            yield f"blosc {inner} {level}, {name}", lambda size, inner=inner, level=level, shuffle=shuffle: numcodecs.Blosc(inner, level, shuffle, 0)


def least(work, times=3):
    """Seconds of the fastest of some runs, and what the work gives."""
    took = []
    for _ in range(times):
        since = time.perf_counter()
        given = work()
        took.append(time.perf_counter() - since)
    return min(took), given


def measured(codec, images):
    """Share of the bytes that is left, and MB/s of packing and of unpacking."""
    codec = codec(images.dtype.itemsize)
    packing, packed = least(lambda: [codec.encode(image) for image in images])
    unpacking, back = least(lambda: [codec.decode(image) for image in packed])
    assert all(np.array_equal(np.frombuffer(one, images.dtype), image.ravel(), equal_nan=True) for one, image in zip(back, images, strict=True))
    size = images.nbytes
    return sum(map(len, packed)) / size, size / packing / 1e6, size / unpacking / 1e6


def kinds(store):
    """Images and maps of a store by kind, one image a row."""
    found = {"images (float32)": [np.ascontiguousarray(store["images"][:])]}
    for key, maps in store["attributions"].arrays():
        kind = next((kind for kind, names in KINDS.items() if key.startswith(names)), None)
        if kind:
            found.setdefault(kind, []).append(np.ascontiguousarray(maps[:]))
    return {kind: np.concatenate(arrays) for kind, arrays in found.items()}


def main(place):
    numcodecs.blosc.set_nthreads(1)
    arrays = kinds(zarr.open_group(place, mode="r"))
    names = list(arrays)
    lines = [f"| share of the bytes; MB/s packing, unpacking | {' | '.join(names)} |", "| --- |" + " ---: |" * len(names)]
    for name, codec in codecs():
        cells = [measured(codec, arrays[kind]) for kind in names]
        lines.append(f"| {name} | " + " | ".join(f"{100 * share:.2f}%; {pack:.0f}, {unpack:.0f}" for share, pack, unpack in cells) + " |")
        print(lines[-1], flush=True)
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])

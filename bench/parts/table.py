"""Results as Markdown. docs/benchmarks.md says what the columns mean."""

MIB = 1 << 20
HEADER = ["variant", "Captum images/s", "ours images/s", "ours/Captum time", "Captum peak MiB", "ours peak MiB", "difference/peak", "plain operations", "batch", "notes"]


def markdown(rows):
    """A table; numbers stand on the right, the first and the last column on the left."""
    lines = [rows[0], ["---"] + ["---:"] * (len(rows[0]) - 2) + ["---"], *rows[1:]]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def best(side):
    """The batch that took least time an image, and what it took."""
    return min(side["batches"].items(), key=lambda item: item[1]["seconds"])


def peaks(sides):
    """Peak memory of both sides, at the largest batch that both computed, and that batch."""
    shared = max(set.intersection(*(set(side["batches"]) for side in sides)), default=None)
    of_batch = [side["batches"].get(shared) or best(side)[1] for side in sides]
    return [f"{measured['peak'] / MIB:.0f}" for measured in of_batch], shared


def of_variant(row, result):
    """Cells of one variant."""
    sides = row["captum"], row["ours"]
    failed = [f"{name} failed: {side['failed']}" for name, side in zip(("Captum", "ours"), sides) if "failed" in side]
    if failed:
        return [row["key"], *["-"] * (len(HEADER) - 2), "; ".join(failed)]
    (their_batch, theirs), (our_batch, ours) = (best(side) for side in sides)
    memory, shared = peaks(sides)
    notes = [f"{name} timed on {took['images']} of {result['images']} images" for name, took in (("Captum", theirs), ("ours", ours)) if took["images"] < result["images"]]
    notes += [f"memory at batch {shared}"] if shared else []
    notes += [f"Captum does not fit at batch {batch}" for batch in sides[0]["too_large"]]
    notes += [f"Captum with internal_batch_size {sides[0]['internal']}"] if sides[0]["internal"] else []
    return [
        row["key"],
        *rates(theirs["seconds"], ours["seconds"]),
        *memory,
        "-" if row["difference"] is None else f"{row['difference']:.1e}",
        plain(row["plain_flop_per_image"], ours["seconds"], result),
        f"{their_batch}, {our_batch}",
        "; ".join(notes),
    ]


def of_grid(result):
    """Cells of all variants together."""
    grid = result["grid"]
    flop = sum(row["plain_flop_per_image"] for row in result["variants"])
    memory = [f"{grid[side]['peak'] / MIB:.0f}" for side in ("captum", "ours")]
    seconds = grid["captum"]["seconds"], grid["ours"]["seconds"]
    notes = f"ours on {grid['images']} images; one by one {1 / grid['alone']:.3g} images/s"
    return ["**all together**", *rates(*seconds), *memory, "-", plain(flop, seconds[1], result), str(grid["batch"]), notes]


def rates(theirs, ours):
    return [f"{1 / theirs:.3g}", f"{1 / ours:.3g}", f"{ours / theirs:.3f}"]


def plain(flop, seconds, result):
    """Operations of the plain method in our time, as a share of what the machine multiplies."""
    return f"{flop / seconds / result['machine']['multiply_flop_per_second']:.0%}"


def page(result):
    """The table with what there is to know of it."""
    about = result["machine"]
    rows = [HEADER, *(of_variant(row, result) for row in result["variants"])]
    if result["grid"]:
        rows.append(of_grid(result))
    title = f"{result['arch']}, {result['size']} px, {result['images']} images, {about['threads']} threads"
    if about["gpu"]:
        title = f"{result['arch']}, {result['size']} px, {result['images']} images, {about['gpu']}, {result['precision']}"
    floors = [max((row[side].get("floor", 0) for row in result["variants"]), default=0) / MIB for side in ("captum", "ours")]
    floor = "Resident with the model, before the first map: Captum {:.0f} MiB, ours {:.0f} MiB.".format(*floors)
    return f"### {title}\n\n{where(result)}\n\n{markdown(rows)}\n\n{floor}\n"


def where(result):
    """Date, machine and command, in a line."""
    about = result["machine"]
    speeds = f"{about['multiply_flop_per_second'] / 1e9:.0f} GFLOP/s in a product of matrices, {about['copy_bytes_per_second'] / 1e9:.1f} GB/s in a copy"
    return f"{result['date']}, {about['gpu'] or about['cpu']}, {about['cores']} cores, load {about['load']:.1f} at the start: {speeds}; torch {about['torch']}; `{result['command']}`"

"""Words beside pictures: titles of columns and descriptions of images."""

from collections.abc import Sequence

import numpy as np

from ..group import Group

_WIDTH = 16


def title(text: str) -> str:
    """`text` in lines that fit above a panel, broken behind underscores: keys of methods are long."""
    return "\n".join(line for part in text.split("\n") for line in _lines(part))


def _lines(text: str) -> list[str]:
    lines = [""]
    for word in text.replace("_", "_ ").split():
        if lines[-1] and len(lines[-1]) + len(word) > _WIDTH:
            lines.append("")
        lines[-1] += word if not lines[-1] or lines[-1].endswith("_") else f" {word}"
    return lines


def of_image(group: Group, image: int, class_names: Sequence[str] | None) -> tuple[str, bool]:
    """What is known of an image: its number, label, prediction and confidence; and whether it is predicted wrong."""
    known = group.coordinates(np.array([image]))
    text = f"{image}"
    if "label" in known and int(known["label"][1][0]) >= 0:
        text += f": {_name(int(known['label'][1][0]), class_names)}"
    if "prediction" in known and int(known["prediction"][1][0]) >= 0:
        text += f"\n→ {_name(int(known['prediction'][1][0]), class_names)} ({float(known['confidence'][1][0]):.0%})"
    is_wrong = group.is_wrong(image)
    return text + (" ✗" if is_wrong else ""), is_wrong


def _name(number: int, class_names: Sequence[str] | None) -> str:
    return class_names[number] if class_names is not None and number < len(class_names) else str(number)

"""What a cell should be is in benches/targets.json and stands beside the cell.

A target is {"least": …} or {"most": …} of the ratio, or of the share, by one of the names below. A name may go on, as
in brackets, to say which cells it is for. The longest name that fits a cell counts.
"""

import dataclasses
import json
import re
import sys

from records import ROOT

# The parts of names: what they look like, and an example for --help.
PARTS = {
    "count": (r"\d+", "200"),
    "data": (r"[^,]+ \d+×\d+(, column-major)?", "planted 2000×2000"),
    "dtype": ("float32|float64", "float32"),
    "k": (r"\d+", "32"),
    "loss": ("kl|is", "kl"),
    "order": ("row-major|column-major", "row-major"),
    "peer": ("faer|gemm|OpenBLAS", "faer"),
    "shape": (r"\d+×\d+", "960×20000"),
    "solver": ("[a-z-]+", "auto"),
}


class Kind:
    """Cells that a name in targets.json is for. In it and in what it may go on with, {data} and the like are PARTS."""

    def __init__(self, name, *more, note="", **examples):
        self.names = ["".join((name, *more[:count])) for count in range(len(more), -1, -1)]  # the longest first
        examples = {part: example for part, (_, example) in PARTS.items()} | examples
        self.help = (name + "".join(f"[{part}" for part in more) + "]" * len(more) + note).format(**examples)

    def has(self, name):
        patterns = {part: f"({pattern})" for part, (pattern, _) in PARTS.items()}
        return any(re.fullmatch(template.format(**patterns), name) for template in self.names)


@dataclasses.dataclass
class Cell:
    """A number as a table shows it, and whether it meets its target, if it has one."""

    text: str
    value: float
    target: str | None = None
    side: str | None = None
    bound: float | None = None
    met: bool | None = None

    def __str__(self):
        return self.text

    def judged(self, target, side, bound, shown):
        met = self.value >= bound if side == "least" else self.value <= bound
        text = f"{self.text} ({'≥' if side == 'least' else '≤'} {shown}: {'met' if met else 'NOT met'})"
        return Cell(text, self.value, target, side, bound, met)


class Targets:
    def __init__(self, kinds):
        """Reads the targets, each of which has to be for some cells."""
        self.targets = json.loads((ROOT / "benches" / "targets.json").read_text())
        for name, target in self.targets.items():
            if not any(kind.has(name) for kind in kinds):
                sys.exit(f"bench: benches/targets.json: no cell is named {name}; see --help")
            if list(target) not in (["least"], ["most"]):
                sys.exit(f"bench: benches/targets.json: {name} has neither least nor most")

    def cell(self, value, *kinds, text=None, **parts):
        """The cell of a number, by default a ratio. The first name of the kinds that has a target judges it."""
        cell = Cell(f"{value:.2f}" if text is None else text, value)
        names = (name.format(**parts) for kind in kinds for name in kind.names)
        target = next((name for name in names if name in self.targets), None)
        if target is None:
            return cell
        ((side, bound),) = self.targets[target].items()
        return cell.judged(target, side, bound, f"{bound:g}")

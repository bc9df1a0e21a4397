"""What a table is, and how its parts become Markdown."""

import textwrap

import records

from .targets import Cell


def table(name, title, *kinds):
    """Makes a function a table, with the kinds of its cells that may have targets.

    The function takes a Bench and returns the table's parts: paragraphs, lists and grids. Its docstring says in --help
    what the table measures.
    """

    def named(function):
        function.name, function.title, function.kinds = name, title, kinds
        return function

    return named


class Grid:
    """Rows under heads, which are given as "data | k | ratio"."""

    def __init__(self, heads):
        self.heads, self.rows = heads.split(" | "), []

    def add(self, *cells):
        """Adds a row and prints it, which shows how far the bench is."""
        self.rows.append(cells)
        print(*cells, sep=" | ", flush=True)

    def raw(self):
        rows = [[vars(cell) if isinstance(cell, Cell) else cell for cell in row] for row in self.rows]
        return {"heads": self.heads, "rows": rows}


def filled(text, first="", rest=""):
    """The text in lines of 120; `first` and `rest` are what lines begin with."""
    wrapper = textwrap.TextWrapper(120, first, rest, break_long_words=False, break_on_hyphens=False)
    return wrapper.fill(" ".join(text.split()))


def markdown(part):
    if isinstance(part, Grid):
        return records.markdown(part.heads, [map(str, row) for row in part.rows])
    if isinstance(part, list):
        return "\n".join(filled(item, "- ", "  ") for item in part)
    return filled(part)

"""The gallery: a page's code is its program's, the program runs, its checks hold, and it prints what the page says."""

import os
import re
import runpy
import subprocess
import sys
import warnings
from pathlib import Path

import matplotlib.pyplot
import pytest

ROOT = Path(__file__).resolve().parents[3]
GALLERY = ROOT / "docs" / "gallery"
PROGRAMS = sorted(path for path in [*GALLERY.glob("*.py"), *GALLERY.glob("*.sh")] if path.name != "make_catalogue.py")
every_program = pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.stem)
NUMBER = re.compile(r"-?\d[\d.]*(?:e[-+]?\d+)?")


def blocks(page, language):
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)


def lines(text):
    return [line for line in text.splitlines() if line.strip()]


def test_every_page_has_a_program():
    assert [path.stem for path in PROGRAMS] == sorted(page.stem for page in GALLERY.glob("*.md") if page.stem != "index")
    assert len(PROGRAMS) >= 6


@every_program
def test_the_code_of_the_page_is_the_programs(program):
    """All of it but what it says of itself at the beginning, and how it draws."""
    of_program, drawing = program.read_text().split("\n# The picture")
    if program.suffix == ".py":
        of_program = of_program.split('"""\n', 1)[1]
    else:
        of_program = of_program.split("set -euo pipefail\n", 1)[1]
    of_page = "\n".join(blocks(program.with_suffix(".md"), "python" if program.suffix == ".py" else "sh"))
    assert lines(of_page) == lines(of_program)
    assert "savefig" in drawing or "figures/" in drawing
    assert f"]({program.name})" in program.with_suffix(".md").read_text()


def said(expected, printed):
    """Whether a line of a page is what was printed: the same words, and numbers to 2 % or 0.02."""
    if expected.endswith("…"):
        expected = expected[:-1]
        printed = printed[: len(expected)]
    if NUMBER.sub("#", expected).split() != NUMBER.sub("#", printed).split():
        return False
    pairs = zip(map(float, NUMBER.findall(expected)), map(float, NUMBER.findall(printed)))
    return all(abs(a - b) <= max(0.02, 0.02 * abs(a)) for a, b in pairs)


@every_program
def test_the_program_runs_and_prints_what_the_page_says(program, tmp_path, monkeypatch, capsys):
    (tmp_path / "docs").symlink_to(ROOT / "docs")
    (tmp_path / "drawn").mkdir()
    monkeypatch.chdir(tmp_path)
    if program.suffix == ".py":
        # in this process, which has imported most of what it needs
        monkeypatch.setattr(sys, "argv", [str(program), "drawn"])
        with matplotlib.pyplot.rc_context({"backend": "agg"}), warnings.catch_warnings():
            warnings.simplefilter("error")
            runpy.run_path(str(program), run_name="__main__")
        matplotlib.pyplot.close("all")
        printed = capsys.readouterr().out
    else:
        if "ORTHANT_PROGRAMS" not in os.environ:
            pytest.skip("ORTHANT_PROGRAMS does not say where the command is")
        path = os.environ["ORTHANT_PROGRAMS"] + os.pathsep + os.environ["PATH"]
        done = subprocess.run([program, "drawn"], env={**os.environ, "PATH": path}, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        printed = done.stdout + done.stderr
    rest = lines(printed)
    for expected in lines("".join(blocks(program.with_suffix(".md"), "text"))):
        if expected != "…":
            at = next((i for i, line in enumerate(rest) if said(expected, line)), None)
            assert at is not None, f"the page says\n{expected}\nbut the program printed\n{printed}"
            rest.pop(at)
    drawn = {path.name for path in (tmp_path / "drawn").iterdir() if path.suffix != ".wav"}
    shown = set(re.findall(r"!\[[^]]+\]\(([^)]+)\)", program.with_suffix(".md").read_text()))
    assert drawn == shown and shown


def test_pictures_are_small():
    pictures = [*GALLERY.glob("*.png"), *GALLERY.glob("*.svg")]
    assert len(pictures) >= 6
    assert all(picture.stat().st_size < 60_000 for picture in pictures)


def test_the_catalogue_is_that_of_its_program(tmp_path):
    subprocess.run([sys.executable, GALLERY / "make_catalogue.py", tmp_path], check=True)
    for name in ["catalogue.tsv", "planted.tsv"]:
        assert (tmp_path / name).read_bytes() == (GALLERY / name).read_bytes()

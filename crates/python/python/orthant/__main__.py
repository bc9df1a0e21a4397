"""``python -m orthant script.py``: runs a program of scikit-learn's NMF with Orthant's in its place."""

from __future__ import annotations

import os
import runpy
import sys

from . import __version__
from ._patch import patch_sklearn

USAGE = """\
usage: python -m orthant SCRIPT [ARGUMENT ...]
       python -m orthant -m MODULE [ARGUMENT ...]

Runs a Python program as `python SCRIPT` or `python -m MODULE` does, with Orthant in the place of scikit-learn's NMF, MiniBatchNMF
and non_negative_factorization (orthant.patch_sklearn).
"""


def fail(text: str) -> None:
    sys.exit(f"python -m orthant: {text}")


def main() -> None:
    arguments = sys.argv[1:]
    if not arguments or arguments[0] in ("-h", "--help"):
        (sys.stdout if arguments else sys.stderr).write(USAGE)
        sys.exit(0 if arguments else 2)
    if arguments[0] == "--version":
        print(__version__)
        sys.exit(0)
    module = arguments[0] == "-m"
    if module:
        arguments.pop(0)
        if not arguments:
            fail("-m needs the name of a module")
    elif arguments[0].startswith("-"):
        fail(f"there is no option {arguments[0]}; there are -m, --help and --version")
    elif not os.path.exists(arguments[0]):
        fail(f"there is no file {arguments[0]}")
    try:
        patch_sklearn()
    except ImportError as error:
        fail(str(error))
    sys.argv = arguments
    if module:
        runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)
        return
    if not getattr(sys.flags, "safe_path", False):
        # in the place of the folder that -m has put there
        sys.path[0] = os.path.dirname(os.path.abspath(arguments[0]))
    runpy.run_path(arguments[0], run_name="__main__")


if __name__ == "__main__":
    main()

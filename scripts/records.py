"""What records of benches have in common: the machine, the versions, tables, and the file."""

import datetime
import os
import pathlib
import platform
import re
import subprocess

import numpy as np
import scipy
import sklearn

ROOT = pathlib.Path(__file__).resolve().parent.parent
CPUINFO = pathlib.Path("/proc/cpuinfo")


def cores():
    """Those that this process may run on, where the system can say."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def processor():
    if CPUINFO.exists():
        for line in CPUINFO.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def isa():
    flags = set(CPUINFO.read_text().split()) if CPUINFO.exists() else set()
    return "AVX-512" if "avx512f" in flags else "AVX2" if "avx2" in flags else "no AVX2"


def revision():
    described = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True, cwd=ROOT)
    return described.stdout.strip() or "unversioned"


def slug():
    """The processor's name, for the name of a file."""
    return re.sub(r"[^a-z0-9]+", "-", re.sub(r"\((r|tm)\)", "", processor().lower())).strip("-")


def markdown(heads, rows):
    return "\n".join(f"| {' | '.join(row)} |" for row in [heads, ["---"] * len(heads), *rows])


def write(script, kind, body):
    """Writes benches/record/<date>-<processor>-<kind>.md: the script, the machine and the versions, then the body."""
    date = datetime.date.today().isoformat()
    text = f"""# scripts/{script}, {date}

- processor: {processor()}, {isa()}, {cores()} cores used by all; {platform.system()}
- orthant {revision()}; scikit-learn {sklearn.__version__}, numpy {np.__version__}, scipy
  {scipy.__version__}, Python {platform.python_version()}

{body}
"""
    path = ROOT / "benches" / "record" / f"{date}-{slug()}-{kind}.md"
    path.write_text(text)
    print(f"recorded in {path.relative_to(ROOT)}")

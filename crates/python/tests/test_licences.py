"""Both licences travel with the wheel and with the source distribution."""

import importlib.metadata
import subprocess
import sys
import tarfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
LICENCES = {name: (ROOT / name).read_text() for name in ["LICENSE-APACHE", "LICENSE-MIT"]}


def test_of_the_wheel():
    package = importlib.metadata.distribution("orthant")
    assert sorted(package.metadata.get_all("License-File")) == sorted(LICENCES)
    assert package.metadata["License-Expression"] == "MIT OR Apache-2.0"
    for name, text in LICENCES.items():
        assert package.read_text(f"licenses/{name}") == text


def test_of_the_source_distribution(tmp_path):
    maturin = Path(sys.executable).with_name("maturin")
    command = [maturin, "pep517", "write-sdist", "--sdist-directory", tmp_path]
    subprocess.run(command, cwd=ROOT / "crates" / "python", check=True, capture_output=True)
    [packed] = tmp_path.glob("*.tar.gz")
    with tarfile.open(packed) as files:
        top = packed.name.removesuffix(".tar.gz")
        for name, text in LICENCES.items():
            assert files.extractfile(f"{top}/{name}").read().decode() == text
            # and with each crate that is in it
            of_crates = [member for member in files.getnames() if member.endswith("/src/lib.rs")]
            assert len(of_crates) >= 6
            for library in of_crates:
                assert files.extractfile(library.replace("src/lib.rs", name)).read().decode() == text

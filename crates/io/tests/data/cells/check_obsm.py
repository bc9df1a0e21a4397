"""check_obsm.py INPUT OUT NAME: OUT, written by `orthant fit INPUT -o OUT --write-obsm NAME`, has the factors where anndata and
h5py find them, and the rest of INPUT as it was."""

import sys
from pathlib import Path

import anndata
import h5py
import numpy as np

source, out, name = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
before, after = anndata.read_h5ad(source), anndata.read_h5ad(out / source.name)
w, h = np.load(out / "W.npy"), np.load(out / "H.npy")
assert np.array_equal(after.obsm[name], w) and after.obsm[name].dtype == w.dtype
assert np.array_equal(after.varm[name], h.T)
assert after.uns[name]["n_components"] == h.shape[0] and isinstance(after.uns[name]["loss"], str)
assert before.obs.equals(after.obs) and before.var.equals(after.var)
others = lambda mapping: {key for key in mapping if key != name}
for part in ["obsm", "varm", "obsp", "layers", "uns"]:
    assert others(getattr(before, part)) == others(getattr(after, part)), part
dense = lambda x: x.toarray() if hasattr(x, "toarray") else x
assert before.X is None or np.array_equal(dense(before.X), dense(after.X))
assert (before.raw is None) == (after.raw is None)
# what anndata writes of it is read again
after.write_h5ad(out / "again.h5ad")
assert np.array_equal(anndata.read_h5ad(out / "again.h5ad").obsm[name], w)
(out / "again.h5ad").unlink()


def everything(file):
    found = {}

    def visit(path, object):
        attributes = {key: str(value) for key, value in object.attrs.items()}
        found[path] = (attributes, object[()].tobytes() if isinstance(object, h5py.Dataset) and object.shape is not None and object.dtype.kind in "iufb" else None)

    file.visititems(visit)
    return found


with h5py.File(source) as a, h5py.File(out / source.name) as b:
    a, b = everything(a), everything(b)
    ours = lambda path: path.split("/")[1:2] == [name] and path.split("/")[0] in ("obsm", "varm", "uns")
    a = {path: value for path, value in a.items() if not ours(path)}
    b = {path: value for path, value in b.items() if not ours(path)}
    for path in set(a) | set(b) - {"obsm", "varm", "uns"}:
        assert a[path] == b[path], path
print(f"{source.name}: as it should be")

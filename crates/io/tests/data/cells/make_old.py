"""Writes a file by whatever version of anndata there is: before 0.7 tables were records, and until 0.8 nothing had a version."""

import gzip
import sys
import tempfile
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import scipy.sparse as sp

N = np.array([[1, 0, 2], [0, 0, 0], [0, 3, 0], [4, 5, 0]])
obs = pd.DataFrame(dict(cluster=pd.Categorical(["a", "b", "a", "b"])), index=["AAAC", "AAAG", "AACC", "AACG"])
var = pd.DataFrame(dict(n_cells=[2, 2, 1]), index=["TP53", "MYC", "EGFR"])
data = anndata.AnnData(sp.csr_matrix(N.astype("f4")), obs, var)
data.layers["dense"] = N.astype("f4")
with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "x.h5ad"
    data.write(str(path), compression="gzip")
    name = Path(sys.argv[0]).parent / f"anndata_{anndata.__version__}.h5ad.gz"
    with gzip.GzipFile(str(name), "wb", mtime=0) as out:
        out.write(path.read_bytes())

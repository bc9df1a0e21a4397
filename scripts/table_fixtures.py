"""Writes the tables in crates/io/tests/data/tables with the programs that users export from: `python scripts/table_fixtures.py`.

Needs numpy, pandas, polars, openpyxl, odfpy, scikit-learn, zstandard and R (`Rscript`). The tests in
crates/io/tests/programs.rs say which numbers and names must come of each file.
"""

import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
from sklearn.datasets import dump_svmlight_file

OUT = Path(__file__).parent.parent / "crates/io/tests/data/tables"
OUT.mkdir(exist_ok=True)

VALUES = np.array([[3, 0, 1.25], [0, 2.75, 4], [5.5, 1, 0], [1, 1, 0.125]])
ROWS, COLUMNS = ["alpha", "beta", "gamma 1", "delta"], ["s1", "s2", "s3"]
frame = pd.DataFrame(VALUES, index=ROWS, columns=COLUMNS)
counted = pd.DataFrame(VALUES, columns=COLUMNS)
plain = pd.DataFrame(VALUES)

# pandas
frame.to_csv(OUT / "pandas-index.csv")
frame.rename_axis("gene").to_csv(OUT / "pandas-named-index.csv")
frame.to_csv(OUT / "pandas-tab.tsv", sep="\t")
frame.to_csv(OUT / "pandas-semicolon-comma.csv", sep=";", decimal=",")
counted.to_csv(OUT / "pandas-counted.csv")
counted.to_csv(OUT / "pandas-no-index.csv", index=False)
counted.rename_axis("id").to_csv(OUT / "pandas-id.csv")
plain.to_csv(OUT / "pandas-plain.csv")
plain.to_csv(OUT / "pandas-plain-no-index.csv", index=False)
(counted > 1).to_csv(OUT / "pandas-bool.csv", index=False)
counted.replace(0, np.nan).to_csv(OUT / "pandas-missing.csv", index=False)
pd.DataFrame(VALUES, index=ROWS, columns=[1990, 1991, 1992]).rename_axis("country").to_csv(OUT / "pandas-years.csv")
frame.rename(index={"beta": "Zürich"}).to_csv(OUT / "pandas-latin-1.csv", encoding="latin-1")
frame.rename(index={"beta": "Zürich"}).to_csv(OUT / "pandas-utf-8-sig.csv", encoding="utf-8-sig")
frame.rename(index={"beta": "Zürich"}).to_csv(OUT / "pandas-utf-16.csv", encoding="utf-16", sep="\t")
for ending in ["gz", "bz2", "xz", "zst", "zip"]:
    frame.to_csv(OUT / f"pandas.csv.{ending}", compression="infer")
frame.to_excel(OUT / "pandas.xlsx", sheet_name="counts")
frame.to_excel(OUT / "pandas.ods", sheet_name="counts", engine="odf")
with pd.ExcelWriter(OUT / "two-sheets.xlsx") as book:
    frame.to_excel(book, sheet_name="first")
    (2 * frame).to_excel(book, sheet_name="second")

# the long form of the table, and its order of rows and columns
long = frame.rename_axis("gene").melt(ignore_index=False, var_name="sample", value_name="count").reset_index()
long[long["count"] > 0].to_csv(OUT / "pandas-long.csv", index=False)

# polars
table = pl.DataFrame({"gene": ROWS, **{name: VALUES[:, j] for j, name in enumerate(COLUMNS)}})
table.write_csv(OUT / "polars.csv")
table.write_csv(OUT / "polars-semicolon-comma.csv", separator=";", decimal_comma=True)
table.write_csv(OUT / "polars-bar.csv", separator="|")
table.select(pl.col(COLUMNS) > 1).write_csv(OUT / "polars-bool.csv")

# numpy
np.savetxt(OUT / "numpy.txt", VALUES)
np.savetxt(OUT / "numpy-semicolon", VALUES, delimiter=";", fmt="%g")
np.savetxt(OUT / "numpy-header.csv", VALUES, delimiter=",", header=",".join(COLUMNS), fmt="%g")

# scikit-learn
target = np.array([1, 0, 1, 0])
dump_svmlight_file(VALUES, target, str(OUT / "sklearn-zero-based.svmlight"))
dump_svmlight_file(VALUES, target, str(OUT / "sklearn-one-based.svmlight"), zero_based=False, comment="made for tests")

# R
R = f"""
setwd("{OUT}")
m <- matrix(c({", ".join(map(repr, VALUES.T.ravel().tolist()))}), nrow = 4,
            dimnames = list(c({", ".join(f'"{name}"' for name in ROWS)}), c("s1", "s2", "s3")))
write.table(m, "r-write-table.txt")
write.table(m, "r-write-table-tab.txt", sep = "\\t", quote = FALSE)
write.table(m, "r-write-table-na.txt", sep = "\\t", col.names = NA)
write.csv(m, "r-write-csv.csv")
write.csv2(m, "r-write-csv2.csv")
write.csv(m, "r-write-csv-no-names.csv", row.names = FALSE)
n <- m; rownames(n) <- NULL
write.csv(as.data.frame(n), "r-write-csv-counted.csv")
write.csv(m > 1, "r-logical.csv", row.names = FALSE)
m[m == 0] <- NA
write.csv(m, "r-missing.csv")
"""
subprocess.run(["Rscript", "-e", R], check=True)

"""`read`: files of every kind that the command ``orthant`` reads."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from . import _orthant
from ._base import InvalidParameterError, among, is_truth, warn

__all__ = ["Table", "read"]

DETECT = ("auto", "yes", "no")
DTYPES = ("float32", "float64")
# options of the reader that are on or off here
SWITCHES = ("triplets", "channels")


class Table(NamedTuple):
    """What a file has.

    Attributes
    ----------
    X : ndarray or scipy.sparse.csr_array or scipy.sparse.csc_array
        The matrix, samples in rows; sparse where the file is.
    row_names : list of str or None
        The names of the rows, where the file has them.
    column_names : list of str or None
        The names of the columns, where the file has them.
    """

    X: Any
    row_names: list[str] | None
    column_names: list[str] | None

    def frame(self) -> Any:
        """It as a DataFrame of pandas, whose columns are the features that a model knows by name; a sparse one where X is.

        Returns
        -------
        frame : DataFrame
            With the names that there are.
        """
        import pandas

        if isinstance(self.X, np.ndarray):
            return pandas.DataFrame(self.X, self.row_names, self.column_names)
        return pandas.DataFrame.sparse.from_spmatrix(self.X, self.row_names, self.column_names)


def read(
    path: str | os.PathLike[str],
    *,
    transpose: bool = False,
    layer: str | None = None,
    missing: str | None = None,
    dtype: Any = None,
    header: str = "auto",
    labels: str = "auto",
    delimiter: str | None = None,
    decimal: str | None = None,
    drop: Sequence[str] = (),
    triplets: bool = False,
    feature_type: str | None = None,
    channels: bool = False,
) -> Table:
    """Read a matrix with the names of its rows and columns from a file, as the command ``orthant fit`` reads it.

    What a file is, is found from its content: tables of text as pandas, R, Excel and others export them, xlsx and ods, npy, npz, Matrix
    Market, single cells (h5ad, 10x Genomics' folders and h5, loom), svmlight, gct, png and jpg and folders of them; also packed as gz,
    bz2, xz, zst or zip.

    Parameters
    ----------
    path : str or PathLike
        The file, or folder.
    transpose : bool, default=False
        Take rows for columns, for files with a sample in each column, as 10x folders have it.
    layer : str or None, default=None
        Which matrix of a file with several: a layer of h5ad, or 'raw'; a layer of loom; an array of npz; a genome of 10x h5; a sheet of a
        spreadsheet; a file of a zip.
    missing : {'nan'} or None, default=None
        With 'nan', empty fields, NA and the like of tables are read as NaN, and else they are an error.
    dtype : {'float32', 'float64'} or numpy dtype or None, default=None
        The type of the numbers; None is float32 for files that have these, and else float64.
    header, labels : {'auto', 'yes', 'no'}, default='auto'
        Whether the first line of a table has the names of the columns, and the first column those of the rows.
    delimiter : str or None, default=None
        What stands between the fields of a text: ``','``, ``';'``, ``'|'``, ``'tab'`` or ``'blanks'``; None finds it.
    decimal : {'.', ','} or None, default=None
        The decimal mark of a text; None finds it.
    drop : sequence of str, default=()
        Columns of a table that are left out, by their names or by their numbers from 1.
    triplets : bool, default=False
        Each line of a table is an entry of a sparse matrix: the name of its row, the name of its column, a number.
    feature_type : str or None, default=None
        Which features of 10x data with several types, such as 'Gene Expression'.
    channels : bool, default=False
        Keep the colour of pictures: the levels of red, green and blue side by side.

    Returns
    -------
    table : Table
        A tuple of the matrix, the names of the rows and the names of the columns. What was guessed of a file is a UserWarning.

    Raises
    ------
    OSError
        Where the file cannot be read.
    ValueError
        Where it is no matrix or is damaged, with its place.

    Examples
    --------
    >>> import os, tempfile
    >>> import orthant
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "basket.csv")
    ...     with open(path, "w") as out:
    ...         _ = out.write("buyer,apple,bolt\\nann,3,0\\nbob,0,5\\n")
    ...     table = orthant.read(path)
    >>> table.X.tolist(), table.row_names, table.column_names
    ([[3.0, 0.0], [0.0, 5.0]], ['ann', 'bob'], ['apple', 'bolt'])
    """
    dtype = None if dtype is None else np.dtype(dtype).name
    texts: tuple[tuple[str, Any, tuple[str, ...]], ...] = (
        ("header", header, DETECT),
        ("labels", labels, DETECT),
        ("dtype", dtype, (*DTYPES, "None")),
        ("missing", missing, ("nan", "None")),
        ("decimal", decimal, (".", ",", "None")),
    )
    for name, value, allowed in texts:
        if str(value) not in allowed:
            raise InvalidParameterError(f"The {name!r} parameter of read must be {among(allowed)}. Got {value!r} instead.")
    for name, value in (("transpose", transpose), ("triplets", triplets), ("channels", channels)):
        if not is_truth(value):
            raise InvalidParameterError(f"The {name!r} parameter of read must be a bool. Got {value!r} instead.")
    if channels and transpose:
        raise ValueError("channels=True and transpose=True do not go together: a picture's channels are side by side")
    if triplets and labels != "auto":
        raise ValueError("labels has no meaning with triplets=True: each line has the name of its row")
    how = {
        "header": header,
        "labels": labels,
        "layer": layer,
        "delimiter": delimiter,
        "decimal": decimal,
        "drop": [drop] if isinstance(drop, str) else [str(column) for column in drop],
        "missing": missing is not None,
        "triplets": bool(triplets),
        "feature_type": feature_type,
        "channels": bool(channels),
        "transpose": bool(transpose),
        "dtype": dtype,
    }
    try:
        found = _orthant.read(os.fspath(path), how)
    except ValueError as error:
        raise ValueError(_in_python(str(error))) from None
    for remark in found["remarks"]:
        warn(f"{os.fspath(path)}: {_in_python(remark)}", UserWarning)
    if "dense" in found:
        X = found["dense"]
    else:
        try:
            import scipy.sparse
        except ImportError as error:
            raise ImportError(f"{os.fspath(path)} is a sparse matrix, which needs scipy") from error
        of = scipy.sparse.csr_array if found["format"] == "csr" else scipy.sparse.csc_array
        X = of(found["sparse"], shape=found["shape"])
    return Table(X, found["row_names"], found["column_names"])


def _in_python(text: str) -> str:
    """What a reader says, with its options as parameters of `read`."""
    text = re.sub(r"ReadOptions::(\w+)=(\w+)", r"\1='\2'", text)
    text = re.sub(rf"ReadOptions::({'|'.join(SWITCHES)})", r"\1=True", text)
    return re.sub(r"ReadOptions::missing", "missing='nan'", text).replace("ReadOptions::", "")

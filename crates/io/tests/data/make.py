"""Writes the fixtures in this folder: `python make.py`, with numpy alone."""

import struct
import zlib

import numpy as np

grid = np.arange(6).reshape(2, 3)

# every element type, the same six numbers (bool: five of them true)
for name, dtype in {
    "f2": "<f2", "f4": "<f4", "f8": "<f8", "f2_big": ">f2", "f4_big": ">f4", "f8_big": ">f8",
    "i1": "<i1", "i2": "<i2", "i4": "<i4", "i8": "<i8", "i2_big": ">i2", "i4_big": ">i4", "i8_big": ">i8",
    "u1": "<u1", "u2": "<u2", "u4": "<u4", "u8": "<u8", "u2_big": ">u2", "u4_big": ">u4", "u8_big": ">u8",
    "bool": "?",
}.items():
    np.save(f"{name}.npy", grid.astype(dtype))

np.save("fortran_f8.npy", np.asfortranarray(grid.astype("<f8")))
np.save("fortran_i4.npy", np.asfortranarray(grid.astype("<i4")))
for version in (2, 3):
    with open(f"version_{version}.npy", "wb") as f:
        np.lib.format.write_array(f, grid.astype("<f8"), version=(version, 0))

# what must be refused
np.save("beyond_u8.npy", np.array([[1, 2], [2**53, 2**53 + 1]], dtype="<u8"))
np.save("beyond_i8.npy", np.asfortranarray(np.array([[1, 2, -(2**53) - 1], [3, 4, 5]], dtype="<i8")))
np.save("beyond_f4.npy", np.array([[1.0, 1e300]]))
np.save("complex.npy", grid.astype("<c16"))
np.save("strings.npy", np.array([["a", "b"]]))
np.save("records.npy", np.zeros((1, 1), dtype=[("a", "<f8"), ("b", "<i4")]))
np.save("vector.npy", np.arange(3.0))
np.save("cube.npy", np.zeros((2, 2, 2)))

# text as numpy writes it
np.savetxt("savetxt.txt", grid / 8, header="a b c", comments="# ")
np.savetxt("savetxt.csv", grid / 8, delimiter=",", header="a,b,c")
np.savetxt("savetxt.csv.gz", grid / 8, delimiter=",", fmt="%g")


def png(name, rows, depth, colour):
    """One PNG, written by hand: no filter, one chunk."""

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    channels = {0: 1, 2: 3}[colour]
    width = len(rows[0]) // channels
    head = struct.pack(">IIBBBBB", width, len(rows), depth, colour, 0, 0, 0)
    code = "B" if depth == 8 else "H"
    body = b"".join(b"\0" + struct.pack(f">{len(r)}{code}", *r) for r in rows)
    with open(name, "wb") as f:
        f.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(body)) + chunk(b"IEND", b""))


png("grey_8.png", [[0, 1, 2], [253, 254, 255]], 8, 0)
png("grey_16.png", [[0, 1, 256], [65533, 65534, 65535]], 16, 0)
png("colour_8.png", [[255, 0, 0, 0, 255, 0], [0, 0, 255, 255, 255, 255]], 8, 2)

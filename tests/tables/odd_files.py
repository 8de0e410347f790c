"""Makers of odd files, one for each format: what their own library writes, and what it would read."""

import bz2
import csv
import gzip
import io
import lzma
import warnings
import zipfile

import awkward as ak
import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import uproot

DTYPES = ["?", "i1", "u1", "<i2", ">i4", "u4", "i8", "u8", "f2", "f4", ">f4", "f8", ">f8"]
NAMES = ["pt", "eta", "a b", "ä", "x.y", "0", "E+1", "class", "pt ", "_", "a/b", "x[0]", "jet.pt"]


def numbers(draw, n, kind=None):
    """n numbers of any type, with the largest and the smallest of it, and for floats with NaN and infinities."""
    dtype = np.dtype(kind or draw.choice(DTYPES))
    if dtype.kind == "b":
        return draw.random(n) < 0.5
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        values = draw.integers(info.min, info.max, n, dtype.newbyteorder("="), endpoint=True)
        values[draw.random(n) < 0.1] = info.min if draw.random() < 0.5 else info.max
        return values.astype(dtype)
    with np.errstate(all="ignore"):
        values = (draw.normal(size=n) * 10.0 ** draw.integers(-3, 300)).astype(dtype)
    values[draw.random(n) < 0.1] = draw.choice([np.nan, np.inf, -np.inf, 0.0])
    return values


def lists(draw, n, longest=4):
    lengths = draw.integers(0, longest, n) if draw.random() < 0.8 else np.zeros(n, int)
    return ak.unflatten(numbers(draw, int(lengths.sum()), draw.choice(["i4", "f4", "f8", "u1"])), lengths)


def names(draw, n):
    return [str(name) for name in draw.permutation(NAMES)[:n]]


def make_root(draw, path):
    n = int(draw.integers(0, 30))
    columns = {}
    for name in names(draw, 4):
        if "/" in name or "." in name:
            continue
        kind = draw.integers(4)
        if kind == 0:
            columns[name] = lists(draw, n)
        elif kind == 1:
            columns[name] = numbers(draw, n * 6, "f4").reshape(n, 3, 2)
        elif kind == 2:
            columns[name] = numbers(draw, n, draw.choice(["i1", "u1", "i2", "i4", "u4", "i8", "u8", "f4", "f8", "?"]))
        else:
            columns[name] = ak.Array([str(k) * (k % 3) for k in range(n)] or [""])[:n]
    columns = {name: values for name, values in columns.items() if n or isinstance(values, np.ndarray)}
    columns["z"] = np.arange(n)
    with uproot.recreate(path) as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if draw.random() < 0.3 and not any("[" in name for name in columns):
            file.mkrntuple("events", columns)
        else:
            file.mktree("events", {name: _branch(values) for name, values in columns.items()})
            if n:
                file["events"].extend(columns)
        if draw.random() < 0.2:
            file["other"] = {"q": np.arange(3)}
    return columns


def _branch(values):
    return (values.dtype, values.shape[1:]) if isinstance(values, np.ndarray) else values.type.content


def make_hdf5(draw, path):
    n = int(draw.integers(0, 30))
    expected = {}
    with h5py.File(path, "w") as file:
        for name in names(draw, 4):
            name = name.replace("/", "_")
            values = numbers(draw, n)
            match draw.integers(9):
                case 0:
                    values = numbers(draw, n * 4).reshape(n, 4)
                    file[name] = values
                case 1:
                    fields = [("p", "f4"), ("q", ">i8"), ("r", "u1", (2,)), ("s", "S3")]
                    compound = np.zeros(n, fields)
                    compound["p"], compound["q"] = numbers(draw, n, "f4"), numbers(draw, n, "i8")
                    file[name] = compound
                    expected |= {f"{name}.{field}": compound[field] for field in ("p", "q", "r")}
                    continue
                case 2:
                    file.create_dataset(name, (n,), "f4", chunks=(7,), maxshape=(None,))[: n // 2] = values[: n // 2]
                    continue  # half of it never written
                case 3:
                    file[name] = h5py.SoftLink(str(draw.choice(["/" + name, "/nowhere", "/", "/group"])))
                    continue
                case 4:
                    file[name] = h5py.ExternalLink(str(draw.choice(["none.h5", path.name])), "/z")
                    continue
                case 5:
                    layout = h5py.VirtualLayout((n,), "f4")
                    if n:
                        layout[:] = h5py.VirtualSource("none.h5", "x", (n,))
                    file.create_virtual_dataset(name, layout, fillvalue=0)
                    continue
                case 6:
                    file.create_dataset(name, (10 ** int(draw.integers(6, 15)),), "f4", chunks=(1024,))
                    continue
                case 7:
                    odd = [h5py.Empty("f4"), np.array([b"\xff\xfe", b"ab"] * n, "S2"), 3.5, "text", np.zeros(n, "c8")]
                    file[name] = odd[draw.integers(len(odd))]
                    continue
                case _:
                    how = {"chunks": (5,), "compression": "gzip"} if draw.random() < 0.5 and n >= 5 else {}
                    file.create_dataset(name, data=values, **how)
            expected[name] = values
        group = file.create_group("group")
        group["loop"], group["again"] = file["/"], group
        file["z"] = expected["z"] = np.arange(n)
    return expected


def make_npz(draw, path):
    n = int(draw.integers(0, 30))
    arrays, expected = {}, {}
    for name in names(draw, 5):
        name = name.replace("/", "_")
        values = numbers(draw, n)
        match draw.integers(7):
            case 0:
                values = numbers(draw, n * 6).reshape(n, 2, 3)
            case 1:
                arrays[name] = np.array([{"a": 1}, print] * n, object)  # a pickle
                continue
            case 2:
                arrays[name] = [np.float64(3), np.zeros(n, "c8"), np.zeros(n, "M8[s]"), np.zeros((0, 3))][
                    draw.integers(4)
                ]
                continue
            case 3:
                values = np.asfortranarray(numbers(draw, n * 4).reshape(n, 4))
            case 4:
                values = np.array([f"t{k}" for k in range(n)], "U5")
            case 5:
                record = np.zeros(n, [("p", "f4"), ("q", "i8")])
                record["p"] = numbers(draw, n, "f4")
                arrays[name] = record
                expected |= {f"{name}.{field}": record[field] for field in ("p", "q")}
                continue
        arrays[name] = expected[name] = values
    arrays["z"] = expected["z"] = np.arange(n)
    with np.errstate(all="ignore"):
        (np.savez if draw.random() < 0.5 else np.savez_compressed)(path, **arrays)
    match draw.integers(6):
        case 0:
            with zipfile.ZipFile(path, "a") as archive:
                archive.writestr("notes.txt", "a text")
        case 1:
            header = {"descr": "<f8", "fortran_order": False, "shape": (10**12, 8)}
            content = io.BytesIO()
            np.lib.format.write_array_header_1_0(content, header)
            with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
                archive.writestr("huge.npy", content.getvalue())
        case 2:
            with zipfile.ZipFile(path, "a") as archive:
                archive.writestr(
                    "evil.npy",
                    b"\x93NUMPY\x01\x00\x46\x00{'descr': __import__('os').getcwd(), 'shape': (3,)}".ljust(80),
                )
    return expected


def make_parquet(draw, path):
    n = int(draw.integers(0, 30))
    columns, expected = {}, {}

    def some(values):
        return [None if draw.random() < 0.1 else value for value in values]

    for name in names(draw, 5):
        plain = numbers(draw, n, draw.choice(["i1", "u2", "i4", "u8", "i8", "f4", "f8", "?"]))
        match draw.integers(11):
            case 0:
                listed = lists(draw, n)
                columns[name] = pa.array(listed.to_list(), pa.list_(pa.float64()))
                expected[name] = listed
            case 1:
                listed = [some(values) for values in lists(draw, n).to_list()]
                columns[name] = pa.array(listed, pa.list_(pa.float64()))
                expected[name] = ak.Array([[np.nan if v is None else v for v in values] for values in listed])
            case 2:
                columns[name] = pa.array([[[1.0], []]] * n, pa.list_(pa.list_(pa.float64())))
            case 3:
                columns[name] = pa.array([{"p": 1.5, "q": [k, 2]} for k in range(n)],
                                         pa.struct([("p", pa.float32()), ("q", pa.list_(pa.int32()))]))  # fmt: skip
                expected |= {f"{name}.p": np.full(n, 1.5), f"{name}.q": ak.Array([[k, 2] for k in range(n)])}
            case 4:
                columns[name] = pa.array([[("k", 1)]] * n, pa.map_(pa.string(), pa.int32()))
            case 5:
                columns[name] = pa.nulls(n)
            case 6:
                whole = draw.integers(-100, 100, n).tolist()
                columns[name] = pa.array(whole, pa.int32()).dictionary_encode()
                expected[name] = np.array(whole, float)
            case 7:
                kept = some(plain.tolist())
                columns[name] = pa.array(kept, pa.from_numpy_dtype(plain.dtype))
                expected[name] = np.array([np.nan if v is None else v for v in kept], float)
            case 8:
                odd = [pa.array([b"\xff"] * n, pa.binary()), pa.array([0] * n, pa.timestamp("us")),
                       pa.array([1] * n, pa.decimal128(5, 2)), pa.array(some(["a"] * n), pa.string())]  # fmt: skip
                columns[name] = odd[draw.integers(len(odd))]
            case 9:
                columns[name] = pa.array([[float(k), 2.0] for k in range(n)], pa.list_(pa.float64(), 2))
                expected[name] = np.array([[k, 2.0] for k in range(n)], float).reshape(n, 2)
            case _:
                columns[name] = pa.array(plain)
                expected[name] = plain
    columns["z"] = pa.array(np.arange(n))
    expected["z"] = np.arange(n)
    arrays, keys = list(columns.values()), list(columns)
    if draw.random() < 0.1:
        arrays, keys = [*arrays, pa.array(np.arange(n))], [*keys, keys[0]]
    pq.write_table(pa.Table.from_arrays(arrays, keys), path, row_group_size=int(draw.integers(1, 20)))
    return expected


CELLS = ["1", "-2.5", "+3", " 4", "5 ", "1e3", "1e400", "nan", "NaN", "inf", "-inf", "", "NA", "9007199254740993",
         "123456789012345678901234567890", "-9223372036854775808", "18446744073709551615", '"6"', "0x10", "1_000",
         "1,5", "abc", '"a,b"', '"a\nb"', '"a""b"', "\x00", "1\x002", "ü", "True", "007", "1.5.2", "None"]  # fmt: skip


def make_csv(draw, path):
    """Cells of numbers mostly; the expected values are those of Python's own csv module."""
    n, width = int(draw.integers(0, 30)), int(draw.integers(1, 5))
    header = [name.strip() for name in names(draw, width)]
    odd = [str(cell) for cell in draw.choice(CELLS, 3)] if draw.random() < 0.7 else ["1"]
    fraction = draw.choice([0, 0.02, 0.3])

    def cell():
        return str(draw.choice(odd)) if draw.random() < fraction else str(draw.choice(["1", "-2.5", "3e2", "1234567"]))

    rows = [[cell() for _ in header] for _ in range(n)]
    change = draw.integers(8)
    if n and change == 0:
        row = rows[int(draw.integers(n))]
        row.append("9") if draw.random() < 0.5 else row.pop()
    elif change == 1:
        rows = [[*row, "9"] for row in rows]  # one more than the header has
    elif change == 2:
        header = [header[0]] * width
    elif change == 3 and n:
        rows.insert(int(draw.integers(n)), [""])
    end = str(draw.choice(["\n", "\r\n", "\r"]))
    text = end.join(",".join(row) for row in [header, *rows]) + (end if draw.random() < 0.8 else "")
    encoding = str(draw.choice(["utf-8"] * 5 + ["utf-8-sig", "utf-16", "utf-16-le", "latin-1"]))
    content = text.encode(encoding, "replace")
    pack = draw.choice(["", "", "", "gzip", "bz2", "xz", "zip"])
    path.write_bytes(
        {"": bytes, "gzip": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress, "zip": _zipped}[pack](content)
    )
    if encoding == "latin-1":
        text = content.decode("utf-8", "replace")
        header = header if text.startswith(",".join(header)) else ["?"] * width
    parsed = list(csv.reader(io.StringIO(text, newline=""), skipinitialspace=True))
    parsed = [row for row in parsed if row]
    if not parsed or any(len(row) != len(parsed[0]) for row in parsed) or len(set(parsed[0])) < len(parsed[0]):
        return {"": None}  # must be refused
    return {name: [row[k] for row in parsed[1:]] for k, name in enumerate(header)}


def _zipped(content):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("a.csv", content)
    return archive.getvalue()


def number_in(cell):
    text = cell.strip()
    assert "_" not in text
    if text in ("", "nan", "NaN", "NA", "None"):
        return np.nan
    return {"True": 1.0}.get(text) or float(text)


MAKERS = {"root": make_root, "h5": make_hdf5, "npz": make_npz, "parquet": make_parquet, "csv": make_csv}

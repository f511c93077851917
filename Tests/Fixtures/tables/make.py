#!/usr/bin/env python3
"""Writes Parquet and Arrow files of every encoding, codec and type that are read, and what their rows
mean as JSON (`rows.json`), with pyarrow 26.0.1: `make.py`, in this folder.

Dates, times, decimals and UUIDs become text as Python's `isoformat` and `str` write them, numbers that
are not finite null, and maps objects; everything else is what `to_pylist` gives.
"""
import datetime
import decimal
import json
import math
import pathlib
import uuid

import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.ipc as ipc
import pyarrow.parquet as pq

HERE = pathlib.Path(__file__).parent
UTC = datetime.timezone.utc


def plain(value, kind):
    if value is None:
        return None
    if pa.types.is_map(kind):
        return {k: plain(v, kind.item_type) for k, v in value}
    if pa.types.is_struct(kind):
        return {f.name: plain(value[f.name], f.type) for f in kind}
    if isinstance(value, list):
        return [plain(v, kind.value_type) for v in value]
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, (decimal.Decimal, uuid.UUID)):
        return str(value)
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    return value


def meaning(table):
    kinds = {f.name: f.type for f in table.schema}
    return [{k: plain(v, kinds[k]) for k, v in row.items()} for row in table.to_pylist()]


def scalars():
    """A column of every type, each with a null."""
    stamp = datetime.datetime(2024, 2, 29, 12, 30, 0, 250000)
    early = datetime.datetime(1931, 12, 31, 23, 59, 59)
    columns = {
        "text": (["plain", "Grüße, 世界 🌍", None, ""], pa.string()),
        "large": (["a", None, "b" * 40, "c"], pa.large_string()),
        "bytes": ([b"bytes", None, b"", "ä".encode()], pa.binary()),
        "fixed": ([b"abcd", None, b"efgh", b"ijkl"], pa.binary(4)),
        "flag": ([True, False, None, True], pa.bool_()),
        "i8": ([-128, 127, None, 0], pa.int8()),
        "u8": ([0, 255, None, 1], pa.uint8()),
        "i16": ([-32768, 32767, None, 0], pa.int16()),
        "u16": ([0, 65535, None, 1], pa.uint16()),
        "i32": ([-2**31, 2**31 - 1, None, 0], pa.int32()),
        "u32": ([0, 2**32 - 1, None, 1], pa.uint32()),
        "i64": ([-2**63, 2**63 - 1, None, 0], pa.int64()),
        "u64": ([0, 2**64 - 1, None, 1], pa.uint64()),
        "f16": ([1.5, -0.0009765625, None, float("inf")], pa.float16()),
        "f32": ([0.1, -1e30, None, float("nan")], pa.float32()),
        "f64": ([0.1, 1e300, None, -0.0], pa.float64()),
        "small": ([decimal.Decimal("12.340"), decimal.Decimal("-0.001"), None, decimal.Decimal("0.000")],
                  pa.decimal128(7, 3)),
        "wide": ([decimal.Decimal("123456789012345678901234567890.12"),
                  decimal.Decimal("-99999999999999999999999999999.99"), None, decimal.Decimal("1.00")],
                 pa.decimal128(38, 2)),
        "day": ([datetime.date(2024, 2, 29), datetime.date(1, 1, 1), None, datetime.date(9999, 12, 31)],
                pa.date32()),
        "day64": ([datetime.date(2024, 2, 29), datetime.date(1900, 3, 1), None, datetime.date(2000, 2, 29)],
                  pa.date64()),
        "clock": ([datetime.time(12, 30), datetime.time(23, 59, 59, 999000), None, datetime.time(0)],
                  pa.time32("ms")),
        "clock64": ([datetime.time(12, 30), datetime.time(1, 2, 3, 4), None, datetime.time(0)],
                    pa.time64("us")),
        "stamp": ([stamp, early, None, stamp], pa.timestamp("us")),
        "stamp_ms": ([stamp, early, None, stamp], pa.timestamp("ms")),
        "zoned": ([stamp.replace(tzinfo=UTC), early.replace(tzinfo=UTC), None, stamp.replace(tzinfo=UTC)],
                  pa.timestamp("us", "UTC")),
        "nothing": ([None] * 4, pa.null()),
        "kind": (["red", "green", None, "red"], pa.dictionary(pa.int8(), pa.string())),
    }
    return pa.table({n: pa.array(v, t) for n, (v, t) in columns.items()})


def nested():
    """Conversations as people keep them, and lists, structures and maps of every emptiness."""
    turn = pa.struct([("role", pa.string()), ("content", pa.string())])
    say = pa.struct([("from", pa.string()), ("value", pa.string())])
    rows = [
        {
            "messages": [{"role": "user", "content": f"question {i}"},
                         {"role": "assistant", "content": f"answer {i}" * (i % 3)}],
            "conversations": [] if i % 4 == 1 else None if i % 4 == 2 else
            [{"from": "human", "value": "hi"}, {"from": "gpt", "value": None}],
            "history": [[["a", "b"], []], [], None, [["c", None], None]][i % 4],
            "deep": [{"tags": [{"name": "x", "ids": [1, None, i]}, None]}, None, {"tags": None},
                     {"tags": []}][i % 4],
            "numbers": {"one": [i, i + 1], "two": None if i % 2 else [0.5 * i]},
            "pairs": [[("k", i)], [], None, [("a", None), ("b", 2)]][i % 4],
        }
        for i in range(12)
    ]
    return pa.table({
        "messages": pa.array([r["messages"] for r in rows], pa.list_(turn)),
        "conversations": pa.array([r["conversations"] for r in rows], pa.list_(say)),
        "history": pa.array([r["history"] for r in rows], pa.list_(pa.list_(pa.string()))),
        "deep": pa.array([r["deep"] for r in rows], pa.struct([
            ("tags", pa.list_(pa.struct([("name", pa.string()), ("ids", pa.list_(pa.int64()))])))])),
        "numbers": pa.array([r["numbers"] for r in rows], pa.struct([
            ("one", pa.list_(pa.int32())), ("two", pa.list_(pa.float64()))])),
        "pairs": pa.array([r["pairs"] for r in rows], pa.map_(pa.string(), pa.int64())),
    })


def many():
    """Rows enough for several pages, blocks of differences and runs."""
    count = 420
    return pa.table({
        "number": pa.array([(i * 7919) % 1000 - 500 if i % 11 else None for i in range(count)], pa.int64()),
        "short": pa.array([i // 50 for i in range(count)], pa.int32()),
        "big": pa.array([(i * 6364136223846793005) % 2**64 - 2**63 for i in range(count)], pa.int64()),
        "real": pa.array([i / 7 for i in range(count)], pa.float64()),
        "single": pa.array([i / 8 for i in range(count)], pa.float32()),
        "flag": pa.array([(i // 9) % 2 == 0 if i % 13 else None for i in range(count)], pa.bool_()),
        "text": pa.array([f"shared beginning {i // 3}" if i % 5 else None for i in range(count)], pa.string()),
        "fixed": pa.array([b"%04d" % (i * 37 % 1000) for i in range(count)], pa.binary(4)),
        "list": pa.array([list(range(i % 4)) if i % 6 else None for i in range(count)], pa.list_(pa.int16())),
    })


def views():
    """Texts that lie in views, large lists and lists of fixed size."""
    return pa.table({
        "view": pa.array(["short", "longer than twelve bytes", None, "x" * 12, "y" * 13], pa.string_view()),
        "large": pa.array([[1], [], None, [2, 3], [4]], pa.large_list(pa.int8())),
        "three": pa.array([[1, 2, 3], None, [4, 5, None], [7, 8, 9], [0, 0, 0]], pa.list_(pa.int16(), 3)),
        "kinds": pa.array([["a", "b"], ["b"], None, [], ["a"]], pa.list_(pa.string())).cast(
            pa.list_(pa.dictionary(pa.int32(), pa.string()))),
        "narrow": pa.array([decimal.Decimal("1.5"), None, decimal.Decimal("-2.5"), decimal.Decimal("0.0"),
                            decimal.Decimal("9.9")], pa.decimal256(40, 1)),
    })


def stream(table, path, options=None, rows=None, is_file=False):
    make = ipc.new_file if is_file else ipc.new_stream
    with make(str(path), table.schema, options=options) as writer:
        writer.write_table(table, max_chunksize=rows)


def deltas(path):
    """A dictionary that grows from batch to batch."""
    kind = pa.dictionary(pa.int32(), pa.string())
    schema = pa.schema([("kind", kind)])
    batches = []
    words = ["red", "green", "blue", "white"]
    for size in (2, 3, 4):
        places = pa.array([size - 1, 0, None, size - 2], pa.int32())
        batches.append(pa.record_batch([pa.DictionaryArray.from_arrays(places, words[:size])], schema))
    options = ipc.IpcWriteOptions(emit_dictionary_deltas=True)
    with ipc.new_stream(str(path), schema, options=options) as writer:
        for batch in batches:
            writer.write_batch(batch)
    return pa.Table.from_batches(batches)


def parquet_files(tables, add):
    def write(name, table, **options):
        pq.write_table(tables[table], HERE / f"{name}.parquet", **options)
        add(f"{name}.parquet", table)

    write("scalars", "scalars")
    write("scalars-plain-v2", "scalars", use_dictionary=False, data_page_version="2.0", compression="none")
    write("nested", "nested")
    write("nested-groups", "nested", row_group_size=5, data_page_version="2.0", compression="zstd")
    write("nested-older", "nested", use_compliant_nested_type=False, version="1.0", compression="none")
    for codec in ("none", "snappy", "gzip", "zstd", "lz4"):
        write(f"many-{codec}", "many", compression=codec, data_page_size=512, write_batch_size=64,
              row_group_size=250, dictionary_pagesize_limit=600)
    encodings = {
        "delta": {"number": "DELTA_BINARY_PACKED", "short": "DELTA_BINARY_PACKED",
                  "big": "DELTA_BINARY_PACKED", "text": "DELTA_LENGTH_BYTE_ARRAY", "flag": "RLE",
                  "fixed": "DELTA_BYTE_ARRAY", "list.list.element": "DELTA_BINARY_PACKED"},
        "split": {"number": "BYTE_STREAM_SPLIT", "short": "BYTE_STREAM_SPLIT",
                  "real": "BYTE_STREAM_SPLIT", "single": "BYTE_STREAM_SPLIT",
                  "text": "DELTA_BYTE_ARRAY", "fixed": "BYTE_STREAM_SPLIT"},
    }
    for name, columns in encodings.items():
        for version in ("1.0", "2.0"):
            write(f"many-{name}-v{version[0]}", "many", use_dictionary=False, column_encoding=columns,
                  data_page_version=version, data_page_size=2048, write_batch_size=64)


def main():
    for old in HERE.glob("*.parquet"), HERE.glob("*.arrow*"), HERE.glob("*.feather"):
        for path in old:
            path.unlink()
    tables = {"scalars": scalars(), "nested": nested(), "many": many(), "views": views()}
    files = {}

    def add(name, table):
        files[name] = table

    parquet_files(tables, add)
    old = pa.table({"stamp": tables["scalars"]["stamp"]})
    tables["old"] = old
    pq.write_table(old, HERE / "old.parquet", use_deprecated_int96_timestamps=True)
    add("old.parquet", "old")

    tables["annotated"] = pa.table({
        "id": pa.array([uuid.UUID(int=2**120 + i).bytes for i in range(2)], pa.uuid()),
        "json": pa.array(['{"a": 1}', None], pa.json_()),
    })
    pq.write_table(tables["annotated"], HERE / "annotated.parquet")
    add("annotated.parquet", "annotated")

    for name, table in list(tables.items()):
        if name in ("old", "annotated"):
            continue
        stream(table, HERE / f"{name}.arrow", rows=3 if name != "many" else 200)
        add(f"{name}.arrow", name)
    for codec in ("lz4", "zstd"):
        options = ipc.IpcWriteOptions(compression=codec)
        for name in ("many", "views"):
            stream(tables[name], HERE / f"{name}-{codec}.arrow", options, is_file=True)
            add(f"{name}-{codec}.arrow", name)
    stream(tables["nested"], HERE / "nested-old.arrow", ipc.IpcWriteOptions(use_legacy_format=True))
    add("nested-old.arrow", "nested")
    feather.write_feather(tables["nested"], str(HERE / "nested.feather"), compression="lz4")
    add("nested.feather", "nested")
    tables["deltas"] = deltas(HERE / "deltas.arrow")
    add("deltas.arrow", "deltas")

    pq.write_table(pa.table({"text": ["a"]}), HERE / "refused-brotli.parquet", compression="brotli")
    pq.write_table(pa.table({"picture": [b"\xff\xfe"]}), HERE / "refused-bytes.parquet")
    stream(pa.table({"wait": pa.array([1], pa.duration("s"))}), HERE / "refused-duration.arrow")

    result = {"files": files, "tables": {n: meaning(t) for n, t in tables.items()}}
    text = json.dumps(result, ensure_ascii=False, separators=(",", ":"))
    (HERE / "rows.json").write_text(text + "\n")


main()

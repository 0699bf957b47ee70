"""Malformed tables: the bytes of each, the options of the spec, and the message to expect."""

import gzip
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

GOOD = b"a,b,y\n1,2,dog\n3,4,cat\n5,6,dog\n"


@dataclass(frozen=True)
class Case:
    """One malformed table."""

    name: str
    content: bytes
    message: str
    options: dict[str, Any] = field(default_factory=dict)
    ending: str = ".csv"


def text_tables() -> Iterator[Case]:
    """Yield tables in text files."""
    yield from _empty()
    yield from _ragged()
    yield from _quotes()
    yield from _encodings()
    yield from _packed()
    yield from _names()
    yield from _cells()
    yield from _dialects()


def _empty() -> Iterator[Case]:
    yield Case("nothing", b"", "is empty")
    yield Case("mark alone", b"\xef\xbb\xbf", "is empty")
    yield Case("line feed", b"\n", "is empty")
    yield Case("blank lines", b"\n\r\n\n", "is empty")
    yield Case("comments alone", b"# a\n# b\n", "is empty", {"comment_prefix": "#"})
    yield Case("all skipped", GOOD, "is empty", {"skip_rows": 9})
    yield Case("header alone", b"a,b,y\n", "no rows")
    yield Case("header without an end", b"a,b,y", "no rows")
    yield Case("header and blank lines", b"a,b,y\n\n\n", "no rows")
    yield Case("header of spaces", b" , , \n1,2,3\n", "two columns are named ''")
    yield Case("target alone", b"y\ndog\ncat\n", "only the target column")
    yield Case("a delimiter", b",", "two columns are named ''")
    yield Case("delimiters", b",,,\n,,,\n", "two columns are named ''")
    yield Case("quotes", b'""\n', "is empty|no column 'y'")
    yield Case("zeros", bytes(64), "NUL")
    yield Case("last row skipped", GOOD, "no column 'y'", {"skip_rows": 3})


def _ragged() -> Iterator[Case]:
    for row, count in ((b"7", 1), (b"7,8", 2), (b"7,8,9,1", 4), (b",,,", 4), (b"7,8,cat,", 4)):
        name = f"row {row.decode()}"
        yield Case(name, GOOD + row + b"\n", f"line 5: {count} cells, but the first row has 3")
    yield Case("short first row", b"a,b,y\n1,2\n3,4,cat\n", "line 2: 2 cells")
    yield Case("all rows longer", b"a,y\n1,2,3\n4,5,6\n", "line 2: .*also in line 3")
    yield Case("both kinds", b"a,b,y\n1\n1,2,3,4\n", "line 2: 1 cells.*also in line 3")
    yield Case("many", b"a,y\n" + b"1\n" * 50, "also in lines 3, 4, 5 and 46 more")
    yield Case("trailing delimiter", b"a,b,y\n1,2,dog,\n3,4,cat,\n", "rows end with a delimiter")
    yield Case("row names", b"a,y\n1,2,3\n2,4,5\n", "lacks the name of a column")
    yield Case("decimal commas", b"a;y\n1,5;2\n", 'set "delimiter": ";" and "decimal": ","')
    yield Case("thousands", b"a,y\n1,000,2\n", "put a cell that holds the delimiter in double")
    yield Case("preamble", b"Report\nof May\n\na,b,y\n1,2,3\n", 'line 4: .*"skip_rows": 3')
    yield Case("preamble of two", b"Report,May\na,b,y\n1,2,3\n", 'line 2: .*"skip_rows": 1')
    yield Case("comment", b"# made by hand\na,b,y\n1,2,3\n", '"comment_prefix": "#"')
    yield Case("comments", b"#made\n#by\na,b,y\n1,2,3\n", '"comment_prefix": "#"')
    yield Case("percent", b"% made by hand\na,b,y\n1,2,3\n", '"comment_prefix": "%"')
    yield Case("excel", b"sep=;\na;b;y\n1;2;3\n", '"skip_rows": 1 and "delimiter": ";"')
    yield Case("footer", GOOD + b"3 rows\n", "line 5: 1 cells")
    yield Case("mixed delimiters", b"a,b,y\n1;2;dog\n", "line 2: 1 cells")
    yield Case("a comment below", GOOD + b"# end\n", '"comment_prefix": "#"')
    yield Case("broken line", b"a,b,y\n1,2\n,dog\n", "line 2: 2 cells.*also in line 3")
    yield Case("far away", b"a,y\n" + b"1,2\n" * 200_000 + b"1\n", "line 200002: 1 cells")


def _quotes() -> Iterator[Case]:
    yield Case("open to the end", b'a,y\n1,"dog\n2,cat\n', "line 3: unexpected end of data; close")
    yield Case("open header", b'"a,y\n1,2\n', "unexpected end of data")
    yield Case("text behind", b'a,y\n1,"dog"s\n', "line 2: .* expected after '\"'; double a quote")
    yield Case("space behind", b'a,y\n1,"dog" \n', "line 2: ")
    yield Case("single", b'a,y\n1,"\n', "unexpected end of data")
    yield Case("escaped", b'a,y\n1,"a\\"b"\n', "line 2: ")
    yield Case("odd", b'a,y\n1,"""\n', "unexpected end of data")
    cell = b'a,y\n1,"' + b"x" * 140_000 + b"\n"
    yield Case("long and open", cell, "line 2: field larger than field limit")
    yield Case("long cell", b"a,y\n1," + b"z" * 140_000 + b"\n", "line 2: field larger")
    yield Case("long line", b"a" * ((1 << 24) + 8), "line 1 is longer than")
    yield Case("later long line", GOOD + b"," * ((1 << 24) + 8), "line 5 is longer than")
    yield Case("line of commas", b"," * 300_000, "two columns are named ''")
    yield Case("old Mac", b"a,y\r1,2\r3,4\r", "line 1: new-line character")
    yield Case("returns inside", b"a,y\n1,2\r3,4\n", "line 2: new-line character")


def _encodings() -> Iterator[Case]:
    for encoding in ("utf-16", "utf-16-le", "utf-16-be", "utf-32"):
        yield Case(encoding, GOOD.decode().encode(encoding), f'"encoding": "{encoding}"')
    accents = "a,y\n1,é\n2,ü\n"
    yield Case("latin-1", accents.encode("latin-1"), 'line 2: .*"encoding": "cp1252"')
    yield Case("cp1252", "a,y\n1,€\n".encode("cp1252"), '"encoding": "cp1252"')
    yield Case("undefined byte", b"a,y\n1,\x81\n", '"encoding": "latin-1"')
    yield Case("cut character", "a,y\n1,é".encode()[:-1], "line 2: .*not UTF-8")
    yield Case("surrogate", b"a,y\n1,\xed\xa0\x80\n", "line 2: byte 3 is not UTF-8")
    yield Case("overlong", b"a,y\n1,\xc0\xaf\n", "line 2: byte 3 is not UTF-8")
    yield Case("header", b"\xff,y\n1,2\n", "line 1: byte 1 is not UTF-8")
    yield Case("NUL", b"a,y\n1,2\n3,\x00\n", "line 3 holds a NUL byte")
    yield Case("NUL in the header", b"a\x00,y\n1,2\n", "line 1 holds a NUL byte")
    yield Case("ascii", accents.encode(), "line 2: the text is not ascii", {"encoding": "ascii"})
    odd = GOOD.decode().encode("utf-16")[:-1]
    yield Case("odd utf-16", odd, "the text is not utf-16", {"encoding": "utf-16"})
    yield Case("not utf-16", GOOD, ".", {"encoding": "utf-16"})
    yield Case("not utf-32", GOOD, "the text is not utf-32", {"encoding": "utf-32"})
    yield Case("not shift_jis", b"a,y\n1,\xff\n", "not shift_jis", {"encoding": "shift_jis"})
    yield Case("image", b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "line 3 holds a NUL byte")
    yield Case("executable", b"\x7fELF\x02\x01\x01" + bytes(64), "NUL")


def _packed() -> Iterator[Case]:
    packed = gzip.compress(GOOD * 1000)
    yield Case("cut gzip", packed[:-12], "truncated or damaged", {}, ".csv.gz")
    yield Case("cut gzip header", packed[:5], "truncated or damaged", {}, ".csv.gz")
    yield Case("no end of gzip", packed[:-4], "truncated or damaged", {}, ".csv.gz")
    broken = packed[:40] + bytes(20) + packed[60:]
    yield Case("damaged gzip", broken, ".", {}, ".csv.gz")
    wrong = packed[:-8] + b"\x00" * 4 + packed[-4:]
    yield Case("wrong checksum", wrong, ".", {}, ".csv.gz")
    yield Case("empty gzip", gzip.compress(b""), "is empty", {}, ".csv.gz")
    yield Case("text behind gzip", packed + b"a,b\n", ".", {}, ".csv.gz")
    yield Case("gzip twice", gzip.compress(packed), ".", {}, ".csv.gz")
    yield Case("zip", b"PK\x03\x04" + bytes(60), "is a zip archive")
    yield Case("workbook", b"PK\x03\x04" + bytes(60), "save it as CSV", {}, ".xlsx")
    yield Case("bzip2", b"BZh91AY&SY", "compressed with bzip2", {}, ".csv.bz2")
    yield Case("xz", b"\xfd7zXZ\x00\x00", "compressed with xz")
    yield Case("zstd", b"\x28\xb5\x2f\xfd\x00", "compressed with zstd")
    yield Case("7z", b"7z\xbc\xaf\x27\x1c\x00", "is a 7z archive")
    yield Case("parquet", b"PAR1" + bytes(60), '"type": "parquet"')


def _names() -> Iterator[Case]:
    yield Case("twice", b"a,a,y\n1,2,3\n", "line 1: two columns are named 'a'")
    yield Case("twice but for spaces", b"a, a,y\n1,2,3\n", "two columns are named 'a'")
    yield Case("other case", b"a,Y\n1,2\n", "no column 'y'")
    yield Case("near", b"a,yy\n1,2\n", "did you mean 'yy'")
    yield Case("no header", b"1,2,dog\n3,4,cat\n", '"header": false')
    yield Case("no such position", GOOD, "no column 7", {"target": 7})
    yield Case("position before all", GOOD, "no column -4", {"target": -4})
    yield Case("no such feature", GOOD, "no column 'c'", {"features": ("c",)})
    yield Case("tabs", b"a\ty\n1\t2\n", r'"delimiter": "\\t"')
    yield Case("bars", b"a|y\n1|2\n", r'"delimiter": "\|"')
    yield Case("semicolons", b"a;y\n1;2\n", '"delimiter": ";"')
    yield Case("commas in tsv", b"a,y\n1,2\n", '"delimiter": ","', {}, ".tsv")
    yield Case("row numbers", b",a,y\n0,1,2\n1,3,4\n", "column 0 has no name")
    yield Case("json", b'{"a": 1, "y": 2}\n', ".")
    yield Case("html", b"<html>\n<body>no table, sorry</body>\n", ".")


def _cells() -> Iterator[Case]:
    for cell in (b"", b"NA", b"?", b"nan", b"null", b" ", b"-", b"#N/A"):
        name = f"missing {cell.decode()!r}"
        yield Case(name, b"a,b,y\n1,2,dog\n3," + cell + b",cat\n", "'b' .*missing.* line 3")
    yield Case("infinite", b"a,y\n1,2\n-inf,2\n", "not finite .*line 3")
    yield Case("overflow", b"a,y\n1e999,2\n3,4\n", "not finite .*line 2")
    yield Case("missing targets", b"a,y\n1,\n2,\n", "'y'")
    number = {"target_type": "number"}
    yield Case("text target", GOOD, "'y' .*holds text", number)
    yield Case("unknown class", GOOD, "'cat'", {"classes": ("dog", "owl")})


def _dialects() -> Iterator[Case]:
    number = {"target_type": "number"}
    yield Case(
        "points",
        b"a;y\n1.5;2\n2.5;3\n",
        "'y'|'a'",
        {"delimiter": ";", "decimal": ","} | {"target": "a", **number},
    )
    groups = {"thousands": ",", "target": "a", **number}
    yield Case("wrong groups", b'a,y\n"1,00",2\n3,4\n', "'a'", groups)
    yield Case("underscores", b"a,y\n1_000,2\n3,4\n", "'a'", {"target": "a", **number})
    yield Case("currency", b"a,y\n$5,2\n$6,4\n", "'a'", {"target": "a", **number})
    yield Case("percent signs", b"a,y\n5%,2\n6%,4\n", "'a'", {"target": "a", **number})


def parquet_tables(folder: Path) -> Iterator[Case]:
    """Yield tables in Parquet files; needs pyarrow."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    def write(table: Any, **options: Any) -> bytes:
        table = table if isinstance(table, pa.Table) else pa.table(table)
        pq.write_table(table, folder / "source.parquet", **options)
        return (folder / "source.parquet").read_bytes()

    raw = write({"a": [1.0, 2, 3], "y": ["dog", "cat", "dog"]}, compression="none")
    footer = int.from_bytes(raw[-8:-4], "little")
    ending = ".parquet"
    yield Case("pq nothing", b"", "is empty", {}, ending)
    yield Case("pq text", GOOD, '"type": "csv"', {}, ending)
    yield Case("pq other bytes", b"\xff" * 64, "is not a Parquet file", {}, ending)
    yield Case("pq marks alone", b"PAR1PAR1", "is truncated", {}, ending)
    yield Case("pq one mark", b"PAR1", "is truncated", {}, ending)
    for part in (4, 20, len(raw) // 2, len(raw) - 9, len(raw) - 1):
        yield Case(f"pq cut at {part}", raw[:part], "is truncated", {}, ending)
    yield Case("pq no footer", raw[: -footer - 8] + raw[-8:], "is damaged", {}, ending)
    zeros = raw[: -footer - 8] + bytes(footer) + raw[-8:]
    yield Case("pq footer of zeros", zeros, "is damaged", {}, ending)
    long = raw[:-8] + b"\xff\xff\xff\x7fPAR1"
    yield Case("pq long footer", long, "is damaged", {}, ending)
    short = raw[:-8] + b"\x01\x00\x00\x00PAR1"
    yield Case("pq short footer", short, "is damaged", {}, ending)
    pages = raw[:4] + b"\xff" * (len(raw) - footer - 12) + raw[-footer - 8 :]
    yield Case("pq damaged pages", pages, "is damaged", {}, ending)
    yield Case("pq encrypted", raw[:-4] + b"PARE", "is truncated", {}, ending)
    nested = {"a": [[1], [2]], "b": [{"c": 1}, {"c": 2}], "d": [1, 2], "y": ["x", "z"]}
    yield Case("pq nested", write(nested), '"a": "ignore", "b": "ignore"', {}, ending)
    times = {"a": pa.array([1, 2], pa.time32("s")), "y": [1, 2]}
    yield Case("pq times of day", write(times), r"'a' \(time32", {}, ending)
    lengths = {"a": pa.array([1, 2], pa.duration("s")), "y": [1, 2]}
    yield Case("pq durations", write(lengths), r"'a' \(duration", {}, ending)
    binary = {"a": [1, 2], "y": pa.array([b"\xff", b"\xfe"])}
    yield Case("pq bytes", write(binary), "column 'y' cannot be read", {}, ending)
    twice = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"])
    yield Case("pq twice", write(twice), "two columns are named 'a'", {}, ending)
    yield Case("pq no rows", write({"a": pa.array([], pa.int64()), "y": []}), "no rows", {}, ending)
    yield Case("pq no columns", write(pa.table({})), "no columns", {}, ending)
    yield Case("pq no target", write({"a": [1], "b": [2]}), "no column 'y'", {}, ending)
    yield Case("pq target alone", write({"y": [1]}), "only the target column", {}, ending)
    missing = {"a": [1.0, None], "y": [1, 2]}
    yield Case("pq missing", write(missing), "'a' has a missing cell", {}, ending)
    infinite = {"a": [1.0, float("inf")], "y": [1, 2]}
    yield Case("pq infinite", write(infinite), "'a' has a number that is not finite", {}, ending)
    empty = {"a": [1, 2], "y": pa.nulls(2)}
    yield Case("pq empty target", write(empty), "'y'", {}, ending)
    yield Case("pq gzip", gzip.compress(raw), "is not a Parquet file", {}, ending)

import io
import tracemalloc
import zipfile
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tinynet.builtin.datasets.numpy_files import NPY, NPZ
from tinynet.errors import DataError

X = np.arange(24, dtype=np.float32).reshape(4, 3, 2)
Y = np.array([0, 2, 1, 0], np.int16)


def npy_bytes(array, **options):
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, **options)
    return buffer.getvalue()


def npy_header(descr="<f4", shape=(4, 3), order=False):
    buffer = io.BytesIO()
    header = {"descr": descr, "fortran_order": order, "shape": shape}
    np.lib.format.write_array_header_1_0(buffer, header)
    return buffer.getvalue()


@pytest.fixture
def open_npy(tmp_path):
    def open_npy(x=X, y=Y, weights=None, **options):
        paths = {}
        for name, data in (("inputs", x), ("targets", y), ("weights", weights)):
            if data is not None:
                path = tmp_path / f"{name}.npy"
                path.write_bytes(data if isinstance(data, bytes) else npy_bytes(data))
                paths[name] = str(path)
        return NPY(NPY.Config(**paths, **options))

    return open_npy


@pytest.fixture
def open_npz(tmp_path):
    def open_npz(arrays, save=np.savez, **options):
        path = tmp_path / "data.npz"
        if isinstance(arrays, bytes):
            path.write_bytes(arrays)
        else:
            save(path, **arrays)
        return NPZ(NPZ.Config(path=str(path), **options))

    return open_npz


def test_npy_gathers_in_the_order_asked_for(open_npy):
    data = open_npy()
    batch = data.gather(np.array([3, 0, 3]))
    np.testing.assert_array_equal(batch.inputs["input"], X[[3, 0, 3]])
    np.testing.assert_array_equal(batch.targets["target"], [0, 0, 0])
    assert batch.inputs["input"].dtype == np.float32
    assert batch.targets["target"].dtype == np.int64
    assert batch.weights is None
    assert data.inputs["input"].shape == (3, 2)
    assert data.targets["target"].classes == ("0", "1", "2")


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_npz_and_npy_of_the_same_arrays_are_the_same_data(open_npy, open_npz, save):
    """Repacking a dataset must not make a resumed run complain."""
    packed = open_npz({"x": X, "y": Y}, save)
    assert packed.fingerprint == open_npy().fingerprint
    np.testing.assert_array_equal(packed.gather(np.arange(4)).inputs["input"], X)


def test_byte_order_and_memory_order_do_not_matter(open_npy):
    expected = open_npy().fingerprint
    for stored in (X.astype(">f4"), np.asfortranarray(X)):
        data = open_npy(stored)
        assert data.fingerprint == expected
        x = data.gather(np.array([2, 1])).inputs["input"]
        np.testing.assert_array_equal(x, X[[2, 1]])
        assert x.dtype.isnative
        assert data.inputs["input"].dtype == "float32"


@pytest.mark.parametrize(
    "change",
    [
        {"x": X + np.float32(1)},
        {"x": X[:, ::-1]},
        {"x": X.astype(np.float64)},
        {"x": X.reshape(4, 6)},
        {"y": Y[::-1]},
        {"weights": np.ones(4)},
        {"classes": ("a", "b", "c")},
        {"target_type": "number"},
    ],
)
def test_the_fingerprint_changes_with_anything_that_is_gathered(open_npy, change):
    """A resumed run must notice that its data changed."""
    before = open_npy().fingerprint
    assert open_npy(**change).fingerprint != before


def test_npy_is_mapped_not_loaded(open_npy):
    """A file larger than memory opens."""
    x = npy_bytes(np.zeros((1 << 20, 8), np.float32))
    y = npy_bytes(np.zeros(1 << 20, np.uint8))
    open_npy(x, y)
    tracemalloc.start()
    try:
        data = open_npy(x, y)
        assert tracemalloc.get_traced_memory()[0] < 2**20
        assert tracemalloc.get_traced_memory()[1] < 16 * 2**20
    finally:
        tracemalloc.stop()
    assert len(data) == 1 << 20


def test_a_caller_cannot_damage_the_data(open_npz):
    data = open_npz({"x": X, "y": Y})
    for indices in (np.arange(4), [0, 1, 2, 3]):
        batch = data.gather(indices)
        batch.inputs["input"][...] = -1
        batch.targets["target"][...] = -1
    np.testing.assert_array_equal(data.gather(np.arange(4)).inputs["input"], X)


def test_several_inputs_and_targets_by_name(open_npz, tmp_path):
    arrays = {"a": X, "b": X[:, 0] * 2, "c": Y, "d": np.ones(4)}
    names = {"inputs": {"image": "a", "meta": "b"}, "targets": {"kind": "c", "size": "d"}}
    packed = open_npz(arrays, **names)
    assert {name: field.shape for name, field in packed.inputs.items()} == {
        "image": (3, 2),
        "meta": (2,),
    }
    assert packed.targets["kind"].classes == ("0", "1", "2")
    assert packed.targets["size"].classes is None
    for name, array in arrays.items():
        np.save(tmp_path / f"{name}.npy", array)
    files = {
        role: {name: str(tmp_path / f"{array}.npy") for name, array in by_name.items()}
        for role, by_name in names.items()
    }
    assert NPY(NPY.Config(**files)).fingerprint == packed.fingerprint


def test_unknown_arrays_are_listed_with_their_keys(open_npz):
    with pytest.raises(DataError) as raised:
        open_npz({"image": X, "label": Y})
    assert str(raised.value).partition("data.npz")[2] == (
        " has no array 'x', 'y'; set \"inputs\" and \"targets\" to names of its arrays: image,"
        ' label; for data without targets, set "targets" to null'
    )
    assert len(open_npz({"image": X, "label": Y}, inputs="image", targets="label")) == 4


def test_weights_come_with_the_batch(open_npz):
    arrays = {"x": X, "y": Y, "w": np.array([1, 0, 2, 1])}
    batch = open_npz(arrays, weights="w").gather(np.array([2, 1]))
    np.testing.assert_array_equal(batch.weights, [2.0, 0.0])
    assert batch.weights.dtype == np.float64


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (np.array([1.0, -1.0, 1.0, 1.0]), r"row 1 .*: the weight -1\.0 is negative"),
        (np.array([1.0, 1.0, np.nan, 1.0]), r"weights.npy, row 2 .*: nan; every number"),
        (np.zeros(4), "every weight is 0"),
        (np.ones((4, 1)), r"shape \(4, 1\); save weights with the shape \(samples,\)"),
        (np.ones(3), "has 4 samples and .*weights.npy has 3"),
    ],
)
def test_impossible_weights_are_refused(open_npy, weights, message):
    with pytest.raises(DataError, match=message):
        open_npy(weights=weights)


def test_floats_are_numbers_and_integers_are_classes_by_default(open_npy):
    assert open_npy(y=Y.astype(np.float32)).targets["target"].classes is None
    numbers = open_npy(target_type="number")
    assert numbers.targets["target"].classes is None
    assert numbers.targets["target"].dtype == "int16"
    assert open_npy(y=Y > 0).targets["target"].classes == ("0", "1")


def test_booleans_are_bytes(open_npy):
    x = open_npy(X > 3).gather(np.arange(4)).inputs["input"]
    assert x.dtype == np.uint8
    np.testing.assert_array_equal(x, X > 3)


@pytest.mark.parametrize(
    ("y", "options", "message"),
    [
        (np.array([0, 1, -1, 0]), {}, r"row 2 .*: -1 is not a class"),
        (np.array([0, 1, 10_000, 0]), {}, r"row 2 .*: 10000 is not a class.*target_type"),
        (
            np.array([0, 1, 2, 0]),
            {"classes": ("a", "b")},
            r"row 2 .*: 2 is not the index of one of the 2 classes a, b",
        ),
        (np.array([2**64 - 1] * 4, np.uint64), {}, "row 0 .*: 18446744073709551615 is not a class"),
        (np.array([[0, 1], [0, 1], [0, 7], [0, 1]]), {"classes": ("a", "b")}, "row 2 .*: 7 is"),
        (np.ones(4), {"target_type": "class"}, "dtype float64, but classes are integers"),
        (np.ones(4), {"classes": ("a", "b")}, "dtype float64, but classes are integers"),
    ],
)
def test_a_target_that_is_no_class_names_its_row(open_npy, y, options, message):
    with pytest.raises(DataError, match=message):
        open_npy(y=y, **options)


def test_configs_that_contradict_themselves_are_refused():
    with pytest.raises(ValidationError, match="numbers have no classes"):
        NPZ.Config(path="x", target_type="number", classes=("a",))
    with pytest.raises(ValidationError, match="two classes are named 'a'"):
        NPZ.Config(path="x", classes=("a", "a"))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_one_bad_float_is_found_wherever_it_is(open_npy, bad, dtype):
    """It would turn the whole network into NaN at some later step."""
    x = np.zeros((70_000, 32), dtype)  # more than one chunk
    x[69_999, 31] = bad
    with pytest.raises(DataError, match=r"inputs.npy, row 69999 .*, at \[31\]: -?(nan|inf)"):
        open_npy(x, np.zeros(70_000))


@pytest.mark.parametrize(
    "x",
    [
        np.array(["a", "b", "c", "d"]),
        np.ones(4, np.complex64),
        np.zeros(4, "datetime64[s]"),
        np.zeros(4, [("a", "f4")]),
        np.ones(4, np.longdouble),
    ],
)
def test_what_is_no_number_is_refused(open_npy, x):
    with pytest.raises(DataError, match=r"has dtype .*; integers or floats"):
        open_npy(x)


def test_pickled_objects_are_refused_and_never_loaded(open_npy, open_npz):
    """Unpickling a downloaded file would run its code."""
    objects = np.array([{}, {}, {}, {}], dtype=object)
    with pytest.raises(DataError, match="Python objects"):
        open_npy(npy_bytes(objects, allow_pickle=True))
    with pytest.raises(DataError, match="array 'x' holds Python objects"):
        open_npz({"x": objects, "y": Y})


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.float32(3), "0 axes"),
        (X[:0], "no samples"),
        (X[:, :0], r"shape \(4, 0, 2\); every axis must be at least 1"),
        (X[:3], "has 3 samples and .*targets.npy has 4"),
        (npy_bytes(X)[:-1], "header declares 96 bytes, but 95 follow"),
        (npy_bytes(X) + b"x", "header declares 96 bytes, but 97 follow"),
        (npy_header(shape=(2**40, 2**40)), "header declares .* but 0 follow"),
        (npy_header(shape=(-1, -4)), "every axis must be at least 1"),
        (npy_header(shape=(1,) * 40) + b"1234", "40 axes"),
        (npy_header(shape=(4,), descr="nonsense"), "an invalid header"),
        (b"\x93NUMPY\x03\x00" + npy_header()[8:], "an invalid header"),
        (b"1,2,3\n", "an invalid header"),
    ],
)
def test_a_header_that_lies_is_refused(open_npy, x, message):
    with pytest.raises(DataError, match=message):
        open_npy(x)


def zip_bytes(members, **options):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", **options) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"not a zip file at all", "not an .npz file"),
        (zip_bytes({"x.npy": npy_bytes(X)[:-1], "y.npy": npy_bytes(Y)}), "declares 96 .* 95"),
        (
            zip_bytes({"x.npy": npy_bytes(X) + b"x", "y.npy": npy_bytes(Y)}),
            "has data after the 96 bytes",
        ),
        (
            zip_bytes({"x.npy": npy_header(shape=(2**40,)), "y.npy": b""}),
            "bytes can hold",
        ),
        (zip_bytes({"x.npy": b"hello", "y.npy": b""}), "array 'x' has an invalid header"),
        (
            zip_bytes({"x.npy": npy_bytes(X), "y.npy": b""}, compression=zipfile.ZIP_BZIP2),
            "a kind of compression that NumPy does not use",
        ),
    ],
)
def test_a_damaged_npz_is_refused(open_npz, content, message):
    with pytest.raises(DataError, match=message):
        open_npz(content)


def test_a_flipped_byte_in_an_npz_is_found(open_npz):
    content = bytearray(zip_bytes({"x.npy": npy_bytes(X), "y.npy": npy_bytes(Y)}))
    content[content.index(X.tobytes()) + 8] ^= 1
    with pytest.raises(DataError, match="CRC"):
        open_npz(bytes(content))


def test_where_names_file_array_and_row(open_npz, open_npy):
    assert (
        open_npz({"x": X, "y": Y}).where(3).endswith("data.npz, array 'x', row 3 (counted from 0)")
    )
    assert open_npy().where(3).endswith("inputs.npy, row 3 (counted from 0)")


GOOD = {
    "npy": npy_bytes(X),
    "npz": zip_bytes({"x.npy": npy_bytes(X), "y.npy": npy_bytes(Y)}),
    "deflated": zip_bytes(
        {"x.npy": npy_bytes(X), "y.npy": npy_bytes(Y)}, compression=zipfile.ZIP_DEFLATED
    ),
}


@st.composite
def damaged(draw):
    """A good file with some bytes changed, cut off or put in."""
    content = bytearray(GOOD[draw(st.sampled_from(sorted(GOOD)))])
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(content)))
        content[place : place + draw(st.integers(0, 3))] = draw(st.binary(max_size=3))
    return bytes(content[: draw(st.integers(0, len(content)) | st.just(len(content)))])


@settings(
    max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.binary(max_size=80)
    | st.binary(max_size=80).map(lambda tail: b"\x93NUMPY\x01\x00" + tail)
    | damaged()
)
def test_no_bytes_whatever_give_another_error(open_npy, open_npz, content):
    """A damaged download must not end in a traceback."""
    for open_dataset in (open_npy, open_npz):
        with suppress(DataError):
            open_dataset(content)


def test_any_array_of_one_value_for_each_sample_groups_them(tmp_path):
    path = str(tmp_path / "a.npz")
    np.savez(path, x=np.zeros((4, 2)), y=np.zeros(4), patient=[3, 3, 5, 5], pair=np.zeros((4, 2)))
    data = NPZ(NPZ.Config(path=path))
    assert data.column_values("patient").tolist() == [3, 3, 5, 5]
    with pytest.raises(DataError, match=r"no array 'patients'; did you mean 'patient'\?"):
        data.column_values("patients")
    with pytest.raises(DataError, match=r"'pair' has shape \(4, 2\); .* the shape \(4,\)"):
        data.column_values("pair")

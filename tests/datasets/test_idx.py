import gzip
import struct
import tracemalloc
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tinynet.builtin.datasets.idx import IDX
from tinynet.errors import DataError

TYPES = {"u1": 0x08, "i1": 0x09, "i2": 0x0B, "i4": 0x0C, "f4": 0x0D, "f8": 0x0E}


def encode(array):
    code = TYPES[array.dtype.str[1:]]
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, code, array.ndim, *array.shape)
    return header + array.astype(array.dtype.newbyteorder(">")).tobytes()


IMAGES = np.arange(5 * 3 * 2, dtype=np.uint8).reshape(5, 3, 2)
LABELS = np.array([0, 2, 1, 2, 0], np.uint8)


@pytest.fixture
def open_idx(tmp_path):
    def open_idx(images=None, labels=None, **options):
        paths = {}
        for name, data, default in (("images", images, IMAGES), ("labels", labels, LABELS)):
            data = default if data is None else data
            paths[name] = str(tmp_path / name)
            content = data if isinstance(data, bytes) else encode(data)
            (tmp_path / name).write_bytes(content)
        return IDX(IDX.Config(**paths, **options))

    return open_idx


def test_images_get_a_channel_axis_and_labels_become_classes(open_idx):
    data = open_idx()
    assert data.inputs["input"].shape == (3, 2, 1)
    assert data.targets["target"].classes == ("0", "1", "2")
    batch = data.gather(np.array([4, 1]))
    np.testing.assert_array_equal(batch.inputs["input"][..., 0], IMAGES[[4, 1]])
    assert batch.inputs["input"].dtype == np.uint8
    np.testing.assert_array_equal(batch.targets["target"], [0, 2])


@pytest.mark.parametrize("kind", TYPES)
def test_every_element_type_is_read_in_native_byte_order(open_idx, kind):
    values = np.array([[1, -2], [100, 4]]).astype(kind)
    data = open_idx(values, np.array([0, 1], np.uint8))
    x = data.gather(np.arange(2)).inputs["input"]
    np.testing.assert_array_equal(x, values)
    assert x.dtype == np.dtype(kind)
    assert x.dtype.isnative


def test_gzip_is_told_by_content_and_changes_nothing(open_idx):
    """MNIST is passed around both ways, and often under the other name."""
    plain, packed = open_idx(), open_idx(gzip.compress(encode(IMAGES)))
    assert plain.fingerprint == packed.fingerprint


def test_named_classes_are_used(open_idx):
    data = open_idx(classes=("cat", "dog", "owl"))
    assert data.targets["target"].classes == ("cat", "dog", "owl")


def test_a_label_beyond_the_named_classes_names_file_and_row(open_idx):
    with pytest.raises(
        DataError, match=r"labels, row 1 .*: 2 is not the index .* 2 classes cat, dog \(0 to 1\)"
    ):
        open_idx(classes=("cat", "dog"))


def test_a_count_larger_than_the_data_is_refused(open_idx):
    lying = b"\0\0\x08\x03" + struct.pack(">III", 5, 3, 3) + IMAGES.tobytes()
    for content in (lying, gzip.compress(lying)):
        with pytest.raises(DataError, match=r"its header declares 45 .* 30 follow"):
            open_idx(content)


def test_bytes_after_the_data_are_refused(open_idx):
    with pytest.raises(DataError, match="declares 30 bytes, but 31 follow"):
        open_idx(encode(IMAGES) + b"x")
    with pytest.raises(DataError, match="has data after the 30 bytes"):
        open_idx(gzip.compress(encode(IMAGES) + b"x"))


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize("sizes", [(2**32 - 1,) * 3, (2**32 - 1, 1, 1), (100_000, 1000, 1000)])
def test_absurd_sizes_are_refused_before_memory_is_taken(open_idx, pack, sizes):
    content = pack(b"\0\0\x08\x03" + struct.pack(">III", *sizes) + b"x" * 100)
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match="header declares"):
            open_idx(content)
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


def test_a_decompression_bomb_is_not_unpacked(open_idx):
    bomb = gzip.compress(encode(IMAGES) + bytes(64 * 2**20))
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match="has data after"):
            open_idx(bomb)
        assert tracemalloc.get_traced_memory()[1] < 4 * 2**20
    finally:
        tracemalloc.stop()


def test_a_truncated_gzip_is_refused_wherever_it_ends(open_idx):
    packed = gzip.compress(encode(IMAGES))
    for end in range(2, len(packed)):
        with pytest.raises(DataError, match="images"):
            open_idx(packed[:end])


def test_a_gzip_with_a_wrong_checksum_is_refused(open_idx):
    packed = bytearray(gzip.compress(encode(IMAGES)))
    packed[-6] ^= 1
    with pytest.raises(DataError, match="CRC"):
        open_idx(bytes(packed))


def test_a_wrong_magic_says_what_was_found(open_idx):
    with pytest.raises(DataError, match="not an IDX file: it starts with 89 50 4e 47; an IDX"):
        open_idx(b"\x89PNG and so on")


def test_swapped_files_are_suspected(open_idx):
    with pytest.raises(DataError, match="swapped"):
        open_idx(LABELS, IMAGES)


def test_different_counts_name_both_files(open_idx):
    with pytest.raises(DataError, match=r"images has 5 samples and .*labels has 4"):
        open_idx(IMAGES, LABELS[:4])


def test_no_samples_are_refused(open_idx):
    with pytest.raises(DataError, match="no samples"):
        open_idx(IMAGES[:0], LABELS[:0])


def test_a_nan_pixel_names_file_row_and_place(open_idx):
    images = np.zeros((5, 3, 2), np.float32)
    images[3, 1, 0] = np.nan
    with pytest.raises(DataError, match=r"images, row 3 .*, at \[1, 0, 0\]: nan; every number"):
        open_idx(images)


def test_a_cut_header_is_refused(open_idx):
    for end in range(16):
        with pytest.raises(DataError):
            open_idx(encode(IMAGES)[:end])


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@example(b"\0\0\x08\0")
@example(b"\0\0\x08\xff" + b"\0\0\0\1" * 255 + b"x")
@given(
    st.binary(max_size=60)
    | st.binary(max_size=40).map(lambda tail: b"\0\0\x08" + tail)
    | st.binary(max_size=40).map(lambda tail: b"\0\0\x0d\2\0\0\0\1\0\0\0\2" + tail)
    | st.binary(max_size=60).map(gzip.compress)
    | st.binary(max_size=40).map(lambda tail: b"\x1f\x8b\x08" + tail)
)
def test_no_bytes_whatever_give_another_error(open_idx, content):
    """A damaged download must not end in a traceback."""
    for arguments in ((content, None), (None, content)):
        with suppress(DataError):
            open_idx(*arguments)

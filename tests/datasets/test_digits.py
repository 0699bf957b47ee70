from hashlib import sha256

import numpy as np

from tinynet.builtin.datasets.digits import Digits


def digits():
    return Digits(Digits.Config())


def test_the_embedded_data_are_the_published_ones():
    """A different file would silently change every figure that the README promises."""
    batch = digits().gather(np.arange(1797))
    images, labels = batch.inputs["input"], batch.targets["target"]
    assert images.shape == (1797, 8, 8, 1)
    assert images.dtype == np.uint8
    assert (images.min(), images.max()) == (0, 16)
    assert np.bincount(labels).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert sha256(images.tobytes()).hexdigest() == IMAGES
    assert sha256(labels.astype(np.uint8).tobytes()).hexdigest() == LABELS


IMAGES = "8f26b2bd9d135c256808f68f14fdabddde6d9c7f869ae419704b051f0f14b3b3"
LABELS = "8ba4f891220f5e4c9c819638d1602d74b83618f167043c6da52a2a247841ddf0"


def test_fields_tell_shape_dtype_and_classes():
    data = digits()
    assert len(data) == 1797
    assert data.inputs["input"].shape == (8, 8, 1)
    assert data.inputs["input"].dtype == "uint8"
    assert data.targets["target"].shape == ()
    assert data.targets["target"].dtype == "int64"
    assert data.targets["target"].classes == tuple("0123456789")
    assert data.gather(np.array([5])).targets["target"].dtype == np.int64


def test_the_fingerprint_is_the_same_everywhere():
    """A resumed run would complain of data that did not change."""
    assert digits().fingerprint == "1fef6c42e187f117bfad46626778f14b"


def test_a_caller_cannot_damage_the_data():
    data = digits()
    index = np.array([0])
    data.gather(index).inputs["input"][...] = 99
    assert data.gather(index).inputs["input"].max() <= 16


def test_a_sample_says_where_it_is():
    assert "1796" in digits().where(1796)

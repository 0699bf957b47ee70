"""Pairs of images and masks: classes of pixels."""

import json

import numpy as np
import pytest

from tinynet.builtin.datasets.image_folder import ImageFolder
from tinynet.errors import DataError

Image = pytest.importorskip("PIL.Image", reason="images need Pillow")

from .malformed_images import CASES  # noqa: E402


@pytest.fixture
def pair(tmp_path):
    """Return a function that saves a mask with its image."""

    def save(mask, name="a", suffix="", size=None):
        for folder in ("images", "masks"):
            (tmp_path / folder).mkdir(exist_ok=True)
        image = mask if isinstance(mask, Image.Image) else Image.fromarray(np.asarray(mask))
        image.save(tmp_path / f"masks/{name}{suffix}.png")
        Image.new("RGB", size or image.size).save(tmp_path / f"images/{name}.jpg")

    save.folder = tmp_path
    return save


@pytest.fixture
def open_pairs(tmp_path):
    def opened(**options):
        folders = {"images": str(tmp_path / "images"), "masks": str(tmp_path / "masks")}
        return ImageFolder(ImageFolder.Config(**folders, **options))

    return opened


def masks(data):
    return data.gather(np.arange(len(data))).targets["target"]


def test_gray_values_are_classes_in_ascending_order(pair, open_pairs):
    pair(np.uint8([[0, 255], [0, 0]]))
    pair(np.uint8([[128, 255], [0, 0]]), "b")
    data = open_pairs()
    assert data.targets["target"].classes == ("0", "128", "255")
    assert (data.targets["target"].shape, data.targets["target"].dtype) == ((2, 2), "int64")
    assert masks(data).tolist() == [[[0, 2], [0, 0]], [[1, 2], [0, 0]]]
    assert data.gather(np.arange(2)).weights is None
    names, values = ["0", "128", "255"], [0, 128, 255]
    assert data.inferred == {"classes": {"target": names}, "mask_values": values}
    assert "target: 3 classes of pixels: 0 (62.5%), 128 (12.5%), 255 (25.0%)" in data.description()


def test_other_masks_are_read_as_those_of_a_run(pair, open_pairs):
    """Without the run's values, a folder where one class is missing would have other classes."""
    pair(np.uint8([[0, 128, 255]]))
    data = open_pairs()
    assert open_pairs(inferred=data.inferred).fingerprint == data.fingerprint
    pair(np.uint8([[255, 255, 0]]))
    assert masks(open_pairs(inferred=data.inferred)).tolist() == [[[2, 2, 0]]]


def test_named_classes_are_indices_where_values_are_small(pair, open_pairs):
    pair(np.uint8([[0, 2]]))
    data = open_pairs(classes=("ground", "road", "sky"))
    assert masks(data).tolist() == [[[0, 2]]]


def test_named_classes_are_the_values_in_order_otherwise(pair, open_pairs):
    pair(np.uint8([[0, 255]]))
    assert masks(open_pairs(classes=("ground", "cell"))).tolist() == [[[0, 1]]]
    with pytest.raises(DataError, match=r"255 \(in a\.png\), which do not match the 3"):
        open_pairs(classes=("a", "b", "c"))


def test_palette_indices_are_classes(pair, open_pairs):
    image = Image.frombytes("P", (2, 1), bytes([0, 1]))
    image.putpalette([0, 0, 0, 200, 100, 50])
    pair(image)
    assert masks(open_pairs()).tolist() == [[[0, 1]]]
    colors = open_pairs(mask_values=("#c86432", "#000000"))
    assert masks(colors).tolist() == [[[1, 0]]]
    assert colors.targets["target"].classes == ("#c86432", "#000000")


def test_colors_are_classes(pair, open_pairs):
    pair(np.uint8([[[255, 0, 0], [0, 0, 255]]]))
    data = open_pairs()
    assert data.targets["target"].classes == ("#0000ff", "#ff0000")
    assert masks(data).tolist() == [[[1, 0]]]
    assert data.inferred["mask_values"] == ["#0000ff", "#ff0000"]


def test_gray_and_colors_together_are_an_error(pair, open_pairs):
    pair(np.uint8([[[255, 0, 0], [0, 0, 0]]]))
    pair(np.uint8([[0, 1]]), "b")
    with pytest.raises(DataError, match=r"hold colors \(a\.png\), and others gray .*\(b\.png\)"):
        open_pairs()
    assert masks(open_pairs(mask_values=("#000000", "#ff0000", "#010101"))).tolist() == [
        [[1, 0]],
        [[0, 2]],
    ]


def test_ignored_pixels_have_the_last_class(pair, open_pairs):
    pair(np.uint8([[0, 255, 1]]))
    data = open_pairs(ignore=(255,))
    batch = data.gather(np.array([0]))
    assert data.targets["target"].classes == ("0", "1", "ignored")
    assert batch.targets["target"].tolist() == [[[0, 2, 1]]]
    assert data.inferred == {"classes": {"target": ["0", "1"]}, "mask_values": [0, 1]}
    hint = 'target: pixels to ignore need "ignore_label": 2 in the loss and the metrics'
    assert hint in data.description()
    with pytest.raises(DataError, match=r'is named "ignored".*; give it another name'):
        open_pairs(ignore=(255,), classes=("ignored", "1"))


@pytest.mark.parametrize(("ignore", "border"), [((255,), 2), ((), 0)])
def test_border_of_a_padded_image(pair, open_pairs, ignore, border):
    pair(np.uint8([[1, 0, 0, 1]]))
    target = masks(open_pairs(size=[4, 4], resize="pad", ignore=ignore))[0]
    assert target[:, 0].tolist() == [border, 1, border, border]
    assert target[1].tolist() == [1, 0, 0, 1]


def test_masks_are_not_interpolated(pair, open_pairs):
    rng = np.random.default_rng(0)
    pair(rng.choice(np.uint8([0, 100, 200]), (17, 13)))
    for resize in ("stretch", "crop", "pad"):
        data = open_pairs(size=[8, 9], resize=resize, interpolation="bicubic")
        assert set(masks(data).ravel()) == {0, 1, 2}


def test_values_of_no_class_are_listed_with_their_masks(pair, open_pairs):
    pair(np.uint8([[0, 7]]))
    pair(np.uint8([[9, 7]]), "b")
    with pytest.raises(DataError) as raised:
        open_pairs(mask_values=(0, 1))
    assert "pixel values 7 (in a.png and 1 more), 9 (in b.png), which do not" in str(raised.value)
    assert 'match "mask_values": [0, 1]; give the value of each class' in str(raised.value)
    assert '"ignore": [9]' in str(raised.value)


def test_masks_of_many_values_are_an_error(pair, open_pairs):
    """A mask that was saved as JPEG has values between its classes."""
    pair(np.random.default_rng(0).integers(0, 256, (20, 20, 3), np.uint8))
    with pytest.raises(DataError, match=r"more than 256 different pixel values.*not as JPEG"):
        open_pairs()


def test_image_and_mask_of_different_sizes_are_an_error(pair, open_pairs):
    pair(np.uint8([[0, 1]]), size=(3, 3))
    pair(np.uint8([[0, 1]]), "b")
    with pytest.raises(
        DataError, match=r"a\.png is 2 x 1 pixels, but its image .*a\.jpg 3 x 3; rep"
    ):
        open_pairs(size=[2, 2])


def test_files_without_a_partner_are_all_listed(pair, open_pairs):
    for name in "abc":
        pair(np.uint8([[0, 1]]), name)
    (pair.folder / "masks/a.png").unlink()
    (pair.folder / "images/b.jpg").unlink()
    Image.new("L", (2, 1)).save(pair.folder / "images/c.png")
    with pytest.raises(DataError) as raised:
        open_pairs()
    message = str(raised.value)
    assert f"files in {pair.folder}/images without a mask of the same name in" in message
    assert ": a.jpg\n" in message
    assert f"files in {pair.folder}/masks without an image of the same name in" in message
    assert ": b.png\n" in message
    assert "differ only in their endings: c.jpg and c.png" in message


def test_a_suffix_of_the_masks_is_suggested(pair, open_pairs):
    pair(np.uint8([[0, 1]]), suffix="_mask")
    with pytest.raises(DataError, match='set "mask_suffix": "_mask"; or add the missing files'):
        open_pairs()
    assert len(open_pairs(mask_suffix="_mask")) == 1


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("cut_50%.png", "truncated"),
        ("text.png", "it is not a PNG"),
        ("bomb.png", "declares more than"),
        ("animated.gif", "holds 2 frames"),
        ("floats.tif", "pixels of mode F; save it with a palette, in gray or in RGB"),
        ("cmyk.jpg", "pixels of mode CMYK; save it"),
    ],
)
def test_malformed_masks_are_named(pair, open_pairs, name, message):
    pair(np.uint8([[0, 1]]))
    pair(np.uint8([[0, 1]]), "b")
    content, _ = CASES[name]
    (pair.folder / "masks/a.png").write_bytes(content)
    with pytest.raises(DataError, match=rf"masks/a\.png .*{message}.*; replace or remove it"):
        open_pairs()
    assert len(open_pairs(skip_broken=True)) == 1


def test_300_classes(pair, open_pairs):
    pair(np.arange(300, dtype=np.uint16).reshape(15, 20))
    data = open_pairs(mask_values=tuple(range(300)), ignore=(300,))
    assert masks(data)[0].tolist() == np.arange(300).reshape(15, 20).tolist()


# Values that are no clear classes ---------------------------------------------------------------


def palette_image(indices, *colors):
    image = Image.fromarray(np.uint8(indices)).convert("L")
    image = Image.frombytes("P", image.size, image.tobytes())
    image.putpalette([channel for color in colors for channel in color])
    return image


BLACK, RED, GREEN = (0, 0, 0), (255, 0, 0), (0, 255, 0)


def test_palettes_that_differ_are_an_error_with_both_settings(pair, open_pairs):
    """The indices 1 and 2 stand for other colors in the second file."""
    pair(palette_image([[0, 1, 2]], BLACK, RED, GREEN))
    pair(palette_image([[0, 1, 2]], BLACK, GREEN, RED), "b")
    colors = ["#000000", "#00ff00", "#ff0000"]
    with pytest.raises(DataError, match=r"index 1 is #ff0000 in a.png and #00ff00 in b.png") as e:
        open_pairs()
    assert f'"mask_values": {json.dumps(colors)}' in str(e.value)
    assert '"mask_values": [0, 1, 2]' in str(e.value)
    assert masks(open_pairs(mask_values=tuple(colors))).tolist() == [[[0, 2, 1]], [[0, 1, 2]]]
    assert (
        masks(
            open_pairs(
                mask_values=(
                    0,
                    1,
                    2,
                )
            )
        ).tolist()
        == [[[0, 1, 2]]] * 2
    )
    with pytest.raises(DataError, match=r'"ignore": \["#000000"\]'):
        open_pairs(ignore=(0,))


def test_palettes_that_differ_from_those_of_a_run_are_an_error(pair, open_pairs):
    pair(palette_image([[0, 1, 2]], BLACK, RED, GREEN))
    data = open_pairs()
    assert data.inferred["palette"] == {"0": "#000000", "1": "#ff0000", "2": "#00ff00"}
    assert open_pairs(inferred=data.inferred).fingerprint == data.fingerprint
    pair(palette_image([[0, 1, 2]], BLACK, GREEN, RED))
    with pytest.raises(DataError, match="index 1 is #ff0000 in the training data and #00ff00"):
        open_pairs(inferred=data.inferred)


def test_unused_colors_of_palettes_may_differ(pair, open_pairs):
    pair(palette_image([[0, 1]], BLACK, RED, GREEN))
    pair(palette_image([[0, 1]], BLACK, RED), "b")
    assert open_pairs().targets["target"].classes == ("0", "1")


@pytest.mark.parametrize("color", [False, True])
def test_values_of_a_lossy_format_are_rounded_on_request(tmp_path, pair, open_pairs, color):
    mask = np.zeros((48, 48), np.uint8)
    mask[10:30, 13:37] = 255
    pair(mask)
    image = Image.fromarray(mask).convert("RGB" if color else "L")
    (tmp_path / "masks/a.png").unlink()
    image.save(tmp_path / "masks/a.jpg", quality=60)
    values = ["#000000", "#ffffff"] if color else [0, 255]
    remedy = f'"mask_values": {json.dumps(values)}, "nearest": true'
    with pytest.raises(DataError) as raised:
        open_pairs()
    assert remedy in str(raised.value)
    data = open_pairs(mask_values=tuple(values), nearest=True)
    assert (masks(data)[0] == mask // 255).mean() > 0.99
    assert set(np.unique(masks(data))) == {0, 1}
    with pytest.raises(DataError, match='"nearest": true'):
        open_pairs(mask_values=tuple(values))


@pytest.mark.parametrize(
    "values",
    [
        [0, 128, 255],
        [*range(21), 255],
        [7, 8, 11, 12, 13, 33],
        [*range(151)],
        [0, 1, 255],
        [0, 50, 100, 150, 200, 250],
        [0, 254, 255],
    ],
)
def test_values_that_are_classes(pair, open_pairs, values):
    pair(np.uint8([values]))
    if values == [0, 254, 255]:
        with pytest.raises(
            DataError, match=r'if all are classes, set "mask_values": \[0, 254, 255\]'
        ):
            open_pairs()
        assert len(open_pairs(mask_values=tuple(values)).targets["target"].classes) == 3
    else:
        assert masks(open_pairs()).tolist() == [[[*range(len(values))]]]


def test_masks_of_0_and_1_among_masks_of_0_and_255_are_an_error(pair, open_pairs):
    pair(np.uint8([[0, 1]]))
    pair(np.uint8([[0, 255]]), "b")
    with pytest.raises(DataError, match=r"by 1 \(a\.png\), and others by 255 \(b\.png\)"):
        open_pairs()
    assert masks(open_pairs(ignore=(255,))).tolist() == [[[0, 1]], [[0, 2]]]
    assert masks(
        open_pairs(
            mask_values=(
                0,
                1,
                255,
            )
        )
    ).tolist() == [[[0, 1]], [[0, 2]]]


def test_description_has_values_and_shares_of_classes(pair, open_pairs):
    pair(np.uint8([[0, 0, 0, 9]]))
    lines = open_pairs(mask_values=(0,), classes=("ground",), ignore=(9,)).description()
    assert "target: 1 classes of pixels: ground (value 0, 75.0%), ignored (value 9, 25.0%)" in lines

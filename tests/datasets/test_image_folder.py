"""Images in folders: the samples, their targets, and what is said about files that are none."""

import gc
import os
import sys

import numpy as np
import pytest
from pydantic import ValidationError

from tinynet.builtin.datasets.image_folder import ImageFolder
from tinynet.builtin.images import inspection, pixels
from tinynet.errors import DataError
from tinynet.files import images, parallel

Image = pytest.importorskip("PIL.Image", reason="images need Pillow")

from .image_files import everything, levels, open_folder, save  # noqa: E402


@pytest.fixture
def photos(tmp_path):
    """Two classes; one has a folder inside."""
    folder = tmp_path / "photos"
    for name, level in (("dog/b.png", 30), ("cat/2.png", 20), ("cat/inner/1.bmp", 40)):
        save(folder / name, level)
    return folder


# Classes ------------------------------------------------------------------------------------


def test_folders_are_classes(photos):
    data = open_folder(path=photos, color="gray")
    assert data.targets["target"].classes == ("cat", "dog")
    assert data.inputs["input"].shape == (3, 4, 1)
    assert data.inputs["input"].dtype == "uint8"
    assert levels(data) == [20, 40, 30]
    assert everything(data).targets["target"].tolist() == [0, 0, 1]
    assert data.where(1) == str(photos / "cat/inner/1.bmp")


def test_classes_that_are_integers_are_sorted_by_value(tmp_path):
    for name in ("10", "9", "x"):
        save(tmp_path / name / "a.png")
    assert open_folder(path=tmp_path).targets["target"].classes == ("9", "10", "x")


def test_classes_of_the_spec_may_have_no_images(photos):
    data = open_folder(path=photos, classes=("dog", "cow", "cat"))
    assert data.targets["target"].classes == ("dog", "cow", "cat")
    assert everything(data).targets["target"].tolist() == [2, 2, 0]
    assert data.inferred == {"classes": {"target": ["dog", "cow", "cat"]}}


def test_a_folder_that_is_not_among_the_classes_is_an_error(photos):
    with pytest.raises(DataError, match=r'not in "classes": dog \(did you mean .dogs.\?\)'):
        open_folder(path=photos, classes=("cat", "dogs"))


def test_hidden_files_are_skipped_and_others_listed(photos):
    save(photos / ".trash/a.png")
    save(photos / "cat/.a.png")
    (photos / "cat/readme.txt").write_text("cats", encoding="utf-8")
    (photos / "empty").mkdir()
    data = open_folder(path=photos)
    assert len(data) == 3
    assert data.description()[-2:] == [
        f"{photos}: skipped files that are not images: cat/readme.txt",
        f"{photos}: folders without images are not classes: empty",
    ]


def test_folders_group_a_split(photos):
    data = open_folder(path=photos)
    assert data.column_values("folder").tolist() == ["cat", "cat/inner", "dog"]
    with pytest.raises(DataError, match="no column 'patient' without a table; available: folder"):
        data.column_values("patient")


def test_formats_that_are_not_read_are_noted(photos):
    (photos / "dog/1.HEIC").write_bytes(b"")
    notes = "\n".join(open_folder(path=photos, color="gray").description())
    assert "1.HEIC; HEIC is not supported: convert the files to JPEG" in notes


def test_images_outside_of_class_folders_are_an_error(photos):
    save(photos / "stray.png")
    with pytest.raises(DataError, match=r"also images outside of them: stray\.png; move these"):
        open_folder(path=photos)


def test_images_without_class_folders_are_an_error(tmp_path):
    save(tmp_path / "a.png", 5)
    with pytest.raises(DataError, match=r'no class folders: .*"table".*"masks".*"labeled": false'):
        open_folder(path=tmp_path)
    data = open_folder(path=tmp_path, labeled=False)
    assert data.targets == {}
    assert levels(data) == [5]


@pytest.mark.parametrize(
    ("prepare", "message"),
    [
        (lambda folder: None, r"no such folder: .*photos"),
        (lambda folder: folder.mkdir(), r"is a folder without images .* it holds nothing"),
        (lambda folder: folder.write_bytes(b""), "is a file; a folder of images is expected"),
    ],
)
def test_what_is_not_a_folder_of_images_is_an_error(tmp_path, prepare, message):
    folder = tmp_path / "photos"
    prepare(folder)
    with pytest.raises(DataError, match=message):
        open_folder(path=folder)


def test_a_link_to_a_folder_above_is_an_error(photos):
    (photos / "cat/again").symlink_to(photos)
    with pytest.raises(DataError, match="cat/again is a link to a folder that contains it; remove"):
        open_folder(path=photos)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_a_name_that_is_not_utf_8_is_an_error(photos):
    os.mkdir(os.fsencode(photos) + b"/\xff")
    with pytest.raises(DataError, match=r"the name '\\udcff' is not UTF-8; rename it"):
        open_folder(path=photos)


# Sizes --------------------------------------------------------------------------------------


def test_different_sizes_are_an_error_with_the_setting(photos):
    save(photos / "dog/large.png", size=(9, 8))
    with pytest.raises(DataError) as raised:
        open_folder(path=photos)
    assert str(raised.value) == (
        f"the images in {photos} have 2 different sizes (width x height): 4 x 3 (3, such as"
        " cat/2.png), 9 x 8 (1, such as dog/large.png); set the size to which"
        ' all are resized: "size": [3, 4] (height, width)'
    )
    assert open_folder(path=photos, size=[3, 4]).inputs["input"].shape == (3, 4, 3)


def test_size_is_that_of_the_displayed_image(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    (tmp_path / "a").mkdir()
    Image.new("L", (4, 3)).save(tmp_path / "a/1.jpg", exif=exif)
    assert open_folder(path=tmp_path).inputs["input"].shape == (4, 3, 3)


@pytest.mark.parametrize(("color", "channels"), [("gray", 1), ("rgb", 3), ("rgba", 4)])
def test_color_decides_the_channels(photos, color, channels):
    images = everything(open_folder(path=photos, color=color)).inputs["input"]
    assert images.shape == (3, 3, 4, channels)
    assert images[0, 0, 0, : min(channels, 3)].tolist() == [20] * min(channels, 3)


def test_16_bits_are_kept_on_request(tmp_path):
    (tmp_path / "a").mkdir()
    Image.fromarray(np.full((3, 4), 1234, np.uint16)).save(tmp_path / "a/1.png")
    data = open_folder(path=tmp_path, color="gray", dtype="uint16", size=[6, 8])
    assert data.inputs["input"].dtype == "uint16"
    assert set(everything(data).inputs["input"].ravel()) == {1234}


def test_interpolation_of_16_bits_stays_in_range(tmp_path):
    """Cubic interpolation overshoots: white would become black."""
    (tmp_path / "a").mkdir()
    values = np.repeat([[0, 65535]], 4, axis=1).repeat(4, axis=0).astype(np.uint16)
    Image.fromarray(values).save(tmp_path / "a/1.png")
    data = open_folder(
        path=tmp_path, color="gray", dtype="uint16", size=64, interpolation="bicubic"
    )
    row = everything(data).inputs["input"][0, 0, :, 0].astype(int)
    assert (np.diff(row) >= 0).all()


# Broken files -------------------------------------------------------------------------------


@pytest.fixture
def broken(photos):
    """An image without its end, and a text."""
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (3, 4), np.uint8)).save(
        photos / "cat/cut.png"
    )
    content = (photos / "cat/cut.png").read_bytes()
    (photos / "cat/cut.png").write_bytes(content[:50])
    (photos / "dog/text.png").write_text("no image", encoding="utf-8")
    return photos


def test_all_broken_files_are_named_at_opening(broken):
    with pytest.raises(DataError) as raised:
        open_folder(path=broken)
    head, *lines = str(raised.value).split("\n")
    assert head.startswith("2 files cannot be used; replace or remove them, or leave them out with")
    assert head.endswith('"skip_broken": true:')
    assert [line.split()[0] for line in lines] == [
        str(broken / "cat/cut.png"),
        str(broken / "dog/text.png"),
    ]


@pytest.mark.parametrize("cached", [True, False])
def test_broken_files_are_left_out_on_request(broken, monkeypatch, cached):
    if not cached:
        monkeypatch.setattr(pixels, "available_memory", lambda: 0)
    data = open_folder(path=broken, skip_broken=True, color="gray")
    assert levels(data) == [20, 40, 30]
    assert everything(data).targets["target"].tolist() == [0, 0, 1]
    assert data.where(2) == str(broken / "dog/b.png")
    assert any(line.startswith("left out 2 broken files: ") for line in data.description())
    assert data.fingerprint == _without(broken).fingerprint


def _without(folder):
    (folder / "cat/cut.png").unlink()
    (folder / "dog/text.png").unlink()
    return open_folder(path=folder, color="gray")


def test_a_folder_of_broken_files_is_an_error(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a/1.png").write_bytes(b"")
    with pytest.raises(DataError, match="the file is empty; replace or remove it"):
        open_folder(path=tmp_path, skip_broken=True)


def test_files_that_break_later_are_named(broken, monkeypatch):
    """Without the cache only the headers were read."""
    monkeypatch.setattr(pixels, "available_memory", lambda: 0)
    (broken / "dog/text.png").unlink()
    data = open_folder(path=broken, size=[3, 4])
    with pytest.raises(DataError, match=r"cat/cut\.png cannot be read as an image"):
        everything(data)


# Decoding -----------------------------------------------------------------------------------


@pytest.mark.parametrize("available", [None, 0])
@pytest.mark.parametrize("cores", [1, 4])
def test_samples_depend_neither_on_threads_nor_on_memory(photos, monkeypatch, available, cores):
    save(photos / "cat/large.jpg", 77, (50, 40))
    expected = open_folder(path=photos, size=[5, 7], resize="crop")
    monkeypatch.setattr(pixels, "available_memory", lambda: available)
    monkeypatch.setattr(parallel, "available_cores", lambda: cores)
    data = open_folder(path=photos, size=[5, 7], resize="crop")
    assert data.fingerprint == expected.fingerprint
    order = np.array([3, 0, 0, 2, 1])
    ours, theirs = data.gather(order), expected.gather(order)
    np.testing.assert_array_equal(ours.inputs["input"], theirs.inputs["input"])
    np.testing.assert_array_equal(ours.targets["target"], theirs.targets["target"])


def test_images_that_fit_are_decoded_once(photos, monkeypatch):
    data = open_folder(path=photos)
    for file in photos.rglob("*.*"):
        file.unlink()
    assert everything(data).inputs["input"].shape == (3, 3, 4, 3)
    assert "kept in memory" in data.description()[0]


def test_targets_are_read_without_images(photos, monkeypatch):
    """Checks before training would decode every image otherwise."""
    monkeypatch.setattr(pixels, "available_memory", lambda: 0)
    data = open_folder(path=photos, size=[3, 4])
    for file in photos.rglob("*.*"):
        file.unlink()
    batch = data.gather_targets(np.array([2, 0]))
    assert (batch.inputs, batch.targets["target"].tolist()) == ({}, [1, 0])


def test_images_that_do_not_fit_are_not_kept(photos, monkeypatch):
    held = 3 * 3 * 4 * 3
    monkeypatch.setattr(pixels, "available_memory", lambda: 4 * held - 1)
    assert "decoded in every epoch" in open_folder(path=photos).description()[0]
    monkeypatch.setattr(pixels, "available_memory", lambda: 4 * held)
    assert "kept in memory" in open_folder(path=photos).description()[0]


@pytest.mark.parametrize("available", [None, 0])
def test_decoded_originals_are_not_held(tmp_path, monkeypatch, available):
    """A thousand photos of 36 MB each would not fit into memory."""
    monkeypatch.setattr(pixels, "available_memory", lambda: available)
    for name in "abcdefgh":
        save(tmp_path / f"kind/{name}.png", size=(613, 407))
    data = open_folder(path=tmp_path, size=[3, 4])
    everything(data)
    gc.collect()
    # `isinstance` would ask the object, and some of PyTorch warn then.
    held = [x for x in gc.get_objects() if issubclass(type(x), Image.Image)]
    assert not [image for image in held if image.width == 613]


def test_many_bytes_are_read_once(photos, tmp_path, monkeypatch):
    """Opening a hundred gigabytes of photos would take minutes each time."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(inspection, "LARGE", 1)
    first = open_folder(path=photos).fingerprint
    monkeypatch.setattr(inspection, "_digest", lambda path: pytest.fail("read again"))
    assert open_folder(path=photos).fingerprint == first
    monkeypatch.undo()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    save(photos / "dog/b.png", 31)
    assert open_folder(path=photos).fingerprint != first


@pytest.mark.parametrize("resize", ["stretch", "crop", "pad"])
def test_large_photos_are_decoded_at_a_fraction_of_their_size(tmp_path, monkeypatch, resize):
    """Decoding all pixels takes six times as long, and gives the same image."""
    (tmp_path / "kind").mkdir()
    colors = np.random.default_rng(0).integers(0, 256, (6, 9, 3), np.uint8)
    Image.fromarray(colors).resize((900, 600), 3).save(tmp_path / "kind/1.jpg", quality=95)
    options = {"path": tmp_path, "size": [20, 24], "resize": resize}
    fast = everything(open_folder(**options)).inputs["input"].astype(int)
    monkeypatch.setattr(pixels.Decoding, "decode", lambda self, path: images.decode(path, "RGB"))
    whole = everything(open_folder(**options)).inputs["input"].astype(int)
    assert 0 < np.abs(fast - whole).max() <= 2


def test_fingerprint_follows_the_contents(photos):
    first = open_folder(path=photos).fingerprint
    assert open_folder(path=photos).fingerprint == first
    assert open_folder(path=photos, color="gray").fingerprint != first
    assert open_folder(path=photos, size=5).fingerprint != first
    save(photos / "dog/b.png", 31)
    assert open_folder(path=photos).fingerprint != first


# Options ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, 'name the folder of the images in "path"'),
        ({"path": "p", "images": "i", "masks": "m"}, 'name the folder of the images in "path"'),
        ({"images": "i"}, 'belong together; name the folder "masks"'),
        ({"path": "p", "table": "t.csv"}, '"table" and "target" belong together'),
        ({"path": "p", "target": "t"}, '"table" and "target" belong together'),
        ({"path": "p", "file": "f", "ignore": (1,)}, '"file": options of "table", which is not'),
        ({"path": "p", "ignore": (1,)}, '"ignore": options of "masks", which is not set'),
        ({"path": "p", "dtype": "uint16"}, 'needs "color": "gray"'),
        ({"path": "p", "labeled": False, "classes": ("a",)}, 'no targets; remove "classes"'),
        ({"images": "i", "masks": "m", "ignore": (1, "#ffffff")}, "all numbers, or all colors"),
        ({"images": "i", "masks": "m", "mask_values": (1,), "ignore": (1,)}, "occurs twice"),
        (
            {"images": "i", "masks": "m", "mask_values": (0, 1), "classes": ("a",)},
            "have different lengths",
        ),
    ],
)
def test_options_that_contradict_each_other_are_an_error(options, message):
    with pytest.raises(ValidationError, match=message):
        ImageFolder.Config(**options)


# Other data ---------------------------------------------------------------------------------


def test_other_folders_have_the_classes_of_a_run(photos, tmp_path):
    recorded = open_folder(path=photos).inferred
    save(tmp_path / "more/dog/1.png")
    data = open_folder(path=tmp_path / "more", inferred=recorded)
    assert data.targets["target"].classes == ("cat", "dog")
    assert everything(data).targets["target"].tolist() == [1]


@pytest.mark.parametrize(
    ("highest", "options", "note"),
    [
        (4095, {}, 'of 65,535 (1 read): 8 bits leave 16 gray levels; to keep all, set "color"'),
        (4095, {"color": "gray", "dtype": "uint16"}, '"value_range": [0, 4095] in transforms'),
        (60000, {}, ""),
    ],
)
def test_16_bit_images_of_a_small_range_are_noted(tmp_path, highest, options, note):
    (tmp_path / "kind").mkdir()
    levels = np.linspace(0, highest, 12).astype(np.uint16).reshape(3, 4)
    Image.fromarray(levels).save(tmp_path / "kind/a.png")
    notes = [n for n in open_folder(path=tmp_path, **options).description() if "16-bit" in n]
    assert note in "".join(notes)
    assert bool(notes) == bool(note)

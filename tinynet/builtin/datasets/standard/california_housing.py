"""Prices of houses in California."""

import tarfile
from typing import ClassVar

import numpy as np

from tinynet.builtin.datasets._arrays import ArrayDataset, Source
from tinynet.dataset import DatasetConfig
from tinynet.errors import DataError
from tinynet.files.downloads import RemoteFile, fetch

_MEMBER = "CaliforniaHousing/cal_housing.data"

FEATURES = (
    "MedInc",
    "HouseAge",
    "AveRooms",
    "AveBedrms",
    "Population",
    "AveOccup",
    "Latitude",
    "Longitude",
)
"""The features, named as by scikit-learn."""


class CaliforniaHousing(ArrayDataset):
    """20,640 districts of California: 8 features, and the median price of a house in $100,000.

    The features are those of scikit-learn: median income in $10,000, median age of the houses,
    rooms and bedrooms per household, population, people per household, latitude and longitude.
    R. K. Pace and R. Barry, "Sparse Spatial Autoregressions", Statistics and Probability Letters
    33, 1997.
    """

    file: ClassVar = RemoteFile(
        "https://ndownloader.figshare.com/files/5976036",
        "aaa5c9a6afe2225cc2aed2723682ae403280c4a3695a2ddda4ffb5d8215ea681",
        saved_as="cal_housing.tgz",
    )

    Config = DatasetConfig

    def __init__(self, config: DatasetConfig) -> None:
        (path,) = fetch("california_housing", [self.file])
        try:
            with tarfile.open(path, "r:gz") as archive:
                stream = archive.extractfile(_MEMBER)
                assert stream is not None
                table = np.loadtxt(stream, delimiter=",")
        except (tarfile.TarError, EOFError, OSError, KeyError) as error:
            raise DataError(f"{path} cannot be unpacked: {error}; delete it") from error
        longitude, latitude, age, rooms, bedrooms, people, households, income, price = table.T
        columns = (
            income,
            age,
            rooms / households,
            bedrooms / households,
            people,
            people / households,
            latitude,
            longitude,
        )
        super().__init__(
            {"input": Source(np.stack(columns, axis=1), path, names=FEATURES)},
            {"target": Source(price / 100_000, path)},
        )

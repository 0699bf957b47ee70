"""Makes ratings.npz, the same one every time.

    python models/data/make_ratings.py

Its content is described in README.md beside this file.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

HERE = Path(__file__).parent

USERS, GROUPS, ITEMS, GENRES = 100, 6, 60, 8
"""Numbers of users, of their groups, of items, and of their genres."""

FACTORS = 2
"""Numbers that describe the taste of a user, and the character of an item."""


def ratings(count: int = 12000, seed: int = 5) -> dict[str, NDArray[Any]]:
    """Return ratings of items by users, of pairs drawn at random.

    A rating is a sum of the item's quality and of interactions, which no sum of one number for each
    user, item and so on can express: the taste of the user times the character of the item; how
    much the user's group likes the item's genre; and the price times what the group cares for it.
    """
    rng = np.random.default_rng(seed)
    group, genre = rng.integers(GROUPS, size=USERS), rng.integers(GENRES, size=ITEMS)
    taste, character = rng.normal(size=(USERS, FACTORS)), rng.normal(size=(ITEMS, FACTORS))
    quality = rng.normal(0, 0.4, ITEMS)
    liking = rng.normal(0, 0.6, (GROUPS, GENRES))
    thrift = rng.normal(0, 0.6, GROUPS)

    user, item = rng.integers(USERS, size=count), rng.integers(ITEMS, size=count)
    price = rng.normal(size=count)
    groups, genres = group[user], genre[item]
    score = quality[item] + liking[groups, genres] - thrift[groups] * price
    score += 0.8 * np.sum(taste[user] * character[item], axis=1)
    score += rng.normal(0, 0.3, count)
    rating = np.clip(np.rint(2 * (3 + score)) / 2, 0.5, 5.5)
    columns = {"user": user, "item": item, "group": groups, "genre": genres}
    return {
        **{name: column.astype(np.uint8) for name, column in columns.items()},
        "group_and_genre": (groups * GENRES + genres).astype(np.uint8),
        "price": np.rint(10 + 3 * price).astype(np.float32)[:, None],
        "rating": rating.astype(np.float32),
        "liked": (rating >= 3.5).astype(np.uint8),
    }


if __name__ == "__main__":
    np.savez_compressed(HERE / "ratings.npz", **ratings())

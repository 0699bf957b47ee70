"""Makes reviews.txt, ingredients.txt and ingredients_tags.txt, the same ones every time.

    python models/data/make_texts.py

Their content is described in README.md beside this file.
"""

from pathlib import Path

import numpy as np

HERE = Path(__file__).parent

SUBJECTS = "plot acting music ending story dialogue camera cast pace script humor editing".split()
GOOD = "good great lovely brilliant moving funny clever charming superb touching".split()
BAD = "bad awful dull boring clumsy weak silly tiresome poor annoying".split()
DEGREES = ("", "", "very ", "really ", "so ", "quite ")
JOINTS = (", and ", ", but ", "; ", ". ")

AMOUNTS = "1 2 3 4 1/2 1/4 3/4 1.5 two three".split()
MEASURES = "cup cups teaspoon tablespoons pound ounces pinch g ml".split()
PARTS = (("cloves", "garlic"), ("sticks", "butter"), ("heads", "lettuce"), ("ears", "corn"))
"""Units that belong to one food; as foods of their own they are `SPICES`."""

SPICES = "cloves sticks nutmeg cumin ginger mustard".split()
FOODS = "flour sugar onions tomatoes rice lentils carrots milk almonds basil".split()
KINDS = "red brown white fresh wild sweet".split()
STATES = "chopped diced ground melted peeled grated toasted minced".split()


def reviews(count: int = 1500, seed: int = 5) -> list[str]:
    """Return lines of a label, a tab, and a review of two to four clauses that praise or blame.

    A negation turns the word after it, so that single words do not tell the label.
    """
    rng = np.random.default_rng(seed)
    lines = []
    while len(lines) < count:
        clauses, score = [], 0
        for _ in range(rng.integers(2, 5)):
            praise, turned = rng.random(2) < 0.5
            word = rng.choice(GOOD if praise else BAD)
            score += 1 if praise != turned else -1
            was = rng.choice(["wasn't ", "was not "] if turned else ["was "])
            clauses.append(f"the {rng.choice(SUBJECTS)} {was}{rng.choice(DEGREES)}{word}")
        if score:
            text = clauses[0]
            for clause in clauses[1:]:
                text += str(rng.choice(JOINTS)) + clause
            sentences = [part[0].upper() + part[1:] for part in text.split(". ")]
            lines.append(f"{'positive' if score > 0 else 'negative'}\t{'. '.join(sentences)}.")
    return lines


def ingredients(count: int = 1200, seed: int = 6) -> tuple[list[str], list[str]]:
    """Return lines of a recipe, and a tag for each of their words.

    The words of `PARTS` and `SPICES` are units or foods, which only their neighbors tell.
    """
    rng = np.random.default_rng(seed)
    texts, tags = [], []
    for _ in range(count):
        words = [(str(rng.choice(AMOUNTS)), "AMOUNT")]
        state = (str(rng.choice(STATES)), "STATE")
        if rng.random() < 0.4:
            unit, food = PARTS[rng.integers(len(PARTS))]
            words += [(unit, "UNIT"), (food, "FOOD")]
        else:
            words.append((str(rng.choice(MEASURES)), "UNIT"))
            if rng.random() < 0.3:
                words.append(("of", "O"))
            if rng.random() < 0.4:
                words.append(state)
            if rng.random() < 0.4:
                words.append((str(rng.choice(KINDS)), "FOOD"))
            words.append((str(rng.choice([*SPICES, *FOODS])), "FOOD"))
        if state not in words and rng.random() < 0.5:
            words += [(",", "O"), state]
        texts.append(" ".join(word for word, _ in words))
        tags.append(" ".join(tag for _, tag in words))
    return texts, tags


def main() -> None:
    """Write the files."""
    texts, tags = ingredients()
    made = {"reviews": reviews(), "ingredients": texts, "ingredients_tags": tags}
    for name, lines in made.items():
        (HERE / f"{name}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()

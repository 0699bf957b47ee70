"""Search for types by words, also by their names in Keras and PyTorch."""

import re
import string
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import chain

from tinynet.commands.catalog.types import OTHER, TypeInfo, types
from tinynet.registry import Registry
from tinynet.text.class_names import TYPES_BY_CLASS, squash
from tinynet.text.synonyms import synonyms

_PUNCTUATION = string.punctuation.replace("_", "")

_WORD = re.compile(r"[a-z][a-z0-9]*")

_SUFFIXES = {
    "loss": "losses",
    "lr": "schedules",
    "score": "metrics",
    "decay": "schedules",
    "layer": "layers",
}
"""The ends of names of classes, and the groups that have such classes."""

_MODULES = {
    "nn": "layers",
    "layers": "layers",
    "losses": "losses",
    "metrics": "metrics",
    "optim": "optimizers",
    "optimizers": "optimizers",
    "init": "initializers",
    "initializers": "initializers",
    "lr_scheduler": "schedules",
    "schedules": "schedules",
    "regularizers": "regularizers",
    "constraints": "constraints",
}
"""The modules of Keras and PyTorch with classes of a group."""

_DIMENSIONS = re.compile(r"[123]d$")

_NAME, _SYNONYM, _PART, _BEGIN, _WITHIN = 100, 95, 60, 55, 50
_FAMILY, _SUMMARY, _OPTION, _TEXT, _OPTION_TEXT = 45, 40, 30, 15, 8
_HINT = 3

_SAME, _MOST_ENDING = 7, 4
"""Letters at the start that make two words the same, and the most by which their ends differ."""

_MOST_SUGGESTED = 5


@dataclass(frozen=True)
class _Texts:
    """The words of a type, by the places where they are found."""

    info: TypeInfo
    parts: frozenset[str]
    family: frozenset[str]
    summary: frozenset[str]
    options: frozenset[str]
    text: frozenset[str]
    option_text: frozenset[str]

    @classmethod
    def of(cls, info: TypeInfo) -> "_Texts":
        fields = getattr(getattr(info.cls, "Config", None), "model_fields", {})
        described = " ".join(field.description or "" for field in fields.values())
        return cls(
            info,
            parts=frozenset(info.entry.name.split("_")),
            family=_words("" if info.family == OTHER else info.family),
            summary=_words(info.summary),
            options=frozenset(map(squash, fields)),
            text=_words(info.description),
            option_text=_words(described),
        )


@dataclass(frozen=True)
class _Query:
    """A word that is searched for.

    Attributes:
        word: The word, in lower case.
        key: The word in the style of `squash`.
        meant: Names that it stands for in Keras or PyTorch, the likeliest first.
        foreign: True if it is written like a class of theirs.
        group: The group that such a class is of; empty if that is not known.
    """

    word: str
    key: str
    meant: tuple[str, ...]
    foreign: bool
    group: str

    @classmethod
    def of(cls, word: str) -> "_Query":
        module, _, name = word.rpartition(".")
        suffix = next((end for end in _SUFFIXES if name.lower().endswith(end)), "")
        stem = squash(name).removesuffix(suffix)
        keys = dict.fromkeys((squash(name), stem, _DIMENSIONS.sub("", squash(name))))
        meant = dict.fromkeys([*chain.from_iterable(map(synonyms, (name, *keys))), stem])
        return cls(
            word=name.lower(),
            key=squash(name),
            meant=tuple(meant),
            foreign=bool(module) or name != name.lower(),
            group=_MODULES.get(module.rpartition(".")[2].lower(), _SUFFIXES.get(suffix, "")),
        )

    def score(self, texts: _Texts) -> int:
        """Return how well a type fits; 0 if the word is nowhere in it."""
        best = self._best(texts)
        return best + _HINT * (texts.info.entry.group == self.group) if best else 0

    def _best(self, texts: _Texts) -> int:
        name = texts.info.entry.name
        if synonym := self._synonym(name):
            return _NAME + 1 + synonym - _SYNONYM if self.foreign else synonym
        own = squash(name)
        if own == self.key:
            return _NAME
        if self.key in texts.parts:
            return _PART
        if len(self.key) > 2 and self.key in own:
            return _BEGIN if own.startswith(self.key) else _WITHIN
        places = (
            (_FAMILY, texts.family),
            (_SUMMARY, texts.summary),
            (_TEXT, texts.text),
            (_OPTION_TEXT, texts.option_text),
        )
        found = [score for score, words in places if any(map(self._is_like, words))]
        found += [_OPTION] if self._is_option(texts) else []
        return max(found, default=0)

    def _synonym(self, name: str) -> int:
        names = [squash(one) for one in self.meant]
        own = squash(name)
        return _SYNONYM - names.index(own) if own in names and own != self.key else 0

    def _is_option(self, texts: _Texts) -> bool:
        return not texts.options.isdisjoint((self.key, *map(squash, self.meant)))

    def _is_like(self, other: str) -> bool:
        """Return True for the same word in another form: ``normalize``, ``normalization``."""
        word = self.word
        if min(len(word), len(other)) < 4 or abs(len(word) - len(other)) > _MOST_ENDING:
            return word == other or (len(word) > 3 and other.startswith(word))
        longer, shorter = sorted((word, other), key=len, reverse=True)
        return longer.startswith(shorter[:_SAME])


class Index:
    """The types of some groups with their words; making one imports them all."""

    def __init__(self, plugins: Registry, groups: Iterable[str]) -> None:
        self._texts = [_Texts.of(info) for group in groups for info in types(plugins, group)]

    def find(self, words: Sequence[str]) -> list[TypeInfo]:
        """Return the types in which every word is found, the best first.

        Words are compared with names, families, descriptions, options and their descriptions.
        Names of classes of Keras and PyTorch, such as ``nn.BatchNorm2d``, find the type that does
        the same.
        """
        words = _bare(words)
        queries = [_Query.of(word) for word in words]
        joined = squash("_".join(words)) if len(words) > 1 else ""
        scored = []
        for place, texts in enumerate(self._texts):
            scores = [query.score(texts) for query in queries]
            name = squash(texts.info.entry.name)
            whole = 0 if not joined or joined not in name else _NAME + name.startswith(joined)
            if all(scores) or whole:
                total = sum(scores) + len(words) * whole
                scored.append((-total, place, texts.info))
        return [info for _, _, info in sorted(scored, key=lambda row: row[:2])]

    def near(self, words: Sequence[str]) -> list[str]:
        """Return the names of types that are closest to words that nothing matches."""
        names = [texts.info.entry.name for texts in self._texts]
        known = {squash(name): [name] for name in names}
        for key, meant in TYPES_BY_CLASS.items():
            known.setdefault(key, [name for name in meant if name in names])
        near: list[str] = []
        words = _bare(words)
        for word in (*words, "".join(words)):
            for key in get_close_matches(squash(word), known, n=_MOST_SUGGESTED, cutoff=0.6):
                near += known[key]
        return list(dict.fromkeys(near))[:_MOST_SUGGESTED]


def _bare(words: Sequence[str]) -> list[str]:
    """Return words without punctuation at their ends: ``conv2d;``, ``"Adam"``."""
    return [bare for word in words if (bare := word.strip(_PUNCTUATION))] or [*words]


def _words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(text.lower()))

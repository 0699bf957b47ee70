"""SVG elements as text."""

import html
import unicodedata

from tinynet.text.printing import printable

CHARACTER = 6.3
"""Width of a character of the charts' 11-pixel text."""

_OVERRIDES = "\u202a\u202b\u202d\u202e\u2066\u2067\u2068"


def escape(text: str) -> str:
    """Return a text for content or an attribute; see `clean`."""
    return html.escape(clean(text))


def clean(text: str) -> str:
    r"""Return a text with control characters, and those that reorder text, escaped: ``\x1b``.

    The escapes are those that terminals get; see `tinynet.text.printing.printable`.
    """
    if text.isprintable():
        return text
    return "".join(printable(c) if _garbles(c) else c for c in text)


def _garbles(character: str) -> bool:
    if character in "\n\t":
        return False
    return unicodedata.category(character) in ("Cc", "Cs") or character in _OVERRIDES


def element(tag: str, *children: str, **attributes: str | float | None) -> str:
    """Return an element.

    Args:
        tag: Its name.
        children: Its content, already escaped.
        attributes: Its attributes; ``_`` stands for ``-``, and None leaves one out.
    """
    parts = [tag]
    for name, value in attributes.items():
        if value is not None:
            text = escape(value) if isinstance(value, str) else pixels(value)
            parts.append(f'{name.rstrip("_").replace("_", "-")}="{text}"')
    opening = " ".join(parts)
    return f"<{opening}>{''.join(children)}</{tag}>" if children else f"<{opening}/>"


def line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    """Return a straight line."""
    return element("line", class_=kind, x1=x1, y1=y1, x2=x2, y2=y2)


def text(x: float, y: float, content: str, anchor: str, kind: str | None = None) -> str:
    """Return a line of text that starts, ends or has its middle at x."""
    return element("text", escape(content), class_=kind, x=x, y=y, text_anchor=anchor)


def pixels(value: float) -> str:
    """Return a length in pixels with at most one decimal."""
    return f"{round(value, 1) + 0.0:.1f}".removesuffix(".0")


def text_width(content: str) -> float:
    """Return the approximate width of a text in pixels."""
    return CHARACTER * cells(content)


def cells(content: str) -> int:
    """Return the width of a text in characters; East Asian ones count twice."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in content)


def shorten(content: str, most: int) -> str:
    """Return a text that is at most ``most`` characters wide, with an ellipsis in its middle.

    Names often differ at their ends.
    """
    if cells(content) <= most:
        return content
    end = _start(content[::-1], (most - 1) // 2)[::-1]
    return f"{_start(content, most - 1 - cells(end)).rstrip()}…{end.lstrip()}"


def _start(content: str, most: int) -> str:
    """Return the start of a text that is at most ``most`` characters wide."""
    kept, width = "", 0
    for character in content:
        width += cells(character)
        if width > most:
            break
        kept += character
    return kept

"""JSON of requests: a client whose body is wrong learns where, and strangers cannot harm."""

import pytest

from tinynet.commands.serve.json_body import parse_json
from tinynet.commands.serve.limits import RequestError, parse_size, size_text
from tinynet.errors import UsageError


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the body is empty"),
        (b" \n", "the body is empty"),
        (b"[1", r"line 1, column 3"),
        (b"\xff", "not UTF-8"),
        (b"[NaN]", "NaN is not JSON"),
        (b"[-Infinity]", "-Infinity is not JSON"),
        (b"[1e999]", "'1e999' is too large"),
        (b"9" * 5000, "is too large"),
        (b'{"a": 1, "a": 2}', "the key 'a' twice"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"a":' * 100_000, "nested too deeply"),
    ],
)
def test_a_wrong_body_is_400(content, message):
    with pytest.raises(RequestError, match=message) as caught:
        parse_json(content)
    assert caught.value.status == 400


def test_numbers_keep_their_values():
    values = parse_json(b"[0.1, 9223372036854775807, 18446744073709551615, 100000000000000000000]")
    assert values == [0.1, 2**63 - 1, 2**64 - 1, 1e20]
    assert [type(value) for value in values] == [float, int, int, float]


def test_a_byte_order_mark_is_ignored():
    assert parse_json(b"\xef\xbb\xbf[1]") == [1]


@pytest.mark.parametrize(
    ("text", "size"), [("10MB", 10**7), ("1.5 kB", 1500), ("2MiB", 2**21), ("100", 100)]
)
def test_sizes(text, size):
    assert parse_size(text) == size
    assert parse_size(size_text(10**7)) == 10**7


@pytest.mark.parametrize("text", ["", "0", "-1MB", "10 apples", "1e9", "9" * 30])
def test_what_is_not_a_size(text):
    with pytest.raises(UsageError, match="write it as 10MB"):
        parse_size(text)

"""The sender of a request: other sites and names are refused, and each answer has its headers."""

import pytest

from tests.commands.serve.test_answers import CSV, ROWS, answer, message

pytestmark = pytest.mark.extra


@pytest.mark.parametrize("path", ["/", "/health", "/model", "/openapi.json", "/predict", "/none"])
def test_every_answer_has_headers_of_security(client_of, path):
    headers = client_of("table").get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]


def test_the_policy_of_the_page_is_its_own(client_of):
    """Another one would end the page's scripts."""
    import html

    response = client_of("table").get("/")
    policy = response.headers["content-security-policy"].removesuffix("; frame-ancestors 'none'")
    assert "script-src 'sha256-" in policy
    assert f'content="{policy}"' in html.unescape(response.text)


@pytest.mark.parametrize("path", ["/", "/health", "/model", "/openapi.json"])
def test_head_is_get_without_a_body(client_of, path):
    client = client_of("table")
    full, head = client.get(path), client.head(path)
    assert head.status_code == full.status_code == 200
    assert head.headers["content-length"] == str(len(full.content))
    assert head.content == b""
    assert client.head("/predict").status_code == 405


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"origin": "http://evil.example"},
        {"origin": "null"},
    ],
)
def test_a_page_of_another_site_is_refused(client_of, headers):
    """Any page that a user opens could use the model, and occupy the server."""
    request = {"content": CSV, "headers": {"content-type": "text/plain", **headers}}
    assert "pages of other sites" in message(client_of("table"), 403, **request)
    assert "pages of other sites" in message(client_of("table"), 403, path="/none", **request)


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "same-origin", "origin": "http://testserver"},
        {"sec-fetch-site": "none"},
        {"origin": "http://testserver"},
    ],
)
def test_the_page_itself_and_programs_are_answered(client_of, headers):
    assert answer(client_of("table"), json=ROWS, headers=headers)["samples"] == 2


def test_a_server_on_loopback_has_its_own_names_only(models):
    """A page could reach it by a name of its own that stands for 127.0.0.1."""
    pytest.importorskip("httpx", reason="needs httpx")
    from fastapi.testclient import TestClient

    from tinynet.commands.serve.app import create_app

    client = TestClient(create_app(models["table"], hosts=("localhost", "::1")))
    for name in ("localhost", "localhost:8000", "LOCALHOST.", "[::1]:8000"):
        assert client.get("/health", headers={"host": name}).status_code == 200
    for name in ("evil.example", "localhost.evil.example", "", "[::2]"):
        assert client.get("/health", headers={"host": name}).status_code == 400

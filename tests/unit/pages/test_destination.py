"""Where a switch may lead back to."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hub_extensions.switch.destination import own_destination

SERVER, HUB = "/base/user/ada/", "/base/hub/"


def own(url: str) -> str:
    return own_destination(url, server_path=SERVER, hub_path=HUB)


@pytest.mark.parametrize(
    "url",
    [
        "/base/user/ada/lab",
        "/base/user/ada/lab/tree/folder/my%20notebook.ipynb",
        "/base/user/ada/lab/workspaces/auto-X?reset=1#cell",
        "/base/user/ada/",
        "/base/user/ada",
        "/base/hub/home",
        "/base/user/ada/lab/tree/100%25.ipynb",
        "/base/user/ada/lab/tree/gr%C3%BC%C3%9Fe.ipynb",
    ],
)
def test_the_persons_own_pages_are_kept(url: str) -> None:
    assert own(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "https:evil.example",
        "https://evil.example/base/user/ada/lab",
        "http:///evil.example",
        "javascript:alert(1)",
        "%2f%2fevil.example",
        "/%2f%2fevil.example",
        "/%2fevil.example",
        "/%5cevil.example",
        "/%252f%252fevil.example",
        "/base/user/ada/../bob/lab",
        "/base/user/ada/%2e%2e/bob/lab",
        "/base/user/ada/%252e%252e/bob/lab",
        "/base/user/ada%2f..%2f..%2f..%2fevil",
        "/base/user/ada/..%5c..%5cevil",
        "/base/user/bob/lab",
        "/base/user/ada-other/lab",
        "/base/user/adamant",
        "/base/hub/logout",
        "/base/hub/api/users",
        "/base/hub/home/../logout",
        "/base/services/other/",
        "/",
        "base/user/ada/lab",
        " /base/user/ada/lab",
        "/base/user/ada/lab\r\nSet-Cookie: a=b",
        "/base/user/ada/lab\t",
        "/\tbase/user/ada/lab",
        "/base/user/ada/" + "a" * 5000,
        "//[evil",
    ],
)
def test_everything_else_is_refused(url: str) -> None:
    assert own(url) == ""


segment = st.text(st.sampled_from("/\\.%25fF2eE:@?#ada\t\n "), max_size=30)


@given(st.one_of(st.text(max_size=60), segment.map(lambda tail: "/base/user/ada/" + tail), segment))
@example("/base/user/ada/%2e%2e/%2e%2e/x")
def test_what_is_kept_stays_on_this_server_however_it_is_decoded(url: str) -> None:
    kept = own(url)
    if not kept:
        return
    assert kept == url
    parts = urlsplit(kept)
    assert not parts.scheme
    assert not parts.netloc
    path = parts.path
    for _ in range(6):
        assert path.startswith(SERVER.rstrip("/")) or path.rstrip("/") == "/base/hub/home"
        assert ".." not in path.split("/")
        assert "\\" not in path
        path = unquote(path)


def test_a_user_name_with_escaped_characters() -> None:
    server = "/user/j%C3%BCrgen%40x/"
    assert own_destination("/user/j%C3%BCrgen%40x/lab", server_path=server, hub_path="/hub/")
    assert own_destination("/user/jürgen@x/lab", server_path=server, hub_path="/hub/")
    assert not own_destination("/user/jurgen/lab", server_path=server, hub_path="/hub/")

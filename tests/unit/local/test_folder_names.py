"""One folder per person: plain where the name is plain, and never shared."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spawner.local import folder_name


@pytest.mark.parametrize("name", ["ada", "ada-l", "a", "x" * 63, "0"])
def test_a_plain_name_is_its_own_folder(name: str):
    assert folder_name(name) == name


@pytest.mark.parametrize(
    "name", ["..", "../../etc", "a/b", "", ".", "-", "Ada", "jö", "a" * 64, "a.b", "a\0b", "~root"]
)
def test_any_other_is_one_harmless_path_component(name: str):
    made = folder_name(name)
    assert "/" not in made
    assert "\0" not in made
    assert made.strip(".") == made
    assert 1 <= len(made) <= 63


@given(st.text(max_size=80), st.text(max_size=80))
def test_two_people_never_share_a_folder(one: str, other: str):
    assert (folder_name(one) == folder_name(other)) is (one == other)


def test_a_name_cannot_be_made_to_look_like_anothers_folder():
    folder = folder_name("Ada")
    assert folder_name(folder) != folder

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest
from jupyterhub.spawner import SpawnException
from tornado import web

from hub_extensions.page_frame.notice import PASSED_ON, Tone, notice_of, notice_of_error, passed_on


def test_only_known_codes_are_passed_on_from_one_page_to_another() -> None:
    assert passed_on("stopped") is PASSED_ON["stopped"]
    for code in (None, "", "nonsense", "<script>", "Stopped"):
        assert passed_on(code) is None


@pytest.mark.parametrize("code", PASSED_ON)
def test_a_passed_notice_has_its_code_as_reason(code: str) -> None:
    assert PASSED_ON[code].reason == code
    assert PASSED_ON[code].sentence.endswith(".")


def test_an_explained_refusal_keeps_its_words_and_code() -> None:
    error = web.HTTPError(403)
    error.explained = SimpleNamespace(reason="forbidden-profile", sentence="No.", remedy="Ask.")  # type: ignore[attr-defined]
    notice = notice_of_error(error)
    assert (notice.sentence, notice.remedy, notice.reason) == ("No.", "Ask.", "forbidden-profile")
    assert notice.tone is Tone.DANGER


def test_jupyterhubs_own_refusals_are_shown_as_they_are() -> None:
    busy = notice_of_error(web.HTTPError(429, "Too many users trying to log in right now. Try again in 30 seconds."))
    assert busy.reason == "hub-busy"
    assert "30 seconds" in busy.sentence
    refused = notice_of_error(SpawnException("Your group may not.", reason="policy", status_code=403))
    assert (refused.sentence, refused.reason) == ("Your group may not.", "policy")
    assert notice_of_error(web.HTTPError(403, "No access")).reason == "refused-403"


def test_internal_errors_show_nothing_of_the_inside() -> None:
    for error in (RuntimeError("password=hunter2"), web.HTTPError(500, "Unhandled error starting server ada")):
        notice = notice_of_error(error)
        assert notice.reason == "internal-error"
        assert "hunter2" not in notice.sentence + notice.remedy


def test_time_outs_and_cancellations_say_so() -> None:
    assert notice_of_error(TimeoutError()).reason == "start-timeout"
    assert notice_of_error(asyncio.CancelledError()).reason == "start-cancelled"


def test_no_explanation_is_no_notice() -> None:
    assert notice_of(None) is None
    said = notice_of(SimpleNamespace(reason="evicted", sentence="It was evicted.", remedy=""), Tone.WARNING)
    assert said is not None
    assert (said.reason, said.tone) == ("evicted", Tone.WARNING)

"""What is to be asked of which host, when, and when no more: agenda, pace and patience by themselves."""

from __future__ import annotations

import pytest

from deepstyle.scraper.agenda import Agenda
from deepstyle.scraper.pace import ALONE, KEEPS, Pace
from deepstyle.scraper.patience import DOUBT, GIVE_UP, NO_RETRIES, Patience, folder


def test_an_agenda_gives_hosts_turns_and_things_their_time() -> None:
    """The host with the least in flight is next, in turn; what must wait comes when it is due, before what is new."""
    agenda: Agenda[str] = Agenda()
    for thing in ("a1", "a2", "b1"):
        agenda.add(thing[0], thing)
    agenda.add("a", "a0", due=10.0)
    agenda.add("c", "c1", due=5.0)

    def everywhere(_: str) -> bool:
        return True

    assert len(agenda) == 5
    assert agenda.due() == 5.0
    assert [agenda.next(0.0, everywhere, {}) for _ in range(2)] == [("a", "a1"), ("b", "b1")]
    assert agenda.hosts_due(0.0) == ["a"]
    assert agenda.next(0.0, lambda host: host != "a", {}) is None
    assert agenda.next(10.0, everywhere, {"a": 1, "c": 0}) == ("c", "c1")
    assert agenda.next(10.0, everywhere, {"a": 1}) == ("a", "a0")
    assert agenda.next(10.0, everywhere, {}) == ("a", "a2")
    assert (len(agenda), agenda.due(), agenda.next(99.0, everywhere, {})) == (0, None, None)


@pytest.mark.parametrize(
    ("answers", "paused"),
    [
        ([(503, 1, 0)] * 50, False), ([(503, 1, 2)] * KEEPS, True), ([(503, 300, 0)] * (KEEPS - 1), False),
        ([(503, 30, 0)] * KEEPS, True), ([(503, 30, 0)] * (KEEPS - 1) + [(200, 0, 0), (503, 30, 0)], False),
        ([(429, 1, 0)], True), ([(429, 0, 0)] + [(200, 0, 0)] * ALONE + [(429, 1, 0)], False),
        ([(429, 0, 0)] + [(200, 0, 0)] * (ALONE - 1) + [(429, 1, 0)], True),
        ([(429, 0, 0)] + [(200, 0, 0)] * ALONE + [(429, 1, 1)], True),
        ([(429, 0, 0)] + [(200, 0, 0)] * ALONE + [(429, 0, 0), (429, 1, 0)], True),
        ([(429, 30, 0)] * (KEEPS - 1), False), ([(429, 30, 0)] * KEEPS, True),
    ],
)  # fmt: skip
def test_a_host_is_paused_when_it_keeps_saying_so(answers: list[tuple[int, int, int]], *, paused: bool) -> None:
    """By a short 429 at once, unless it stands alone among other answers, else when several in a row mean the host, not a URL."""
    pace = Pace(0.1, longest=60, clock=lambda: 0.0)
    for status, seconds, tries in answers:
        pace.busy("h", status, seconds, tries) if status != 200 else pace.answered("h")

    assert (pace.ready("h") > 0) == paused


def test_a_pause_that_is_too_long_is_ready_to_be_told() -> None:
    """Of a host that is to be left alone for longer than is waited, `ready` is 0: its URLs end at once."""
    pace = Pace(0.1, longest=60, clock=lambda: 0.0)
    pace.pause("h", 61)

    assert pace.ready("h") == 0
    assert not pace.wait("h")


def test_folders_that_only_fail_are_given_up() -> None:
    """First without repeats, at last, where it costs much, without asking; one success, and all of it is hoped for."""
    patience = Patience()
    for number in range(GIVE_UP):
        assert patience.once(f"http://a.example/drip/{number}.jpg") == (number >= NO_RETRIES)
        assert not patience.hopeless("http://a.example/drip/x.jpg")
        patience.note(f"http://a.example/drip/{number}.jpg", "http-500", failed=True)
        if number < GIVE_UP // 2:
            assert not patience.hopeless("http://a.example/bombs/x.jpg")
            patience.note(f"http://a.example/bombs/{number}.jpg", "bomb", failed=True)
        patience.note(f"http://a.example/gone/{number}.jpg", "http-404", failed=True)
    assert patience.hopeless("http://a.example/drip/x.jpg")
    assert patience.hopeless("http://a.example/bombs/x.jpg")
    assert not patience.hopeless("http://a.example/gone/x.jpg")
    assert not patience.once("http://a.example/other/x.jpg")
    patience.note("http://a.example/drip/1.jpg", "kept", failed=False)
    assert not patience.once("http://a.example/drip/x.jpg")
    assert folder("http://a.example/looks/2017/17.jpg?w=3/4") == "http://a.example/looks/#"


def test_tries_that_take_long_are_failures() -> None:
    """A URL that is asked for again after a timeout of 20 s puts its folder in doubt; after eight of them it is given up."""
    patience, url = Patience(), "http://a.example/slow/1.jpg"
    for number in range(8):
        assert patience.doubtful(url) == (number >= DOUBT)
        assert not patience.hopeless(url)
        patience.tried(url, "http-503", seconds=0.1)
        patience.tried(url, "timeout", seconds=20.5)

    assert patience.hopeless(url)


def test_what_is_not_there_costs_half() -> None:
    """A folder of which nothing but 404, 403 and 410 came is given up after twice as many URLs as one that is down."""
    patience = Patience()
    for number in range(2 * GIVE_UP):
        assert not patience.hopeless("http://a.example/gone/x.jpg")
        patience.note(f"http://a.example/gone/{number}.jpg", f"http-{(404, 403, 410)[number % 3]}", failed=True)

    assert patience.hopeless("http://a.example/gone/x.jpg")

"""Hosts that refuse one URL after another: they are asked more slowly, and what they refused is asked for again."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from loopback import Exchange, Routes, page, photo, serve
from test_scrape import crawl, img, photos

from deepstyle.scraper import gentle
from deepstyle.scraper.gentle import BURST, EASE, SLOWEST, VAIN, Decision, Forbidden, Gentle
from deepstyle.scraper.pace import Pace
from deepstyle.scraper.patience import GIVE_UP

NAMES = [f"/p{n}.jpg" for n in range(24)]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers of tests are asked more often than others: their pace is halved from where it is."""
    monkeypatch.setattr(gentle, "FIRST", 0.01)


def counting(status: int, rate: float, most: int, *, block: float = 0.0) -> Routes:
    """24 photos at a server that gives ``rate`` a second and refuses the others, or all for ``block`` seconds."""
    found, lock = photos(*NAMES), threading.Lock()
    left, last, blocked = float(most), time.monotonic(), 0.0

    def route(x: Exchange) -> None:
        nonlocal left, last, blocked
        with lock:
            now = time.monotonic()
            left, last = min(most, left + (now - last) * rate), now
            given = left >= 1 and now >= blocked
            left -= given
            blocked = now + block if not given and now >= blocked else blocked
        body = found[x.path]
        assert isinstance(body, bytes)
        x.send(body, "image/jpeg") if given else x.send(status=status)

    return {"/": page(img(*NAMES)), **dict.fromkeys(found, route)}


@pytest.mark.parametrize("status", [429, 503])
def test_a_host_that_refuses_one_photo_after_another_is_asked_more_slowly(tmp_path: Path, status: int) -> None:
    """A server that gives 5 a second of the 100 asked for, and says nothing of when to come again, gives all in the end."""
    with serve(counting(status, 5, 3)) as site:
        assert crawl(tmp_path, site.url, rate=100, retries=3).outcomes == {"kept": 24}


def test_a_guard_that_forbids_for_a_while_is_left_alone_for_as_long(tmp_path: Path) -> None:
    """A guard that answers 403 for a second after too many requests: each photo is had, by few requests more."""
    with serve(counting(403, 10, 6, block=0.8)) as site:
        summary = crawl(tmp_path, site.url, rate=40, max_retry_wait=1)

        assert summary.outcomes == {"kept": 24}
        assert sum(site.hits[name] for name in NAMES) < 60


def test_photos_that_are_forbidden_are_asked_for_seldom(tmp_path: Path) -> None:
    """A server of files that forbids most of a folder at any pace is believed after a few photos were asked for again."""
    bad = [f"/f/no{n}.jpg" for n in range(30)]
    routes: Routes = {"/": page(img("/f/a.jpg", "/f/b.jpg", *bad)), **photos("/f/a.jpg", "/f/b.jpg")}
    routes |= dict.fromkeys(bad, lambda x: x.send(status=403))
    with serve(routes) as site:
        summary = crawl(tmp_path, site.url, connections=1, max_retry_wait=0.1)

        assert summary.outcomes == {"kept": 2, "http-403": 30}
        assert sum(site.hits[name] for name in bad) <= 30 + 3 * BURST


def test_pages_that_a_guard_forbids_are_visited_later(tmp_path: Path) -> None:
    """Pages in a row that were forbidden after others had come are asked for again after a pause."""
    asked: list[float] = []

    def guarded(x: Exchange) -> None:
        asked.append(time.monotonic())
        refused = 3 < len(asked) <= 8
        x.send(status=403) if refused else x.send(page(img(f"{x.path}.jpg")))

    routes: Routes = {"/": page("".join(f'<a href="/look/{n}">{n}</a>' for n in range(12)))}
    for n in range(12):
        routes |= {f"/look/{n}": guarded, f"/look/{n}.jpg": photo(n)}
    with serve(routes) as site:
        summary = crawl(tmp_path, site.url, connections=1, max_retry_wait=0.2)

        assert summary.outcomes == {"kept": 12}
        assert summary.page_outcomes == {"ok": 13}


class Clock:
    """Seconds that pass when they are told to."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def bucket(clock: Clock, rate: float) -> Callable[[int], bool]:
    """A server that gives ``rate`` a second, three at once."""
    left, last = 3.0, 0.0

    def given(_: int) -> bool:
        nonlocal left, last
        left, last = min(3.0, left + (clock.now - last) * rate), clock.now
        one = left >= 1
        left -= one
        return one

    return given


def asked(pacing: Gentle, clock: Clock, given: Callable[[int], bool], number: int) -> list[float]:
    """The intervals of so many requests in a row of 4 a second at most."""
    found = []
    for one in range(number):
        found.append(pacing.interval("a"))
        clock.now += max(0.25, found[-1])
        pacing.answered("a") if given(one) else pacing.refused("a")
    return found


def test_the_pace_is_halved_until_the_host_keeps_up() -> None:
    """A host that gives one a second is asked once a second, by and by; when it gives all, as fast as any other again."""
    clock = Clock()
    pacing = Gentle(0.25, clock=clock)
    first = asked(pacing, clock, lambda _: False, int(BURST))

    assert set(first) == {0}
    assert (pacing.interval("a"), pacing.interval("b")) == (0.5, 0)
    assert 0.6 < sum(asked(pacing, clock, bucket(clock, 1), 400)[100:]) / 300 < 2
    assert asked(pacing, clock, lambda _: True, 20 * EASE)[-1] == 0


def test_what_fails_now_and_then_is_not_the_pace() -> None:
    """Where each second request fails at any pace, half the pace brings half as much, and the old one is taken again."""
    clock = Clock()
    pacing = Gentle(0.25, clock=clock)
    intervals = asked(pacing, clock, lambda one: one % 2 == 1, 300)

    assert max(intervals) <= 4
    assert sum(intervals) / len(intervals) < 0.5


def test_a_host_that_is_down_is_no_slower_in_the_end() -> None:
    """Where a slower pace brings no other answer at all for longer than a minute, the host is down."""
    clock = Clock()
    pacing = Gentle(0.25, clock=clock)
    intervals = asked(pacing, clock, lambda _: False, int(BURST) * (VAIN + 1))

    assert max(intervals) == SLOWEST
    assert clock.now > 60
    assert pacing.interval("a") == 0


def test_a_host_that_says_when_to_come_again_is_not_slowed() -> None:
    """Photos that wait as long as their answers say, each for itself, are asked for at the pace of any other host."""
    pace = Pace(0.25, longest=60)
    for _ in range(20):
        pace.busy("a", 503, 1.0, 0)

    assert pace.gentle.interval("a") == 0


def test_a_single_photo_that_is_forbidden_is_meant() -> None:
    """What comes between others that are answered well is not asked for again."""
    forbidden: Forbidden[int] = Forbidden()

    assert not forbidden.doubted("a")

    forbidden.answered("a", again=False)

    assert forbidden.doubted("a")
    assert forbidden.refused("a", 7).again == []
    assert forbidden.answered("a", again=False) is None
    assert forbidden.answered("a", again=False) == Decision(over=[7])


def test_a_folder_of_which_nothing_is_there_is_given_up(tmp_path: Path) -> None:
    """Of 80 photos that answer 404 about 50 are asked for, and one that is there makes all of its folder hoped for."""
    names, others = [f"/gone/{n}.jpg" for n in range(80)], [f"/some/{n}.jpg" for n in range(80)]
    with serve({"/": page(img(*names, *others)), **photos("/some/70.jpg")}) as site:
        summary = crawl(tmp_path, site.url)

        assert summary.kept == 1
        assert 2 * GIVE_UP <= sum(site.hits[name] for name in names) < 2 * GIVE_UP + 5
        assert sum(site.hits[name] for name in others) == 80

"""What known hosts say today (loop): their files are asked for again after a day; kept photos that are reserved now are named."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager

from deepstyle.progress import Reporter
from deepstyle.scraper.audit import audit
from deepstyle.scraper.fetch import Fetcher
from deepstyle.scraper.hosts import STALE
from deepstyle.scraper.ledger import Ledger
from deepstyle.scraper.urls import origin

WORKERS = 64  # hosts asked at a time; each has its own rate
NAMED = 10  # photos named; `deepstyle status --reservations` names all
SOON = 2.0  # seconds after which it is told whose answers are waited for


@contextmanager
def asking_again(ledger: Ledger, fetcher: Fetcher, starts: list[str], reporter: Reporter) -> Iterator[None]:
    """Meanwhile ask the hosts of this crawl's photos, their pages and start pages again that were read a day ago, or never.

    Those of the addresses that photos were sent on to count as well. The block waits for none of them: of a host that it
    asks for something it has the answer first, whoever asks (``hosts.py``). What has changed is named at the end.
    """
    stale = _stale(ledger, starts)
    if stale:
        reporter.say(f"asking {len(stale):,} known hosts again what they allow")
    pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="deepstyle-hosts")
    asked = {pool.submit(fetcher.look, name, "page"): name for name in stale}
    try:
        yield
        if late := [asked[one] for one in wait(asked, SOON).not_done]:
            reporter.say(f"waiting for what {len(late):,} known hosts allow today: {', '.join(sorted(late)[:3])}")
        for one in asked:
            one.result()
    except BaseException:
        fetcher.stop()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    ledger.log_robots(fetcher.log)
    _name_reserved(ledger, reporter)


def _stale(ledger: Ledger, starts: list[str]) -> list[str]:
    """The hosts to ask again."""
    known, now = ledger.catalog.rights.hosts(), ledger.catalog.now()
    of_photos = {origin(url) for url in ledger.crawl.kept_urls() if url.startswith("http")}
    asked = of_photos | ({origin(url) for url in starts} & known.keys())
    return [name for name in sorted(asked) if name not in known or now - known[name].at > STALE]


def _name_reserved(ledger: Ledger, reporter: Reporter) -> None:
    """Name the kept photos that hosts whose files have changed reserve now."""
    changed, ledger.changed = ledger.changed, set()
    if not changed:
        return
    reserved = audit(ledger.catalog, ledger.config.agent, changed).reserved
    for one in reserved[:NAMED]:
        reporter.say(f"{one.image_url} is kept and has become reserved ({one.words[:200]}); photo {one.sha256[:16]}")
    if reserved:
        reporter.say(
            f"{len(reserved):,} kept photos have become reserved: `deepstyle status --reservations` names them, "
            "`deepstyle forget URL|HOST|FILE|SHA` removes them and all that was cut from them"
        )

"""What known hosts say today (loop): their files are asked for again after a day; kept photos that are reserved now are named."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from deepstyle.progress import Reporter
from deepstyle.scraper.audit import audit
from deepstyle.scraper.fetch import Fetcher
from deepstyle.scraper.hosts import STALE
from deepstyle.scraper.ledger import Ledger
from deepstyle.scraper.urls import origin

WORKERS = 16  # hosts asked at a time
NAMED = 10  # photos named; `deepstyle status --reservations` names all


def ask_again(ledger: Ledger, fetcher: Fetcher, starts: list[str], reporter: Reporter) -> None:
    """Ask the hosts of this crawl's photos, their pages and start pages again whose files were read a day ago, or never."""
    known, now = ledger.catalog.rights.hosts(), ledger.catalog.now()
    of_photos = {origin(url) for url in ledger.crawl.kept_urls() if url.startswith("http")}
    asked = of_photos | ({origin(url) for url in starts} & known.keys())
    stale = [name for name in sorted(asked) if name not in known or now - known[name].at > STALE]
    if not stale:
        return
    reporter.say(f"asking {len(stale):,} known hosts again what they allow")
    try:
        with ThreadPoolExecutor(min(WORKERS, len(stale)), thread_name_prefix="deepstyle-hosts") as pool:
            list(pool.map(fetcher.ask_host, stale))
    except BaseException:
        fetcher.stop()
        raise
    ledger.log_robots(fetcher.log)
    name_reserved(ledger, reporter)


def name_reserved(ledger: Ledger, reporter: Reporter) -> None:
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
            "`deepstyle forget URL|HOST|SHA` removes them and all that was cut from them"
        )

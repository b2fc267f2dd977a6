"""Pages that build themselves in scripts (edge): a headless Chromium runs and scrolls them, and their DOM is read.

The browser itself reaches nobody: every request that it makes is answered from here, by the same fetcher with its guard,
robots.txt and pace, or not at all. Pictures are answered with one pixel: whoever keeps them fetches them. Only one thread may
talk to Playwright, so it has its own.
"""

from __future__ import annotations

import base64
import os
import queue
import shutil
import threading
import time
from concurrent.futures import Future
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from deepstyle.errors import UsageError
from deepstyle.scraper.answer import Fetched
from deepstyle.scraper.fetch import Fetcher

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Route

NAMES = ("chromium", "chromium-browser", "google-chrome")
PIXEL = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")  # a GIF
SHOWN = frozenset({"image", "media", "font"})  # what is not fetched for the browser
ASKED = frozenset({"document", "script", "stylesheet", "xhr", "fetch", "manifest", "other"})
SCROLLS = 40  # times that a page is scrolled to its end, while it grows
REST = 300  # milliseconds for scripts between two looks
QUIET = 2  # looks without a change after which a page is done
LARGEST = 10_000_000  # characters of a DOM
INSTALL = "--render needs Playwright and a browser: pip install 'deepstyle[browser]' and apt-get install chromium"


class Browser:
    """A headless Chromium whose requests the ``fetcher`` answers. Use as a context manager. Raises UsageError without one."""

    def __init__(self, fetcher: Fetcher) -> None:
        self._fetcher = fetcher
        self._jobs: queue.SimpleQueue[tuple[Fetched, Future[str]] | None] = queue.SimpleQueue()
        started: Future[None] = Future()
        self._thread = threading.Thread(target=self._run, args=(started,), name="deepstyle-browser", daemon=True)
        self._thread.start()
        started.result()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._jobs.put(None)
        self._thread.join()

    def render(self, answer: Fetched) -> str:
        """The DOM of a page, as HTML, once its scripts have run and it grows no more. Raises what Playwright raises."""
        job: Future[str] = Future()
        self._jobs.put((answer, job))
        return job.result(timeout=10 * self._fetcher.config.deadline)

    # ---- the browser's thread -----------------------------------------------------------------------------------

    def _run(self, started: Future[None]) -> None:
        try:
            from playwright.sync_api import Error, sync_playwright
        except ImportError as error:
            started.set_exception(UsageError(f"{INSTALL} ({error})"))
            return
        with sync_playwright() as playwright:
            path = next((found for name in NAMES if (found := shutil.which(name))), None)
            try:
                chromium = playwright.chromium.launch(
                    executable_path=path, chromium_sandbox=getattr(os, "geteuid", lambda: 1)() != 0,
                    proxy={"server": "http://127.0.0.1:9"},  # nobody listens: what is not answered from here goes nowhere
                    args=["--proxy-bypass-list=<-loopback>", "--host-resolver-rules=MAP * ~NOTFOUND",
                          "--force-webrtc-ip-handling-policy=disable_non_proxied_udp"],
                )  # fmt: skip
            except Error as error:
                started.set_exception(UsageError(f"{INSTALL} ({str(error).splitlines()[0]})"))
                return
            started.set_result(None)
            while (job := self._jobs.get()) is not None:
                answer, future = job
                try:
                    context = chromium.new_context(
                        user_agent=self._fetcher.config.agent, service_workers="block", accept_downloads=False,
                        viewport={"width": 1280, "height": 1600},
                    )  # fmt: skip
                    try:
                        future.set_result(self._page(context, answer))
                    finally:
                        context.close()
                except Exception as error:  # noqa: BLE001 - raised where it is waited for
                    future.set_exception(error)
            chromium.close()

    def _page(self, context: BrowserContext, answer: Fetched) -> str:
        """Load, scroll and read a page within the deadline."""
        end = time.monotonic() + self._fetcher.config.deadline
        context.route("**/*", lambda route: self._answer(route, answer))
        context.route_web_socket("**/*", lambda socket: socket.close())
        page = context.new_page()
        page.on("dialog", lambda dialog: dialog.dismiss())
        page.goto(answer.final_url, wait_until="domcontentloaded", timeout=1000 * self._fetcher.config.deadline)
        seen: Any = None
        quiet = 0
        for _ in range(SCROLLS):
            page.wait_for_timeout(REST)
            found = page.evaluate(
                "() => { const root = document.scrollingElement || document.documentElement; "
                "window.scrollTo(0, root.scrollHeight); "
                "return [root.scrollHeight, document.getElementsByTagName('*').length]; }"
            )
            quiet = quiet + 1 if found == seen else 0
            seen = found
            if quiet >= QUIET or time.monotonic() > end:
                break
        return page.content()[:LARGEST]

    def _answer(self, route: Route, page: Fetched) -> None:
        """Answer one request of a page: with the page itself, with what the fetcher gets, with a pixel, or not at all."""
        request = route.request
        if request.resource_type in SHOWN:
            if request.resource_type == "image":
                route.fulfill(status=200, content_type="image/gif", body=PIXEL)
            else:
                route.abort()
            return
        if request.url == page.final_url and request.is_navigation_request():
            kind = page.content_type or "text/html"
            route.fulfill(
                status=200, content_type=f"{kind}; charset={page.charset}" if page.charset else kind, body=page.body
            )
            return
        if request.method != "GET" or request.resource_type not in ASKED or request.is_navigation_request():
            route.abort()
            return
        found = self._fetcher.once(request.url, "asset", referer=page.final_url)
        if found.outcome != "ok":
            route.abort()
            return
        origin = {"Access-Control-Allow-Origin": "*"}  # what a site lets its own pages read is not ours to judge
        route.fulfill(status=200, content_type=found.content_type or "text/plain", body=found.body, headers=origin)

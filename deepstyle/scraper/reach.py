"""How far a crawl may go (pure): which links are followed, whether scripts are run, whether sites are told who asks."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Self

from deepstyle.config import ScrapeConfig


@dataclass(frozen=True, kw_only=True)
class Reach:
    """What a crawl is permitted.

    ``depth``: of the farthest page; ``hosts``: visited besides the site's; ``render``: whether pages' scripts are run;
    ``login``: whether cookies or headers are sent, with which a site may show more.
    """

    depth: int
    hosts: frozenset[str]
    render: bool
    login: bool

    @classmethod
    def of(cls, config: ScrapeConfig, *, links: bool) -> Self:
        """What the settings permit; without ``links`` to follow, as in a list, depth and hosts do not matter."""
        hosts = frozenset(config.also_hosts) if links else frozenset[str]()
        login = bool(config.cookies or config.headers)
        return cls(depth=config.max_depth if links else 0, hosts=hosts, render=config.render, login=login)

    @classmethod
    def read(cls, text: str) -> Self | None:
        """What ``text`` wrote; None when it wrote nothing."""
        if not text:
            return None
        known = json.loads(text)
        return cls(**known | {"hosts": frozenset(known["hosts"])})

    def text(self) -> str:
        """The same as JSON."""
        return json.dumps(asdict(self) | {"hosts": sorted(self.hosts)})

    def within(self, other: Reach) -> bool:
        """Whether all that this permits the other permits, too."""
        more = self.depth > other.depth or self.render > other.render or self.login > other.login
        return not more and self.hosts <= other.hosts

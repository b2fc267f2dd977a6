"""How a gallery is crawled (pure)."""

from __future__ import annotations

import re
from typing import ClassVar, Literal

from pydantic import Field, field_validator

from deepstyle.config.base import MANY, Config

_HOST = re.compile(r"(?:(https?)://)?(\[[0-9a-f:.]+\]|[^\s/?#@:\[\]\\]+?)\.?(?::(\d*))?/?", re.IGNORECASE)
_NAME = re.compile(r"(?!.{254})(?:[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.(?!$)|$))+")
_REACHED = re.compile(  # a mail address, or a web address
    r"[^\s@<>()\[\],;:]+@[^\s@<>().,;:]+(?:\.[^\s@<>().,;:]+)+"
    r"|(?:https?://|\bwww\.)[^\s/?#@.]+\.[^\s/?#@]+"
    r"|^[\w-]+(?:\.[\w-]+)*\.[a-z]{2,}(?:/\S*)?$",
    re.IGNORECASE,
)
_DEFAULT_PORTS = {"http": {80}, "https": {443}, "": {80, 443}}


def _host(text: str) -> str:
    """A host as the URLs of its pages write it: name, and its port unless that is the default; empty when it is none."""
    match = _HOST.fullmatch(text.strip())
    if match is None:
        return ""
    try:
        name = match[2].lower() if match[2].isascii() else match[2].encode("idna").decode("ascii").lower()
    except UnicodeError:
        return ""
    port = int(match[3][:6]) if match[3] else None
    if not (name.startswith("[") or _NAME.fullmatch(name)) or (port is not None and not 0 < port < 65536):
        return ""
    return name if port is None or port in _DEFAULT_PORTS[(match[1] or "").lower()] else f"{name}:{port}"


class ScrapeConfig(Config):
    """How a gallery is crawled. Preset ``scrape``."""

    default_preset: ClassVar[str] = "scrape"
    kind: Literal["scrape"] = "scrape"
    rate: float = Field(
        4.0,
        gt=0,
        le=100_000,
        description="requests/s: most asked of one host; a site's Crawl-delay wins where it is slower",
    )
    connections: int = Field(4, ge=1, le=64, description="connections: most at a time to one host")
    user_agent: str = Field(
        "deepstyle/0.1 (+https://github.com/deepstyle/deepstyle)",
        min_length=3,
        description="what sites are told of who asks",
    )
    contact: str = Field(
        "",
        max_length=200,
        pattern=r"^[\x20-\x7e]*$",
        description="mail or web address of yours; sites are told it in the User-Agent (--contact)",
    )
    headers: dict[str, str] = Field(
        {}, description="names and values: headers sent to the hosts of the URLs that were given (--header)"
    )
    cookies: str = Field("", description="Netscape cookies.txt of the sites' cookies (--cookies); empty: none")
    proxy: str = Field("", description="http(s) proxy's address (--proxy); empty: none, whatever the environment says")
    render: bool = Field(False, description="run pages' scripts in a headless Chromium (--render)")
    also_hosts: tuple[str, ...] = Field((), description="hosts whose pages are visited, too (--also-host)")
    connect_timeout: float = Field(10, gt=0, le=300, description="seconds: time in which a connection must stand")
    read_timeout: float = Field(20, gt=0, le=600, description="seconds: silence after which an answer is given up")
    deadline: float = Field(60, gt=0, le=3600, description="seconds: time one whole response may take")
    retries: int = Field(3, ge=0, le=20, description="tries: repeats after a 429, 5xx or broken connection")
    max_retry_wait: float = Field(60, ge=0, le=3600, description="seconds: longest Retry-After that is waited for")
    max_redirects: int = Field(5, ge=0, le=30, description="redirects: most followed from one address")
    max_bytes: int = Field(30_000_000, ge=1_000, le=1_000_000_000, description="bytes: largest body, decompressed")
    max_pixels: int = Field(
        64_000_000, ge=10_000, le=1_000_000_000, description="pixels: width times height of the largest photo"
    )
    min_side: int = Field(256, ge=1, le=10_000, description="pixels: shorter side a photo must have")
    max_depth: int = Field(8, ge=0, le=100_000, description="links: farthest from the start page")
    max_pages: int = Field(5_000, ge=1, le=10_000_000, description="pages: most that one crawl visits")
    max_photos: int | None = Field(None, ge=1, le=MANY, description="photos: stop after this many; null: all")
    near_distance: int = Field(
        4, ge=0, le=32, description="bits: of a 64-bit hash, that may differ between near duplicates"
    )
    drop_near: bool = Field(False, description="do not keep near duplicates")
    allow_private: bool = Field(False, description="permit loopback and private addresses")

    @property
    def agent(self) -> str:
        """The User-Agent with the contact in it."""
        if not self.contact:
            return self.user_agent
        if self.user_agent.endswith(")"):
            return f"{self.user_agent[:-1]}; {self.contact})"
        return f"{self.user_agent} ({self.contact})"

    @field_validator("also_hosts")
    @classmethod
    def _are_hosts(cls, hosts: tuple[str, ...]) -> tuple[str, ...]:
        found = {one: _host(one) for one in hosts}
        if wrong := [one for one, host in found.items() if not host]:
            raise ValueError(f"{wrong[0]!r} is no host; write --also-host media.a-gallery.example")
        return tuple(found.values())

    @field_validator("contact")
    @classmethod
    def _reaches_someone(cls, contact: str) -> str:
        if contact and not _REACHED.search(contact):
            raise ValueError(
                f"{contact!r} holds neither a mail address nor a web address, so that no site's owner could reach you; write "
                "--contact me@a.example, or --contact https://a.example/about"
            )
        return contact

    @field_validator("headers")
    @classmethod
    def _are_headers(cls, headers: dict[str, str]) -> dict[str, str]:
        for name, value in headers.items():
            if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name) or not re.fullmatch(r"[\x20-\x7e\t]*", value):
                raise ValueError(f"{name!r} is no header; write --header 'Name: value'")
        return headers

    @field_validator("proxy")
    @classmethod
    def _is_proxy(cls, proxy: str) -> str:
        if proxy and not re.fullmatch(r"https?://[^\s/?#]+/?", proxy):
            raise ValueError("write it as http://host:port")
        return proxy

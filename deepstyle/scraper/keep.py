"""Pages that are kept, so that the next crawl asks only whether they have changed (pure): answers <-> records."""

from __future__ import annotations

import json
import zlib

from deepstyle.records import KeptAnswer
from deepstyle.scraper.answer import Fetched
from deepstyle.scraper.reservations import Verdict, recorded_statements

LARGEST = 2_000_000  # bytes of a page that is kept


def worth_keeping(answer: Fetched) -> bool:
    """Whether the answer is a whole page that can be asked about, and did not come through a redirect."""
    return (
        answer.outcome == "ok" and answer.status == 200 and bool(answer.etag or answer.modified)
        and len(answer.body) <= LARGEST and answer.final_url == answer.url
    )  # fmt: skip


def to_keep(answer: Fetched) -> KeptAnswer:
    """The record of an answer."""
    stated = Verdict(reserved=False, statements=answer.stated).words
    about = {"type": answer.content_type, "charset": answer.charset, "nofollow": answer.nofollow, "link": answer.link}
    return KeptAnswer(
        url=answer.url, etag=answer.etag, modified=answer.modified, about=json.dumps({**about, "stated": stated}),
        body=zlib.compress(answer.body, 1),
    )  # fmt: skip


def kept(record: KeptAnswer) -> Fetched | None:
    """The answer of a record; None when it is damaged."""
    try:
        about = json.loads(record.about)
        unpacker = zlib.decompressobj()
        body = unpacker.decompress(record.body, LARGEST + 1)
        return Fetched(
            outcome="ok", kind="page", url=record.url, final_url=record.url, body=body, etag=record.etag,
            modified=record.modified, content_type=str(about["type"]), charset=about["charset"], link=str(about["link"]),
            nofollow=bool(about["nofollow"]), stated=tuple(recorded_statements(str(about["stated"]))),
        )  # fmt: skip
    except (ValueError, KeyError, TypeError, zlib.error):
        return None

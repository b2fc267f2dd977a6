"""What a model learned from, for people and for programs: a data card, and its garments as Croissant 1.1 (pure).

The data card has the fields of the EU's summary of training content, as far as a workspace knows them. Croissant is
MLCommons' JSON-LD: https://docs.mlcommons.org/croissant/docs/croissant-spec-1.1.html
"""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from deepstyle import __version__
from deepstyle.images import sha256
from deepstyle.records import Garment

COLUMNS = ("garment", "label", "width", "height", "page_url", "photo_url", "licence", "credit", "acquired")
HEADS = ("the garment's file in the workspace", "its label", "pixels", "pixels", "the page that shows its photo",
         "the photo", "licence, as its owner gave it", "whom to name", "when the photo was taken over")  # fmt: skip
RESERVED = ("robots", "noai", "forgotten")  # outcomes of pictures that somebody wanted left out
OWN = "own files"  # in place of the domain of photos that were added from a folder
HERE = {"127.0.0.1", "::1", "localhost"}  # hosts of this machine: there is the site that `deepstyle demo` draws
TOP = 0.1  # share of the domains that are named, those with the most photos; ten at least
CONTEXT: dict[str, Any] = {
    "@language": "en", "@vocab": "https://schema.org/", "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/", "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/", "prov": "http://www.w3.org/ns/prov#",
    "citeAs": "cr:citeAs", "column": "cr:column", "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"}, "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "examples": {"@id": "cr:examples", "@type": "@json"}, "extract": "cr:extract", "field": "cr:field",
    "fileObject": "cr:fileObject", "fileProperty": "cr:fileProperty", "fileSet": "cr:fileSet", "format": "cr:format",
    "includes": "cr:includes", "isLiveDataset": "cr:isLiveDataset", "jsonPath": "cr:jsonPath", "key": "cr:key",
    "md5": "cr:md5", "parentField": "cr:parentField", "path": "cr:path", "recordSet": "cr:recordSet",
    "references": "cr:references", "regex": "cr:regex", "repeated": "cr:repeated", "replace": "cr:replace",
    "samplingRate": "cr:samplingRate", "separator": "cr:separator", "source": "cr:source", "subField": "cr:subField",
    "transform": "cr:transform",
}  # fmt: skip


def day(at: float) -> str:
    """Seconds since the epoch as a date."""
    return datetime.fromtimestamp(at, UTC).date().isoformat()


def domain_of(address: str) -> str:
    """The host of an address; "own files" of a photo that was added from a folder."""
    parts = urlsplit(address)
    return parts.hostname or "unknown" if parts.scheme in {"http", "https"} else OWN


def garments_csv(garments: Sequence[Garment]) -> str:
    """One line a garment: its file, label, size, and where its photo is from; of one's own files the name without folders."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for one in garments:
        page = "" if domain_of(one.page_url) == OWN else one.page_url  # where one's files lie is nobody else's business
        parts = urlsplit(one.image_url)
        photo = PurePosixPath(parts.path).name if parts.scheme in {"file", ""} else one.image_url
        writer.writerow([
            one.path, one.label, one.width, one.height, page, photo, one.licence, one.credit, day(one.at)
        ])  # fmt: skip
    return text.getvalue()


def croissant(name: str, garments: Sequence[Garment], table: str) -> str:
    """The garments behind the model ``name`` as Croissant; ``table``: the text of garments.csv, which stands beside it."""
    licences = sorted({one.licence for one in garments if one.licence}) or ["unknown: see each garment's page"]
    kinds = {
        "width": "sc:Integer",
        "height": "sc:Integer",
        "page_url": "sc:URL",
        "photo_url": "sc:URL",
        "acquired": "sc:Date",
    }
    fields = [
        {
            "@type": "cr:Field", "@id": f"garments/{column}", "name": column, "description": head,
            "dataType": kinds.get(column, "sc:Text"),
            "source": {"fileObject": {"@id": "garments.csv"}, "extract": {"column": column}},
        }
        for column, head in zip(COLUMNS, HEADS, strict=True)
    ]  # fmt: skip
    sites = sorted({domain_of(one.page_url) for one in garments})
    ways = [("web pages", "Web Scraping")] if set(sites) - {OWN} else []
    ways += [(OWN, "Manual Human Curation")] if OWN in sites else []
    about = {
        "@context": CONTEXT, "@type": "sc:Dataset", "conformsTo": "http://mlcommons.org/croissant/1.1",
        "name": f"{name}-garments", "version": "1.0.0", "license": licences,
        "description": f"{len(garments):,} garments that the generator {name} learned from, cut out of photos by deepstyle.",
        "url": "https://github.com/deepstyle/deepstyle", "citeAs": f"deepstyle {__version__}, {name}",
        "creator": {"@type": "sc:Person", "name": "whoever trained it"},
        "datePublished": day(max(one.at for one in garments)), "isLiveDataset": False,
        "rai:dataCollection": f"Photos of {' and '.join(word for word, _ in ways)}; garments found by a detector.",
        "rai:dataCollectionType": [kind for _, kind in ways],
        "prov:wasDerivedFrom": sites,
        "prov:wasGeneratedBy": {"@type": "prov:Activity", "prov:label": f"deepstyle {__version__}: scrape or add, crop"},
        "distribution": [{
            "@type": "cr:FileObject", "@id": "garments.csv", "name": "garments.csv", "contentUrl": "garments.csv",
            "description": "one line a garment", "encodingFormat": "text/csv", "sha256": sha256(table.encode()),
        }],
        "recordSet": [{
            "@type": "cr:RecordSet", "@id": "garments", "name": "garments", "description": "the garments",
            "key": {"@id": "garments/garment"}, "field": fields,
        }],
    }  # fmt: skip
    return json.dumps(about, indent=2, ensure_ascii=False)


def data_card(
    name: str, digest: str, garments: Sequence[Garment], *, left_out: Mapping[str, int], figures: Mapping[str, float],
    licence: str = "", began: str = "", note: str = "",
) -> str:  # fmt: skip
    """The card as Markdown. ``left_out``: pictures of the crawls by outcome; ``figures``: the judge's, as far as known.

    ``began``: whose weights it started from, "" if nobody's; ``note``: what is to be known of the list of garments.
    """
    photos = {one.photo: one for one in garments}
    sites = Counter(domain_of(one.page_url) for one in photos.values())
    named = sites.most_common(max(10, round(TOP * len(sites))))
    licences = Counter(one.licence or "none stated" for one in photos.values())
    reserved = {outcome: count for outcome, count in left_out.items() if outcome in RESERVED}
    rows = {
        "model": f"{name}, weights sha256 {digest}", "licence of the model": licence or "none stated",
        "started from": f"{began}; what that learned from is told by its own card" if began else "random weights",
        "data": f"images: {len(garments):,} garments cut out of {len(photos):,} photos" + (f", {note}" if note else ""),
        "labels": _counts(Counter(one.label for one in garments)),
        "acquired": f"{day(min(one.at for one in garments))} to {day(max(one.at for one in garments))}",
        "sources": f"{len(sites):,}; those with the most photos: {_counts(dict(named))}",
        "licences of the photos": _counts(licences),
        "reservations honoured": _counts(reserved) if reserved else "none were met",
        "figures": ", ".join(f"{key} {value:g}" for key, value in figures.items()) or "nobody judged it",
        "synthetic data": _synthetic(sites, began),
    }  # fmt: skip
    lines = [f"| {key} | {value.replace('|', '/')} |" for key, value in rows.items()]
    return "\n".join([f"# Data card: {name}", "", "| | |", "|---|---|", *lines, "", CLOSING, ""])


def _synthetic(sites: Mapping[str, int], began: str) -> str:
    """What is known of drawn or generated photos."""
    drawn = sum(count for site, count in sites.items() if site in HERE)
    known = "none was added to the photos"
    if drawn:
        known = f"{drawn:,} photos are from a server on this machine; those of `deepstyle demo` are drawn by a program"
    return f"{known}; of what it started from nothing is known here" if began else known


CLOSING = (
    "Each garment with its page, licence and credit stands in garments.csv; croissant.json describes it for programs."
)


def _counts(values: Mapping[str, int]) -> str:
    return ", ".join(f"{key} {count:,}" for key, count in values.items())

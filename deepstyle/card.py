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
from typing import Any
from urllib.parse import urlsplit

from deepstyle import __version__
from deepstyle.images import sha256
from deepstyle.records import Garment

COLUMNS = ("garment", "label", "width", "height", "page_url", "photo_url", "licence", "credit", "acquired")
HEADS = ("the garment's file in the workspace", "its label", "pixels", "pixels", "the page that shows its photo",
         "the photo", "licence, as its owner gave it", "whom to name", "when the photo was taken over")  # fmt: skip
RESERVED = ("robots", "noai", "forgotten")  # outcomes of pictures that somebody wanted left out
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
    return parts.hostname or "unknown" if parts.scheme in {"http", "https"} else "own files"


def garments_csv(garments: Sequence[Garment]) -> str:
    """One line a garment: its file, label, size, and where its photo is from."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for one in garments:
        writer.writerow([
            one.path, one.label, one.width, one.height, one.page_url, one.image_url, one.licence, one.credit, day(one.at)
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
    about = {
        "@context": CONTEXT, "@type": "sc:Dataset", "conformsTo": "http://mlcommons.org/croissant/1.1",
        "name": f"{name}-garments", "version": "1.0.0", "license": licences,
        "description": f"{len(garments):,} garments that the generator {name} learned from, cut out of photos by deepstyle.",
        "url": "https://github.com/deepstyle/deepstyle", "citeAs": f"deepstyle {__version__}, {name}",
        "creator": {"@type": "sc:Person", "name": "whoever trained it"},
        "datePublished": day(max(one.at for one in garments)), "isLiveDataset": False,
        "rai:dataCollection": "Photos of galleries and own files; garments found by a detector.",
        "rai:dataCollectionType": ["Web Scraping", "Manual Human Curation"],
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
    licence: str = "",
) -> str:  # fmt: skip
    """The card as Markdown. ``left_out``: pictures of the crawls by outcome; ``figures``: the judge's, as far as known."""
    photos = {one.photo: one for one in garments}
    sites = Counter(domain_of(one.page_url) for one in photos.values())
    named = sites.most_common(max(10, round(TOP * len(sites))))
    licences = Counter(one.licence or "none stated" for one in photos.values())
    reserved = {outcome: count for outcome, count in left_out.items() if outcome in RESERVED}
    rows = {
        "model": f"{name}, weights sha256 {digest}", "licence of the model": licence or "none stated",
        "data": f"images: {len(garments):,} garments cut out of {len(photos):,} photos",
        "labels": _counts(Counter(one.label for one in garments)),
        "acquired": f"{day(min(one.at for one in garments))} to {day(max(one.at for one in garments))}",
        "sources": f"{len(sites):,}; those with the most photos: {_counts(dict(named))}",
        "licences of the photos": _counts(licences),
        "reservations honoured": _counts(reserved) if reserved else "none were met",
        "figures": ", ".join(f"{key} {value:g}" for key, value in figures.items()) or "nobody judged it",
        "synthetic data": "none was added",
    }  # fmt: skip
    lines = [f"| {key} | {value.replace('|', '/')} |" for key, value in rows.items()]
    return "\n".join([f"# Data card: {name}", "", "| | |", "|---|---|", *lines, "", CLOSING, ""])


CLOSING = (
    "Each garment with its page, licence and credit stands in garments.csv; croissant.json describes it for programs."
)


def _counts(values: Mapping[str, int]) -> str:
    return ", ".join(f"{key} {count:,}" for key, count in values.items())

"""What a model learned from: the data card, the table of garments, and Croissant."""

from __future__ import annotations

import csv
import importlib
import io
import json
from importlib.util import find_spec
from pathlib import Path

import pytest

from deepstyle.card import COLUMNS, croissant, data_card, domain_of, garments_csv
from deepstyle.images import sha256
from deepstyle.records import Garment


def garment(number: int, page: str, label: str = "full", licence: str = "") -> Garment:
    """A garment of a photo of its own."""
    return Garment(
        photo=f"{number:064d}", k=0, label=label, path=f"garments/{label}/{number}-0.png", x0=0, y0=0, x1=9, y1=9, score=1,
        width=9, height=9, model="m", rule="r", at=1_790_000_000.0 + 86_400 * number, page_url=page,
        image_url=f"{page}/{number}.jpg", licence=licence, credit="Studio, Muster",
    )  # fmt: skip


GARMENTS = [
    garment(0, "https://a.example/x"), garment(1, "https://a.example/y", "upper"),
    garment(2, "https://b.example/", licence="CC0-1.0"), garment(3, "file:///home/me/photos"),
]  # fmt: skip


def test_the_card_tells_sources_licences_and_reservations() -> None:
    """Photos and garments are counted; domains, licences, dates, what was left out and the judge's figures are told."""
    card = data_card(
        "gan-001", "ab" * 32, GARMENTS, left_out={"kept": 4, "robots": 7, "noai": 2, "http-404": 5},
        figures={"frechet": 3.5}, licence="CC BY 4.0",
    )  # fmt: skip

    assert "4 garments cut out of 4 photos" in card
    assert "3; those with the most photos: a.example 2, b.example 1, own files 1" in card
    assert "none stated 3, CC0-1.0 1" in card
    assert "| reservations honoured | robots 7, noai 2 |" in card
    assert "2026-09-21 to 2026-09-24" in card
    assert "frechet 3.5" in card
    assert ("ab" * 32 in card, "CC BY 4.0" in card) == (True, True)


def test_the_table_names_each_garments_page() -> None:
    """garments.csv reads back to the garments, commas in their credits and all."""
    rows = list(csv.DictReader(io.StringIO(garments_csv(GARMENTS))))

    assert [row["garment"] for row in rows] == [one.path for one in GARMENTS]
    assert rows[2]["licence"] == "CC0-1.0"
    assert {row["credit"] for row in rows} == {"Studio, Muster"}


def test_ones_own_folders_are_not_told() -> None:
    """Of a photo that was added from a folder the table has its file's name, and neither its folder nor a page."""
    row = list(csv.DictReader(io.StringIO(garments_csv(GARMENTS))))[3]

    assert (row["page_url"], row["photo_url"]) == ("", "3.jpg")


@pytest.mark.parametrize(
    ("garments", "kinds"),
    [
        (GARMENTS, ["Web Scraping", "Manual Human Curation"]), (GARMENTS[:3], ["Web Scraping"]),
        (GARMENTS[3:], ["Manual Human Curation"]),
    ],
)  # fmt: skip
def test_croissant_tells_how_photos_came(garments: list[Garment], kinds: list[str]) -> None:
    """Photos of web pages were scraped, photos of folders were chosen by a person; only what happened is told."""
    assert json.loads(croissant("gan-001", garments, ""))["rai:dataCollectionType"] == kinds


def test_drawn_photos_are_told() -> None:
    """Photos of a server on this machine, as the demo's are, are told as such; of others none was added."""
    drawn = [*GARMENTS, garment(4, "http://127.0.0.1:8080/x")]
    cards = [data_card("g", "ab", ones, left_out={}, figures={}) for ones in (drawn, GARMENTS)]

    assert "| synthetic data | 1 photos are from a server on this machine" in cards[0]
    assert "| synthetic data | none was added to the photos |" in cards[1]
    assert "| started from | random weights |" in cards[1]


def test_croissant_points_at_the_table() -> None:
    """It conforms to 1.1, carries the table's hash, has a field for each column, and says what it was derived from."""
    table = garments_csv(GARMENTS)
    about = json.loads(croissant("gan-001", GARMENTS, table))

    assert about["conformsTo"] == "http://mlcommons.org/croissant/1.1"
    assert about["distribution"][0]["sha256"] == sha256(table.encode())
    assert [one["source"]["extract"]["column"] for one in about["recordSet"][0]["field"]] == list(COLUMNS)
    assert about["prov:wasDerivedFrom"] == ["a.example", "b.example", "own files"]
    assert about["license"] == ["CC0-1.0"]


@pytest.mark.skipif(find_spec("mlcroissant") is None, reason="mlcroissant is not installed")
@pytest.mark.filterwarnings("ignore")  # its dependencies' own
def test_mlcroissant_reads_it(tmp_path: Path) -> None:
    """MLCommons' own library finds no error, and its records are the garments."""
    mlcroissant = importlib.import_module("mlcroissant")
    table = garments_csv(GARMENTS)
    (tmp_path / "garments.csv").write_text(table)
    (tmp_path / "croissant.json").write_text(croissant("gan-001", GARMENTS, table))
    data = mlcroissant.Dataset(tmp_path / "croissant.json")

    assert not data.metadata.issues.errors
    assert len(list(data.records("garments"))) == len(GARMENTS)


def test_domains() -> None:
    """A site is its host; a photo from a folder is one's own."""
    assert [domain_of(address) for address in ("https://A.example:8080/x", "file:///x", "/home/x")] == [
        "a.example", "own files", "own files",
    ]  # fmt: skip

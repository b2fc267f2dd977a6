"""The review page: what stands on it, and that its button saves what `crop --exclude` reads."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from browser import chromium
from cutting import QUIET, FakeDetector, cut, fill

from deepstyle.catalog import Catalog
from deepstyle.config import CropConfig, load_config
from deepstyle.crop.marks import apply_marks, parse_marks
from deepstyle.crop.review import THUMB, page, thumbnail, write_review
from deepstyle.images import decode

HAND = """<script>
const blobs = [], press = (...all) => all.forEach((key) => document.activeElement.dispatchEvent(
  new KeyboardEvent("keydown", { key, bubbles: true })));
URL.createObjectURL = (blob) => { blobs.push(blob); return "#"; };
press("ArrowRight", "x", "ArrowRight", "x", "s");          // the first and the third garment
document.querySelectorAll(".card")[0].click();            // the first is good after all
press("s");
at("undo").hidden || at("undo").click();
Promise.all(blobs.map((blob) => blob.text())).then((texts) => {
  const told = Object.assign(document.createElement("pre"), { id: "saved", textContent: JSON.stringify(texts) });
  document.body.append(told);
});
</script></body>"""


def data_of(path: Path) -> dict[str, Any]:
    """What the page holds, as a program reads it."""
    match = re.search(r'<script type="application/json" id="data">(.*?)</script>', path.read_text(), re.DOTALL)
    assert match
    return dict(json.loads(match[1]))


def write(catalog: Catalog, *overrides: str) -> Path:
    return write_review(catalog, "fake@1", load_config(CropConfig, None, overrides), reporter=QUIET)


def test_the_page_shows_what_the_rules_choose(tmp_path: Path) -> None:
    """Each chosen garment is on the page with its box in shares of the photo, and each photo with a thumbnail."""
    with Catalog(tmp_path) as catalog:
        fill(catalog, 3)
        cut(catalog, FakeDetector())
        data = data_of(write(catalog, "margin=0", "min_score=0.7"))

    assert data["model"] == "fake@1"
    assert data["labels"] == ["upper"]
    assert [tuple(row) for row in data["garments"]] == [
        (i, 0, 0, 0.9, round(10 / 120, 4), 0, round(110 / 120, 4), 0.5, 0, 0) for i in range(3)
    ]
    for photo in data["photos"]:
        small = decode((tmp_path / "review" / "photos" / f"{photo['sha256']}.jpg").read_bytes())
        assert small.shape == (200, 120, 3)
        assert (tmp_path / "review" / photo["path"]).is_file()


def test_uncertain_garments_are_told_apart(tmp_path: Path) -> None:
    """A garment is uncertain when its score hardly reaches the least, or another label is seen there almost as surely."""
    with Catalog(tmp_path) as catalog:
        fill(catalog, 2)
        cut(catalog, FakeDetector())
        assert [row[9] for row in data_of(write(catalog))["garments"]] == [0, 0, 0, 0]
        assert [row[9] for row in data_of(write(catalog, "min_score=0.55"))["garments"]] == [0, 1, 0, 1]
        first, second = (photo.sha256 for photo in catalog.photos())
        rivals = [(10, 0, 110, 100, "upper", 0.9), (12, 0, 110, 100, "lower", 0.7)]
        catalog.detections.add(first, "fake@1", rivals)
        catalog.detections.add(second, "fake@1", [*rivals[:1], (10, 80, 110, 200, "lower", 0.7)])

        assert [row[9] for row in data_of(write(catalog, "max_overlap=0.5"))["garments"]] == [1, 0, 0]


def test_marked_garments_are_on_the_page_as_marked(tmp_path: Path) -> None:
    """A garment that was excluded can be seen, and so be taken back."""
    with Catalog(tmp_path) as catalog:
        fill(catalog, 2)
        cut(catalog, FakeDetector())
        sha = catalog.photos()[1].sha256
        catalog.detections.exclude("fake@1", [(sha, 1)])
        rows = data_of(write(catalog))["garments"]

    assert [(row[0], row[1]) for row in rows if row[8]] == [(1, 1)]
    assert len(rows) == 4


def test_words_of_a_website_are_data(tmp_path: Path) -> None:
    """Whatever an address holds, it ends neither the data nor the script."""
    evil = "http://a.example/</script><script>alert(1)</script>"
    path = tmp_path / "index.html"
    path.write_text(page({"photos": [{"page": evil}]}))

    assert data_of(path)["photos"][0]["page"] == evil
    assert path.read_text().count("</script>") == 2


def test_the_page_loads_nothing_from_elsewhere() -> None:
    """No address of any other place stands in the page."""
    assert re.findall(r"(?:https?:)?//[a-z]", page({}).replace("/^https?:/", "")) == []


def test_a_photo_that_cannot_be_read_has_no_picture(tmp_path: Path) -> None:
    """A lost photo does not stop the page."""
    with Catalog(tmp_path) as catalog:
        fill(catalog, 2)
        cut(catalog, FakeDetector())
        lost = catalog.photos()[0]
        catalog.path(lost.path).unlink()
        index = write(catalog)

    assert len(data_of(index)["garments"]) == 4
    assert len(list((tmp_path / "review" / "photos").iterdir())) == 1


def test_thumbnails_fit(tmp_path: Path) -> None:
    """A large photo becomes a picture of at most the page's size, with its aspect."""
    with Catalog(tmp_path) as catalog:
        fill(catalog, 1, height=1200, width=500)
        small = thumbnail(catalog.path(catalog.photos()[0].path).read_bytes())

    assert small.shape == (THUMB[1], round(THUMB[1] * 500 / 1200), 3)


@pytest.mark.slow
def test_the_button_saves_a_list_that_is_read_back(tmp_path: Path) -> None:
    """Keys and clicks in a real browser mark garments; the saved files are lists of marks of this detector."""
    with Catalog(tmp_path) as catalog:
        fill(catalog, 3)
        cut(catalog, FakeDetector())
        before = (catalog.photos()[2].sha256, 0)
        catalog.detections.exclude("fake@1", [before])
        index = write(catalog, "margin=0")
        rows = sorted((row for row in data_of(index)["garments"]), key=lambda row: row[3])
        names = [(data_of(index)["photos"][row[0]]["sha256"], row[1]) for row in rows]
        index.write_text(index.read_text().replace("</body>", HAND))
        dumped = subprocess.run(
            [chromium(), "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'browser'}",
             "--virtual-time-budget=5000", "--dump-dom", index.as_uri()],
            capture_output=True, text=True, check=True, timeout=600,
        ).stdout  # fmt: skip
        found = re.search(r'<pre id="saved">(.*?)</pre>', dumped, re.DOTALL)
        assert found
        first, second = (parse_marks(text) for text in json.loads(found[1]))

        assert set(first.marks) == {names[0], names[2], before}
        assert set(second.marks) == {names[2], before}
        assert (second.model, second.strange) == ("fake@1", ())
        (tmp_path / "exclude.txt").write_text(json.loads(found[1])[1])
        told = apply_marks(catalog, "fake@1", exclude=tmp_path / "exclude.txt", include=None, reporter=QUIET)
        assert told == {"excluded now": 1}


LOOK = """<script>
const left = (card) => Math.round(card.getBoundingClientRect().left);
const cards = [...document.querySelectorAll(".card")];
at("save").disabled && cards[1].click();
document.body.append(Object.assign(document.createElement("pre"), { id: "seen", textContent: JSON.stringify({
  sticky: getComputedStyle(document.querySelector("header")).position === "sticky",
  across: new Set(cards.map(left)).size,
  over: document.documentElement.scrollWidth - document.documentElement.clientWidth,
  uncertain: cards.map((card) => card.textContent.includes("uncertain")),
  marked: cards.map((card) => card.getAttribute("aria-pressed") === "true"), foot: !at("foot").hidden,
  lines: Math.round(at("command").getClientRects()[0].height / 20) }) }));
</script></body>"""


@pytest.mark.slow
def test_the_page_fits_a_telephone(tmp_path: Path) -> None:
    """On 500 pixels (a browser's least) two garments stand side by side below a head that scrolls away; uncertain ones say so."""
    with Catalog(tmp_path) as catalog:
        fill(catalog, 32)
        cut(catalog, FakeDetector())
        index = write(catalog, "min_score=0.55")
    index.write_text(index.read_text().replace("</body>", LOOK))
    dumped = subprocess.run(
        [chromium(), "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'browser'}",
         "--window-size=500,900", "--virtual-time-budget=5000", "--dump-dom", index.as_uri()],
        capture_output=True, text=True, check=True, timeout=600,
    ).stdout  # fmt: skip
    found = re.search(r'<pre id="seen">(.*?)</pre>', dumped, re.DOTALL)
    assert found
    seen = json.loads(found[1])

    assert (seen["sticky"], seen["across"], seen["over"], seen["foot"], seen["lines"]) == (False, 2, 0, True, 1)
    assert (sum(seen["uncertain"]), seen["marked"].index(True), sum(seen["marked"])) == (32, 1, 1)

"""What a person sees in TensorBoard: a short training, the real server, a real browser."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import yaml
from browser import chromium
from playwright.sync_api import Locator, Page, expect, sync_playwright
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from test_dcgan_train import QUIET, config, packed
from test_score import LABELS, MeanColours

from deepstyle.catalog import Catalog
from deepstyle.config import GanConfig, build
from deepstyle.dcgan.sample import generate, latents, load_generator
from deepstyle.dcgan.train import train_gan
from deepstyle.images import Pixels, decode, tile
from deepstyle.metrics.tracker import Tracker
from deepstyle.run import watch_command

PATIENCE = 120  # seconds for one thing to appear: the machine may be busy with the other tests
GAME = [f"3 GAN game/{name}" for name in ("loss/d", "loss/g", "d/real", "d/fake", "augmentation", "variety")]
CURVES = [*GAME, *(f"4 GAN machine/{name}" for name in ("gradient/d", "gradient/g", "images_per_second"))]
FIGURES = [f"2 GAN quality/{name}" for name in ("frechet", "kid", "precision", "recall", "coverage")]
GRID, REAL, CATEGORIES = (f"1 GAN samples/{name}" for name in ("1 generated", "2 real garments", "3 categories"))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run of seconds, judged by a hand-written extractor."""
    folder = tmp_path_factory.mktemp("tensorboard")
    data = packed(folder)
    with Catalog(folder) as catalog:
        return train_gan(
            data, catalog, config("images=800", "snapshot_every=200", "augment=color,translation"), reporter=QUIET,
            on_snapshot=Tracker(data, MeanColours(), LABELS),
        ).folder  # fmt: skip


def test_everything_to_watch_is_logged(run: Path) -> None:
    """Grids of the same seeds through time, the real grid, the game's curves, the judge's figures, config and settings."""
    events = EventAccumulator(str(run), size_guidance={"images": 0}).Reload()
    generator, trained = load_generator(run)
    grids = events.Images(GRID)

    assert [event.step for event in grids] == [0, 200, 400, 600, 800]
    assert (decode(grids[-1].encoded_image_string) == tile(generate(generator, latents(range(4), 16)), columns=2)).all()
    assert [event.step for event in events.Images(CATEGORIES)] == [0, 200, 400, 600, 800]
    assert [event.step for event in events.Images(REAL)] == [0]
    for tags, steps in ((CURVES, [400, 800]), (FIGURES, [0, 200, 400, 600, 800])):
        assert {tag: [event.step for event in events.Scalars(tag)] for tag in tags} == dict.fromkeys(tags, steps)
    text = events.Tensors("config/text_summary")[0].tensor_proto.string_val[0].decode()
    assert build(GanConfig, yaml.safe_load(text), origin="TensorBoard") == trained
    assert "hparams" in events.SummaryMetadata("_hparams_/session_start_info").plugin_data.plugin_name


@contextmanager
def tensorboard(logdir: Path) -> Iterator[str]:
    """The address of TensorBoard, started as a training says it is, on a free port of loopback, while the block runs."""
    words = [*shlex.split(watch_command(logdir))[1:], "--host", "127.0.0.1", "--port", "0"]
    with subprocess.Popen(
        [sys.executable, "-m", "tensorboard.main", *words],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    ) as process:  # fmt: skip
        guard = threading.Timer(PATIENCE, process.kill)
        guard.start()
        said = []
        try:
            assert process.stdout is not None
            for line in process.stdout:
                said.append(line)
                if found := re.search(r" at (http://127\.0\.0\.1:\d+/)", line):
                    guard.cancel()
                    yield found[1]
                    return
            pytest.fail("TensorBoard did not start: " + "".join(said))
        finally:
            guard.cancel()
            process.terminate()


@contextmanager
def browser(executable: str, address: str) -> Iterator[Page]:
    """A page of a headless browser at TensorBoard, once that has read the run to its end."""
    with sync_playwright() as playwright, playwright.chromium.launch(executable_path=executable) as started:
        page = started.new_page(viewport={"width": 1400, "height": 1000})
        page.set_default_timeout(PATIENCE * 1000)
        expect.set_options(timeout=PATIENCE * 1000)
        page.goto(address)
        page.wait_for_function(
            """async () => {  // the row of the table of runs is written last
                const answer = await fetch('data/plugin/hparams/experiment?request=%7B%7D');
                return answer.ok && ((await answer.json()).hparamInfos ?? []).length > 0;
            }""",
            polling=500,
        )
        yield page


def open_tab(page: Page, address: str, name: str) -> None:
    """Open a tab as a link to it does."""
    page.goto(f"{address}?{name}#{name}")  # another query: the page is loaded anew, and with it what was read by now
    expect(page.get_by_role("tab", name=name, exact=True)).to_have_attribute("aria-selected", "true")


def shown(picture: Locator) -> Pixels:
    """The pixels of an <img> once the browser has decoded them, H x W x 3 uint8."""
    width, height, values = picture.evaluate("""async (image) => {
        await image.decode();
        const canvas = new OffscreenCanvas(image.naturalWidth, image.naturalHeight);
        const context = canvas.getContext("2d");
        context.drawImage(image, 0, 0);
        return [canvas.width, canvas.height, [...context.getImageData(0, 0, canvas.width, canvas.height).data]];
    }""")
    return np.array(values, np.uint8).reshape(height, width, 4)[..., :3]


@pytest.mark.slow
def test_a_person_finds_the_run_in_tensorboard(run: Path, tmp_path: Path) -> None:
    """IMAGES shows the newest grid and the real garments pixel for pixel; the other tabs the curves, config and settings."""
    executable = chromium()
    with tensorboard(run.parent) as address, browser(executable, address) as page:
        open_tab(page, address, "images")
        for tag, file in ((GRID, "grid-0000000800.png"), (REAL, "real.png")):
            card = page.locator("tf-image-loader").filter(has_text=f"tag: {tag}")
            assert (shown(card.locator("img")) == decode((run / "samples" / file).read_bytes())).all()
        page.screenshot(path=tmp_path / "images.png")
        open_tab(page, address, "scalars")
        for tags in (CURVES, FIGURES):
            page.locator("tf-tag-filterer input").fill(f"^({'|'.join(tags)})$")
            for tag in tags:
                expect(page.get_by_text(f"tag: {tag}", exact=True).first).to_be_visible()
        page.screenshot(path=tmp_path / "scalars.png")
        open_tab(page, address, "text")
        expect(page.locator("tf-text-loader")).to_contain_text("latent: 16")
        page.screenshot(path=tmp_path / "text.png")
        open_tab(page, address, "hparams")
        table = page.locator("tf-hparams-table-view")
        for words in ("gan-001", "1 frechet", "2 images seen", "3 size", "4 loss", "5 lr"):
            expect(table.get_by_text(words).first).to_be_attached()
        page.screenshot(path=tmp_path / "hparams.png")

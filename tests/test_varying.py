"""Marks, mixtures, the nearest image to a photo, and enlarged files, by the command."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from PIL import Image
from test_made import told

from deepstyle.cells import caption, enlarge
from deepstyle.cli import main
from deepstyle.config import GanConfig, load_config
from deepstyle.dcgan.build import AnyGenerator, build_generator
from deepstyle.dcgan.sample import generate, labels_of, latents, to_uint8, truncated
from deepstyle.dcgan.trained import TrainedGenerator, open_model, save_model
from deepstyle.dcgan.variations import distance, mixed, nearest_latent
from deepstyle.files import put_file
from deepstyle.images import decode, encode
from deepstyle.sampling import through


def generator(preset: str = "dcgan-32", *, labels: int = 0) -> AnyGenerator:
    """A tiny one whose images differ from seed to seed."""
    config = load_config(GanConfig, preset, ["width=8", "latent=8"])
    torch.manual_seed(0)
    made = build_generator(config, torch.full((labels,), 1 / labels) if labels else None).eval()
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.mul_(4)
    return made


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder."""
    folder = tmp_path_factory.mktemp("models") / "tiny"
    config = load_config(GanConfig, "dcgan-32", ["width=8", "latent=8", "condition=label"])
    labels = ("dress", "skirt")
    made = TrainedGenerator(
        name="tiny", generator=generator(labels=2), config=config, labels=labels, figures={}, licence="CC BY 4.0"
    )
    save_model(folder, made)
    return folder


def sample(model: Path, out: Path, *words: str, code: int = 0) -> str:
    """Run the command on the model."""
    done = CliRunner().invoke(
        main, ["-q", "-w", str(out / "w"), "sample", "--model", str(model), "--out", str(out), *words]
    )
    assert done.exit_code == code, done.output
    return done.output


def mark(path: Path) -> dict[str, str]:
    """What a file says of how it was made."""
    return told(path.read_bytes())


def test_every_file_says_how_it_was_made(model: Path, tmp_path: Path) -> None:
    """Samples and grids name the model, the hash of its weights, their seeds and the licence, which --licence changes."""
    sample(model, tmp_path, "--seeds", "3-5")
    sample(model, tmp_path / "own", "--seeds", "3", "--licence", "CC0-1.0")
    one, grid = mark(tmp_path / "seed-000004.png"), mark(tmp_path / "grid.png")

    assert one["Iptc4xmpExt:DigitalSourceType"].endswith("/trainedAlgorithmicMedia")
    assert (one["deepstyle:Model"], one["deepstyle:Seeds"], grid["deepstyle:Seeds"]) == ("tiny", "4", "3-5")
    assert one["deepstyle:ModelSHA256"] == hashlib.sha256((model / "weights.safetensors").read_bytes()).hexdigest()
    assert one["xmpRights:UsageTerms"] == "CC BY 4.0"
    assert mark(tmp_path / "own/seed-000003.png")["xmpRights:UsageTerms"] == "CC0-1.0"


def test_a_seed_keeps_its_label_at_every_truncation(model: Path, tmp_path: Path) -> None:
    """Truncated samples and mixtures show the label that their seed picks, though the truncated latent would pick others."""
    made, z = open_model(model).generator, latents(range(8), 8)
    own = labels_of(z, made.told.shares)
    sample(model, tmp_path, "--seeds", "0-7", "--truncation", "0.5")
    sample(model, tmp_path, "--mix", "0-7", "--truncation", "0.5")

    assert (own != labels_of(truncated(z, 0.5), made.told.shares)).any()
    for seed, image in enumerate(generate(made, truncated(z, 0.5), own)):
        mixture = decode(next(tmp_path.glob(f"mix-{seed:06d}-{seed:06d}*.png")).read_bytes())
        assert (decode((tmp_path / f"seed-{seed:06d}-t0.5.png").read_bytes()) == image).all()
        assert np.abs(mixture.astype(int) - image).max() <= 1


def test_enlarged_files_say_so(model: Path, tmp_path: Path) -> None:
    """--upscale 4 gives Pillow's Lanczos of the image, four times as large; summary and file say that nothing was added."""
    sample(model, tmp_path, "--seeds", "3")
    said = sample(model, tmp_path, "--seeds", "3", "--upscale", "4")
    small = Image.open(io.BytesIO((tmp_path / "seed-000003.png").read_bytes())).convert("RGB")
    large = decode((tmp_path / "seed-000003-x4.png").read_bytes())

    assert (large == np.asarray(small.resize((128, 128), Image.Resampling.LANCZOS))).all()
    assert "enlarged 4 times by Lanczos" in said
    assert "adds no detail" in mark(tmp_path / "seed-000003-x4.png")["deepstyle:Note"]


@pytest.mark.parametrize("preset", ["dcgan-32", "residual-64"])
def test_a_seed_mixed_with_itself_is_itself(preset: str) -> None:
    """A latent with its own manner gives its own image, to a grey level; another's manner moves it towards the other."""
    made = generator(preset)
    a, b = latents([1], 8), latents([2], 8)
    own, other = (generate(made, z)[0].astype(int) for z in (a, b))
    same, both = (to_uint8(mixed(made, a, z, None))[0].astype(int) for z in (a, b))

    assert np.abs(same - own).max() <= 1
    assert np.abs(both - own).max() > 1
    assert np.abs(both.mean((0, 1)) - other.mean((0, 1))).sum() < np.abs(own.mean((0, 1)) - other.mean((0, 1))).sum()


def test_mixtures_stand_on_a_sheet(model: Path, tmp_path: Path) -> None:
    """Two seeds make a sheet of two by two with captions and four marked files; one seed is refused."""
    sample(model, tmp_path, "--mix", "3,17")

    assert decode((tmp_path / "mix-3-17.png").read_bytes()).shape == (2 * 46 + 2, 2 * 34 + 2, 3)
    assert len(list(tmp_path.glob("mix-??????-??????.png"))) == 4
    assert mark(tmp_path / "mix-000003-000017.png")["deepstyle:Seeds"] == "3 x 17"
    assert "--mix" in sample(model, tmp_path, "--mix", "3", code=2)
    assert "one at a time" in sample(model, tmp_path, "--mix", "3,17", "--novelty", code=2)


def test_the_search_goes_downhill() -> None:
    """From an image of the generator's own the search comes nearer than any of the seeds that it begins with."""
    made = generator()
    wanted = made(latents([5000], 8)).detach()
    begun, found = (nearest_latent(made, wanted, steps=steps) for steps in (0, 60))
    again = distance(made(found.z).detach(), wanted)

    assert found.distance < 0.8 * begun.distance
    assert float(again) == pytest.approx(found.distance, abs=1e-4)


def test_like_stands_beside_its_photo(model: Path, tmp_path: Path) -> None:
    """The nearest image, a sheet that is marked as a composite, and the latent with its label are written."""
    (tmp_path / "my dress.png").write_bytes(encode(np.full((50, 40, 3), (200, 30, 30), np.uint8)))
    said = sample(model, tmp_path, "--like", str(tmp_path / "my dress.png"), "--label", "skirt")
    name = f"like-my-dress-{hashlib.sha256((tmp_path / 'my dress.png').read_bytes()).hexdigest()[:8]}-skirt"
    about = json.loads((tmp_path / f"{name}.json").read_text())

    assert decode((tmp_path / f"{name}.png").read_bytes()).shape == (32, 32, 3)
    assert mark(tmp_path / f"{name}-beside.png")["Iptc4xmpExt:DigitalSourceType"].endswith("/compositeSynthetic")
    assert (about["label"], len(about["z"])) == ("skirt", 8)
    assert "grey levels" in said


def test_what_is_no_photo_is_named(model: Path, tmp_path: Path) -> None:
    """A file that --like cannot read as a picture is told of by its flag and name."""
    (tmp_path / "notes.txt").write_text("no picture")

    assert f"--like {tmp_path / 'notes.txt'}: " in sample(
        model, tmp_path, "--like", str(tmp_path / "notes.txt"), code=1
    )


def test_a_label_is_known_in_any_case(model: Path, tmp_path: Path) -> None:
    """A label's capitals do not matter, as they do not for train-gan: the images are the same."""
    for word, out in (("skirt", "small"), ("Skirt", "large")):
        sample(model, tmp_path / out, "--count", "1", "--label", word)

    assert (tmp_path / "small/seed-000000-skirt.png").read_bytes() == (
        tmp_path / "large/seed-000000-skirt.png"
    ).read_bytes()


def test_a_seed_named_twice_is_made_once(model: Path, tmp_path: Path) -> None:
    """One seed is one file, and is counted once."""
    assert sample(model, tmp_path, "--seeds", "5,5,7", "--label", "skirt").startswith("2 samples are in")


def test_other_wishes_have_other_names(model: Path, tmp_path: Path) -> None:
    """Mixtures say truncation, label and size, images like photos which photo as well: none takes another's place."""
    for words in ((), ("--truncation", "0.5"), ("--upscale", "2"), ("--label", "skirt")):
        sample(model, tmp_path, "--mix", "3,17", *words)

    for tail in ("", "-t0.5", "-x2", "-skirt"):
        assert {f"mix-3-17{tail}.png", f"mix-000003-000017{tail}.png"} <= {path.name for path in tmp_path.iterdir()}
    for folder, grey in (("a", 10), ("b", 200)):
        put_file(tmp_path / folder / "dress.png", encode(np.full((8, 8, 3), grey, np.uint8)))
        sample(model, tmp_path, "--like", str(tmp_path / folder / "dress.png"), "--upscale", "2")
    assert len(list(tmp_path.glob("like-dress-????????-x2.png"))) == 2


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--mix", "3,17", "--seeds", "0-3"), "--seeds: --mix is given its own seeds; leave out --seeds"),
        (("--interpolate", "3,17", "--count", "4"), "--count: --interpolate is given its own seeds"),
        (("--like", "PHOTO", "--count", "4", "--truncation", "0.5"), "--count and --truncation: --like searches"),
        (("--like", "PHOTO", "--label", "dress,skirt"), "one --label at most"),
        (("--seeds", "5,9", "--count", "4"), "--count: --seeds names each of them; leave out --count"),
        (("--export", "onnx", "--seeds", "5"), "--seeds: --export writes the generator and no images"),
        (("--export", "onnx", "--label", "dress", "--upscale", "2"), "--label and --upscale: --export writes"),
        (("--interpolate", "3,17", "--upscale", "4"), "--upscale: --interpolate is given its own seeds and size"),
    ],
)
def test_what_would_be_ignored_is_refused(model: Path, tmp_path: Path, words: tuple[str, ...], message: str) -> None:
    """Flags that say nothing to a job are refused with what to leave out."""
    put_file(tmp_path / "p.png", encode(np.full((8, 8, 3), 90, np.uint8)))
    said = sample(model, tmp_path, *(str(tmp_path / "p.png") if word == "PHOTO" else word for word in words), code=2)

    assert message in " ".join(said.split())


def test_captions_leave_the_images_alone() -> None:
    """Each image keeps its pixels, and what is written under it differs from name to name."""
    pictures = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3)).astype(np.uint8)
    named = caption(pictures, ["3", "17"])

    assert named.shape == (2, 44, 32, 3)
    assert (named[:, :32] == pictures).all()
    assert (named[0, 32:] != named[1, 32:]).any()
    assert enlarge(pictures, 1) is pictures


def test_walks_through_other_seeds_have_other_names() -> None:
    """A walk is called after its seeds, in their order; many seeds are told by a digest that differs."""
    names = [through(seeds) for seeds in ([3, 5], [5, 3], range(999), range(998))]

    assert names[:2] == ["walk-3-5", "walk-5-3"]
    assert len({len(name) for name in names[2:]}) == 1
    assert len(set(names)) == 4

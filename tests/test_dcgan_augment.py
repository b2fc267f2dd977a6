"""What the discriminator sees of an image: mirroring, DiffAugment, and the strength that ADA steers."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from deepstyle.dcgan import augment
from deepstyle.engine import seeded

ALL = ("color", "translation", "cutout")


def chances(count: int, seed: int = 0) -> Tensor:
    return torch.rand(count, augment.CHANCES, generator=seeded(seed))


def test_flip_mirrors_about_half() -> None:
    """Each image is either itself or its mirror, about half of them mirrored."""
    images = torch.randn(200, 3, 8, 8)
    flipped = augment.flip(images, torch.rand(200, generator=seeded(0)))
    same = (flipped == images).flatten(1).all(1)
    mirrored = (flipped == images.flip(3)).flatten(1).all(1)

    assert (same | mirrored).all()
    assert 60 < int(mirrored.sum()) < 140


def test_translation_moves_by_whole_pixels() -> None:
    """Every translated image is a shift of the original by at most an eighth, with zeros coming in."""
    images = torch.arange(1.0, 1 + 5 * 3 * 16 * 16).reshape(5, 3, 16, 16)
    moved = augment.translation(images, torch.rand(5, 2, generator=seeded(3)))
    for before, after in zip(images, moved, strict=True):
        shifts = []
        for dy in range(-2, 3):
            for dx in range(-2, 3):
                padded = F.pad(before, (2, 2, 2, 2))
                shifts.append(torch.equal(padded[:, 2 + dy : 18 + dy, 2 + dx : 18 + dx], after))

        assert sum(shifts) == 1


def test_cutout_blanks_a_quarter_at_most() -> None:
    """Cutout zeroes one rectangle, at most half the side each way (plus its odd pixel), and nothing else."""
    cut = augment.cutout(torch.ones(50, 3, 32, 32), torch.rand(50, 2, generator=seeded(1)))
    for image in cut[:, 0]:
        rows, columns = (image == 0).any(1).sum(), (image == 0).any(0).sum()

        assert (image == 0).sum() == rows * columns
        assert max(rows, columns) <= 17
    assert (cut == 0).any()


@pytest.mark.parametrize("policy", ["color", "translation", "cutout"])
def test_gradients_pass_through(policy: str) -> None:
    """DiffAugment is differentiable: the generator gets a gradient through every policy."""
    images = torch.randn(4, 3, 16, 16, requires_grad=True)
    augment.augment(images, [policy], chances(4)).square().sum().backward()  # type: ignore[no-untyped-call]

    assert images.grad is not None
    assert images.grad.abs().sum() > 0


def test_colours_change_as_in_the_paper() -> None:
    """Brightness + b - 0.5, then saturation x 2 s, then contrast x (c + 0.5) around the mean, computed pixel by pixel."""
    images = torch.rand(40, 3, 6, 5, generator=seeded(1), dtype=torch.float64) * 2 - 1
    drawn = torch.rand(40, 3, generator=seeded(2), dtype=torch.float64)
    drawn[0], drawn[1] = 0, 1
    changed = augment.color(images, drawn).numpy()
    for image, (b, s, c), got in zip(images.numpy(), drawn.tolist(), changed, strict=True):
        bright = image + (b - 0.5)
        grey = (bright[0] + bright[1] + bright[2]) / 3
        vivid = np.stack([grey + (channel - grey) * 2 * s for channel in bright])
        middle = vivid.sum() / vivid.size

        assert np.allclose(got, middle + (vivid - middle) * (0.5 + c), atol=1e-12)


@pytest.mark.parametrize(
    ("chance", "rows"), [(0.5, range(8, 25)), (0.0, range(9)), (0.999, range(23, 32)), (0.26, range(17))]
)
def test_cutout_blanks_to_the_pixel(chance: float, rows: range) -> None:
    """Of 32 rows those within 8 of the centre are blank, and so are the columns: 17 by 17 where nothing is cut off."""
    cut = augment.cutout(torch.ones(2, 1, 32, 32), torch.tensor([[chance, 0.5], [0.5, chance]]))
    blank = torch.zeros(32, 32, dtype=torch.bool)
    blank[rows.start : rows.stop, 8:25] = True

    assert torch.equal(cut[0, 0] == 0, blank)
    assert torch.equal(cut[1, 0] == 0, blank.T)


def test_mirroring_begins_at_one_half() -> None:
    """A chance of exactly one half mirrors, the number below does not."""
    images = torch.arange(8.0).reshape(2, 1, 1, 4)
    flipped = augment.flip(images, torch.tensor([0.5, 0.49999997]))

    assert flipped.flatten(1).tolist() == [[3.0, 2.0, 1.0, 0.0], [4.0, 5.0, 6.0, 7.0]]


def test_a_policy_is_applied_below_its_strength() -> None:
    """A chance of exactly the strength leaves the image, one below it changes it: strength 0 changes none."""
    drawn = torch.full((2, augment.CHANCES), 0.75)
    drawn[1, 7 + 2] = 0.25
    changed = (augment.augment(torch.ones(2, 3, 8, 8), ["cutout"], drawn, 0.75) == 0).flatten(1).any(1)

    assert changed.tolist() == [False, True]


def test_no_policy_changes_nothing() -> None:
    """Without policies the very same images come back."""
    images = torch.randn(2, 3, 8, 8)

    assert augment.augment(images, (), chances(2)) is images


def test_auto_augments_when_images_are_few() -> None:
    """Auto means translation below 10,000 images and none above; a list means itself; an empty one none."""
    assert augment.policies_for("auto", 700) == ("translation",)
    assert augment.policies_for("auto", 10_000) == ()
    assert augment.policies_for(["color"], 700) == ("color",)
    assert augment.policies_for((), 700) == ()


def test_translation_reaches_every_shift() -> None:
    """All 5 x 5 shifts of up to an eighth of 16 pixels occur, none further."""
    images = torch.zeros(1000, 1, 16, 16)
    images[:, :, 8, 8] = 1
    places = augment.translation(images, torch.rand(1000, 2, generator=seeded(0))).flatten(1).argmax(1)

    assert {divmod(int(place), 16) for place in places} == {
        (8 + dy, 8 + dx) for dy in range(-2, 3) for dx in range(-2, 3)
    }


def test_strength_is_the_share_of_images_that_change() -> None:
    """At strength 0.3 each policy changes about 30 % of the images, the same ones as a tensor does; 0 and 1 none and all."""
    images = torch.randn(2000, 3, 8, 8)
    drawn = chances(2000)
    for policy in ("color", "cutout"):
        soft = augment.augment(images, [policy], drawn, 0.3)
        changed = (soft != images).flatten(1).any(1)

        assert changed.float().mean().item() == pytest.approx(0.3, abs=0.05)
        assert torch.equal(augment.augment(images, [policy], drawn, torch.tensor(0.3)), soft)
    assert torch.equal(augment.augment(images, ALL, drawn, 0.0), images)
    assert torch.equal(augment.augment(images, ALL, drawn, torch.tensor(1.0)), augment.augment(images, ALL, drawn, 1.0))


def test_each_images_augmentation_is_its_own() -> None:
    """Half of a batch with its half of the chances is augmented as it is in the whole batch."""
    images, drawn = torch.randn(8, 3, 16, 16), chances(8)
    whole = augment.augment(images, ALL, drawn, 0.7)

    assert torch.equal(augment.augment(images[4:], ALL, drawn[4:], 0.7), whole[4:])


def test_ada_moves_towards_its_target() -> None:
    """Too sure a discriminator means more augmentation, an unsure one less; the strength stays in [0, 1]."""
    now = torch.tensor(0.5)

    assert augment.adapted(now, torch.tensor(0.9), 0.6, 0.1).item() == pytest.approx(0.6)
    assert augment.adapted(now, torch.tensor(0.1), 0.6, 0.1).item() == pytest.approx(0.4)
    assert augment.adapted(torch.tensor(0.95), torch.tensor(1.0), 0.6, 0.1).item() == 1.0
    assert augment.adapted(torch.tensor(0.05), torch.tensor(-1.0), 0.6, 0.1).item() == 0.0

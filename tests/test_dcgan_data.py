"""The real images of a step."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from test_dcgan_train import packed

from deepstyle.dcgan.data import Conditions, RealImages

CPU = torch.device("cpu")


def test_batches_are_the_packed_images(tmp_path: Path) -> None:
    """A batch holds the images of its indices, in order, scaled to [-1, 1], channels last in memory."""
    data = packed(tmp_path)
    images, labels = RealImages(data, None, CPU).batch(np.array([7, 3, 7]))
    expected = data.images[[7, 3, 7]].astype(np.float32).transpose(0, 3, 1, 2) / 127.5 - 1

    assert labels is None
    assert np.abs(images.numpy() - expected).max() < 1e-6
    assert images.is_contiguous(memory_format=torch.channels_last)


def test_a_dataset_that_fits_is_moved_as_a_whole(tmp_path: Path) -> None:
    """With room for all images they lie on the device and give the same batches; with a byte too little they do not."""
    data = packed(tmp_path)
    whole = RealImages(data, None, CPU, room=data.images.nbytes)
    parts = RealImages(data, None, CPU, room=data.images.nbytes - 1)
    indices = np.array([5, 0, 39])

    assert whole.resident is not None
    assert parts.resident is None
    assert torch.equal(whole.batch(indices)[0], parts.batch(indices)[0])


def test_labels_come_with_their_images(tmp_path: Path) -> None:
    """Each image's label is that of its index; shares are the labels' frequencies."""
    told = Conditions(names=("a", "b", "c"), labels=np.arange(40) % 2)
    _, labels = RealImages(packed(tmp_path), told, CPU).batch(np.array([4, 1, 39]))

    assert labels is not None
    assert labels.tolist() == [0, 1, 1]
    assert told.shares().tolist() == [0.5, 0.5, 0.0]

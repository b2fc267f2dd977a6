"""What the trainings of classifier and tagger share: rates of stages, moving average, mixed images, weights of labels."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from test_classifier import CONFIG, make_table
from test_lite import _published

from deepstyle.annotations.table import LabelRow
from deepstyle.catalog import Catalog
from deepstyle.classifier import data, learner
from deepstyle.classifier.augment import mix
from deepstyle.classifier.build import build_network
from deepstyle.classifier.evaluate import from_probabilities
from deepstyle.classifier.find_lr import draw, find_rate, sweep
from deepstyle.classifier.train import label_weights, train_classifier
from deepstyle.config import ClassifierConfig, load_config
from deepstyle.engine import make_fabric
from deepstyle.errors import ConfigError, TrainingError
from deepstyle.lite import MEAN, classifier_from_published
from deepstyle.progress import Reporter
from deepstyle.weights import load_checkpoint

GENTLE = CONFIG.model_copy(update={"backbone_lr": 0.1, "frozen_share": 0.25, "ema": 0.9})


def _started(config: ClassifierConfig) -> learner.Learner:
    return learner.start(config, make_fabric("32"), lambda: build_network("small", 3, width=8))


def test_the_first_stages_learn_least() -> None:
    """Rates rise from stage to stage, the body's last one has ``backbone_lr`` of the last layer's, its first the square."""
    state = _started(GENTLE)
    learner.set_rates(state.optimizer, 0.5, GENTLE)
    rates = [group["lr"] for group in state.optimizer.param_groups]

    assert rates == sorted(rates)
    assert rates[0] == pytest.approx(0.01 * rates[-1])
    assert sorted(set(rates))[-2] == pytest.approx(0.1 * rates[-1])
    assert len({id(p) for group in state.optimizer.param_groups for p in group["params"]}) == len(
        list(state.network.parameters())
    )
    assert len(_started(CONFIG).optimizer.param_groups) == 2


def test_frozen_at_first_only_the_last_layer_learns() -> None:
    """During ``frozen_share`` of the run a step changes the last layer alone; then a second cycle changes all."""
    state = _started(GENTLE)
    before = {name: tensor.clone() for name, tensor in state.network.named_parameters()}

    def step(progress: float) -> set[str]:
        learner.set_rates(state.optimizer, progress, GENTLE)
        state.network(torch.rand(4, 3, 32, 32)).square().sum().backward()
        state.optimizer.step()
        return {name for name, tensor in state.network.named_parameters() if not torch.equal(tensor, before[name])}

    assert step(0.1) == {"fc.weight", "fc.bias"}
    assert step(0.3) > {"fc.weight", "fc.bias", "body.stem.0.weight"}
    assert learner.set_rates(state.optimizer, 0.2499, GENTLE) < GENTLE.lr / 100
    assert learner.set_rates(state.optimizer, 0.25 + 0.75 * learner.RISE, GENTLE) == pytest.approx(GENTLE.lr)


def test_frozen_throughout_the_body_never_learns() -> None:
    """With ``frozen_share`` 1 the last layer alone has a rate, in one cycle over the whole run, its end included."""
    config = GENTLE.model_copy(update={"frozen_share": 1.0})
    state = _started(config)
    rates = [learner.set_rates(state.optimizer, progress, config) for progress in (0.1, learner.RISE, 0.9, 1.0)]

    assert {group["lr"] for group in state.optimizer.param_groups if not group["head"]} == {0.0}
    assert rates == [learner.learning_rate(progress, config.lr) for progress in (0.1, learner.RISE, 0.9, 1.0)]


def test_the_average_follows_and_steps_aside() -> None:
    """The moving average is between its start and the weights; it stands in for them for as long as it is asked to."""
    state = _started(GENTLE)
    weight = state.network.get_submodule("fc").weight
    assert isinstance(weight, torch.Tensor)
    with torch.no_grad():
        first = weight.clone()
        weight += 1
    state.step = 1000
    state.follow(0.9)
    with state.averaged() as network:
        assert torch.allclose(network.state_dict()["fc.weight"], first + 0.1, atol=1e-5)
    assert torch.equal(weight, first + 1)
    other = _started(GENTLE)
    other.load({**state.dump(), "images": 16}, "here")
    assert other.average is not None
    assert torch.allclose(other.average["fc.weight"], first + 0.1, atol=1e-5)


@pytest.mark.parametrize("how", ["mixup", "cutmix"])
def test_mixed_images_have_mixed_targets(how: str) -> None:
    """What an image has of the next one, its target has as well."""
    images = torch.arange(4.0).view(4, 1, 1, 1).expand(4, 3, 16, 16) / 4
    for seed in range(5):
        mixed, targets = mix(images, torch.eye(4), how, torch.Generator().manual_seed(seed))
        expected = (targets * torch.arange(4.0) / 4).sum(1)

        assert torch.allclose(mixed.mean(dim=(1, 2, 3)), expected, atol=1e-5)
        assert torch.allclose(targets.sum(1), torch.ones(4))


def test_rare_labels_weigh_more() -> None:
    """At 1 all labels weigh the same together, at 0 all images alike; the mean over the images is 1."""
    labels = np.array([0] * 8 + [1] * 2)

    assert label_weights(labels, 2, 1.0).tolist() == pytest.approx([0.625, 2.5])
    assert label_weights(labels, 3, 0.0)[:2].tolist() == [1.0, 1.0]


def test_most_confused_pairs_come_first() -> None:
    """Pairs of true and called label by how often they occur; none where nothing is wrong."""
    probabilities = np.eye(3, dtype=np.float32)[[1, 1, 2, 1, 0]]
    found = from_probabilities(np.array([0, 0, 1, 1, 2]), probabilities, ("a", "b", "c"))

    assert found.most_confused(2) == [("a", "b", 2), ("b", "c", 1)]
    assert found.most_confused(9) == [("a", "b", 2), ("b", "c", 1), ("c", "a", 1)]
    assert (found.top1, found.top5) == (0.2, 1.0)


def test_a_split_that_shares_groups_is_said_aloud() -> None:
    """A given split with a group on both sides is a warning that counts and names them; a clean one is not."""
    rows = [LabelRow(path=Path(f"{i}.jpg"), label="a", group=group) for i, group in enumerate(("x", "y", "x"))]
    told = io.StringIO()
    data.tell_split(data.Sides(train=rows[:2], validation=rows[2:], test=[]), Reporter(stream=told))
    clean = io.StringIO()
    data.tell_split(data.Sides(train=rows[1:2], validation=rows[2:], test=[]), Reporter(stream=clean))
    marked = io.StringIO()
    data.tell_split(data.Sides(train=rows[:1], validation=rows[1:2], test=rows[2:]), Reporter(stream=marked))

    assert "1 of the 1 groups held out" in told.getvalue()
    assert "e.g. x" in told.getvalue()
    assert clean.getvalue() == ""
    assert "1 of the 1 groups marked test (senders, garments) are trained or validated on" in marked.getvalue()


def test_lite0_starts_from_its_imagenet_weights_alone() -> None:
    """All but the last layer is the published network's, with its own preprocessing; from nothing it is refused."""
    config = load_config(ClassifierConfig, None, ["network=lite0", "pretrained=true"])
    state = _published(1000)
    asked: list[tuple[str, str]] = []

    def fetch(network: str, source: str, reporter: Reporter) -> dict[str, torch.Tensor]:
        asked.append((network, source))
        return state

    trunk = learner.trunk_of(config.model_copy(update={"pretrained_from": "here"}), fetch, Reporter(quiet=True))
    network = build_network("lite0", 3, imagenet=trunk).state_dict()
    whole = classifier_from_published(state)

    assert asked == [("efficientnet_lite0", "here")]
    assert all(torch.equal(network[name], value) for name, value in whole.items() if not name.startswith("fc."))
    assert network["fc.weight"].shape == (3, 1280)
    assert learner.preprocessing_of(config, 96).mean == MEAN
    with pytest.raises(ConfigError, match="pretrained=true"):
        learner.check(config.model_copy(update={"pretrained": False}))


def test_a_training_with_all_of_it_ends_with_the_average(tmp_path: Path) -> None:
    """Frozen, then gentle, mixed, balanced and averaged: the run ends, and what is kept is the average, at its temperature."""
    config = GENTLE.model_copy(update={"images": 64, "mix": "cutmix", "balance": 1.0})
    with Catalog(tmp_path) as catalog:
        result = train_classifier(make_table(tmp_path / "photos", 18), catalog, config, reporter=Reporter(quiet=True))
    state = load_checkpoint(max((tmp_path / "runs" / result.run / "snapshots").glob("*.pt")))
    from safetensors.torch import load_file

    kept = load_file(result.folder / "weights.safetensors")["fc.weight"]

    assert result.calibration is not None
    cooled = state["average"]["fc.weight"].half().float() / result.calibration.temperature
    assert torch.equal(kept, cooled.half())
    assert not torch.equal(kept, state["network"]["fc.weight"].half())


def test_rates_are_tried_until_the_loss_is_lost() -> None:
    """A loss that falls and then bursts: the suggestion is a tenth of the rate of the lowest, the steepest lies before it."""
    tried: list[float] = []

    def step(_: int, rate: float) -> float:
        tried.append(rate)
        return 2 - min(1.5, 40 * rate) if rate < 0.1 else 1e6

    found = sweep(step)
    lowest = found.rates[int(np.argmin(found.losses))]

    assert tried == sorted(tried)
    assert tried[0] == pytest.approx(1e-6)
    assert len(tried) < 100
    assert found.suggested == lowest / 10
    assert 1e-3 < found.steepest <= lowest <= 0.1
    assert draw(found).shape == (360, 640, 3)
    with pytest.raises(TrainingError, match="any rate"):
        sweep(lambda *_: float("nan"))


def test_finding_a_rate_leaves_no_run(tmp_path: Path) -> None:
    """Rates are tried on a network that is thrown away; a picture stays, and no run and no model."""
    with Catalog(tmp_path) as catalog:
        found = find_rate(make_table(tmp_path / "photos", 12), catalog, CONFIG, reporter=Reporter(quiet=True), steps=6)
        assert (catalog.runs(), catalog.models()) == ([], [])
    assert found.picture is not None
    assert found.picture.is_file()

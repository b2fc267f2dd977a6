"""One step of the game."""

from __future__ import annotations

import shutil

import pytest
import torch
from torch import Tensor

from deepstyle.config import GanConfig, load_config
from deepstyle.dcgan.augment import augment, flip
from deepstyle.dcgan.game import adapt, follow, half_life, look_at, play
from deepstyle.dcgan.loss import discriminator_loss, generator_loss, slope
from deepstyle.dcgan.players import Players
from deepstyle.engine import make_fabric, seeded
from deepstyle.errors import ConfigError

SMALL = ["size=32", "width=4", "max_width=8", "latent=8", "batch_size=8", "precision=32"]


def players(*settings: str, preset: str = "residual-64") -> Players:
    config = load_config(GanConfig, preset, [*SMALL, *settings])
    return Players(
        config, make_fabric(config.precision), 1000, torch.ones(3) / 3 if config.condition != "none" else None
    )


def real(p: Players) -> Tensor:
    return torch.rand(p.config.batch_size, 3, 32, 32, generator=seeded(0)) * 2 - 1


def step(p: Players, labels: Tensor | None = None) -> dict[str, float]:
    played = play(p, real(p), labels)
    p.step += 1
    p.images += p.config.batch_size
    return {"d": float(played.d_loss), "g": float(played.g_loss)}


@pytest.mark.parametrize("loss", ["bce", "hinge", "relativistic"])
@pytest.mark.parametrize("norm", ["batch", "spectral", "none"])
@pytest.mark.parametrize("network", ["dcgan", "residual"])
def test_every_combination_plays(loss: str, norm: str, network: str) -> None:
    """Each network with each norm and loss, told labels, moves both players, and their losses stay finite."""
    if (network, norm) == ("residual", "batch"):
        return
    penalty = "0" if norm == "batch" else "0.5"
    p = players(
        f"loss={loss}", f"norm={norm}", f"network={network}", f"r1={penalty}", f"r2={penalty}", "condition=label"
    )
    before = [w.detach().clone() for w in (*p.generator.parameters(), *p.discriminator.parameters())]
    losses = [step(p, torch.arange(8) % 3) for _ in range(3)]
    after = [*p.generator.parameters(), *p.discriminator.parameters()]

    assert all(torch.tensor(list(one.values())).isfinite().all() for one in losses)
    moved = [not torch.equal(a, b) for a, b in zip(before, after, strict=True)]
    assert sum(moved) / len(moved) > 0.9


@pytest.mark.parametrize("upsampling", ["transposed", "mixed", "nearest", "filtered", "balanced"])
@pytest.mark.parametrize("updates", ["alternating", "simultaneous"])
def test_gradients_lie_in_memory_as_their_weights_do(upsampling: str, updates: str) -> None:
    """Each gradient, and each of Adam's means, has its weight's strides: fused Adam on a CPU pairs them as they lie, unasked."""
    p = players(f"upsampling={upsampling}", f"updates={updates}", preset="dcgan-plus-64")
    for _ in range(2):
        step(p, torch.arange(8) % 3)

    for optimizer in (p.g_optimizer, p.d_optimizer):
        for weight, means in optimizer.state.items():
            assert weight.grad is not None
            assert weight.grad.stride() == weight.stride()
            assert means["exp_avg"].stride() == means["exp_avg_sq"].stride() == weight.stride()


def test_one_pass_is_two_passes() -> None:
    """Without batch norm, D's logits of real and generated images in one pass equal those of a pass each."""
    p = players("penalty_every=2")
    p.step = 1
    a, b = real(p), real(p).flip(2)
    together = look_at(p, a, b, None)

    assert together[2] is None
    assert torch.allclose(together[0], p.discriminator(a), atol=1e-5)
    assert torch.allclose(together[1], p.discriminator(b), atol=1e-5)


@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize("loss", ["bce", "relativistic"])
def test_learning_at_once_follows_both_gradients(loss: str, number: int) -> None:
    """With simultaneous updates each network gets its own loss's gradient at the same weights, with a penalty and without."""
    p = players(
        f"loss={loss}", "updates=simultaneous", "network=dcgan", "norm=none", "minibatch_stddev=false", "penalty_every=2",
        "augment=[translation]", "ada_target=null", "r1=0.5", "r2=0.25", "condition=label",
    )  # fmt: skip
    p.step, labels = number, torch.arange(8) % 3
    now = p.draw()
    seen = augment(flip(real(p), now.flips), p.policies, now.chances[0], p.strength)
    made = augment(p.generator(now.z[0], labels), p.policies, now.chances[1], p.strength)
    said, answer = p.discriminator(seen, labels), p.discriminator(made, labels)
    wanted_of_g = torch.autograd.grad(
        generator_loss(answer, said, loss), list(p.generator.parameters()), retain_graph=True
    )
    d_loss = discriminator_loss(said, p.discriminator(made.detach(), labels), loss)
    if number == 0:
        for images, weight in ((seen, 0.5), (made, 0.25)):
            one = images.detach().requires_grad_()
            squares = slope(one, p.discriminator(one, labels)).square().sum((1, 2, 3))
            d_loss = d_loss + 2 * weight / 2 * squares.mean()
    wanted_of_d = torch.autograd.grad(d_loss, list(p.discriminator.parameters()), allow_unused=True)

    play(p, real(p), labels)

    for network, wanted in ((p.generator, wanted_of_g), (p.discriminator, wanted_of_d)):
        for tensor, gradient in zip(network.parameters(), wanted, strict=True):
            torch.testing.assert_close(tensor.grad, gradient, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("wrong", ["norm=batch", "loss=hinge", "minibatch_stddev=true"])
def test_learning_at_once_needs_a_discriminator_of_single_images(wrong: str) -> None:
    """Simultaneous updates are refused where D's logits depend on other images, or its loss has no slope everywhere."""
    others = ["network=dcgan", "r1=0", "r2=0", "minibatch_stddev=false"] if wrong == "norm=batch" else ["r1=1"]

    with pytest.raises(ConfigError, match="updates=alternating"):
        load_config(GanConfig, "residual-64", ["updates=simultaneous", "minibatch_stddev=false", *others, wrong])


def test_a_lazy_penalty_weighs_as_much() -> None:
    """Every 4th step has the penalty, 4 times: R1 / 2 of real and R2 / 2 of generated images, computed one by one."""
    p = players("penalty_every=4", "r1=3", "r2=5")
    a, b = real(p), real(p).flip(2)
    means = []
    for images in (a, b):
        squares = []
        for image in images:
            one = image[None].clone().requires_grad_()
            squares.append(float(slope(one, p.discriminator(one)).detach().square().sum()))
        means.append(sum(squares) / 8)
    penalties = []
    for p.step in range(8):
        penalties.append(look_at(p, a, b, None)[2])

    assert [number for number, one in enumerate(penalties) if one is not None] == [0, 4]
    assert penalties[0] is not None
    assert float(penalties[0].detach()) == pytest.approx(4 * (3 * means[0] + 5 * means[1]) / 2, rel=1e-4)
    assert float(p.penalty) == pytest.approx((3 * means[0] + 5 * means[1]) / 2, rel=1e-4)


def test_ada_moves_every_fourth_step() -> None:
    """D sure of 7 in 8 real images (mean sign 0.75 > 0.6) raises the strength, of 6 lowers it, by 4 batches' share each."""
    p = players("ada_images=320", "strength=0")
    seen = []
    for p.step in range(24):
        adapt(p, torch.tensor([1.0] * (7 if p.step < 12 else 6) + [-1.0] * (1 if p.step < 12 else 2)))
        seen.append(round(float(p.strength), 4))

    assert seen == [0.0] * 3 + [0.1] * 4 + [0.2] * 4 + [0.3] * 4 + [0.2] * 4 + [0.1] * 4 + [0.0]
    fixed = players("strength=0.2", "ada_target=null")
    adapt(fixed, torch.ones(8))
    assert fixed.strength == 0.2


def test_the_average_follows_by_half_lives() -> None:
    """After one half-life of images half the way is gone; the ramp shortens it to a share of the images seen."""
    a, b = torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)
    middle = (a.weight + b.weight).detach() / 2
    follow(a, b, 100, 100)
    config = load_config(GanConfig, "residual-64", ["ema_images=1000", "ema_ramp=0.05"])

    assert torch.allclose(a.weight, middle)
    assert (half_life(config, 0), half_life(config, 10_000), half_life(config, 10**6)) == (0, 500, 1000)
    follow(a, b, 0, 8)
    assert torch.equal(a.weight, b.weight)


def test_random_numbers_depend_on_seed_step_and_rollbacks() -> None:
    """The same step draws the same, another step, seed or rollback draws something else."""

    def z(seed: int, number: int, rollbacks: int) -> float:
        p = players(f"seed={seed}")
        p.step, p.rollbacks = number, rollbacks
        return float(p.draw().z.sum())

    assert z(0, 5, 0) == z(0, 5, 0)
    assert len({z(0, 5, 0), z(0, 6, 0), z(1, 5, 0), z(0, 5, 1)}) == 4


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # the compiler's own, about its internals
@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a C++ compiler on a CPU")
def test_compiled_networks_play_the_same_game() -> None:
    """With compile=true the losses of the first steps are those without, and a snapshot has the same names."""
    plain, compiled = (
        players(f"compile={flag}", "network=dcgan", "lr=0.000001", preset="dcgan-32") for flag in ("false", "true")
    )  # a small rate: Adam would make whole steps of gradients that are rounding alone
    for _ in range(4):
        one, other = step(plain), step(compiled)

        assert one == pytest.approx(other, abs=1e-4)
    assert plain.dump().keys() == compiled.dump().keys()
    assert list(plain.generator.state_dict()) == list(compiled.generator.state_dict())


@pytest.mark.parametrize("size", [32, 64, 128, 256])
def test_the_dcgan_presets_play_the_paper_s_game(size: int) -> None:
    """Dcgan presets play binary cross entropy with batch norm, Adam 2e-4 and 0.5, and no penalty."""
    config = load_config(GanConfig, f"dcgan-{size}")

    assert (config.network, config.loss, config.norm, config.r1, config.r2) == ("dcgan", "bce", "batch", 0, 0)
    assert (config.lr, config.beta1, config.beta2, config.latent) == (2e-4, 0.5, 0.999, 100)
    assert (config.condition, config.upsampling) == ("none", "transposed")

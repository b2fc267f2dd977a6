"""What is refused before torch is imported, which takes seconds: names that nothing has, empty folders, unknown labels.

Each looks at names, heads and descriptions alone, with the functions that the real work calls later.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from deepstyle.commands.options import Session
from deepstyle.errors import DeepstyleError, InputError


def tell_gone(session: Session, catalog: Any, *kinds: str) -> None:
    """Say which models of these kinds (``run``: GAN runs) are passed over, since somebody deleted their folders."""
    from deepstyle.status import passed_over

    for sentence in [one for kind in kinds if catalog is not None for one in passed_over(catalog, kind)]:
        session.reporter.say(sentence)


def check_gan(session: Session, catalog: Any, asked: Any, classifier: str | None) -> None:
    """Refuse a judge that is not there, and garments that are not, before a GAN's training; None asks for no garments."""
    from deepstyle.classifier.find import find_classifier_folder
    from deepstyle.garments import garments_for

    if classifier is None:
        tell_gone(session, catalog, "classifier")
    find_classifier_folder(catalog, classifier)
    if asked is not None:
        garments_for(catalog, asked)


def require_pictures(folder: Path, *, least: int = 1) -> int:
    """How many pictures are below a folder, ``least`` at most, by their names. Raises InputError when there are none."""
    from deepstyle.annotations.table import SUFFIXES
    from deepstyle.files import shown
    from deepstyle.scraper.folder import count_named

    if not (found := count_named(folder, SUFFIXES, least)):
        raise InputError(f"{shown(folder)}: holds no pictures (files named {', '.join(SUFFIXES)})")
    return found


def check_score(session: Session, catalog: Any, options: dict[str, Any]) -> None:
    """Refuse a judge, a run, a model or a folder that `score` cannot use."""
    from deepstyle.classifier.find import find_classifier_folder
    from deepstyle.config import GanConfig, load_config
    from deepstyle.files import shown
    from deepstyle.garments import LEAST, garments_for, require_count
    from deepstyle.status import find_generator

    if options["classifier"] is None:
        tell_gone(session, catalog, "classifier")
    find_classifier_folder(catalog, options["classifier"])
    if options["folder"] is None:
        if options["run"] is None and options["model"] is None:
            tell_gone(session, catalog, "run")
        find_generator(catalog, run=options["run"], model=options["model"])
    for folder, words, remedy in (
        (options["folder"], "pictures", "give a folder with more"),
        (options["against"], "real garments", "add photos and crop them"),
    ):
        if folder is not None:
            found = require_pictures(folder, least=LEAST)
            require_count(found, f"{shown(folder)}: {found} {words}", remedy)
    if options["against"] is None:
        found = len(garments_for(catalog, load_config(GanConfig, None)))
        require_count(found, f"{found} real garments", "add photos and crop them")


def check_real(session: Session, catalog: Any, classifier: str | None) -> None:
    """Refuse a judge and real garments that `sample --novelty` cannot compare with."""
    from deepstyle.config import GanConfig, load_config

    check_gan(session, catalog, load_config(GanConfig, None), classifier)


def check_sample(options: dict[str, Any]) -> None:
    """Refuse a photo that is none, and a name that no video can have."""
    from deepstyle import images
    from deepstyle.files import read_regular, shown

    if options["interpolate"] and options["video"]:
        from deepstyle.dcgan.video import check_video

        check_video(options["video"])
    if options["like"]:
        try:
            images.probe(read_regular(options["like"], images.MAX_BYTES))
        except InputError as error:
            raise InputError(f"--like {shown(options['like'])}: {error}; give a photo, a .jpg or .png say") from error


def known_labels(folder: Path) -> list[str] | None:
    """The labels that a generator is told, as its run's or model's folder says; None where that cannot be read."""
    from deepstyle.about import read_about
    from deepstyle.config import GanConfig, load_config

    try:
        if load_config(GanConfig, folder / "config.yaml").condition == "none":
            return []
        if (folder / "model.json").is_file():
            return list(read_about(folder)["labels"])
        return [str(one) for one in json.loads((folder / "labels.json").read_text("utf-8"))]
    except (DeepstyleError, OSError, ValueError):
        return None  # what is wrong with the folder is told when it is opened


def check_predict(session: Session, catalog: Any, paths: Sequence[Path], **named: Any) -> None:
    """Refuse models, detectors and folders that `predict` cannot use."""
    from deepstyle.classifier.find import find_named, parted_routes
    from deepstyle.status import find_model

    if named["model"] is None:
        tell_gone(session, catalog, "classifier")
    find_named(catalog, named["model"])
    for model in parted_routes(named["router"], named["routes"]).values():
        find_named(catalog, model, flag="--route")
    if named["router"] is not None:
        find_named(catalog, named["router"], flag="--router")
    if named["region"] not in {None, "none"}:
        find_model(catalog, named["region"], flag="--region", kind="detector")
    for path in paths:
        if path.is_dir():
            require_pictures(path)

"""The commands as a person types them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from deepstyle import __version__
from deepstyle.catalog import Catalog
from deepstyle.cli import main


def commands(group: click.Group = main, prefix: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            found += commands(command, (*prefix, name))
        else:
            found.append((*prefix, name))
    return found


def run(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, words)
    return result.exit_code, result.output


def test_help_is_quick_because_it_imports_little() -> None:
    """`deepstyle --help` imports click, the standard library and a few files of ours: neither torch nor any other package."""
    script = (
        "import sys\nbefore = set(sys.modules)\nfrom deepstyle.cli import main\ntry:\n    main(['--help'])\n"
        "except SystemExit:\n    pass\nprint('IMPORTED', *sorted(set(sys.modules) - before))\n"
    )
    told = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout
    packages = {name.partition(".")[0] for name in told.partition("IMPORTED")[2].split()}

    assert packages - set(sys.stdlib_module_names) == {"click", "deepstyle"}


def test_scrape_does_not_import_torch() -> None:
    """The scraper's modules, and status, run without torch."""
    script = (
        "import sys\nimport deepstyle.scraper.scrape, deepstyle.scraper.fetch, deepstyle.catalog, deepstyle.status\n"
        "assert 'torch' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


@pytest.mark.parametrize("command", ["crop", "train-gan", "sample", "score", "status"])
def test_a_wrong_workspace_is_told_before_torch_is_imported(tmp_path: Path, command: str) -> None:
    """Where there is no workspace each command that needs one says so at once: it has not waited for torch."""
    script = (
        "import sys\nfrom deepstyle.cli import main\ntry:\n    main(sys.argv[1:])\n"
        "except SystemExit as end:\n    sys.exit(f'exit {end.code}, torch {\"torch\" in sys.modules}')\n"
    )
    words = ["-w", str(tmp_path / "nowhere"), command]
    done = subprocess.run([sys.executable, "-c", script, *words], check=False, capture_output=True, text=True)

    assert "there is no workspace yet" in done.stderr
    assert "exit 2, torch False" in done.stderr


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, "2000 14"),
        ({"GOMP_SPINCOUNT": "7", "OPENBLAS_THREAD_TIMEOUT": "9"}, "7 9"),
        ({"OMP_WAIT_POLICY": "ACTIVE"}, "None 14"),
    ],
    ids=["default", "count", "policy"],
)
def test_threads_do_not_spin_for_long(tmp_path: Path, given: dict[str, str], expected: str) -> None:
    """Before torch and numpy are imported OpenMP and OpenBLAS are told to spin briefly, unless the user has said how to wait."""
    script = (
        "import os, sys\nfrom deepstyle.cli import main\ntry:\n    main(sys.argv[1:])\n"
        "except SystemExit:\n    assert not {'torch', 'numpy'} & sys.modules.keys()\n"
        "    print(os.environ.get('GOMP_SPINCOUNT'), os.environ.get('OPENBLAS_THREAD_TIMEOUT'))\n"
    )
    names = {"GOMP_SPINCOUNT", "OMP_WAIT_POLICY", "OPENBLAS_THREAD_TIMEOUT"}
    own = {k: v for k, v in os.environ.items() if k not in names}
    words = ["-w", str(tmp_path / "nowhere"), "status"]
    done = subprocess.run(
        [sys.executable, "-c", script, *words], check=True, capture_output=True, text=True, env=own | given
    )

    assert done.stdout.splitlines()[-1] == expected


@pytest.mark.parametrize("words", [(), ("data",)], ids=["deepstyle", "data"])
def test_the_list_of_commands_cuts_no_line_short(words: tuple[str, ...]) -> None:
    """Each command's first line fits into the list that --help shows at 80 columns."""
    code, text = run(*words, "--help")

    assert code == 0
    assert "..." not in text.split("\nCommands:")[1]


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_every_command_has_help_with_an_example(words: tuple[str, ...]) -> None:
    """--help of each command exits 0 and shows an example that starts with `deepstyle <command>`."""
    code, text = run(*words, "--help")

    assert code == 0
    assert "Example:" in text
    assert f"deepstyle {' '.join(words)}" in text.split("Example:")[1]


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_every_command_has_json_for_programs(words: tuple[str, ...]) -> None:
    """Each command takes --json."""
    assert "--json" in run(*words, "--help")[1]


def test_a_dry_run_for_programs_is_json() -> None:
    """--dry-run --json prints the configuration as one JSON object on standard output."""
    told = CliRunner().invoke(main, ["crop", "--margin", "0.2", "--dry-run", "--json"])

    assert json.loads(told.stdout)["margin"] == 0.2


def test_python_m_deepstyle_is_the_command() -> None:
    """`python -m deepstyle` runs the commands, under that name."""
    done = subprocess.run([sys.executable, "-m", "deepstyle", "--help"], capture_output=True, text=True, check=False)

    assert done.returncode == 0
    assert "Usage: python -m deepstyle" in done.stdout
    assert "train-gan" in done.stdout


def test_a_command_opens_with_one_line_of_settings(tmp_path: Path) -> None:
    """What was asked for is said in one line, on standard error; the whole configuration is left to --dry-run."""
    result = CliRunner().invoke(main, ["-w", str(tmp_path), "crop", "--margin", "0.2", "--set", "min_side=9"])
    lines = [line for line in result.stderr.splitlines() if line.startswith("settings: ")]

    assert lines == ["settings: crop, min_side=9, margin=0.2 (--dry-run shows them all)"]
    assert "max_overlap" not in result.output


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("tra", {"train-detector", "train-masks", "train-classifier", "train-tagger", "train-gan"}),
        ("data cc", {"ccp"}),
        ("crop --mar", {"--margin"}),
    ],
)
def test_the_shell_completes_commands_and_options(typed: str, offered: set[str]) -> None:
    """With the README's line in bash, a word that was begun is completed to the commands or options that fit."""
    words = ["deepstyle", *typed.split()]
    code = "from deepstyle.cli import main; main(prog_name='deepstyle')"
    told = {
        shell: subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=False,
            env=os.environ | {"_DEEPSTYLE_COMPLETE": shell, "COMP_WORDS": " ".join(words), "COMP_CWORD": str(len(words) - 1)},
        ).stdout for shell in ("bash_complete", "bash_source")
    }  # fmt: skip

    assert {line.partition(",")[2] for line in told["bash_complete"].splitlines()} == offered
    assert "_DEEPSTYLE_COMPLETE=bash_complete" in told["bash_source"]
    assert "_DEEPSTYLE_COMPLETE=bash_source deepstyle" in (Path(__file__).parent.parent / "README.md").read_text()


def test_version() -> None:
    """--version prints the package's version."""
    assert run("--version") == (0, f"deepstyle, version {__version__}\n")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["crop"], "there is no workspace yet"),
        (["status"], "there is no workspace yet"),
        (["scrape"], "SOURCE: give the address of a gallery"),
        (["scrape", "looks.csv"], "looks.csv: there is no such file; for a web address, begin it with https://"),
        (["scrape", "ftp://a.example/"], "ftp://a.example/"),
        (["scrape", "http://a.example/", "--set", "rate=-1"], "rate: input should be greater than 0"),
        (["train-gan", "--config", "dcgan-46", "--dry-run"], "did you mean dcgan-64?"),
        (["sample", "--seeds", "9-3"], "9-3 runs backwards; write 3-9"),
        (["wat"], "No such command"),
    ],
    ids=lambda value: " ".join(value)[:30] if isinstance(value, list) else "",
)
def test_wrong_use_exits_2_with_a_remedy(tmp_path: Path, words: list[str], message: str) -> None:
    """A wrong flag, value or order of stages exits 2 and names what to do; nothing else is printed as a traceback."""
    code, text = run("-w", str(tmp_path / "w"), *words)

    assert code == 2
    assert message in text
    assert "Traceback" not in text


def test_a_failed_job_exits_1(tmp_path: Path) -> None:
    """A catalog that is none makes the command fail with exit 1 and its name."""
    (tmp_path / "catalog.sqlite").write_bytes(b"something else" * 200)
    code, text = run("-w", str(tmp_path), "status")

    assert code == 1
    assert "catalog.sqlite" in text


def test_stages_out_of_order_say_what_comes_first(tmp_path: Path) -> None:
    """On an empty workspace each later stage names the earlier command."""
    with Catalog(tmp_path):
        pass
    for words, remedy in [
        (["crop"], "deepstyle scrape"), (["train-gan"], "deepstyle crop"), (["sample"], "train-gan"), (["score"], "train-gan"),
    ]:  # fmt: skip
        code, text = run("-q", "-w", str(tmp_path), *words)
        assert code == 2
        assert remedy in text


def test_dry_run_prints_the_config(tmp_path: Path) -> None:
    """--dry-run prints the whole config as YAML that --config reads back, and does nothing."""
    code, text = run("-w", str(tmp_path / "w"), "train-gan", "--minutes", "3", "--set", "lr=0.001", "--dry-run")
    (tmp_path / "mine.yaml").write_text(text)
    again = run("-w", str(tmp_path / "w"), "train-gan", "--config", str(tmp_path / "mine.yaml"), "--dry-run")

    assert code == 0
    assert "lr: 0.001" in text
    assert "minutes: 3.0" in text
    assert again == (0, text)
    assert not (tmp_path / "w").exists()


def test_status_of_an_empty_workspace_as_json(tmp_path: Path) -> None:
    """Status --json is valid JSON with every part, also when there is nothing yet."""
    with Catalog(tmp_path):
        pass
    code, text = run("-w", str(tmp_path), "status", "--json")
    state = json.loads(text)

    assert code == 0
    assert state["photos"] == 0
    assert set(state) == {
        "workspace", "photos", "near_duplicates", "listings", "garments", "categories", "tags", "models", "runs",
    }  # fmt: skip


def test_status_tells_models_from_runs(tmp_path: Path) -> None:
    """A run and a model of one name each have a line: kind, main figure; of a run what it saw, its best, what it came to."""
    with Catalog(tmp_path) as catalog:
        catalog.put_model("gan-001", "gan", {"frechet": 3.25})
        catalog.put_run(
            "gan-001", "gan", status="done", images=105696, figures={
                "first": {}, "last": {"frechet": 3.25, "recall": 0.2}, "best": {"frechet": 3.0, "images": 99.0}, "judge": "j",
                "verdict": ["covers 20% of the real garments"],
            },
        )  # fmt: skip
        catalog.put_run(
            "detector-001", "detector", status="failed", images=64, figures={"complaint": "the loss is nan"}
        )
    for folder in ("models/gan-001", "runs/gan-001", "runs/detector-001"):
        (tmp_path / folder).mkdir(parents=True)
    told = run("-w", str(tmp_path), "status")[1]

    assert re.search(r"model gan-001 +gan, Frechet distance 3.25$", told, re.MULTILINE)
    assert re.search(
        r"run gan-001 +gan, done, 105,696 images, Frechet distance 3.25, at best 3 at 99 images; covers 20% of the real "
        r"garments$", told, re.MULTILINE,
    )  # fmt: skip
    assert re.search(r"run detector-001 +detector, failed, 64 photos; the loss is nan$", told, re.MULTILINE)


def test_the_workspace_may_come_from_the_environment(tmp_path: Path) -> None:
    """DEEPSTYLE_WORKSPACE is used when -w is not given."""
    with Catalog(tmp_path):
        pass
    result = CliRunner().invoke(main, ["status"], env={"DEEPSTYLE_WORKSPACE": str(tmp_path)})

    assert result.exit_code == 0
    assert str(tmp_path) in result.output


@pytest.mark.parametrize(
    ("words", "lines"),
    [
        (["--margin", "0", "--min-score", "0"], ["margin: 0.0", "min_score: 0.0"]),
        (["--per-photo", "one"], ["max_per_photo: 1", "max_per_label: 1"]),
        (["--per-photo", "all"], ["max_per_photo: null", "max_per_label: null"]),
        (["--label", "full", "--label", "upper"], ["- full", "- upper"]),
        (["--aspect", "pad-mean", "--background", "blur"], ["aspect: pad-mean", "background: blur"]),
        (["--max-overlap", "0", "--min-side", "9"], ["max_overlap: 0.0", "min_side: 9"]),
    ],
    ids=lambda value: " ".join(value),
)
def test_rules_of_the_crop_are_options(words: list[str], lines: list[str]) -> None:
    """Each rule has a flag, zero included, that ends up in the config."""
    code, text = run("crop", *words, "--dry-run")

    assert code == 0
    assert set(lines) <= {line.strip() for line in text.splitlines()}

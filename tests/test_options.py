"""What is wrong with a setting is told by the option that gave it; what the shared options say of themselves."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from test_early import workplace

from deepstyle.catalog import Catalog
from deepstyle.cli import main
from deepstyle.commands.options import without_secrets
from deepstyle.config import ClassifierConfig, GanConfig, ScrapeConfig, load_config
from deepstyle.errors import ConfigError

SITE = "http://a.example/"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["crop", "--min-score", "1.5"], "--min-score: input should be less than or equal to 1"),
        (["crop", "--set", "min_score=1.5"], "--set min_score: input should be less than or equal to 1"),
        (["crop", "--background", "loud"], "--background: background 'loud'"),
        (["train-gan", "--images", "-5"], "--images: input should be greater than"),
        (["train-gan", "--label", "a", "--label", "a"], "--label: labels must not repeat"),
        (["scrape", SITE, "--depth", "-1"], "--depth: input should be greater than"),
        (["train-gan", "--minutes", "nan"], "--minutes: must be a number, not nan"),
        (["train-gan", "--set", "lr=.nan"], "--set lr: must be a number, not nan"),
        (["sample", "--seeds", "1,5-2"], "--seeds 1,5-2: 5-2 runs backwards; write 2-5"),
        (["sample", "--truncation", "nan"], "'--truncation': 'nan' is no number."),
        (["demo", "--minutes", "NaN"], "'--minutes': 'NaN' is no number."),
        (["run", SITE, "--minutes", "-1"], "--minutes: input should be greater than"),
        (["run", SITE, "--set", "gan.lr=-1"], "--set gan.lr: input should be greater than"),
        (["crop", "--margin", "-1", "--set", "min_score=2"], "--set min_score: input should be less than or equal to 1; --marg"),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else "",
)  # fmt: skip
def test_a_wrong_value_is_told_by_the_option_that_gave_it(words: list[str], told: str, tmp_path: Path) -> None:
    """The message names the flag or --set KEY that was typed, and no preset that nobody asked for."""
    with Catalog(tmp_path):
        pass
    done = CliRunner().invoke(main, ["-w", str(tmp_path), *words])

    assert done.exit_code == 2, done.output
    assert told in done.output
    assert "--config" not in done.output


def test_a_file_is_named_where_it_is_wrong_itself(tmp_path: Path) -> None:
    """Keys of a file are told by the file, those beside it by --set; where two do not fit together, what was typed is named."""
    (tmp_path / "mine.yaml").write_text("kind: gan\nlr: -1\n")
    with pytest.raises(ConfigError, match=r"^--set batch_size: .*; --config .*mine\.yaml: lr: input"):
        load_config(GanConfig, tmp_path / "mine.yaml", ["batch_size=0"])
    with pytest.raises(ConfigError, match=r"^--set norm: .*r1 and r2"):
        load_config(GanConfig, "dcgan-plus-64", ["norm=batch"])
    with pytest.raises(ConfigError, match=r"^--set exclude: "):
        load_config(ClassifierConfig, None, ["exclude=[[1]]"])


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("scrape", "Visit the pages, list what would be fetched, and stop."),
        ("train-gan", "Print all settings and stop."),
        ("train-masks", "Model folder to write; otherwise the detector's own."),
    ],
)
def test_help_says_what_the_option_does_here(command: str, words: str) -> None:
    """--dry-run of scrape visits pages, that of trainings prints settings; train-masks writes into the detector's folder."""
    told = CliRunner().invoke(main, [command, "--help"], terminal_width=200).output

    assert words in " ".join(told.split())


@pytest.mark.parametrize(
    ("override", "shown"),
    [
        ("proxy=http://me:se@cret@a.example:8080", "proxy=http://...@a.example:8080"),
        ("headers={Authorization: Bearer secret}", "headers=(not shown)"),
        ("headers.Cookie=a=secret", "headers.Cookie=(not shown)"),
        ("scrape.headers.Cookie=a=secret", "scrape.headers.Cookie=(not shown)"),
        ("rate=2", "rate=2"),
    ],
)
def test_what_is_printed_of_settings_holds_no_secret(override: str, shown: str) -> None:
    """The line of settings ends in logs: it has neither a header's value nor a proxy's password."""
    assert without_secrets(override) == shown


@pytest.mark.parametrize(
    "words",
    [["scrape", "nothing"], ["add", "nothing"], ["demo", "--set", "nothing=1"], ["sample", "--model", "nothing"]],
    ids=" ".join,
)
def test_a_refused_command_leaves_no_workspace(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is refused before there is anything to keep makes no folder: `status` still says that there is none."""
    monkeypatch.chdir(tmp_path)
    assert CliRunner().invoke(main, words).exit_code == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("contact", "reached"),
    [
        ("me@a.example", True), ("Jo (me@a.example)", True), ("https://a.example/about", True), ("www.a.example", True),
        ("a.example/bot", True), ("", True), ("me", False), ("me@", False), ("me@localhost", False), ("Jo Smith", False),
        ("J. Smith", False), ("@me", False), ("https://", False), ("+1 555 0100", False),
    ],
)  # fmt: skip
def test_a_contact_that_reaches_nobody_is_refused(contact: str, *, reached: bool, tmp_path: Path) -> None:
    """A site's owner must be able to write, or to read who asks; what is neither address is told before anything is asked."""
    if reached:
        assert ScrapeConfig(contact=contact).contact == contact
        return
    done = CliRunner().invoke(main, ["-w", str(tmp_path / "w"), "scrape", "http://a.example/", "--contact", contact])

    assert done.exit_code == 2
    assert f"--contact: {contact!r} holds neither a mail address nor a web address" in " ".join(done.output.split())
    assert "write --contact me@a.example" in " ".join(done.output.split())
    assert not (tmp_path / "w").exists()


@pytest.mark.parametrize("address", ["http://", "https:///a", "http://[::1"])
def test_an_address_without_a_host_is_told_of_it(address: str, tmp_path: Path) -> None:
    """It does start with http://, so that is not what is wrong with it."""
    done = CliRunner().invoke(main, ["-w", str(tmp_path / "w"), "scrape", address])

    assert done.exit_code == 2
    assert "no host" in done.output
    assert "must start with" not in done.output


@pytest.mark.parametrize(("address", "scheme"), [("127.0.0.1:8765", "http"), ("localhost/looks", "http"), ("a.example", "https"),
                                                 ("localhost.example", "https")])  # fmt: skip
def test_an_address_without_its_beginning_is_told_it(address: str, scheme: str, tmp_path: Path) -> None:
    """https:// for a site; http:// for a server of one's own, which seldom has a certificate."""
    done = CliRunner().invoke(main, ["-w", str(tmp_path / "w"), "scrape", address])

    assert f"write {scheme}://{address}\n" in done.output


def test_run_says_first_with_what_settings_it_begins(tmp_path: Path) -> None:
    """Before the first stage: the presets and what was changed of them, as each stage's own command does; no secret."""
    words = [
        "run",
        "http://127.0.0.1:9/",
        "--minutes",
        "2",
        "--set",
        "scrape.headers={Cookie: secret}",
        "--set",
        "crop.margin=0.1",
    ]
    told = CliRunner().invoke(main, ["-w", str(tmp_path / "w"), *words]).output

    assert told.startswith(
        "settings: the default presets, scrape.headers=(not shown), crop.margin=0.1, gan.minutes=2.0 ("
    )
    assert "private-address" in told
    assert "secret" not in told


@pytest.mark.parametrize("command", ["train-classifier", "check-labels", "train-tagger"])
def test_a_count_of_images_is_told_from_their_folder(command: str, tmp_path: Path) -> None:
    """`train-gan --images 64` counts images; here --images is a folder, and the setting that counts them is named."""
    done = CliRunner().invoke(main, [command, str(tmp_path), "--images", "64"])

    assert done.exit_code == 2
    assert "64: is a folder of photos here; how many images are shown is --set images=64" in done.output


def test_settings_come_before_what_was_chosen_of_them(tmp_path: Path) -> None:
    """One line says what the settings begin with, then a line each what the command chose for these garments, and why."""
    workplace(tmp_path)
    words = ["train-gan", "--images", "1", "--set", "size=32", "--set", "ground=plain"]
    told = CliRunner().invoke(main, ["-w", str(tmp_path / "w"), *words]).output.splitlines()
    settings = next(k for k, line in enumerate(told) if line.startswith("settings: dcgan-plus-64, size=32, "))

    assert settings == 0
    assert told[1].startswith("  width=32: ")
    assert "ground=plain: of 4 of 4 garments nobody knows the outline" in told[-1]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("sample --run nobody", "--run nobody: no such run"), ("sample --model nobody", "--model nobody: no gan"),
        ("sample --interpolate 3", "two or more seeds"), ("score --run nobody", "--run nobody: no such run"),
        ("score --model nobody", "--model nobody: no gan"), ("tag --model nobody", "--model nobody: no model"),
        ("score . --classifier nobody", "--classifier nobody: no classifier"),
        ("predict . --model nobody", "--model nobody: no model"),
        ("export nobody --to onnx --out out", "NAME|FOLDER nobody: no model"),
    ],
)  # fmt: skip
def test_a_wrong_name_is_told_before_torch_is_imported(tmp_path: Path, words: str, told: str) -> None:
    """A run or model that is not there is refused at once, by the option or argument that names it."""
    Catalog(tmp_path).close()
    script = (
        "import sys\nfrom deepstyle.cli import main\ntry:\n    main(sys.argv[1:])\n"
        "except SystemExit as end:\n    sys.exit(f'exit {end.code}, torch {\"torch\" in sys.modules}')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, "-w", str(tmp_path), *words.split()],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )

    assert "exit 2, torch False" in done.stderr, done.stderr
    assert told in done.stderr


def test_help_for_a_full_disk_ends_in_one_line() -> None:
    """Where standard output cannot be written --help says why and exits with 1; nobody is shown a traceback."""
    with Path("/dev/full").open("w") as full:
        script = "from deepstyle.cli import main; main(['--help'])"
        done = subprocess.run(
            [sys.executable, "-c", script], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )

    assert done.returncode == 1
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr

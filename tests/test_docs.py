"""The documents tell the truth about the tree, the commands and the public names."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import pytest

from deepstyle.config import presets

ROOT = Path(__file__).parent.parent
CONFIGS = sorted((ROOT / "deepstyle" / "configs").glob("*.yaml"))
PACKAGE = sorted(path for path in (ROOT / "deepstyle").rglob("*.py") if path.name != "__init__.py")


def readme() -> str:
    return (ROOT / "README.md").read_text(encoding="utf-8")


def tree() -> set[str]:
    """The files that the tree of docs/design.md names, as paths relative to the root."""
    block = (ROOT / "docs" / "design.md").read_text(encoding="utf-8").split("## The tree")[1].split("```")[1]
    found, folder = set(), ""
    for line in block.splitlines()[1:]:
        match = re.match(r"^( *)([\w.\-/]+)", line)
        if not match:
            continue
        name = match[2]
        if name.endswith("/"):
            folder = name if not match[1] else folder.split("/", maxsplit=1)[0] + "/" + name
        else:
            found.add(folder + name if match[1] else name)
    return found


def test_the_design_names_every_file() -> None:
    """The tree of docs/design.md and the package on disk have the same modules, pages and presets, one line each."""
    pages = (ROOT / "deepstyle").rglob("*.html")
    on_disk = {str(path.relative_to(ROOT)) for path in [*PACKAGE, *CONFIGS, *pages]}
    named = {name for name in tree() if name.startswith("deepstyle/")}

    assert named == on_disk


def test_the_design_shows_the_layers_of_the_contract() -> None:
    """The layers that docs/design.md draws are those that import-linter holds."""
    contract = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]
    text = (ROOT / "docs" / "design.md").read_text(encoding="utf-8").split("## The layers")[1].split("## The tree")[0]
    drawn = [line.strip() for line in text.splitlines() if line.startswith("    ")]

    assert drawn == contract[0]["layers"]


def test_the_lab_book_has_an_index() -> None:
    """Every section of docs/log.md is one line of its index, in order, and its link leads there."""
    index, _, sections = (
        (ROOT / "docs" / "log.md").read_text(encoding="utf-8").partition("## Index")[2].partition("\n## ")
    )
    titles = re.findall(r"^## (.+)$", "## " + sections, re.MULTILINE)
    links = re.findall(r"^\| [\d-]+ \| \[.+?\]\(#(.+?)\) \| .+ \| .+ \|$", index, re.MULTILINE)

    assert links == [re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles]


def test_every_command_of_the_readme_exists() -> None:
    """Each `deepstyle <command>` in the README is a command."""
    from deepstyle.cli import main

    text = re.sub(r"-w \S+ ", "", readme())
    used = set(re.findall(r"^\s*(?:\$ )?deepstyle ([a-z][a-z\-]+)", text, re.MULTILINE))

    assert used
    assert used <= set(main.commands)
    assert set(main.commands) <= set(re.findall(r"`?deepstyle ([a-z\-]+)", text))


@pytest.mark.parametrize("path", PACKAGE, ids=lambda path: str(path.relative_to(ROOT / "deepstyle")))
def test_public_names_have_docstrings(path: Path) -> None:
    """Every module, public class, function and method says what it is (commands' and protocols' included)."""
    module = ast.parse(path.read_text(encoding="utf-8"))
    missing = [] if ast.get_docstring(module) else ["module"]
    for node in ast.walk(module):
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.name.startswith("_"):
            nested = any(
                isinstance(outer, ast.FunctionDef) and node in ast.walk(outer) and node is not outer
                for outer in ast.walk(module)
            )
            if not nested and not ast.get_docstring(node):
                missing.append(f"{node.name}:{node.lineno}")

    assert missing == []


@pytest.mark.parametrize("path", PACKAGE, ids=lambda path: str(path.relative_to(ROOT / "deepstyle")))
def test_files_and_functions_stay_readable(path: Path) -> None:
    """A file has at most 300 lines, a function 50; the exceptions give their reason in their first docstring."""
    text = path.read_text(encoding="utf-8")
    module = ast.parse(text)
    excused = "Longer than other files because" in (ast.get_docstring(module) or "")
    long = [
        f"{node.name}: {(node.end_lineno or 0) - node.lineno + 1}"
        for node in ast.walk(module)
        if isinstance(node, ast.FunctionDef) and (node.end_lineno or 0) - node.lineno + 1 > 50
    ]

    assert long == []
    assert excused or len(text.splitlines()) <= 300


SQL = re.compile(
    r"\b(SELECT\b.*\bFROM|INSERT (OR \w+ )?INTO|UPDATE \w+ SET|DELETE FROM|CREATE TABLE|PRAGMA \w)|sqlite3"
)


def test_all_sql_is_in_the_catalog() -> None:
    """Statements and sqlite3 stand in catalog*.py and the migrations alone; other files get records out of the Catalog."""
    others = [path for path in PACKAGE if not path.name.startswith("catalog") and path.name != "migrations.py"]
    found = {path.name: match[0] for path in others if (match := SQL.search(path.read_text(encoding="utf-8")))}

    assert found == {}
    assert SQL.search('rows("SELECT label, count(*) FROM garments")')


EXITS = re.compile(
    r"\bsys\.exit\(|\bos\._exit\(|\bSystemExit\b|\bctx\.exit\(|\bClickException\b|click\.exceptions\b|click\.UsageError"
)


def test_only_the_entry_exits() -> None:
    """No file but cli.py ends the process or turns an error into an exit; commands raise errors of ours, or Ended."""
    others = [path for path in PACKAGE if path.name != "cli.py"]
    found = {path.name: match[0] for path in others if (match := EXITS.search(path.read_text(encoding="utf-8")))}

    assert found == {}
    assert EXITS.search((ROOT / "deepstyle" / "cli.py").read_text(encoding="utf-8"))


def test_no_preset_is_undocumented() -> None:
    """Each preset, and each file of values, opens with a comment that says what it is for."""
    assert set(presets().values()) <= set(CONFIGS)
    assert all(path.read_text(encoding="utf-8").startswith("# ") for path in CONFIGS)

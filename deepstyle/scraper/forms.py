"""Forms of a page -> the addresses that they lead to (pure): by themselves, by their buttons, by a script that fills a field.

A form is sent only by GET, and only where nobody has to write anything.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlencode

from deepstyle.scraper.attributes import Attributes
from deepstyle.scraper.deeds import DEED

MAX_VALUES = 20  # of a form
MAX_FORMS = 20  # of a page
MAX_FILLED = 100  # calls of a script that fill a field
FILLED = "$filled"  # stands for an attribute: the field and the value that a click gives it, as popups.py found
PAGE_NAMES = frozenset({"page", "p", "paged", "pg", "pagina", "seite"})
_FREE = frozenset({"text", "search", "email", "password", "file", "tel", "url", "date", "number"})


@dataclass(kw_only=True)
class Form:
    """A form: its address, what it sends so far, its buttons that send a page's number."""

    action: str
    named: bool  # whether it has an address of its own
    sent: bool  # whether it may be sent: by GET, and nobody has to write anything
    values: list[tuple[str, str]] = field(default_factory=list)
    buttons: list[tuple[str, str]] = field(default_factory=list)
    ids: dict[str, str] = field(default_factory=dict)  # of a field -> its name

    @classmethod
    def of(cls, attributes: Attributes, url: str) -> Form:
        """The form that begins with these attributes on the page ``url``."""
        get = attributes.get
        action = get("action", "").strip()
        shows = DEED.match(action.partition("?")[0].rstrip("/").rpartition("/")[2]) is None  # add.php, delItem.do
        sent = shows and get("method", "get").lower() == "get" and "search" not in get("role", "") + get("class", "")
        return cls(action=action or url.partition("?")[0], named=bool(action), sent=sent)

    def take(self, tag: str, attributes: Attributes) -> None:
        """Take an input or a button."""
        kind = attributes.get("type", "text" if tag == "input" else "submit").lower()
        name, value = attributes.get("name", ""), attributes.get("value", "")
        if tag == "input" and kind in _FREE:
            self.sent = False
        elif kind == "hidden" and name and len(self.values) < MAX_VALUES:
            self.values.append((name, value))
            self.ids[attributes.get("id", name)] = name
        elif kind == "submit" and name.lower() in PAGE_NAMES and value and len(self.buttons) < MAX_VALUES:
            self.buttons.append((name, value))

    def leads(self) -> list[tuple[str, bool]]:
        """Where it leads by itself and by its buttons, and whether to a next part; by itself only where that is another page."""
        paged = any(name.lower() in PAGE_NAMES for name, _ in self.values)
        own = [(self.given(), paged)] if self.sent and self.values and (self.named or paged) else []
        return own + [(self.given(button), True) for button in (self.buttons if self.sent else ())]

    def given(self, *more: tuple[str, str]) -> str:
        """The address with what it sends, and more."""
        head, _, query = self.action.partition("?")
        return f"{head or './'}?{urlencode([*parse_qsl(query), *self.values, *more])}"

    def filled(self, name: str, value: str) -> str:
        """The address with another value in the hidden field of that name or id; empty where it has none."""
        name = self.ids.get(name, name)
        if not self.sent or name not in dict(self.values):
            return ""
        head, _, query = self.action.partition("?")
        values = dict([*parse_qsl(query), *self.values, (name, value)])
        return f"{head or './'}?{urlencode(values)}"


class Forms:
    """The forms of a page: the one that is open, and what scripts fill into those that ended."""

    def __init__(self) -> None:
        self.open: Form | None = None
        self._ended: list[Form] = []
        self._filled: dict[tuple[str, str], None] = {}

    def end(self) -> list[tuple[str, bool]]:
        """The open form ends: where it leads, and whether to a next part."""
        form, self.open = self.open, None
        if form is None:
            return []
        self._ended += [form] if len(self._ended) < MAX_FORMS else []
        return form.leads()

    def fill(self, written: str) -> None:
        """Take a field's name and a value, ``page=2``, that a click fills in before it sends the form."""
        name, _, value = written.partition("=")
        if len(self._filled) < MAX_FILLED:
            self._filled[name, value] = None

    def sent(self) -> list[str]:
        """The addresses to which scripts send the page's forms."""
        found = (form.filled(name, value) for name, value in self._filled for form in self._ended)
        return [one for one in found if one]

"""Pagers that are scripts: functions that send a form, or go to an address, wherever on the page they stand."""

from __future__ import annotations

import pytest

from deepstyle.scraper.pages import parse, parse_html

URL = "http://a.example/board.do?id=looks"
FORM = (
    '<form name="f" action="/board.do" method="{}"><input type="hidden" name="id" value="looks">'
    '<input type="hidden" id="nr" name="pageIndex" value="1">{}</form>'
)
SECOND = "http://a.example/board.do?id=looks&pageIndex=2"
CALL = """<a href="javascript:go(2)">2</a>"""


def led(markup: str) -> list[str]:
    """The links of a page."""
    return list(parse_html(markup.encode(), URL).links)


@pytest.mark.parametrize(
    "body",
    [
        "document.f.pageIndex.value = n; document.f.submit();", "var f = document.forms[0];\nf.pageIndex.value = n\nf.submit()",
        "document.getElementById('nr').value = n; document.f.submit();",
        "document.f.elements['pageIndex'].value=n;document.f.submit()",
        '$("#nr").val(n); $("form").submit();', '$("input[name=pageIndex]").val(n); $("form").submit();',
    ],
)  # fmt: skip
def test_a_script_sends_a_form_with_a_pages_number(body: str) -> None:
    """All that the form sends goes along, the field is told by name or id; the function may stand before or behind the call."""
    script = f"<script>function go(n) {{ {body} }}</script>"
    for markup in (f"{FORM.format('get', '')}{script}{CALL}", f"{CALL}{FORM.format('GET', '')}{script}"):
        assert SECOND in led(markup)


@pytest.mark.parametrize(
    ("form", "function"),
    [
        (FORM.format("post", ""), "document.f.pageIndex.value = n; document.f.submit();"),
        (FORM.format("get", '<input type="text" name="q">'), "document.f.pageIndex.value = n; document.f.submit();"),
        (FORM.format("get", ""), "document.f.pageIndex.value = n;"),
        (FORM.format("get", ""), "document.f.other.value = n; f.submit();"),
    ],
)  # fmt: skip
def test_a_form_that_would_change_something_is_not_sent(form: str, function: str) -> None:
    """By POST, with a text to write, by a function that does not send it, by a field that it has not."""
    assert SECOND not in led(f"{form}<script>function go(n) {{ {function} }}</script>{CALL}")


@pytest.mark.parametrize(
    ("action", "sent"),
    [
        ("/board.do", True),
        ("/looks/list.php", True),
        ("add.php", False),
        ("/item/delItem.do", False),
        ("/vote/", False),
    ],
)
def test_a_form_whose_page_does_something_is_not_sent(*, action: str, sent: bool) -> None:
    """A page whose name begins with add, del, vote and their like may do that, GET or not; neither a script nor we send it."""
    form = FORM.format("get", "").replace("/board.do", action)
    script = "<script>function go(n) { document.f.pageIndex.value = n; document.f.submit(); }</script>"
    assert any("pageIndex=2" in one for one in led(f"{form}{script}{CALL}")) is sent
    assert bool(led(form)) is sent


def test_a_function_that_does_something_fills_no_form() -> None:
    """``removeItem(2)`` is not taken for a pager, though it fills a number in and sends the form."""
    script = "<script>function removeItem(n) { document.f.pageIndex.value = n; document.f.submit(); }</script>"
    assert SECOND not in led(f"{FORM.format('get', '')}{script}{CALL.replace('go', 'removeItem')}")


def test_a_function_goes_to_another_query_of_the_page() -> None:
    """``location.href = '?page=' + n`` is an address, though it names no file; one that deletes something is not followed."""
    script = "<script>function {}(n) {{ location.href = '?page=' + n; }}</script>"
    assert led(f"{CALL}{script.format('go')}") == ["http://a.example/board.do?page=2"]
    assert led(f"{CALL.replace('go', 'remove')}{script.format('remove')}") == []


def test_names_in_a_folder_for_json_may_stand_for_files_beside_it() -> None:
    """A script resolves them against the address of its page; the address beside the JSON is asked for first."""
    body = b'{"looks": [{"file": "big/1.jpg"}, {"file": "/big/2.jpg"}]}'
    _, page = parse(body, "http://a.example/site/data/looks.json", content_type="application/json")
    first, second = page.listings
    assert (first.image_url, first.fallbacks) == (
        "http://a.example/site/data/big/1.jpg",
        ("http://a.example/site/big/1.jpg",),
    )
    assert (second.image_url, second.fallbacks) == ("http://a.example/big/2.jpg", ())
    _, page = parse(body, "http://a.example/looks.json", content_type="application/json")
    assert [one.fallbacks for one in page.listings] == [(), ()]

"""Pages that JSON names: those of a shell whose links a script draws, those of the items that "load more" answers."""

from __future__ import annotations

from deepstyle.scraper.pages import parse, parse_html

URL = "http://a.example/looks"
FIRST, SECOND = '{"url": "/look/1", "thumb": "/t/1.jpg"}', '{"path": "/look/2", "image": "/i/2.jpg"}'
ITEMS = f'{{"items": [{FIRST}, {SECOND}], "menu": [{{"url": "/a"}}]}}'


def test_a_shell_leads_where_its_state_says() -> None:
    """A page without a link goes on to the pages that its state names; no deed, no picture, no next article is one."""
    looks = '[{"permalink": "/look/1"}, {"href": "/look/2"}, {"url": "/i/1.jpg"}, {"url": "/cart/add"}]'
    state = f'{{"looks": {looks}, "next": {{"url": "/b"}}}}'
    shell = f"<div id=root></div><script>window.__DATA__ = {state}</script>"
    assert parse_html(shell.encode(), URL).links == ("http://a.example/look/1", "http://a.example/look/2")
    assert parse_html(f'<a href="/c">c</a>{shell}'.encode(), URL).links == ("http://a.example/c",)


def test_an_item_of_an_answer_leads_to_its_page() -> None:
    """As a thumbnail that links to it does; what stands large in the answer is a photo by itself, a menu is not followed."""
    _, page = parse(ITEMS.encode(), URL, content_type="application/json")
    assert page.links == ("http://a.example/look/1", "http://a.example/look/2")
    assert [(one.image_url[-8:], one.detail_url) for one in page.listings] == [
        ("/t/1.jpg", "http://a.example/look/1"),
        ("/i/2.jpg", None),
    ]


def test_an_answer_about_this_page_has_no_other() -> None:
    """JSON that names the page on which it stands says nothing of another one."""
    answer = b'{"url": "http://a.example/looks", "thumb": "/t/1.jpg"}'
    assert [one.detail_url for one in parse(answer, URL, content_type="application/json")[1].listings] == [None]

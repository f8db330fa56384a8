"""Dossiers as their tests see them."""

import re
from html.parser import HTMLParser

WHICH = ["plain", "joint", "ill", "hopeless", "halved"]  # kinds of dossiers.KINDS; each is a fixture
VOID = {"meta", "link", "img", "br", "input"}


class Page(HTMLParser):
    """What a browser would see: tags that balance, text, references, images, headings."""

    def __init__(self, html: str):
        super().__init__()
        self.open, self.text, self.references, self.images, self.headings, self.ids = [], [], [], [], [], []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        known = dict(attrs)
        self.references += [v for k, v in attrs if k in ("src", "href")]
        self.ids += [v for k, v in attrs if k == "id"]
        assert not [k for k, _ in attrs if k.startswith("on")], (tag, attrs)
        if tag == "img":
            self.images.append(known)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] == "h2":
            self.headings.append(data)
        if not self.open or self.open[-1] not in ("style", "script"):
            self.text.append(data)


def seen(made: tuple) -> tuple:
    """(dossier, HTML, what a browser would see, with the folder of the results)."""
    page = Page(made[1])
    page.folder = made[2]
    return made[0], made[1], page


def chapter(html, name):
    """What stands between the heading of a chapter and its end, as text of each element."""
    body = re.search(rf'<section id="{name}".*?</h2>(.*?)</section>', html, re.DOTALL).group(1)
    return [t for t in (text.strip() for text in Page(body).text) if t]


def cells(table) -> list[list[str]]:
    return [[c.text for c in row] for row in table.rows]

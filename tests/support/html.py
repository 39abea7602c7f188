"""A page as its reader meets it: elements with their attributes and their text.

Parsing is strict: a tag that is closed out of order, an attribute that does not exist, or an id
that occurs twice is an error of the page, not something to guess around.
"""

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = frozenset({"br", "circle", "hr", "img", "input", "line", "link", "meta", "path", "polyline"})
ATTRIBUTE = re.compile(
    r"(?:aria|data)-[a-z-]+|[xy][12]?|c[xy]|r|id|class|lang|charset|name|content|rel|href|src|media"
    r"|type|value|action|formaction|method|enctype|for|required|checked|selected|hidden|autocomplete|accept"
    r"|datetime|rows|max|open|defer|points|viewbox|tabindex|role|scope|colspan|rowspan|title|width|height|alt|focusable"
)


@dataclass(slots=True, eq=False)
class Element:
    """A tag with everything in it; its text has single spaces."""

    tag: str
    attributes: dict[str, str]
    inside: "list[Element]" = field(default_factory=list)
    words: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return " ".join("".join(self.words).split())

    def all(self, tag: str, **attributes: str) -> "list[Element]":
        """Return the elements below this one that have these attributes (class_ means class)."""
        wanted = {name.rstrip("_").replace("_", "-"): text for name, text in attributes.items()}
        return [
            each
            for each in self.inside
            if each.tag == tag and wanted.items() <= each.attributes.items()
        ]

    def one(self, tag: str, **attributes: str) -> "Element":
        found = self.all(tag, **attributes)
        assert len(found) == 1, f"{len(found)} times <{tag} {attributes}> in: {self.text[:300]}"
        return found[0]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.root = Element("#document", {})
        self.open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        strange = [name for name in names if not ATTRIBUTE.fullmatch(name)]
        assert not strange, f"<{tag}> has attributes that do not exist: {strange}"
        assert len(names) == len(set(names)), f"<{tag}> repeats an attribute: {names}"
        element = Element(tag, {name: value or "" for name, value in attrs})
        for each in self.open:
            each.inside.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in VOID, f"<{tag} /> does not close itself"
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self.open[-1].tag == tag, f"</{tag}> closes <{self.open[-1].tag}>"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        for each in self.open:
            each.words.append(data)


def read(html: str) -> Element:
    """Read a whole page.

    Raises:
        AssertionError: the page is not well formed, or an id stands twice in it.
    """
    reader = _Reader()
    reader.feed(html)
    reader.close()
    assert reader.open == [reader.root], f"<{reader.open[-1].tag}> is never closed"
    ids = [each.attributes["id"] for each in reader.root.inside if "id" in each.attributes]
    assert len(ids) == len(set(ids)), f"ids that stand twice: {sorted(ids)}"
    return reader.root


def typed_into(form: Element) -> dict[str, str]:
    """Return what a browser would send of a form as it stands, but for files."""
    sent = {}
    for control in form.inside:
        name, kind = control.attributes.get("name", ""), control.attributes.get("type", "")
        is_chosen = kind not in {"radio", "checkbox"} or "checked" in control.attributes
        if control.tag == "input" and kind != "file" and is_chosen:
            sent[name] = control.attributes.get("value", "")
        elif control.tag == "textarea":
            sent[name] = "".join(control.words)
        elif control.tag == "select":
            options = control.all("option")
            chosen = [each for each in options if "selected" in each.attributes] or options[:1]
            sent[name] = chosen[0].attributes["value"]
    return sent

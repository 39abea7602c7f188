"""What templates may read and hold: checked on their syntax trees, whichever branch renders."""

import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from importlib import import_module
from typing import Any, ClassVar, get_args, get_type_hints

import pytest
from jinja2 import meta, nodes

from server.error_handlers import ErrorPage
from server.web.form_page import FormPage, MessagePage
from server.web.templating import ENVIRONMENT, TEMPLATES, Frame

NAMES = sorted(str(path.relative_to(TEMPLATES)) for path in TEMPLATES.rglob("*.html"))
AREAS = (
    *("accounts", "boards", "docs", "methods", "model_runs"),
    *("operations", "organizers", "submissions", "teams"),
)
PARTIALS = ("base.html", "docs/_layout.html")


def contexts() -> list[Any]:
    """Return the context class of every kind of page."""
    found: list[Any] = [ErrorPage, FormPage, MessagePage]
    for area in AREAS:
        module = import_module(f"server.{area}.contexts")
        found += [
            each
            for each in vars(module).values()
            if is_dataclass(each) and "template" in getattr(each, "__annotations__", {})
        ]
    return found


def parsed(name: str) -> nodes.Template:
    return ENVIRONMENT.parse((TEMPLATES / name).read_text())


def with_all_it_uses(name: str) -> Iterator[nodes.Template]:
    """Yield a template and those that it extends, imports or includes, however deep."""
    tree = parsed(name)
    yield tree
    for node in tree.find_all((nodes.Extends, nodes.FromImport, nodes.Import, nodes.Include)):
        assert isinstance(node.template, nodes.Const), f"{name} names a template by an expression"
        yield from with_all_it_uses(node.template.value)


def read_from(name: str, *templates: nodes.Template) -> set[str]:
    """Return the attributes of a name that templates read."""
    return {
        node.attr
        for tree in templates
        for node in tree.find_all(nodes.Getattr)
        if isinstance(node.node, nodes.Name) and node.node.name == name
    }


def parts_of(context: Any) -> set[Any]:
    """Return the dataclasses that a context holds, however deep."""
    found: set[Any] = set()
    waiting = list(get_type_hints(context).values())
    while waiting:
        hint = waiting.pop()
        waiting += get_args(hint)
        if is_dataclass(hint) and hint not in found:
            found.add(hint)
            waiting += [kind for kind in get_type_hints(hint).values() if kind is not ClassVar]
    return found


def test_there_is_a_context_for_every_page_and_a_page_for_every_context() -> None:
    pages = {each.template for each in contexts()}

    partials = {name for name in NAMES if "/_" in name}
    assert pages == set(NAMES) - partials - {"base.html"}


@pytest.mark.parametrize("name", NAMES)
def test_every_template_loads(name: str) -> None:
    assert ENVIRONMENT.get_template(name)


@pytest.mark.parametrize("context", contexts(), ids=lambda each: each.__name__)
class TestAContext:
    def test_is_what_its_template_reads_no_more_and_no_less(self, context: Any) -> None:
        read = read_from("page", *with_all_it_uses(context.template))

        assert read == {each.name for each in fields(context)}

    def test_holds_nothing_that_no_template_reads(self, context: Any) -> None:
        read = {
            node.attr
            for tree in with_all_it_uses(context.template)
            for node in tree.find_all(nodes.Getattr)
        }

        for part in parts_of(context):
            unread = {each.name for each in fields(part)} - read
            assert unread <= SHARED.get(part.__name__, set()), (part.__name__, unread)

    def test_cannot_change_and_is_made_by_name(self, context: Any) -> None:
        for each in {context, *parts_of(context)} - {ErrorPage}:
            parameters = each.__dataclass_params__
            assert parameters.frozen, each
            assert hasattr(each, "__slots__"), each


# Fields of what several pages share, which one of them leaves unread.
SHARED = {
    "ScoreName": {"key", "label", "meaning"},
    "ScoreGroup": {"metric", "title"},
    "Link": {"is_current"},
    "Refusal": {"field"},
}


@pytest.mark.parametrize("name", NAMES)
class TestATemplate:
    def test_reads_nothing_but_page_frame_and_what_it_makes_itself(self, name: str) -> None:
        tree = parsed(name)
        imported = {each for node in tree.find_all(nodes.FromImport) for each in node.names}
        macros = {node.name for node in tree.find_all(nodes.Macro)}

        free = meta.find_undeclared_variables(tree) - imported - macros
        assert free <= {"page", "frame", "static"}

    def test_asks_of_the_frame_only_what_it_has(self, name: str) -> None:
        assert read_from("frame", parsed(name)) <= {each.name for each in fields(Frame)}

    def test_holds_no_script_and_no_style(self, name: str) -> None:
        text = (TEMPLATES / name).read_text()

        assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", text)
        for script in re.findall(r"<script.*?</script>", text, re.DOTALL):
            assert re.fullmatch(r"<script[^>]* src=[^>]*></script>", script)

    def test_marks_nothing_as_safe(self, name: str) -> None:
        filters = {node.name for node in parsed(name).find_all(nodes.Filter)}

        assert not filters & {"safe", "forceescape"}
        assert not list(parsed(name).find_all(nodes.ScopedEvalContextModifier))

    def test_separates_conditional_attributes(self, name: str) -> None:
        """trim_blocks would glue two that follow one another on lines of their own."""
        text = (TEMPLATES / name).read_text()

        assert not re.search(r'[\w"]{% endif %}\n\s*{% if [^%]*%}[\w-]+(=|{%)', text)


def test_every_static_file_that_is_named_exists() -> None:
    static = TEMPLATES.parent / "static"
    for name in NAMES:
        for file in re.findall(r"static\('([^']+)'\)", (TEMPLATES / name).read_text()):
            assert (static / file).is_file(), file


def test_style_sheets_name_colours_by_their_tokens() -> None:
    for sheet in (TEMPLATES.parent / "static" / "css").glob("*.css"):
        if sheet.name not in {"tokens.css", "print.css"}:
            assert not re.search(r"#[0-9a-f]{3,8}\b(?![^{]*{)", sheet.read_text()), sheet.name


def test_every_token_that_is_used_is_defined() -> None:
    folder = TEMPLATES.parent / "static" / "css"
    defined = set(re.findall(r"(--[\w-]+):", (folder / "tokens.css").read_text()))
    used = {
        token
        for sheet in folder.glob("*.css")
        for token in re.findall(r"var\((--[\w-]+)\)", sheet.read_text())
    }

    assert used == defined

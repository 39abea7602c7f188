"""How long something took, computed by the database from two of its times."""

from typing import Any

from sqlalchemy import Float
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction


class seconds_between(GenericFunction[float]):  # noqa: N801  # reads as the function it is
    """The seconds from one time to a later one."""

    type = Float()
    inherit_cache = True


@compiles(seconds_between)
def _subtracted(element: seconds_between, compiler: SQLCompiler, **options: Any) -> str:
    begin, end = (compiler.process(each, **options) for each in element.clauses)
    return f"EXTRACT(EPOCH FROM ({end} - {begin}))"


@compiles(seconds_between, "sqlite")
def _of_days(element: seconds_between, compiler: SQLCompiler, **options: Any) -> str:
    begin, end = (compiler.process(each, **options) for each in element.clauses)
    return f"((julianday({end}) - julianday({begin})) * 86400.0)"

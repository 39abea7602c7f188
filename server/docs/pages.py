"""The documentation."""

import json
from importlib.metadata import version

from fastapi import APIRouter, Request, Response
from fastapi.staticfiles import StaticFiles

from server.dependencies import SettingsDep
from server.docs.api_reference import operations
from server.docs.contexts import (
    ApiPage,
    ComponentsPage,
    DocsIndexPage,
    ErrorsPage,
    FactRow,
    FindingsPage,
    ProtocolColumn,
    ProtocolsPage,
    ScoresPage,
    SubmittingPage,
    TryPage,
)
from server.docs.error_codes import error_entries
from server.docs.finding_codes import FINDINGS
from server.entry_kinds import EntryKind, largest
from server.models import Protocol
from server.protocols import FACT_KEYS, FACTS, SUMMARIES, TITLES
from server.score_names import OVERALL, SIZES
from server.web import security_headers
from server.web.templating import render

router = APIRouter(include_in_schema=False)

SWAGGER_UI = StaticFiles(packages=[("fastapi_offline", "static")])
"""Swagger UI as its Python package has it, so that nothing is fetched from another host."""

PROTOCOLS = ProtocolsPage(
    protocols=tuple(
        ProtocolColumn(slug=protocol, title=TITLES[protocol], summary=SUMMARIES[protocol])
        for protocol in Protocol
    ),
    facts=tuple(
        FactRow(
            key=fact.key,
            question=fact.question.format(subset="the data set that it is submitted to"),
            allowed=tuple(protocol in fact.allowed_by for protocol in Protocol),
        )
        for fact in FACTS
    ),
)
NO_TO_ALL = json.dumps(dict.fromkeys(FACT_KEYS, False), indent=4)


@router.get("/docs")
def index(request: Request) -> Response:
    return render(request, DocsIndexPage())


@router.get("/docs/submitting")
def submitting(request: Request, settings: SettingsDep) -> Response:
    page = SubmittingPage(
        site_url=settings.site_url,
        limit_bytes=largest(EntryKind.MASKS, settings),
        weights_limit_bytes=largest(EntryKind.WEIGHTS, settings),
        weights_limit_hours=settings.weights_limit_hours,
        upload_hours=settings.upload_hours,
        declarations=NO_TO_ALL,
    )
    return render(request, page)


@router.get("/docs/protocols")
def protocols(request: Request) -> Response:
    return render(request, PROTOCOLS)


@router.get("/docs/scores")
def scores(request: Request) -> Response:
    return render(request, ScoresPage(overall=OVERALL.scores, sizes=SIZES))


@router.get("/docs/errors")
def errors(request: Request) -> Response:
    return render(request, ErrorsPage(errors=error_entries()))


@router.get("/docs/findings")
def findings(request: Request) -> Response:
    return render(request, FindingsPage(findings=FINDINGS))


@router.get("/api/docs")
def api(request: Request, settings: SettingsDep) -> Response:
    described = operations(request.app.openapi())
    page = ApiPage(
        site_url=settings.site_url,
        address_limit=settings.rate_limit_address,
        token_limit=settings.rate_limit_token,
        operations=described,
    )
    return render(request, page)


@router.get("/api/docs/try")
def try_it(request: Request) -> Response:
    """Show Swagger UI; its style sheet draws arrows from data: addresses."""
    response = render(request, TryPage(version=version("fastapi-offline")))
    response.headers[security_headers.POLICY] = security_headers.policy(images="'self' data:")
    return response


@router.get("/docs/components")
def components(request: Request) -> Response:
    return render(request, ComponentsPage())

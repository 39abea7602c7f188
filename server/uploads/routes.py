"""Uploads that can be resumed, after tus 1.0: begin, ask how far it came, go on, give up."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy.orm import Session

from server import admission
from server.addresses import board_named
from server.dependencies import (
    ReadingDep,
    Rooms,
    RoomsDep,
    Viewer,
    script_submitter,
    script_viewer,
    submitter,
)
from server.entry_kinds import check_board, check_size, kind_named
from server.errors import (
    ArchiveEmpty,
    ContentTypeWrong,
    FieldInvalid,
    ImagesMissing,
    NotAllowed,
    NotFound,
    StorageFull,
    TooLarge,
    TooManyUploads,
    TusVersionUnknown,
    UploadGone,
    UploadLocked,
    UploadMalformed,
    UploadOffsetDiffers,
    UploadStalled,
    UploadTooLong,
    UploadUsed,
    WeightsNotTaken,
    WeightsTooLarge,
)
from server.storage import free_space
from server.uploads import api_description as described
from server.uploads import service, staging, tus
from server.uploads.reception import receive
from server.web.api_description import problems
from server.web.parameters import UploadId

router = APIRouter(prefix=tus.PATH, tags=["uploads"])


def _speaks_tus(request: Request) -> None:
    version = request.headers.get("tus-resumable")
    if version != tus.VERSION:
        raise TusVersionUnknown(
            f"Tus-Resumable is {version or 'missing'!r}; {tus.VERSION} is spoken here."
        )


def _uploader(request: Request, built: RoomsDep) -> int:
    return script_submitter(request, built)


SpeaksTus = Depends(_speaks_tus)
UploaderDep = Annotated[int, Depends(_uploader)]


_REFUSALS = (TusVersionUnknown, NotAllowed, FieldInvalid)


@router.options("", status_code=204, response_class=Response, responses=described.OPTIONS_ANSWER)
def options(built: RoomsDep) -> Response:
    """Say which version and extensions of tus are spoken, and how large an upload may be."""
    headers = {
        "Tus-Extension": tus.EXTENSIONS,
        "Tus-Max-Size": str(built.settings.upload_limit_bytes),
    }
    return Response(status_code=204, headers=headers)


@router.post(
    "",
    status_code=201,
    dependencies=[SpeaksTus],
    response_class=Response,
    responses={
        **described.CREATE_ANSWER,
        **problems(
            *(*_REFUSALS, *admission.REFUSALS, NotFound, TooManyUploads),
            *(TooLarge, ArchiveEmpty, UploadMalformed, StorageFull),
            *(WeightsNotTaken, WeightsTooLarge, ImagesMissing),
        ),
    },
    openapi_extra=described.CREATE_REQUEST,
)
def create(request: Request, built: RoomsDep) -> Response:
    """Begin an upload of Upload-Length bytes; its address is in Location.

    Upload-Metadata may announce the sha256 of the whole, which is then compared, and where it is to
    be entered: protocol, subset, split, team and kind. What could not be entered is refused at
    once; no quota is taken.
    """
    viewer = script_viewer(request, built)
    user_id, now = submitter(viewer), built.clock.now()
    length_bytes = _length(request, built)
    metadata = tus.Metadata.parsed(request.headers.get("upload-metadata", ""))
    free_space.ensure_room(built.settings, arriving=length_bytes)
    with built.database.reading() as session:
        _check_announced(session, metadata.values, viewer, now=now)
    check_size(kind_named(metadata.values.get("kind", "")), length_bytes, built.settings)
    with free_space.refused_when_full(), built.database.unit_of_work() as session:
        upload = service.begin(
            session,
            user_id=user_id,
            length_bytes=length_bytes,
            sender_metadata=metadata.text,
            sha256=metadata.sha256,
            now=now,
            wait=built.settings.uploads_wait,
        )
        staging.create(staging.path_of(built.settings.staging_folder, upload.public_id))
    location = {"Location": f"{tus.PATH}/{upload.public_id}"}
    return Response(status_code=201, headers=location | tus.expires(upload.expires_at))


@router.head(
    "/{upload_id}",
    dependencies=[SpeaksTus],
    response_class=Response,
    responses={**described.SHOW_ANSWER, **problems(*_REFUSALS, NotFound, UploadGone)},
    openapi_extra=described.SHOW_REQUEST,
)
def show(
    upload_id: UploadId, user_id: UploaderDep, session: ReadingDep, built: RoomsDep
) -> Response:
    """Say how many bytes of an upload are safe."""
    upload = service.owned(session, upload_id, user_id=user_id, now=built.clock.now())
    headers = {
        "Upload-Offset": str(upload.received_bytes),
        "Upload-Length": str(upload.length_bytes),
    }
    if upload.sender_metadata:
        headers["Upload-Metadata"] = upload.sender_metadata
    return Response(headers=headers | tus.expires(upload.expires_at))


@router.patch(
    "/{upload_id}",
    status_code=204,
    dependencies=[SpeaksTus],
    response_class=Response,
    responses={
        **described.APPEND_ANSWER,
        **problems(
            *(*_REFUSALS, NotFound, UploadGone, UploadOffsetDiffers, UploadUsed, UploadLocked),
            *(UploadStalled, UploadTooLong, ContentTypeWrong, StorageFull),
        ),
    },
    openapi_extra=described.APPEND_REQUEST,
)
async def append(upload_id: UploadId, request: Request, built: RoomsDep) -> Response:
    """Send the bytes from Upload-Offset on; the answer says how many are safe now."""
    received = await receive(request, built, upload_id)
    headers = {"Upload-Offset": str(received.offset)}
    return Response(status_code=204, headers=headers | tus.expires(received.expires_at))


@router.delete(
    "/{upload_id}",
    status_code=204,
    dependencies=[SpeaksTus],
    response_class=Response,
    responses=problems(*_REFUSALS, NotFound, UploadGone, UploadLocked, UploadUsed),
    openapi_extra=described.TERMINATE_REQUEST,
)
def terminate(upload_id: UploadId, user_id: UploaderDep, built: RoomsDep) -> Response:
    """Give an upload up; its bytes are deleted."""
    now = built.clock.now()
    with built.database.unit_of_work() as session:
        upload = service.owned(session, upload_id, user_id=user_id, now=now)
        service.forget(session, upload, now=now)
    staging.path_of(built.settings.staging_folder, upload_id).unlink(missing_ok=True)
    return Response(status_code=204)


def _check_announced(
    session: Session, announced: Mapping[str, str], viewer: Viewer, *, now: datetime
) -> None:
    """Refuse, before its bytes are sent, what the board that is announced does not take now."""
    words = {name: announced[name] for name in ("protocol", "subset", "split") if name in announced}
    if len(words) == 3:  # noqa: PLR2004
        board = board_named(session, **words)
        check_board(kind_named(announced.get("kind", "")), board)
        team = viewer.team_named(announced.get("team", ""))
        admission.check(session, board, team_id=team.id, now=now)


def _length(request: Request, built: Rooms) -> int:
    length_bytes = tus.number("Upload-Length", request.headers.get("upload-length"))
    limit = built.settings.upload_limit_bytes
    if length_bytes > limit:
        raise TooLarge(
            f"An archive of {length_bytes} bytes was announced; at most {limit} are taken."
        )
    if not length_bytes:
        raise ArchiveEmpty("An archive of 0 bytes was announced; choose the zip of masks.")
    if request.headers.get("content-length", "0") != "0":
        raise UploadMalformed("Creating an upload takes no body; send the bytes with PATCH.")
    return length_bytes

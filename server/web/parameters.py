"""The words of the API's addresses, described once."""

from typing import Annotated

from fastapi import Path, Query

from server.models import Protocol, SplitName

ProtocolWord = Annotated[
    str,
    Path(
        description=f"One of: {', '.join(Protocol)}.",
        examples=[Protocol.FULLY_UNSUPERVISED.value],
    ),
]
SubsetWord = Annotated[
    str, Path(description="A subset that is listed by GET /api/v1/boards.", examples=["50"])
]
SplitWord = Annotated[
    str, Path(description=f"One of: {', '.join(SplitName)}.", examples=[SplitName.TEST.value])
]
SubmissionId = Annotated[
    str, Path(description="The id of a submission.", examples=["k3v9mzt2qyxw7adh"])
]
MethodSlug = Annotated[
    str, Path(description="The slug of a method, as its board tells it.", examples=["pass"])
]
TokenId = Annotated[
    str,
    Path(description="The id of a token, which is not the token.", examples=["m7c2hxd9u4nwe8rp"]),
]
UploadId = Annotated[
    str, Path(description="The last word of an upload's Location.", examples=["d5q8gkx3v7zt2ymb"])
]
PageSize = Annotated[int, Query(ge=1, le=100, description="How many at most.", examples=[20])]
Cursor = Annotated[
    str | None,
    Query(
        max_length=32,
        description="The next_cursor of the page before; the first page needs none.",
    ),
]

"""A task type of somebody else's: how many bells a recording has. Found through an entry point, unknown to everything else."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from steelyard.errors import Issue
from steelyard.task_types import Agreement, Answer, AttachmentRef, InvalidParams, MediaInfo, TaskType


class BellCountParams(Struct, kw_only=True):
    """Which recording, and how many bells there may be."""

    attachment: Annotated[str, Meta(min_length=1, description="URL of the recording.")]
    most: Annotated[int, Meta(ge=1, le=100, description="As many bells as there can be.")] = 12


class BellCountResponse(Struct, kw_only=True):
    """The number of bells."""

    bells: Annotated[int, Meta(ge=1)]


def _parse(data: bytes) -> BellCountParams:
    try:
        return msgspec.json.decode(data, type=BellCountParams)
    except msgspec.DecodeError as error:
        raise InvalidParams(f"Parameter is invalid, reason: {error}") from None


def _check(params: BellCountParams, data: bytes, media: MediaInfo) -> tuple[list[Issue], bytes]:
    try:
        response = msgspec.json.decode(data, type=BellCountResponse)
    except msgspec.DecodeError as error:
        return [Issue("", str(error))], data
    over = response.bells > params.most
    return [Issue("bells", f"must be at most {params.most}")] if over else [], data


def _test_answer(params: BellCountParams, seed: str, media: MediaInfo) -> Answer:
    return Answer({"bells": 1 + sum(seed.encode()) % params.most})


def _agreement(
    params: BellCountParams, a: dict[str, Any], b: dict[str, Any], media: MediaInfo = MediaInfo()
) -> Agreement:
    return Agreement(1.0 if a == b else 0.0)


TASK_TYPE = TaskType(
    title="Bell count",
    description="How many bells ring.",
    params=BellCountParams,
    response=BellCountResponse,
    parse_params=_parse,
    attachments=lambda params: [AttachmentRef("attachment", params.attachment, media="audio")],
    check_response=_check,
    test_answer=_test_answer,
    agreement=_agreement,
    canonical=lambda response: response,
    summarize=lambda params, response: {"bells": response.get("bells")},
)

"""Write down what is said in a recording (task-types-text §6). Legacy, still accepted."""

from __future__ import annotations

import random
import re
import unicodedata
from collections.abc import Iterator
from typing import Annotated, Any, Literal, cast

import msgspec
from msgspec import Meta, Struct

from steelyard.errors import InvalidRequest, Issue
from steelyard.task_types._base import Agreement, Answer, AttachmentRef, MediaInfo, TaskType
from steelyard.task_types._shared.common import NO_ATTACHMENT, AttachmentUrl, CommonParams
from steelyard.task_types._shared.parsing import ParamsParser, Rule, Section, plain, read_response, shorten
from steelyard.task_types._shared.single import RESPONSES_REQUIRED, check_content, refuse
from steelyard.task_types._shared.textscore import MAX_UNITS, edit_distance

Seconds = Annotated[float, Meta(ge=0, le=1e7)]

FILLERS = frozenset(["ah", "eh", "er", "erm", "hm", "hmm", "huh", "mhm", "mm", "uh", "uhm", "um"])
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_SENTENCES = (
    "The train on platform two leaves in five minutes.",
    "Please hold the line while we look for your parcel.",
    "Tomorrow will be dry with a light wind from the west.",
)
_TEST_SECONDS = 5.0


class AudioWord(Struct, kw_only=True):
    """When a word is said, in seconds, and how sure that is (1 when a person timed it)."""

    word: str
    start: Seconds
    end: Seconds
    confidence: Annotated[float, Meta(ge=0, le=1)] = 1


class AudioTranscriptionResponse(Struct, kw_only=True):
    """The text, the length of the recording in seconds, and the times of the words if there are any."""

    transcript: str
    duration: Seconds = 0
    alignment: Annotated[list[AudioWord], Meta(max_length=200_000)] = []


class AudioTranscriptionParams(CommonParams, kw_only=True):
    """The recording and how to write it down."""

    attachment: Annotated[AttachmentUrl, Meta(description="URL of an audio file.")]
    attachment_type: Annotated[Literal["audio"] | None, Meta(description="`audio`, also when absent.")] = None
    verbatim: Annotated[bool | None, Meta(description="Keep fillers and false starts.")] = None
    phrases: Annotated[list[str] | None, Meta(description="Words that are likely to occur.")] = None
    skip_human_transcription: bool | None = None
    hypothesis: Annotated[
        AudioTranscriptionResponse | None, Meta(description="Pre-labels; `transcript` suffices.")
    ] = None


def _check_attachment(params: Any) -> None:
    check_content("attachment", params.attachment, "audio")


def _check_automatic(params: Any) -> None:
    if params.skip_human_transcription:
        raise InvalidRequest(
            "Automatic transcription is not enabled.",
            issues=[Issue("skip_human_transcription", "is not enabled")],
        )


def _check_hypothesis(params: Any) -> None:
    if params.hypothesis is not None:
        refuse("hypothesis", _issues(params.hypothesis))


_parse = ParamsParser(
    AudioTranscriptionParams,
    (
        Section(("attachment",), _check_attachment),
        Section(("attachment_type", "verbatim", "phrases", "skip_human_transcription"), _check_automatic),
        Section(("hypothesis",), _check_hypothesis),
    ),
    (
        Rule("attachment", NO_ATTACHMENT, ("missing", "value")),
        Rule("attachment_type", "Invalid parameter attachment_type: must be audio.", ("value", "type")),
        RESPONSES_REQUIRED,
    ),
    general=plain,
)

_RESPONSE = msgspec.json.Decoder(AudioTranscriptionResponse)


def _check(params: AudioTranscriptionParams, data: bytes, media: MediaInfo) -> tuple[list[Issue], bytes]:
    response = read_response(_RESPONSE, data)
    if isinstance(response, list):
        return response, data
    issues = list(_issues(response))
    if issues:
        return issues, data
    given = msgspec.json.decode(data)
    timed = all("confidence" in word for word in given.get("alignment", ()))
    if timed and given.keys() >= {"duration", "alignment"}:
        return [], data
    if "duration" not in given:
        response.duration = max([media.duration_s or 0.0, *(word.end for word in response.alignment)])
    return [], msgspec.json.encode(response)


def _issues(response: AudioTranscriptionResponse) -> Iterator[Issue]:
    reach = 0.0
    for i, word in enumerate(response.alignment):
        path = f"alignment[{i}]"
        if not word.word.strip():
            yield Issue(f"{path}.word", "must not be empty")
        if word.end < word.start:
            yield Issue(path, "must not end before its start")
        elif response.duration and word.end > response.duration + 0.001:
            yield Issue(path, "must end within the recording")
        if word.start < reach:
            yield Issue(path, "must not start before the word ahead of it")
        reach = word.start


def _test_answer(params: AudioTranscriptionParams, seed: str, media: MediaInfo) -> Answer:
    rng = random.Random(seed)  # noqa: S311  (repeatable on purpose)
    sentence = rng.choice(_SENTENCES)
    words = _WORD.findall(sentence)
    duration = media.duration_s or _TEST_SECONDS
    step = duration / len(words)
    alignment = [
        {
            "word": word,
            "start": round(i * step, 3),
            "end": round((i + 0.9) * step, 3),
            "confidence": round(rng.uniform(0.8, 1.0), 2),
        }
        for i, word in enumerate(words)
    ]
    return Answer({"transcript": sentence, "duration": duration, "alignment": alignment})


def _spoken(response: dict[str, Any]) -> list[str]:
    """The words without case and punctuation; typographic apostrophes count as plain ones."""
    text = unicodedata.normalize("NFC", str(response.get("transcript") or "")).casefold()
    return cast("list[str]", _WORD.findall(text.replace("’", "'")))


def _words(params: AudioTranscriptionParams, response: dict[str, Any]) -> list[str]:
    found = _spoken(response)
    return found if params.verbatim else [word for word in found if word not in FILLERS]


def _agreement(
    params: AudioTranscriptionParams, a: dict[str, Any], b: dict[str, Any], media: MediaInfo = MediaInfo()
) -> Agreement:
    """1 − word edits ÷ the larger word count; times are not compared."""
    one, other = _words(params, a), _words(params, b)
    longest = max(len(one), len(other))
    if longest == 0:
        return Agreement(1.0, {"edits": 0, "words": 0})
    edits = _edits(one, other)
    return Agreement(max(0.0, 1.0 - edits / longest), {"edits": edits, "words": longest})


def _edits(a: list[str], b: list[str]) -> int:
    """Word edits; long texts are compared piece by piece, each piece of `a` with the piece of `b` at the same share of it."""
    longest = max(len(a), len(b))
    pieces = -(-longest // MAX_UNITS)
    return sum(
        edit_distance(
            a[len(a) * i // pieces : len(a) * (i + 1) // pieces],
            b[len(b) * i // pieces : len(b) * (i + 1) // pieces],
        )
        for i in range(pieces)
    )


def _canonical(response: dict[str, Any]) -> dict[str, Any]:
    return {"transcript": _spoken(response)}


def _summarize(params: AudioTranscriptionParams, response: dict[str, Any]) -> dict[str, Any]:
    text = str(response.get("transcript") or "")
    return {
        "words": len(_WORD.findall(text)),
        "transcript": shorten(text, 80),
        "duration": response.get("duration"),
    }


def _defaults(params: AudioTranscriptionParams) -> dict[str, Any]:
    return {
        "attachment_type": "audio", "verbatim": False, "phrases": [], "skip_human_transcription": False,
    }  # fmt: skip


TASK_TYPE = TaskType(
    title="Audio transcription",
    description="What is said in a recording, with the times of the words.",
    params=AudioTranscriptionParams,
    response=AudioTranscriptionResponse,
    parse_params=_parse,
    default_params=_defaults,
    attachments=lambda params: [AttachmentRef("attachment", params.attachment, media="audio")],
    check_response=_check,
    test_answer=_test_answer,
    agreement=_agreement,
    canonical=_canonical,
    summarize=_summarize,
    hypothesis=lambda params: (
        None if params.hypothesis is None else cast("dict[str, Any]", msgspec.to_builtins(params.hypothesis))
    ),
)

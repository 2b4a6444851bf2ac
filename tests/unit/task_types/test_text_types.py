"""The legacy text, audio and document types: what leaves the workbench is checked and completed, and answers score by known values."""

import json
from typing import Any

import msgspec
import pytest

from steelyard.task_types import TASK_TYPES, Agreement, MediaInfo
from steelyard.task_types._shared.document_values import read_date, read_money
from tests.unit.task_types.test_submit import check

PAGE = {"attachment": "https://x.example/", "attachment_type": "website"}
PAIR = {"attachments": ["a", "b"], "attachment_type": "text"}
SHEET = {
    "attachment": "https://x.example/s.png",
    "attachment_type": "image",
    "fields": {"ship": "Ship", "port": "Port"},
    "repeatable_fields": {"cargo": "Cargo", "bales": "Bales"},
}
AUDIO = {"attachment": "https://x.example/a.mp3"}


def score(name: str, params: dict[str, Any], a: Any, b: Any) -> Agreement:
    task_type = TASK_TYPES[name]
    parsed = task_type.parse_params(msgspec.json.encode(params))
    there, back = task_type.agreement(parsed, a, b), task_type.agreement(parsed, b, a)
    assert there.score == pytest.approx(back.score)
    return there


def problems(name: str, params: dict[str, Any], response: Any) -> list[str]:
    return check(name, params, response)[0]


def test_a_verdict_must_be_one_of_the_choices():
    params = {**PAIR, "choices": ["first", "second"], "fields": {"why": "Why?"}}
    assert problems("comparison", params, {"choice": "first", "fields": {"why": ""}}) == []
    assert problems("comparison", params, {"choice": "third", "fields": {"why": ""}}) == [
        'choice "third" is not one of the choices'
    ]
    assert problems("comparison", params, {"fields": {"who": "x"}}) == [
        "choice is required",
        "fields.why is required",
        "fields.who is no field of this task",
    ]


def test_a_comparison_scores_its_verdict_and_each_text():
    params = {**PAIR, "choices": ["x", "y"], "fields": {"why": "Why?"}}
    one, other = {"choice": "x", "fields": {"why": "mill"}}, {"choice": "y", "fields": {"why": "Mall."}}
    assert score("comparison", params, one, other).score == pytest.approx((0 + 0.75) / 2)


def test_every_field_of_a_transcription_is_answered_be_it_by_nothing():
    whole = {"fields": {"ship": "Halcyon", "port": ""}, "repeatable_fields": []}
    assert check("transcription", SHEET, {"fields": whole["fields"]}) == ([], whole)
    assert problems(
        "transcription", SHEET, {"fields": {"ship": "x"}, "repeatable_fields": [{"cargo": "y"}]}
    ) == [
        "fields.port is required",
        "repeatable_fields[0].bales is required",
    ]
    assert problems("transcription", SHEET, {**whole, "repeatable_fields": [{}]}) == [
        "repeatable_fields[0] must not be empty"
    ]
    assert problems("transcription", SHEET, {**whole, "repeatable_fields": [None]})


def rows(*cells: tuple[str, str]) -> dict[str, Any]:
    return {
        "fields": {"ship": "a", "port": "b"},
        "repeatable_fields": [{"cargo": c, "bales": n} for c, n in cells],
    }


def test_rows_are_aligned_in_order_and_a_missing_one_costs_its_share():
    wool, slate, salt = ("wool", "40"), ("slate", "12"), ("salt", "7")
    found = score("transcription", SHEET, rows(wool, slate, salt), rows(wool, salt))
    assert found.detail["repeatable_fields"] == pytest.approx(2 / 3)
    assert found.score == pytest.approx((1 + 1 + 2 / 3) / 3)
    swapped = score("transcription", SHEET, rows(("a", "1"), ("b", "2")), rows(("b", "2"), ("a", "1")))
    assert swapped.detail["repeatable_fields"] == pytest.approx(1 / 2)


def test_many_rows_are_compared_in_reasonable_time():
    table = rows(*((f"cargo {i}", str(i)) for i in range(400)))
    shifted = rows(*((f"cargo {i}", str(i)) for i in range(1, 401)))
    found = score("transcription", SHEET, table, shifted)
    assert found.detail["repeatable_fields"] == pytest.approx(399 / 400)


def test_a_datacollection_counts_texts_and_not_the_time_they_took():
    params = {**PAGE, "fields": {"mail": "Mail", "phone": "Phone"}}
    one = {"fields": {"mail": "a@b.example", "phone": "1"}, "time_spent_in_seconds": 3}
    other = {"fields": {"mail": "A@B.example", "phone": ""}, "time_spent_in_seconds": 99}
    assert score("datacollection", params, one, other).score == pytest.approx(0.5)
    assert check("datacollection", params, {"fields": one["fields"]}) == (
        [],
        {"fields": one["fields"], "time_spent_in_seconds": 0},
    )


@pytest.mark.parametrize(
    ("a", "b", "verbatim", "expected"),
    [
        ("Mind the gap.", "mind  THE gap", False, 1.0),
        ("Mind the gap", "Mine the gap", False, 2 / 3),
        ("Um, mind the gap", "Mind the uh gap", False, 1.0),
        ("Um, mind the gap", "Mind the gap", True, 3 / 4),
        ("", "", False, 1.0),
        ("", "Mind", False, 0.0),
        ("don't", "Don’t", False, 1.0),
    ],
)
def test_transcripts_score_by_word_edits(a: str, b: str, verbatim: bool, expected: float):
    params = {**AUDIO, "verbatim": verbatim}
    one, other = ({"transcript": t, "duration": 1, "alignment": []} for t in (a, b))
    assert score("audiotranscription", params, one, other).score == pytest.approx(expected)


def test_word_times_run_forwards_inside_the_recording_and_missing_ones_are_completed():
    def word(start: float, end: float) -> dict[str, Any]:
        return {"word": "w", "start": start, "end": end}

    def with_words(*words: Any) -> dict[str, Any]:
        return {"transcript": "w", "duration": 2, "alignment": list(words)}

    assert problems("audiotranscription", AUDIO, with_words(word(0, 1), word(1, 2.5))) == [
        "alignment[1] must end within the recording"
    ]
    assert problems("audiotranscription", AUDIO, with_words(word(1, 2), word(0, 1))) == [
        "alignment[1] must not start before the word ahead of it"
    ]
    issues, stored = check(
        "audiotranscription", AUDIO, {"transcript": "w", "alignment": [word(0, 1)]}, MediaInfo(duration_s=4)
    )
    assert issues == []
    assert stored == {
        "transcript": "w", "duration": 4, "alignment": [{**word(0, 1), "confidence": 1}],
    }  # fmt: skip


BILL = {
    "attachment": "https://x.example/bill.png",
    "lang": "en-GB",
    "features": [
        {"type": "text", "label": "total_key", "flags": ["key"]},
        {"type": "text", "label": "total_value", "flags": ["value", "money"]},
        {"type": "text", "label": "due", "flags": ["date"]},
        {"type": "block", "label": "table", "features": [{"type": "text", "label": "cell"}]},
        {"type": "block", "label": "head", "flags": ["thead"]},
        {"type": "block", "label": "body", "flags": ["tbody"]},
        {"type": "block", "label": "paid", "flags": ["checkbox"]},
    ],
}


def at(label: str, left: float, top: float, text: str | None = None, **more: Any) -> dict[str, Any]:
    place = {"type": "box", "left": left, "top": top, "width": 20, "height": 10}
    return {"page": 0, "label": label, "location": place, **({} if text is None else {"text": text}), **more}


def bill(*annotations: Any) -> dict[str, Any]:
    return {"annotations": list(annotations)}


def test_a_document_answer_is_completed_with_links_amounts_and_dates():
    big = {"type": "box", "left": 0, "top": 40, "width": 90, "height": 30}
    given = bill(
        at("total_key", 0, 0, "Total", uuid="k"),
        at("total_value", 30, 0, "£1,234.50", uuid="v"),
        at("due", 0, 15, "03/05/2024", uuid="d"),
        {**at("table", 0, 0, uuid="t"), "location": big},
        at("cell", 5, 45, "x", uuid="c"),
        at("head", 0, 20, uuid="h"),
        at("body", 0, 30, uuid="b"),
        at("paid", 60, 0, uuid="p", checked=True),
    )
    issues, stored = check("documenttranscription", BILL, given)
    assert issues == []
    found = {a["uuid"]: a for a in stored["annotations"]}
    assert found["k"]["refs"] == ["v"]
    assert found["v"]["refs"] == ["k"]
    assert found["v"]["money"] == {"amount": "1234.50", "parsed": True, "currency": "GBP"}
    assert found["d"]["date"] == {"year": 2024, "month": 5, "day": 3, "parsed": True}
    assert found["t"]["refs"] == ["c"]
    assert found["b"]["refs"] == ["h"]
    assert found["h"]["refs"] == []
    assert found["p"]["text"] == ""
    assert check("documenttranscription", BILL, stored) == ([], stored)


def test_links_in_their_long_form_are_stored_as_ids_and_missing_ids_are_made():
    given = bill(
        at("cell", 0, 0, "x", uuid="1", refs=[{"uuid": "2", "type": "x"}]), at("cell", 30, 0, "y", uuid="2")
    )
    issues, stored = check("documenttranscription", BILL, given)
    assert issues == []
    assert stored["annotations"][0]["refs"] == ["2"]
    issues, stored = check("documenttranscription", BILL, bill(at("cell", 0, 0, "x")))
    assert issues == []
    assert stored["annotations"][0]["uuid"]


@pytest.mark.parametrize(
    ("annotation", "problem"),
    [
        (at("cell", 0, 0), "annotations[0].text is required"),
        (at("table", 0, 0, "words"), "annotations[0].text must be empty for a block"),
        (at("sum", 0, 0, "x"), 'annotations[0].label unknown label "sum"'),
        (at("paid", 0, 0), "annotations[0].checked is required"),
        (
            at("cell", 0, 0, "x", checked=True),
            "annotations[0].checked is only for features with the flag checkbox",
        ),
        (at("cell", 79.5, 0, "x"), None),
        (at("cell", 82, 0, "x"), "annotations[0].location lies outside the page"),
        (at("cell", -2, 0, "x"), "annotations[0].location lies outside the page"),
        (at("cell", 500, 0, "x", page=1), None),
        (at("cell", 0, 0, "x", refs=["q"]), 'annotations[0].refs[0] no annotation with uuid "q"'),
        (
            at("total_value", 0, 0, "x", money={"amount": "12,5", "parsed": True}),
            "annotations[0].money.amount must be a decimal number",
        ),
    ],
)
def test_document_annotations_must_fit_the_features_and_the_page(annotation: Any, problem: str | None):
    issues = problems("documenttranscription", BILL, bill(annotation))
    assert issues == ([] if problem is None else [problem])


def test_a_required_feature_must_be_found():
    params = {**BILL, "features": [{"type": "text", "label": "no", "required": True}]}
    assert problems("documenttranscription", params, bill()) == [
        'annotations must have at least one with the label "no"'
    ]


def test_documents_score_matches_times_contents_and_links_by_half():
    one = bill(at("cell", 0, 0, "mill", uuid="1"), at("cell", 40, 0, "oak", uuid="2"))
    other = bill(at("cell", 2, 0, "mall", uuid="a"))
    assert score("documenttranscription", BILL, one, other).score == pytest.approx(2 / 3 * 0.75)
    assert (
        score("documenttranscription", BILL, bill(at("cell", 0, 0, "x")), bill(at("cell", 9, 0, "x"))).score
        == 0
    )
    money = {"amount": "10.00", "parsed": True}
    linked = bill(
        at("total_key", 0, 0, "Total", uuid="k", refs=["v"]),
        at("total_value", 30, 0, "10", uuid="v", refs=["k"], money={**money, "amount": "10"}),
    )
    same = bill(
        at("total_key", 0, 0, "Total", uuid="x", refs=["y"]),
        at("total_value", 30, 0, "£ 10.00", uuid="y", refs=[], money=money),
    )
    assert score("documenttranscription", BILL, linked, same).score == pytest.approx(1.0)
    loose = json.loads(json.dumps(same).replace('["y"]', "[]"))
    assert score("documenttranscription", BILL, linked, loose).score == pytest.approx(1 / 1.5)


@pytest.mark.parametrize(
    ("text", "amount", "currency"),
    [
        ("£120.00", "120.00", "GBP"),
        ("1.234,56 €", "1234.56", "EUR"),
        ("$1,234", "1234", "USD"),
        ("CHF 1'234.50", "1234.50", "CHF"),
        ("(45.00)", "-45.00", None),
        ("- $5.20", "-5.20", "USD"),
        ("1,23,456.00", "123456.00", None),
        ("99 999 kr", "99999", None),
        ("0,50", "0.50", None),
        ("two pounds", None, None),
        ("3 for 10.00", None, None),
        ("", None, None),
    ],
)
def test_amounts_are_read_from_texts(text: str, amount: str | None, currency: str | None):
    money = read_money(text)
    assert (money.amount, money.currency, money.parsed) == (amount, currency, amount is not None)


@pytest.mark.parametrize(
    ("text", "lang", "parts"),
    [
        ("3 May 2024", "en-GB", (2024, 5, 3)),
        ("May 3rd, 2024", "en-US", (2024, 5, 3)),
        ("05/03/2024", "en-US", (2024, 5, 3)),
        ("05/03/2024", "de", (2024, 3, 5)),
        ("13/03/98", "en-US", (1998, 3, 13)),
        ("2024-05-03T10:00:00Z", "en-US", (2024, 5, 3)),
        ("12. März 1999", "de", (1999, 3, 12)),
        ("May 2024", "en-US", (2024, 5, None)),
        ("2024", "en-US", (2024, None, None)),
        ("31.02.2024", "de", None),
        ("tomorrow", "en-US", None),
    ],
)
def test_dates_are_read_from_texts(text: str, lang: str, parts: Any):
    date = read_date(text, lang)
    assert (date.year, date.month, date.day) == (parts or (None, None, None))
    assert date.parsed == (parts is not None)

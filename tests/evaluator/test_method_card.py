import pytest

from evaluator import BadPrediction, Code, MethodCard, parse_method

FULL = (
    "Method name: PASS: revisited\nTraining data: ImageNet-S-50\nTraining scheme: SSL\n"
    "Networks: ResNet-18\nPaper/Project link: https://example.org/a:b\n"
    "Method description: Two stages.\nNetworks: this line is part of the description.\n"
)
CARD = MethodCard(
    name="PASS: revisited",
    training_data="ImageNet-S-50",
    training_scheme="SSL",
    networks="ResNet-18",
    link="https://example.org/a:b",
    description="Two stages.\nNetworks: this line is part of the description.",
)


@pytest.mark.parametrize(
    "content",
    [
        FULL.encode(),
        b"\xef\xbb\xbf" + FULL.encode(),
        FULL.replace("\n", "\r\n").encode(),
        FULL.replace("Method name: ", "METHOD NAME:").encode(),
    ],
    ids=["plain", "byte order mark", "CRLF", "another case"],
)
def test_six_lines_make_a_card(content: bytes) -> None:
    assert parse_method(content) == (CARD, ())


def test_what_is_not_given_is_none_and_warned_of() -> None:
    card, findings = parse_method(b"Method name: a\nTraining data: null\nNetworks:\n")

    assert card == MethodCard(name="a")
    assert [finding.code for finding in findings] == [Code.METHOD_FIELD_MISSING] * 5
    assert findings[0].message == (
        'method.txt: "Training data" is not given; boards will show nothing there'
    )


def test_lines_out_of_order_are_named() -> None:
    card, findings = parse_method(b"Networks: a\nMethod name: b\n")

    assert (card.networks, card.name) == ("a", None)
    assert findings[0].code is Code.METHOD_LINE_UNKNOWN
    assert 'line 2, "Method name: b"' in findings[0].message


def test_a_file_that_is_no_utf_8_is_refused() -> None:
    with pytest.raises(BadPrediction, match=r"not UTF-8 \(byte 14\); save it as UTF-8"):
        parse_method(b"Method name: a\xff")

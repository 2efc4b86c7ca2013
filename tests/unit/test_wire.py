"""What the wire's types refuse, and that encoding and decoding are each other's inverse for any content."""

from __future__ import annotations

from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.wire import documents, envelope, seal, strict, summary
from agent.wire.errors import Malformed, UnsupportedVersion, WireError


@st.composite
def windows(draw: st.DrawFn, start: int | None = None) -> summary.Window:
    cuts = sorted(draw(st.lists(st.integers(0, 300), min_size=5, max_size=5)))
    seconds = [b - a for a, b in zip([0, *cuts], [*cuts, 300], strict=True)]
    first = draw(st.integers(0, 20_000_000)) * 300 if start is None else start
    return summary.Window(first, *seconds, frames=draw(st.integers(0, summary.MAX_FRAMES)))


@st.composite
def summaries(draw: st.DrawFn) -> summary.Summary:
    found = draw(st.lists(windows(), min_size=1, max_size=12, unique_by=lambda w: w.start))
    return summary.Summary(
        seq=draw(st.integers(1, strict.MAX_INTEGER)),
        windows=tuple(sorted(found, key=lambda w: w.start)),
        lost=draw(st.integers(0, strict.MAX_INTEGER)),
        agent=draw(st.from_regex(r"[0-9A-Za-z.+-]{1,32}", fullmatch=True)),
        models=draw(st.from_regex(r"[0-9a-f]{4,64}", fullmatch=True)),
        policy="p-7",
    )


@given(summaries())
def test_decoding_reverses_encoding(content: summary.Summary) -> None:
    plain = summary.encode(content)
    assert len(plain) in summary.PADDED_SIZES
    assert summary.decode(plain) == content


@given(summaries(), st.sampled_from([1, 2]), st.uuids(), st.integers(0, 2**40))
@settings(max_examples=25)
def test_opening_reverses_sealing(content: summary.Summary, suite: int, number: UUID, created: int) -> None:
    device, key, org = Ed25519PrivateKey.generate(), seal.SealKey.generate(suite), "ab" * 16
    made = seal.seal(content, org=org, device_key=device, key=key.public, envelope_id=number, created=created)
    body = envelope.format_body(made)
    assert len(body) <= envelope.MAX_BODY
    received = envelope.parse_body(body)
    seal.verify(received, org=org, device_public=device.public_key().public_bytes_raw())
    assert seal.open_sealed(received, org=org, key=key) == content


def test_a_day_of_the_longest_numbers_fits() -> None:
    first = (strict.MAX_INTEGER // 300 - 288) * 300
    longest = [summary.Window(first + 300 * i, 10, 10, 10, 10, 130, 130, 9000) for i in range(288)]
    content = summary.Summary(strict.MAX_INTEGER, tuple(longest), strict.MAX_INTEGER, "a" * 32, "f" * 64, "p-999999999")
    assert summary.decode(summary.encode(content)) == content


@pytest.mark.parametrize(
    "fields",
    [
        {"start": 1},
        {"start": -300},
        {"at_screen": 299},
        {"at_screen": 301},
        {"at_screen": -1, "absent": 301},
        {"at_screen": True, "absent": 299},
        {"at_screen": 300.0},
        {"frames": 9001},
        {"frames": -1},
    ],
)
def test_a_window_that_cannot_be_is_refused(fields: dict[str, int]) -> None:
    with pytest.raises(Malformed):
        summary.Window(**{"start": 300, "at_screen": 300, **fields})


def test_windows_must_ascend_and_be_at_most_a_day() -> None:
    def build(*starts: int) -> summary.Summary:
        return summary.Summary(1, tuple(summary.Window(s, at_screen=300) for s in starts), 0, "1.0.0", "abcd", "p-1")

    build(0, 300)
    for starts in ((), (300, 300), (600, 300), tuple(range(0, 289 * 300, 300))):
        with pytest.raises(Malformed):
            build(*starts)


@pytest.mark.parametrize(
    "change",
    [
        lambda plain: plain[:-1],
        lambda plain: plain + b" ",
        lambda plain: plain.replace(b'"v":1', b'"v": 1')[:1024],
        lambda plain: b" " + plain[:-1],
        lambda plain: plain[:-1] + b"\n",
        lambda plain: plain.rstrip().ljust(2048),
        lambda plain: plain.replace(b'"lost":0', b'"lost":-0')[:1024],
    ],
)
def test_a_second_spelling_of_a_summary_is_refused(change: object) -> None:
    plain = summary.encode(summary.Summary(1, (summary.Window(0, at_screen=300),), 0, "1.0.0", "abcd", "p-1"))
    with pytest.raises(WireError):
        summary.decode(change(plain))  # type: ignore[operator]  # the parameters above are functions


def test_a_newer_summary_says_so() -> None:
    with pytest.raises(UnsupportedVersion):
        summary.decode(strict.canonical({"v": 2}).ljust(1024))


@given(st.binary(max_size=300))
def test_garbage_is_refused_and_nothing_else_happens(garbage: bytes) -> None:
    for read in (envelope.parse_body, summary.decode):
        with pytest.raises(WireError):
            read(garbage)
    with pytest.raises(WireError):
        documents.verify_document(garbage, "keyset", signers=[], org="ab" * 16)


def test_half_a_surrogate_pair_is_no_text() -> None:
    for data in (b'"\\ud800"', b'{"a":["\\uDFFFx"]}', b'{"\\ud83d":1}', b'"\\ud800 \\udc00"'):
        with pytest.raises(WireError):
            strict.strict_json(data, 100)
    assert strict.strict_json(b'"\\ud83d\\ude00 \\u00e9"', 100) == "\U0001f600 \u00e9"


def test_deep_nesting_and_huge_integers_are_refused() -> None:
    for data in (b"[" * 60000, b"9" * 5000, b'{"a":' * 9000 + b"1" + b"}" * 9000):
        with pytest.raises(WireError):
            strict.strict_json(data, 65536)


@pytest.mark.parametrize(
    ("endpoint", "accepted"),
    [
        ("https://sync.example.org", True),
        ("https://sync.example.org:8443", True),
        ("http://127.0.0.1:8000", True),
        ("http://localhost:8000", True),
        ("http://sync.example.org", False),
        ("https://user@sync.example.org", False),
        ("https://sync.example.org/", False),
        ("https://sync.example.org/path", False),
        ("https://sync.example.org?x=1", False),
        ("https://", False),
        ("https://sync.example.org:99999", False),
        ("ftp://sync.example.org", False),
        (7, False),
    ],
)
def test_endpoint(endpoint: object, accepted: bool) -> None:
    if accepted:
        assert documents.check_endpoint(endpoint) == endpoint
    else:
        with pytest.raises(Malformed):
            documents.check_endpoint(endpoint)


def test_private_keys_are_never_printed() -> None:
    key = seal.SealKey.generate()
    assert key.raw.hex() not in repr(key)
    assert repr(key.raw) not in repr(key)

"""The pure parts of the door: what clients may send, and what follows from it."""

import hashlib
import hmac
import stat
from base64 import b64encode
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tailrace.cluster.front_door import InvalidEntry, parse_allow_list
from tailrace.cluster.front_door.certificates import LEAF_LIFETIME, open_authority
from tailrace.cluster.front_door.messages import (
    HEAD,
    encode_refusal,
    initial_response,
    parse_authentication,
    parse_head,
    parse_initial_response,
)
from tailrace.cluster.front_door.reception import Certificate
from tailrace.cluster.front_door.refusal import Refusal
from tailrace.cluster.front_door.scram import (
    SCRAM,
    SCRAM_PLUS,
    ClientExchange,
    Offer,
    ServerExchange,
    check_client_final,
    make_verifier,
    mock_verifier,
    parse_client_first,
    parse_verifier,
    server_first,
)
from tailrace.cluster.front_door.startup import (
    CancelRequest,
    GssRequest,
    Request,
    Startup,
    TlsRequest,
    encode_request,
    negotiate,
    parse_length,
    parse_request,
)

words = st.binary(min_size=1, max_size=12).map(lambda word: word.replace(b"\0", b"z"))
startups = st.builds(Startup, minor=st.integers(0, 65535), parameters=st.lists(st.tuples(words, words)).map(tuple))
cancels = st.builds(CancelRequest, process=st.integers(0, 2**32 - 1), key=st.binary(min_size=1, max_size=256))
requests = st.one_of(startups, cancels, st.just(TlsRequest()), st.just(GssRequest()))
nonces = st.text("abcdefXYZ0189+/=", min_size=1, max_size=30).map(str.encode)


@given(requests)
def test_a_startup_packet_is_read_as_it_was_written(request: Request) -> None:
    packet = encode_request(request)

    assert parse_length(packet[:4]) == len(packet) - 4
    assert parse_request(packet[4:]) == request


@given(st.binary(max_size=300))
def test_noise_is_a_startup_packet_or_refused(noise: bytes) -> None:
    with suppress(Refusal):
        assert encode_request(parse_request(noise))[4:] == noise


@given(st.binary(max_size=300), st.sampled_from((SCRAM, SCRAM_PLUS)), st.none() | st.binary(max_size=32))
def test_noise_in_place_of_an_answer_is_refused(noise: bytes, mechanism: str, binding: bytes | None) -> None:
    offer = Offer(mechanism, binding)
    exchange = ServerExchange(
        offer, parse_client_first(b"n,,n=,r=abc", Offer(SCRAM, None)), mock_verifier(b"x", b"y"), b"r=abcdef,s=,i=1"
    )

    for read in (
        parse_initial_response,
        parse_authentication,
        lambda text: parse_head(text[:HEAD].ljust(HEAD, b"\0"), limit=100),
        lambda text: parse_client_first(text, offer),
        lambda text: check_client_final(text, exchange),
    ):
        with suppress(Refusal):
            read(noise)


@given(st.text(max_size=30), st.binary(max_size=100))
def test_a_mechanism_and_its_first_message_are_read_as_written(noise: str, data: bytes) -> None:
    name = noise.encode("ascii", "ignore").replace(b"\0", b"").decode()

    message = initial_response(name, data)

    assert parse_initial_response(message[HEAD:]) == (name, data)


@settings(max_examples=40)
@given(st.binary(), st.binary(min_size=1, max_size=20), st.integers(1, 50), nonces, nonces)
def test_the_proof_of_a_client_opens_the_backend_too(
    password: bytes, salt: bytes, iterations: int, ours: bytes, theirs: bytes
) -> None:
    verifier = make_verifier(password, salt=salt, iterations=iterations)
    keys = make_client_key(password, salt, iterations)
    client = ClientExchange(keys, verifier.server_key, theirs)
    offer = Offer(SCRAM, None)
    first = parse_client_first(client.first(), offer)
    challenge = server_first(first, verifier, nonce=ours)
    final, expected = client.final(challenge)

    proof = check_client_final(final, ServerExchange(offer, first, verifier, challenge))
    other = mock_verifier(b"role", b"secret")
    wrong = check_client_final(final, ServerExchange(offer, first, other, challenge))

    assert proof is not None
    assert proof.client_key == keys
    assert proof.server_final == expected
    assert wrong is None


def make_client_key(password: bytes, salt: bytes, iterations: int) -> bytes:
    return hmac.digest(hashlib.pbkdf2_hmac("sha256", password, salt, iterations), b"Client Key", "sha256")


def test_the_example_of_the_rfc_is_verified() -> None:
    """RFC 7677, section 3."""
    salt = b"[m\x99h\x9d\x125\x8e\xec\xa0K\x14\x126\xfa\x81"
    verifier = make_verifier(b"pencil", salt=salt)
    offer = Offer(SCRAM, None)
    first = parse_client_first(b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO", offer)
    challenge = server_first(first, verifier, nonce=b"%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0")
    final = (
        b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
    )

    proof = check_client_final(final, ServerExchange(offer, first, verifier, challenge))

    assert challenge.endswith(b",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096")
    assert proof is not None
    assert proof.server_final == b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="


def test_a_client_bound_to_another_tls_session_is_refused() -> None:
    offer = Offer(SCRAM_PLUS, b"our certificate")
    first = parse_client_first(b"p=tls-server-end-point,,n=,r=abc", offer)
    exchange = ServerExchange(offer, first, mock_verifier(b"x", b"y"), b"r=abcdef,s=,i=1")
    bound = b64encode(first.header + b"another certificate")

    with pytest.raises(Refusal, match="channel binding check failed"):
        check_client_final(b"c=" + bound + b",r=abcdef,p=" + b64encode(bytes(32)), exchange)


@pytest.mark.parametrize("flag", [b"y", b"p=tls-unique", b"p=tls-server-end-point"])
def test_a_client_that_was_lied_to_about_channel_binding_is_refused(flag: bytes) -> None:
    with pytest.raises(Refusal):
        parse_client_first(flag + b",,n=,r=abc", Offer(SCRAM, b"our certificate"))


def test_an_unknown_role_gets_the_same_salt_each_time_and_another_one_a_different() -> None:
    one, again, other = (mock_verifier(name, b"secret") for name in (b"one", b"one", b"other"))

    assert one == again
    assert one.salt != other.salt


@given(st.text(max_size=80))
def test_what_is_no_verifier_is_none(text: str) -> None:
    assert parse_verifier(text) is None


def test_newer_protocols_and_unknown_extensions_are_negotiated_down() -> None:
    asked = Startup(9999, ((b"user", b"me"), (b"_pq_.shiny", b"1")))

    agreed, message = negotiate(asked)

    assert agreed == Startup(2, ((b"user", b"me"),))
    assert message == b"v\0\0\0\x17\0\3\0\2\0\0\0\1_pq_.shiny\0"
    assert negotiate(agreed) == (agreed, b"")


@given(st.text(), st.text())
def test_an_error_is_one_message_whatever_its_text(message: str, detail: str) -> None:
    encoded = encode_refusal(Refusal("28000", message, detail=detail))

    assert int.from_bytes(encoded[1:5], "big") == len(encoded) - 1
    assert encoded.endswith(b"\0\0")


@pytest.mark.parametrize(
    ("entry", "inside", "outside"),
    [
        ("192.0.2.7", "192.0.2.7", "192.0.2.8"),
        ("192.0.2.0/24", "192.0.2.255", "192.0.3.0"),
        ("192.0.2.9/24", "192.0.2.1", "::1"),
        ("192.0.2.5-192.0.2.9", "192.0.2.9", "192.0.2.10"),
        ("2001:db8::/32", "2001:db8::1%eth0", "2001:db9::1"),
        ("192.0.2.7", "::ffff:192.0.2.7", "::ffff:192.0.2.8"),
    ],
)
def test_an_allow_list_takes_addresses_blocks_and_ranges(entry: str, inside: str, outside: str) -> None:
    allowed = parse_allow_list((entry,))

    assert allowed.allows(inside)
    assert not allowed.allows(outside)


@pytest.mark.parametrize("entry", ["", "host", "1.2.3", "1.2.3.4/33", "1.2.3.9-1.2.3.4", "1.2.3.4-::1", "1-2-3"])
def test_an_entry_that_means_nothing_is_named(entry: str) -> None:
    with pytest.raises(InvalidEntry):
        parse_allow_list((entry,))


def test_an_authority_is_made_once_and_its_certificates_are_renewed_in_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1_800_000_000.0
    monkeypatch.setattr("time.time", lambda: now)
    authority = open_authority(tmp_path / "ca", now=now)
    again = open_authority(tmp_path / "ca", now=now)
    certificate = Certificate(authority, ("db.example", "192.0.2.1"))
    first = certificate.identity()

    now += LEAF_LIFETIME.total_seconds() - 86_400
    second = certificate.identity()

    assert again.certificate == authority.certificate
    assert again.secret(b"salt") == authority.secret(b"salt")
    assert first.binding != second.binding
    assert sorted(file.name for file in (tmp_path / "ca").iterdir()) == ["ca.crt", "ca.key"]
    assert stat.S_IMODE((tmp_path / "ca" / "ca.key").stat().st_mode) == 0o600

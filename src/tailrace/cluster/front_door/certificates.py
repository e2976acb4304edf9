"""A small certificate authority in a folder, and the server certificates that it signs.

`ca.key` (0600: key and certificate, made once) and `ca.crt` (for clients: sslrootcert).
Server certificates live in memory only: each start makes a new one.
"""

import hashlib
import hmac
import os
import ssl
import tempfile
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

ALPN = "postgresql"
LEAF_LIFETIME = timedelta(days=90)
RENEW_BEFORE = timedelta(days=30)
_CA_LIFETIME = timedelta(days=3650)
_CLOCK_SKEW = timedelta(hours=1)
_KEY_FILE = "ca.key"
_CERTIFICATE_FILE = "ca.crt"


@dataclass(frozen=True, slots=True)
class TlsIdentity:
    """One server certificate in use. `binding` is its tls-server-end-point data (RFC 5929)."""

    context: ssl.SSLContext
    binding: bytes
    renew_at: float
    """Seconds since the epoch."""


@dataclass(frozen=True, slots=True)
class Authority:
    """A certificate authority of our own."""

    folder: Path
    key: ec.EllipticCurvePrivateKey = field(repr=False)
    certificate: x509.Certificate

    @property
    def certificate_file(self) -> Path:
        """What a client names as `sslrootcert`."""
        return self.folder / _CERTIFICATE_FILE

    def secret(self, purpose: bytes) -> bytes:
        """32 bytes that stay the same as long as the authority does, and that nobody else knows."""
        key = self.key.private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return hmac.digest(key, purpose, "sha256")

    def issue(self, hosts: tuple[str, ...], *, now: float) -> TlsIdentity:
        """A new server certificate for names and IP addresses, ready to serve; `now` in seconds since the epoch.

        Errors: ValueError for a host that is neither a name nor an address.
        """
        start = datetime.fromtimestamp(now, UTC)
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._sign(key.public_key(), hosts, start)
        return TlsIdentity(
            _context(self.folder, key, certificate),
            hashlib.sha256(certificate.public_bytes(serialization.Encoding.DER)).digest(),
            (certificate.not_valid_after_utc - RENEW_BEFORE).timestamp(),
        )

    def _sign(self, key: ec.EllipticCurvePublicKey, hosts: tuple[str, ...], start: datetime) -> x509.Certificate:
        names = x509.SubjectAlternativeName([_general_name(host) for host in hosts])
        issuer_key = self.key.public_key()
        return (
            x509.CertificateBuilder()
            .subject_name(x509.Name([]))
            .issuer_name(self.certificate.subject)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(start - _CLOCK_SKEW)
            .not_valid_after(start + LEAF_LIFETIME)
            .add_extension(names, critical=True)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key), critical=False)
            .sign(self.key, hashes.SHA256())
        )


def open_authority(folder: Path, *, now: float) -> Authority:
    """Read the authority of a folder, which is made first where there is none.

    Several processes may do so at once: they end up with the same one.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    key_file = folder / _KEY_FILE
    if not key_file.exists():
        _create(key_file, datetime.fromtimestamp(now, UTC))
    pem = key_file.read_bytes()
    key = serialization.load_pem_private_key(pem, password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError(f"{key_file} holds no elliptic curve key.")
    authority = Authority(folder, key, x509.load_pem_x509_certificate(pem))
    if not authority.certificate_file.exists():
        public = authority.certificate.public_bytes(serialization.Encoding.PEM)
        _write_whole(authority.certificate_file, public, mode=0o644)
    return authority


def _create(key_file: Path, start: datetime) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Tailrace local authority")])
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start - _CLOCK_SKEW)
        .not_valid_after(start + _CA_LIFETIME)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(identifier, critical=False)
        .sign(key, hashes.SHA256())
    )
    _write_whole(key_file, _pem(key, certificate), mode=0o600)


def _write_whole(path: Path, content: bytes, *, mode: int) -> None:
    """Write a file that nobody sees half of, unless somebody else was first."""
    descriptor, staging = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), mode)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(staging, path)
        except FileExistsError:
            return
    finally:
        os.unlink(staging)


def _context(folder: Path, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_TICKET | ssl.OP_NO_COMPRESSION
    context.num_tickets = 0
    context.set_alpn_protocols([ALPN])
    # OpenSSL reads keys from files only: this one has a name for as long as that takes.
    with tempfile.NamedTemporaryFile(dir=folder, prefix=".leaf.") as file:
        file.write(_pem(key, certificate))
        file.flush()
        context.load_cert_chain(file.name)
    return context


def _pem(key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> bytes:
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private + certificate.public_bytes(serialization.Encoding.PEM)


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )

"""The signature algorithms that tokens may use (RFC 7518, 3.1 and RFC 8037)."""

from enum import Enum


class Family(Enum):
    """What kind of key an algorithm needs; the key, never the token, decides the family."""

    HMAC = "oct"
    RSA = "RSA"
    EC = "EC"
    EDWARDS = "OKP"


class Algorithm(Enum):
    HS256 = (Family.HMAC, "sha256")
    HS384 = (Family.HMAC, "sha384")
    HS512 = (Family.HMAC, "sha512")
    RS256 = (Family.RSA, "sha256")
    RS384 = (Family.RSA, "sha384")
    RS512 = (Family.RSA, "sha512")
    ES256 = (Family.EC, "sha256")
    ES384 = (Family.EC, "sha384")
    ES512 = (Family.EC, "sha512")
    EdDSA = (Family.EDWARDS, "")

    @property
    def family(self) -> Family:
        return self.value[0]

    @property
    def digest(self) -> str:
        """hashlib's name of the hash."""
        return self.value[1]


def find_algorithm(name: object) -> Algorithm | None:
    """The algorithm of an `alg` member, if it is one for signatures; `none` is not."""
    return Algorithm.__members__.get(name) if isinstance(name, str) else None

"""Signatures of OpenSSH (PROTOCOL.sshsig), read strictly and verified without a process: 0.1 ms instead of 5.

Ed25519, ECDSA over the three NIST curves, and RSA from 2048 bits with SHA-2. Keys on a hardware token and certificates are
refused: what is not understood is not valid.
"""

from __future__ import annotations

import base64
import functools
import hashlib
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512, HashAlgorithm
from cryptography.hazmat.primitives.serialization import load_ssh_public_key

from sitegen.reviews.sshkey import Reader, from_base64, string

_MAGIC = b"SSHSIG"
_BEGIN, _END = "-----BEGIN SSH SIGNATURE-----", "-----END SSH SIGNATURE-----"
_HASHES = {b"sha256": hashlib.sha256, b"sha512": hashlib.sha512}
_RSA: dict[bytes, HashAlgorithm] = {b"rsa-sha2-256": SHA256(), b"rsa-sha2-512": SHA512()}
_CURVES: dict[bytes, HashAlgorithm] = {
    b"ecdsa-sha2-nistp256": SHA256(),
    b"ecdsa-sha2-nistp384": SHA384(),
    b"ecdsa-sha2-nistp521": SHA512(),
}
_RSA_BITS = 2048
_Public = ed25519.Ed25519PublicKey | rsa.RSAPublicKey | ec.EllipticCurvePublicKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """`key`: the public key's blob; `value` is made with `algorithm` over `wrapped(message)`."""

    key: bytes
    namespace: str
    hash_name: bytes
    algorithm: bytes
    value: bytes


@functools.lru_cache(maxsize=4096)
def _public(blob: bytes) -> _Public:
    """Raises ValueError for a kind that is not accepted, a short RSA key, and for what is no key."""
    try:
        key = load_ssh_public_key(f"{Reader(blob).string().decode('ascii')} ".encode() + base64.b64encode(blob))
    except UnsupportedAlgorithm as error:
        raise ValueError(str(error)) from None
    if isinstance(key, rsa.RSAPublicKey) and key.key_size >= _RSA_BITS:
        return key
    if isinstance(key, ed25519.Ed25519PublicKey | ec.EllipticCurvePublicKey):
        return key
    raise ValueError("ssh-ed25519, ecdsa-sha2-nistp256, rsa (2048)")


def unarmoured(text: str) -> str:
    """What `ssh-keygen -Y sign` writes, as the one line that a ledger holds. Raises ValueError."""
    lines = text.split()
    joined = " ".join(lines)
    if not (joined.startswith(_BEGIN) and joined.endswith(_END)):
        raise ValueError(_BEGIN)
    return "".join(joined.removeprefix(_BEGIN).removesuffix(_END).split())


def armoured(line: str) -> str:
    """What `ssh-keygen -Y verify` reads."""
    rows = [line[start : start + 70] for start in range(0, len(line), 70)]
    return "\n".join([_BEGIN, *rows, _END]) + "\n"


def parse(line: str) -> Signature:
    """Raises ValueError for whatever is not exactly one signature of version 1."""
    data = from_base64(line)
    reader = Reader(data)
    if reader.take(len(_MAGIC)) != _MAGIC or reader.take(4) != b"\0\0\0\1":
        raise ValueError("SSHSIG 1")
    key, namespace, reserved, hash_name, signed = (reader.string() for _ in range(5))
    reader.end()
    if reserved or hash_name not in _HASHES:
        raise ValueError("SSHSIG 1")
    inner = Reader(signed)
    algorithm, value = inner.string(), inner.string()
    inner.end()
    return Signature(
        key=key, namespace=namespace.decode("utf-8"), hash_name=hash_name, algorithm=algorithm, value=value
    )


def verifies(signature: Signature, message: bytes) -> bool:
    """Whether the key it names made it over `message` in its own namespace; whose key that is, is another question."""
    wrapped = (
        _MAGIC
        + string(signature.namespace.encode())
        + string(b"")
        + string(signature.hash_name)
        + string(_HASHES[signature.hash_name](message).digest())
    )
    try:
        key = _public(signature.key)
        kind = Reader(signature.key).string()
        if isinstance(key, ed25519.Ed25519PublicKey) and signature.algorithm == kind == b"ssh-ed25519":
            key.verify(signature.value, wrapped)
        elif isinstance(key, rsa.RSAPublicKey) and signature.algorithm in _RSA:
            key.verify(signature.value, wrapped, padding.PKCS1v15(), _RSA[signature.algorithm])
        elif isinstance(key, ec.EllipticCurvePublicKey) and signature.algorithm == kind and kind in _CURVES:
            reader = Reader(signature.value)
            r, s = int.from_bytes(reader.string(), "big"), int.from_bytes(reader.string(), "big")
            reader.end()
            key.verify(encode_dss_signature(r, s), wrapped, ec.ECDSA(_CURVES[kind]))
        else:
            return False
    except (InvalidSignature, ValueError):
        return False
    return True


def name_of(text: str, message: bytes) -> bytes:
    """16 bytes that stand for a signature, its key and what it covers: what was verified once need not be again."""
    return hashlib.sha256(text.encode() + b"\0" + message).digest()[:16]

"""What securesystemslib, in-toto-attestation and rfc8785 say of signed records.

    judge.py envelopes KEY FILE      each line is a DSSE envelope, signed with the public key, of an in-toto Statement
    judge.py statements FILE         each line is an in-toto Statement
    judge.py canonical FILE          each line is in the form of RFC 8785

Says `N good` and exits 0 when all N lines are, and N is not 0; else says which is not, and exits 1.
"""

import hashlib
import json
import sys

import in_toto_attestation.v1.statement_pb2 as statement_pb
import rfc8785
from cryptography.hazmat.primitives import serialization
from google.protobuf import json_format
from in_toto_attestation.v1.statement import Statement
from securesystemslib.dsse import Envelope
from securesystemslib.signer import SSlibKey


def statement(text: bytes) -> None:
    """Unknown members are errors; then the library's own rules."""
    parsed = json_format.Parse(text, statement_pb.Statement())
    Statement.copy_from_pb(parsed).validate()


def key(path: str) -> SSlibKey:
    with open(path, "rb") as file:
        public = serialization.load_pem_public_key(file.read())
    der = public.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return SSlibKey.from_crypto(public, keyid=hashlib.sha256(der).hexdigest())


def envelope(line: bytes, public: SSlibKey) -> None:
    opened = Envelope.from_dict(json.loads(line))
    if opened.payload_type != "application/vnd.in-toto+json":
        raise ValueError(f"payload type {opened.payload_type}")
    opened.verify([public], 1)
    canonical(opened.payload)
    statement(opened.payload)


def canonical(line: bytes) -> None:
    again = rfc8785.dumps(json.loads(line))
    if again != line:
        raise ValueError("another canonical form")


def main(words: list[str]) -> int:
    what, *rest = words
    if what == "envelopes":
        public = key(rest[0])
        judge = lambda line: envelope(line, public)
    else:
        judge = {"statements": statement, "canonical": canonical}[what]
    good = wrong = 0
    with open(rest[-1], "rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                judge(line.rstrip(b"\n"))
                good += 1
            except Exception as error:  # whatever a library throws is its judgement
                wrong += 1
                print(f"line {number}: {type(error).__name__}: {str(error)[:300]}")
    print(f"{good} good")
    return 0 if good > 0 and wrong == 0 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""A publication and a key in; its signature in OpenSSF's form, `model.sig`, or what of it does not agree with one, out.

    model.sig   {"mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json", "dsseEnvelope": {"payload": …}, …}

The signature covers the content and the name of every file but itself. Keys are of an elliptic curve, in PEM files; the
password of a private one is the variable MODEL_SIGNING_PASSWORD.
"""

import os
from pathlib import Path
from typing import Any

from recipebook.errors import UserError, on_one_line
from recipebook.run.secret_values import hide_secrets

SIGNATURE = "model.sig"
PASSWORD = "MODEL_SIGNING_PASSWORD"
# What git and the hub's client leave in a folder that they download to.
LEFT_BY_DOWNLOADS = (".git", ".gitattributes", ".cache")


def sign_folder(folder: Path, key: Path) -> None:
    """Write the signature into the folder."""
    _require(key)
    # Here and not above: most publications are not signed, and it takes half a second.
    from model_signing import signing

    try:
        config = signing.Config().use_elliptic_key_signer(private_key=key, password=os.environ.get(PASSWORD))
        config.set_hashing_config(_cover(folder)).sign(folder, folder / SIGNATURE)
    except (ValueError, TypeError) as error:
        raise UserError(f"KEY: {key} signs nothing: {_shorten(error)}") from None


def find_signature_fault(folder: Path, key: Path) -> str | None:
    """Why the folder's files are not those that the owner of the public key signed; None where they are."""
    _require(key)
    if not (folder / SIGNATURE).is_file():
        return f"{SIGNATURE}: is missing, so nothing is signed"
    from model_signing import verifying

    try:
        config = verifying.Config().use_elliptic_key_verifier(public_key=key)
    except (ValueError, TypeError) as error:
        raise UserError(f"KEY: {key} is no public key: {_shorten(error)}") from None
    try:
        config.set_hashing_config(_cover(folder)).verify(folder, folder / SIGNATURE)
    except ValueError as error:
        return f"{SIGNATURE}: {_shorten(error)}"
    return None


def _cover(folder: Path) -> Any:
    from model_signing import hashing

    ignored = [folder / name for name in (SIGNATURE, *LEFT_BY_DOWNLOADS)]
    return hashing.Config().set_ignored_paths(paths=ignored, ignore_git_paths=True)


def _require(key: Path) -> None:
    if not key.is_file():
        raise UserError(f"KEY: no file {key}")


def _shorten(error: Exception) -> str:
    return on_one_line(hide_secrets(str(error) or type(error).__name__))

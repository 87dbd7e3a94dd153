"""A text or the content of a file in; what in it is a secret, and the text without it, out.

    hide_secrets("no login at https://me:1234@host with hf_abc…") → "no login at https://…@host with …"

Secrets are known by their form, or as the value of a variable of the environment whose name says so.
"""

import os
import re
from collections.abc import Iterator

SECRETS = re.compile(
    rb"hf_[A-Za-z0-9]{30,}|sk-[A-Za-z0-9_-]{20,}|gh[pousr]_[A-Za-z0-9]{36}|AKIA[0-9A-Z]{16}|xox[abp]-[A-Za-z0-9-]{10,}"
    rb"|-----BEGIN [A-Z ]*PRIVATE KEY-----"
)
LOGIN = re.compile(rb"(?<=://)[^/\s:@\"']+:[^/\s@\"']+(?=@)")
SECRET_NAMES = re.compile(r"TOKEN|KEY|SECRET|PASSW")
LEAST_SECRET = 8
HIDDEN = "…"


def list_secret_variables() -> Iterator[tuple[str, bytes]]:
    """The variables of the environment that hold a secret, with their values."""
    for name, value in os.environ.items():
        if SECRET_NAMES.search(name) and len(value) >= LEAST_SECRET:
            yield name, value.encode()


def hide_secrets(text: str) -> str:
    """The text with each secret in it replaced by `…`."""
    content, hidden = text.encode(), HIDDEN.encode()
    for pattern in (SECRETS, LOGIN):
        content = pattern.sub(hidden, content)
    for _, value in list_secret_variables():
        content = content.replace(value, hidden)
    return content.decode(errors="replace")

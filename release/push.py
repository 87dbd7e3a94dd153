"""A publication and a name on the hub in; a repository with its files, and its address, out."""

import os
import re

from recipebook.errors import UserError, on_one_line, take_first_line
from recipebook.libraries import HUB
from release.publication import Publication

OWNED = re.compile("[^/]+/[^/]+")


def check_name(name: str) -> None:
    """Refuse what the hub does not take for the name of a repository, before anything is written."""
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils._validators import validate_repo_id

    try:
        validate_repo_id(name)
        owned = OWNED.fullmatch(name)
    except HFValidationError:
        owned = None
    if owned is None:
        raise UserError(f"TO: '{on_one_line(name)}' is no name on the hub, such as owner/name")


def push(publication: Publication, name: str, *, public: bool) -> str:
    """Create the repository where it is missing, private unless `public`, and upload all files in one commit."""
    from httpx import HTTPError
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, LocalTokenNotFoundError, OfflineModeIsEnabled

    api = HfApi(endpoint=os.environ.get("HF_ENDPOINT", HUB))
    try:
        api.create_repo(name, private=not public, exist_ok=True)
        # What an earlier push left and this one has not would be no part of what verify checks.
        done = api.upload_folder(
            repo_id=name,
            folder_path=publication.folder,
            commit_message="Adapter, card and evaluation by Recipebook",
            delete_patterns=["*"],
        )
    except LocalTokenNotFoundError:
        raise UserError("the hub wants a token: `hf auth login`, or HF_TOKEN") from None
    except OfflineModeIsEnabled:
        raise UserError("HF_HUB_OFFLINE is set, so nothing can be pushed") from None
    except HfHubHTTPError as error:
        status = error.response.status_code if error.response is not None else 0
        hint = "; `hf auth login`, or a token that may write" if status in (401, 403) else ""
        raise UserError(f"the hub refused {name} with status {status}{hint}") from None
    except (KeyError, TypeError, ValueError) as error:
        # As of a proxy that answers with a page of its own.
        raise UserError(f"{api.endpoint} does not answer as a hub does: {take_first_line(error)}") from None
    except (OSError, HTTPError) as error:
        raise UserError(f"the hub cannot be reached: {on_one_line(str(error))}") from None
    return str(done.commit_url)

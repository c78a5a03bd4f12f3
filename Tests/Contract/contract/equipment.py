"""What a machine may lack. A test that needs it is left out there, but not in CI, which is to have everything."""

import os
import shutil

import pytest

from . import document

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
SWAGGER_UI = document.PATH.parent / ".swagger-ui" / "swagger-ui-bundle.js"


def need(there: object, lack: str) -> None:
    """Leaves the test out where something is not there; in CI the test fails."""
    if not there:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(lack)

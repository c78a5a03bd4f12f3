"""Optional programs of the machine. A test that needs a missing one is skipped, except in CI, where it fails."""

import os
import shutil

import pytest

from . import document

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
SWAGGER_UI = document.PATH.parent / ".swagger-ui" / "swagger-ui-bundle.js"


def need(there: object, lack: str) -> None:
    """Skips the test if a program is missing; in CI the test fails."""
    if not there:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(lack)

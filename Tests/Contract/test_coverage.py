"""Runs last: every documented operation was called, with success and with the errors that any client can cause."""

import pytest

from contract import document
from contract.client import seen

pytestmark = pytest.mark.last


@pytest.fixture(autouse=True)
def whole_run(request):
    if request.config.option.keyword or any(".py" in argument for argument in request.config.args):
        pytest.skip("only some tests were chosen")


@pytest.mark.parametrize("operation", list(document.operations().values()), ids=str)
def test_operation_was_called(operation):
    statuses = {status for (name, status) in seen if name == operation.id}
    missing = {int(status) for status in operation.spec["responses"] if status.startswith("2")} - statuses
    assert not missing, f"{operation.id} was never answered with {missing}"
    if operation.role:
        wanted = {400, 401} | ({403} if operation.role != "any" else set()) | ({404} if "{" in operation.path else set())
        assert wanted <= statuses, f"{operation.id} was never answered with {wanted - statuses}"
    if operation.spec.get("requestBody"):
        assert {413, 415, 422} <= statuses, f"{operation.id} was never answered with {({413, 415, 422} - statuses)}"

"""What schemathesis is taught for this API (SCHEMATHESIS_HOOKS)."""

import schemathesis
from schemathesis.core.parameters import ParameterLocation


@schemathesis.serializer("application/x-ndjson", "text/csv")
def as_it_is(ctx, value):
    """Line formats are strings to the document; what is generated is sent as it is."""
    return value if isinstance(value, bytes) else str(value).encode()


@schemathesis.hook
def filter_case(ctx, case):
    """Leaves out paths that were made wrong on purpose, which the configuration sets right again, and headers that are
    no HTTP (RFC 9110, section 5.5): those end in the HTTP parser, before the API."""
    path = case.meta.components.get(ParameterLocation.PATH) if case.meta else None
    if path is not None and path.mode.is_negative:
        return False
    return all(is_http(value) for value in (case.headers or {}).values())


def is_http(value) -> bool:
    return isinstance(value, str) and all(" " <= character <= "~" for character in value)

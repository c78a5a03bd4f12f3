"""The examples are real: each request example is accepted, and each response example has the shape of the response."""

import json

import pytest

from contract import document, walk

# Pages, files and the document itself are not data.
UNSHOWN = {"docs", "docsFile", "openapiYaml", "openapiJson"}


@pytest.fixture(scope="module")
def walked(storyteller) -> walk.Walk:
    return walk.Walk(storyteller).run()


def requests_shown():
    for operation in document.operations().values():
        for media_type, content in operation.spec.get("requestBody", {}).get("content", {}).items():
            for name in content.get("examples", {}):
                yield operation.id, media_type, name


def answers_shown():
    for operation in document.operations().values():
        for status, response in operation.spec["responses"].items():
            for media_type, content in response.get("content", {}).items():
                for name, example in content.get("examples", {}).items():
                    if status.startswith("2"):
                        yield pytest.param((operation.id, int(status), media_type, name), example["value"],
                                           id=f"{operation.id}-{status}-{media_type}-{name}")


def test_every_example_of_a_request_was_accepted(walked):
    assert walked.sent == set(requests_shown())


@pytest.mark.parametrize("key,shown", list(answers_shown()))
def test_response_examples_match_responses(walked, key, shown):
    assert key in walked.kept or key[0] == "cancelTrainingJob", "nothing was answered that this could be an example of"
    if key in walked.kept:
        assert fits(form(shown), form(walked.kept[key])), f"shown: {form(shown)}\nanswered: {form(walked.kept[key])}"


def test_every_problem_has_an_example_with_its_title():
    titles = document.problem_titles()
    for operation in document.operations().values():
        for status, response in operation.spec["responses"].items():
            shown = response.get("content", {}).get("application/problem+json")
            if shown is None:
                continue
            assert shown["examples"], f"{operation.id} {status}"
            for example in shown["examples"].values():
                problem = example["value"]
                assert titles[problem["type"]] == problem["title"], f"{operation.id}: {problem}"
                assert str(problem["status"]) == status, f"{operation.id}: {problem}"


def form(value):
    """The shape of a value: members, types, the columns of CSV, the first line of NDJSON."""
    if isinstance(value, dict):
        return {name: form(member) for name, member in value.items()}
    if isinstance(value, list):
        return [form(item) for item in value]
    if isinstance(value, str) and "\n" in value:
        first = value.split("\n")[0].strip()
        return form(json.loads(first)) if first.startswith("{") else first.split(" ")[0].split(",")
    if isinstance(value, bool) or value is None:
        return type(value).__name__
    return "number" if isinstance(value, (int, float)) else "text"


def fits(shown, answered) -> bool:
    """Whether two shapes match. Null matches everything, and lists are compared item by item up to the shorter
    length."""
    if "NoneType" in (shown, answered):
        return True
    if isinstance(shown, dict) and isinstance(answered, dict):
        # The type of a value is the type of its feature.
        return shown.keys() == answered.keys() and all(
            name == "value" or fits(shown[name], answered[name]) for name in shown)
    if isinstance(shown, list) and isinstance(answered, list):
        return all(fits(*pair) for pair in zip(shown, answered))
    return shown == answered

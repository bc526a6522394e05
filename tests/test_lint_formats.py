"""The forms of findings that programs read: each is held against its schema, and against what it has to say."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

import jsonschema
import pytest
from pages import ROOT

from netdsl.cli import main
from netdsl.diagnostics import Diagnostic, Related
from netdsl.linter.formats import written
from netdsl.source import Source, Span

OURS = json.loads((ROOT / "docs" / "lint.schema.json").read_text("utf-8"))
SARIF = json.loads((ROOT / "tests" / "data" / "sarif-schema-2.1.0.json").read_text("utf-8"))

TEXTS = {
    "a.net": "in 8 | dense 16\n| relu | relu | relu  # noqa: T204\n| dense 1 | softmax",
    "two words.net": "# größer 𝄞\nin 8 | dense 16 | relu | relu | dropout 0.6 | dense 10",
    "broken.net": "in 8x8x3 | conv 8@9\nin ?x4 | linear 3 | conv",
    "empty.net": "",
    "open.net": "in Tx8 | linear 16 | relu | relu | linear 8",
}

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> Any:
    """What is printed of the texts, in one form or another."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nets").mkdir()
    for name, text in TEXTS.items():
        (tmp_path / "nets" / name).write_text(text, "utf-8")
    (tmp_path / "nets" / "latin.net").write_bytes(b"in 8 # \xfc")

    def printed(form: str, *arguments: str) -> str:
        assert main(["lint", *(arguments or ["nets"]), "--output-format", form]) == 1
        out, err = capsys.readouterr()
        assert err == ""
        return out

    return printed


def place_in(text: str, location: dict[str, int]) -> int:
    """Return the offset of a row and column."""
    return sum(len(line) for line in text.splitlines(True)[: location["row"] - 1]) + location["column"] - 1


def test_json(found: Any, tmp_path: Path) -> None:
    listed = json.loads(found("json"))
    jsonschema.validate(listed, OURS, jsonschema.Draft202012Validator)
    assert {"C106", "C101", "S607", "T204", "E002", "E024", "E025"} <= {one["code"] for one in listed}
    for one in listed:
        text = TEXTS.get(Path(one["filename"]).name, "")
        assert Path(one["filename"]).is_relative_to(tmp_path)
        start, end = place_in(text, one["location"]), place_in(text, one["end_location"])
        if one["code"] == "C106":
            assert text[start:end] == "relu"
            assert one["noqa_row"] == one["location"]["row"]
            (edit,) = one["fix"]["edits"]
            place = slice(place_in(text, edit["location"]), place_in(text, edit["end_location"]))
            assert text[place].strip(" |") == "relu" and edit["content"] == ""
            (related,) = one["related"]
            assert text[place_in(text, related["location"]) :].startswith("relu")
        if one["severity"] == "error" and one["code"].startswith("E"):
            assert one["noqa_row"] is None
    shapes = {Path(one["filename"]).name: one["shapes"] for one in listed if one["code"] in ("C106", "E002")}
    assert shapes == {
        "a.net": [[16], [16]],
        "two words.net": [[16], [16]],
        "broken.net": [[8, 8, 3]],
        "open.net": [["T", 16], ["T", 16]],
    }


def test_json_of_a_text(found: Any) -> None:
    (one,) = json.loads(found("json", "-e", "in 8 | dnse 3"))
    jsonschema.validate([one], OURS, jsonschema.Draft202012Validator)
    assert (one["filename"], one["location"]) == ("<text>", {"row": 1, "column": 8})


def test_the_schema_refuses_what_it_should(found: Any) -> None:
    (one,) = json.loads(found("json", "-e", "in 8 | dnse 3"))
    for wrong in ({"code": "E9"}, {"severity": "bad"}, {"shapes": [[1.5]]}, {"location": {"row": 0}}, {"more": 1}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate([{**one, **wrong}], OURS, jsonschema.Draft202012Validator)


def test_sarif(found: Any, tmp_path: Path) -> None:
    log = json.loads(found("sarif"))
    jsonschema.validate(log, SARIF, jsonschema.Draft7Validator, format_checker=jsonschema.FormatChecker())
    (run,) = log["runs"]
    assert run["columnKind"] == "unicodeCodePoints"
    rules = run["tool"]["driver"]["rules"]
    listed = json.loads(found("json"))
    assert [result["ruleId"] for result in run["results"]] == [one["code"] for one in listed]
    for result, one in zip(run["results"], listed, strict=True):
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] == {"error": "error", "warning": "warning", "info": "note"}[one["severity"]]
        assert ("fixes" in result) is (one["fix"] is not None)
        assert len(result.get("relatedLocations", [])) == len(one["related"])
        (location,) = result["locations"]
        place = location["physicalLocation"]["artifactLocation"]
        assert place["uriBaseId"] == "%SRCROOT%"
        assert str(tmp_path / unquote(place["uri"])) == one["filename"]
        region = location["physicalLocation"]["region"]
        assert {"row": region["startLine"], "column": region["startColumn"]} == one["location"]
        assert {"row": region["endLine"], "column": region["endColumn"]} == one["end_location"]
    root = urlparse(run["originalUriBaseIds"]["%SRCROOT%"]["uri"])
    assert (root.scheme, unquote(root.path)) == ("file", f"{tmp_path}/")
    (page,) = [rule for rule in rules if rule["id"] == "C106"]
    assert "```net" in page["help"]["markdown"] and page["name"] == "double-activation"
    assert len({result["partialFingerprints"]["netdsl/v1"] for result in run["results"]}) == len(listed)


def test_sarif_of_other_folders_and_texts(found: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = json.loads(found("sarif", "-e", "in 8 | dnse 3"))
    jsonschema.validate(log, SARIF, jsonschema.Draft7Validator)
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / "other")
    log = json.loads(found("sarif", "../nets/a.net"))
    jsonschema.validate(log, SARIF, jsonschema.Draft7Validator)
    place = log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]
    assert place == {"uri": f"file://{tmp_path}/nets/a.net"}


def test_the_schema_of_sarif_refuses_what_it_should(found: Any) -> None:
    log = json.loads(found("sarif", "-e", "in 8 | dnse 3"))
    log["runs"][0]["results"][0]["level"] = "info"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(log, SARIF, jsonschema.Draft7Validator)


def test_github(found: Any) -> None:
    """The commands are read as GitHub reads them."""
    lines = found("github").splitlines()
    listed = json.loads(found("json"))
    assert len(lines) == len(listed)
    for line, one in zip(lines, listed, strict=True):
        match = re.fullmatch(r"::(\w+) (.*?)::(.*)", line)
        assert match is not None
        assert match[1] == {"error": "error", "warning": "warning", "info": "notice"}[one["severity"]]
        properties = dict(part.split("=") for part in match[2].split(","))
        assert properties["title"] == f"netdsl ({one['code']})"
        assert one["filename"].endswith(properties["file"])
        assert int(properties["line"]) == one["location"]["row"]
        assert int(properties["endColumn"]) == one["end_location"]["column"]
        assert one["message"].split("\n")[0] in match[3].replace("%25", "%")


def test_github_escapes_what_would_end_a_command() -> None:
    source = Source("a,b:c%.net", "in 8")
    found = Diagnostic("C106", "100 %: one\ntwo, three\r", Span(source, 0, 2), severity="info")
    assert written("github", [found]) == (
        "::notice title=netdsl (C106),file=a%2Cb%3Ac%25.net,line=1,col=1,endLine=1,endColumn=3"
        "::a,b:c%25.net:1:1: C106 100 %25: one%0Atwo, three%0D"
    )


def test_gitlab(found: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    issues = json.loads(found("gitlab"))
    listed = json.loads(found("json"))
    assert len({issue["fingerprint"] for issue in issues}) == len(issues) == len(listed)
    for issue, one in zip(issues, listed, strict=True):
        assert issue["check_name"] == one["code"]
        assert issue["description"].startswith(f"{one['code']}: ")
        assert issue["severity"] in ("info", "minor", "major", "critical", "blocker")
        assert str(tmp_path / issue["location"]["path"]) == one["filename"]
        assert issue["location"]["positions"]["begin"] == {
            "line": one["location"]["row"],
            "column": one["location"]["column"],
        }
    monkeypatch.setenv("CI_PROJECT_DIR", str(tmp_path / "nets"))
    assert json.loads(found("gitlab", "nets/a.net"))[0]["location"]["path"] == "a.net"


def test_fingerprints_stay_where_lines_come(found: Any, tmp_path: Path) -> None:
    before = [issue["fingerprint"] for issue in json.loads(found("gitlab", "nets/a.net"))]
    (tmp_path / "nets" / "a.net").write_text("# a line\n\n" + TEXTS["a.net"])
    assert [issue["fingerprint"] for issue in json.loads(found("gitlab", "nets/a.net"))] == before


def test_concise(found: Any) -> None:
    lines = found("concise").splitlines()
    assert all(re.fullmatch(r"nets/[\w ]+\.net:\d+:\d+: [A-Z]\d{3} (\[\*\] )?\S.*", line) for line in lines[:-1])
    assert re.fullmatch(r"Found \d+ problems \(.*\)", lines[-1])


def test_a_message_is_one_line_where_it_has_to_be() -> None:
    span = Span(Source("a.net", "in 8"), 0, 2)
    found = [Diagnostic("C106", "one\ntwo\x1b", span, related=(Related(span, ""),), severity="warning")]
    assert written("concise", found) == "a.net:1:1: C106 one two?"
    assert json.loads(written("gitlab", found))[0]["description"] == "C106: one two?"
    jsonschema.validate(json.loads(written("sarif", found)), SARIF, jsonschema.Draft7Validator)
    jsonschema.validate(json.loads(written("json", found)), OURS, jsonschema.Draft202012Validator)

"""The Python interface: what `import netdsl` offers, what it raises, and the models that it builds."""

from __future__ import annotations

import inspect
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import netdsl

QUESTION = "in 100x100x1 | conv 60@7x7 valid | conv 100@5x5 | pool 2 weighted | dense 250 | dense 200 | dense 1"
SMALL = "in 8x8x3 | conv 4@3 | relu | bn | dense 5"


def test_figures() -> None:
    net = netdsl.compile(QUESTION, "cnn")
    assert net.name == "cnn"
    assert (net.parameters.total, net.parameters.trainable, net.parameters.not_trained) == (50828951, 50828951, 0)
    assert (net.macs, net.flops) == (1291653040, 2583306080)
    assert [(port.name, port.shape, port.dtype) for port in net.inputs] == [("in_1", (100, 100, 1), "float")]
    assert [(port.name, port.shape) for port in net.outputs] == [("dense_3", (1,))]
    assert repr(net) == "<Net cnn: 50,828,951 parameters>"
    assert net.diagnostics == ()


def test_several_inputs_and_outputs_in_the_order_of_the_text() -> None:
    net = netdsl.compile("in 8 as b\nin 9 as a\nout concat(a, b) | dense 3 as second\nout a | dense 4 as first")
    assert [port.name for port in net.inputs] == ["b", "a"]
    assert [(port.name, port.shape) for port in net.outputs] == [("second", (3,)), ("first", (4,))]


def test_texts() -> None:
    net = netdsl.compile(QUESTION)
    assert "50,828,951" in net.summary()
    assert net.summary("csv").startswith("name,layer,")
    assert net.summary("json").startswith('{\n  "inputs"')
    assert net.summary("markdown").startswith("| name |")
    assert "3,000 + 150,100 + 200 + 50,625,250 + 50,200 + 201 = 50,828,951" in net.explain()
    assert net.explain("pool_1").startswith("pool_1  pool 2 weighted\n")
    html = net._repr_html_()
    assert html.startswith("<table>")
    assert "50,828,951" in html


def test_wrong_arguments_say_what_is_right() -> None:
    net = netdsl.compile(SMALL)
    with pytest.raises(ValueError, match="'table', 'json', 'markdown', 'csv'"):
        net.summary("xml")
    with pytest.raises(ValueError, match="'torch', 'keras'"):
        net.emit("caffe")
    with pytest.raises(LookupError, match="there is no layer `nothing`; there are in_1, "):
        net.explain("nothing")
    with pytest.raises(TypeError, match="shapes by the names of inputs"):
        netdsl.compile(SMALL, inputs=(64, 64, 3))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="`64,64,3` is not a shape"):
        netdsl.compile(SMALL, inputs={"": "64,64,3"})


def test_html_is_escaped() -> None:
    html = netdsl.compile("in 8x8x3 | conv 4@(if 1 < 2 then 3 else 1)")._repr_html_()
    assert "conv 4@(if 1 &lt; 2 then 3 else 1)" in html


def test_load_names_the_network_after_its_file(tmp_path: Path) -> None:
    path = tmp_path / "my_net.net"
    path.write_text(f"{SMALL}\r\n")
    for form in (path, str(path)):
        assert netdsl.load(form).name == "my_net"
    assert "class MyNet" in netdsl.load(path).emit("torch")
    with pytest.raises(netdsl.CompileError, match=r"E024.*no such file"):
        netdsl.load(tmp_path / "missing.net")


def test_mistakes_are_raised_with_their_diagnostics() -> None:
    with pytest.raises(netdsl.CompileError, match="did you mean `conv`") as caught:
        netdsl.compile("in 8x8x3 | con 4@3")
    assert [diagnostic.code for diagnostic in caught.value.diagnostics] == ["E009"]


def test_check_returns_what_compile_raises() -> None:
    assert netdsl.check(SMALL) == ()
    assert [diagnostic.code for diagnostic in netdsl.check("in 8x8x3 | con 4@3")] == ["E009"]


def test_warnings_are_kept_and_not_raised() -> None:
    text = "let spare = in 8x8x3 | conv 8@3\nin 4 | dense 3"
    net = netdsl.compile(text)
    assert [(diagnostic.code, diagnostic.severity) for diagnostic in net.diagnostics] == [("C115", "warning")]
    assert [port.name for port in net.inputs] == ["in_2"]
    assert [diagnostic.code for diagnostic in netdsl.check(text)] == ["C115"]


def test_importing_is_lazy() -> None:
    script = (
        "import sys, netdsl; print(*(name for name in sys.modules if name.startswith('netdsl') or name == 'attrs'))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["netdsl"]


def test_public_names() -> None:
    assert set(netdsl.__all__) == {"CompileError", "Net", "__version__", "check", "compile", "load", "weights"}
    assert set(netdsl.__all__) <= set(dir(netdsl))
    for name in netdsl.__all__:
        assert getattr(netdsl, name)
    with pytest.raises(AttributeError, match="nothing"):
        _ = netdsl.nothing  # type: ignore[attr-defined]


# Settings, inputs, picks, and files


def test_settings_are_constants_and_open_sizes() -> None:
    constants = "const width = 3\nconst sizes = [2, 3]\nconst act = relu\n"
    text = constants + "in Tx4 | linear width | act | for n in sizes (linear n)"
    net = netdsl.compile(text, width=6, T=16, sizes=[5], act="prelu")
    assert net.inputs[0].shape == (16, 4)
    assert net.parameters.total == (4 * 6 + 6) + 6 + (6 * 5 + 5)
    assert str(netdsl.compile(text).macs) == "24*T"


def test_inputs_have_other_shapes_and_choices_are_made() -> None:
    text = "in 4x4x1 as image\nin 5 as facts\nout concat(image | flatten, facts) | dense {8, 16}"
    net = netdsl.compile(text, inputs={"image": (2, 2, 3), "facts": 6}, picks={"dense_1.units": 16})
    assert [port.shape for port in net.inputs] == [(2, 2, 3), (6,)]
    assert net.outputs[0].shape == (16,)
    assert netdsl.compile("in 4 | dense 3", inputs={"": (7,)}).parameters.total == 7 * 3 + 3
    assert netdsl.compile("in 4x3 | linear 3", inputs={"": (None, 3)}).outputs[0].shape[1] == 3


@pytest.mark.parametrize(
    "arguments, code",
    [
        ({"height": 3}, "E033"),
        ({"width": "wide"}, "E008"),
        ({"inputs": {"image": (3,)}}, "E033"),
        ({"picks": {"width": 3}}, "E033"),
    ],
    ids=str,
)
def test_what_cannot_be_set(arguments: dict[str, Any], code: str) -> None:
    with pytest.raises(netdsl.CompileError) as caught:
        netdsl.compile("const width = 3\nin 4 as x | dense width", **arguments)
    assert [diagnostic.code for diagnostic in caught.value.diagnostics] == [code]


def test_what_is_no_value() -> None:
    with pytest.raises(ValueError, match="is not a number, a word or a list"):
        netdsl.compile("const width = 3\nin 4 | dense width", width={})
    with pytest.raises(ValueError, match="is not a shape"):
        netdsl.compile("in 4 | dense 3", inputs={"": (0, 3)})


def test_files_are_used(tmp_path: Path) -> None:
    """A file uses those beside it, a text those of the folder that is given, and both the library."""
    (tmp_path / "blocks.net").write_text("const wide = 9\nblock twice n: dense n | dense n")
    text = 'use "blocks.net"\nuse "std/resnet"\nin 8x8x4 | basic 4 | twice wide'
    (tmp_path / "main.net").write_text(text)
    loaded = netdsl.load(tmp_path / "main.net")
    assert loaded.name == "main"
    assert loaded.outputs[0].shape == (9,)
    assert netdsl.compile(text, folder=tmp_path).parameters == loaded.parameters
    changed = netdsl.load(tmp_path / "main.net", inputs={"": (4, 4, 4)})
    assert changed.inputs[0].shape == (4, 4, 4)
    with pytest.raises(netdsl.CompileError, match=r"E024.*only a file can use other files"):
        netdsl.compile(text)
    assert netdsl.compile('use "std/resnet"\nin 8x8x4 | basic 4').parameters.total == 2 * (4 * 4 * 9 + 16)


# Models


@pytest.fixture(scope="module")
def net() -> netdsl.Net:
    return netdsl.compile(SMALL, "small")


def test_build_torch(net: netdsl.Net) -> None:
    torch = pytest.importorskip("torch")
    model = net.build("torch")
    assert isinstance(model, torch.nn.Module)
    assert sum(parameter.numel() for parameter in model.parameters()) == net.parameters.trainable
    assert model(torch.zeros(2, 3, 8, 8)).shape == (2, 5)


def test_build_keras(net: netdsl.Net) -> None:
    keras = pytest.importorskip("keras")
    model = net.build("keras")
    assert isinstance(model, keras.Model)
    assert model.count_params() == net.parameters.total
    assert model.output_shape == (None, 5)


def test_built_models_are_ordinary_python(net: netdsl.Net) -> None:
    """Python finds the class of a built model again, and its source; building again uses the same class."""
    model = net.build("torch")
    assert type(net.build("torch")) is type(model)
    assert type(netdsl.compile(SMALL, "other").build("torch")) is not type(model)
    again = pickle.loads(pickle.dumps(model))
    assert type(again) is type(model)
    assert inspect.getsource(type(model)) in net.emit("torch")


def test_a_source_that_fails_leaves_nothing_behind(net: netdsl.Net, monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        target, name, source = "torch", "Broken", "import a_module_that_is_not_there\n"

    monkeypatch.setattr(netdsl.Net, "_emitted", lambda self, target: Broken)
    before = set(sys.modules)
    with pytest.raises(ModuleNotFoundError) as caught:
        net.build("torch")
    assert "pip install 'netdsl[torch]'" in caught.value.__notes__[0]
    assert set(sys.modules) == before


@pytest.mark.parametrize("target", ["torch", "keras"])
def test_the_weight_map_has_every_weight(net: netdsl.Net, target: str) -> None:
    locations = net.weight_map(target)
    expected = [("conv_1", "kernel"), ("conv_1", "bias"), ("bn_1", "scale"), ("bn_1", "bias")]
    expected += [("bn_1", "mean"), ("bn_1", "variance"), ("dense_1", "kernel"), ("dense_1", "bias")]
    assert [(location.layer, location.weight) for location in locations] == expected
    model: Any = net.build(target)
    held = model.state_dict() if target == "torch" else {weight.path for weight in model.weights}
    assert target != "torch" or {location.path for location in locations} <= set(held)

"""`./dev` keeps the environment that is there, and says why when it cannot."""

import subprocess
import sys
import threading
from collections.abc import Sequence
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parents[2] / "dev"
VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"


class Checkout:
    """A checkout with a `./dev` that notes what it would install instead of installing it."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root = root
        self.venv = root / ".venv"
        self.installs = 0
        self.dev = self._load()
        (root / "requirements.lock").write_text("one==1\n")
        (root / "pyproject.toml").touch()
        for name, value in {
            "ROOT": root,
            "VENV": self.venv,
            "PYTHON": self.venv / "bin" / "python",
            "LOCK": root / "requirements.lock",
            "STAMP": self.venv / "installed-from",
            "find_pip": lambda scratch: [],
            "install": self._install,
        }.items():
            monkeypatch.setattr(self.dev, name, value)

    def _load(self) -> ModuleType:
        spec = spec_from_loader("dev_script", SourceFileLoader("dev_script", str(SCRIPT)))
        assert spec is not None
        assert spec.loader is not None
        module = module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    def _install(self, pip: Sequence[str]) -> None:
        self.installs += 1

    @property
    def mark(self) -> Path:
        """Is gone once the environment has been made anew."""
        return self.venv / "mark"

    def set_up(self) -> None:
        self.dev.setup()
        self.mark.touch()


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # or loading `dev` leaves a folder at the root
    return Checkout(tmp_path, monkeypatch)


def test_the_first_setup_makes_an_environment(checkout: Checkout, capsys: pytest.CaptureFixture[str]) -> None:
    checkout.set_up()

    assert checkout.installs == 1
    assert (checkout.venv / "bin" / "python").exists()
    assert "Making .venv: there is none yet." in capsys.readouterr().out


def test_a_second_setup_does_nothing(checkout: Checkout, capsys: pytest.CaptureFixture[str]) -> None:
    checkout.set_up()
    capsys.readouterr()

    checkout.set_up()

    assert checkout.installs == 1
    assert capsys.readouterr().out == ""


def test_another_python_keeps_the_environment(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    checkout.set_up()
    capsys.readouterr()
    monkeypatch.setattr(sys, "version", "3.99.0 (another one)")
    monkeypatch.setattr(sys, "executable", "/another/python3")

    checkout.dev.setup()

    assert checkout.mark.exists()
    assert checkout.installs == 1
    assert capsys.readouterr().out == ""


def test_a_changed_lock_is_installed_into_the_same_environment(
    checkout: Checkout, capsys: pytest.CaptureFixture[str]
) -> None:
    checkout.set_up()
    (checkout.root / "requirements.lock").write_text("one==2\n")

    checkout.dev.setup()

    assert checkout.mark.exists()
    assert checkout.installs == 2
    assert "requirements.lock or pyproject.toml has changed" in capsys.readouterr().out


def test_a_setup_that_was_cut_short_is_completed(checkout: Checkout, capsys: pytest.CaptureFixture[str]) -> None:
    checkout.set_up()
    (checkout.venv / "installed-from").unlink()

    checkout.dev.setup()

    assert checkout.mark.exists()
    assert checkout.installs == 2
    assert "nothing, or not everything, is in it yet" in capsys.readouterr().out


def test_an_environment_whose_python_is_gone_is_made_anew(
    checkout: Checkout, capsys: pytest.CaptureFixture[str]
) -> None:
    checkout.set_up()
    python = checkout.venv / "bin" / "python"
    python.unlink()
    python.symlink_to("/nowhere/python3")

    checkout.dev.setup()

    assert not checkout.mark.exists()
    assert checkout.installs == 2
    assert "the Python that the old one was made with is gone" in capsys.readouterr().out


def test_an_environment_with_a_python_that_is_too_old_is_made_anew(
    checkout: Checkout, capsys: pytest.CaptureFixture[str]
) -> None:
    checkout.set_up()
    python = checkout.venv / "bin" / "python"
    python.unlink()
    python.write_text("#!/bin/sh\necho 3 10\n")
    python.chmod(0o755)

    checkout.dev.setup()

    assert not checkout.mark.exists()
    assert "the old one has Python 3.10, and 3.11 is the oldest that will do" in capsys.readouterr().out


def test_an_environment_whose_python_was_exchanged_is_made_anew(
    checkout: Checkout, capsys: pytest.CaptureFixture[str]
) -> None:
    checkout.set_up()
    (checkout.venv / "lib" / f"python{VERSION}").rename(checkout.venv / "lib" / "python3.99")

    checkout.dev.setup()

    assert not checkout.mark.exists()
    assert "made for another Python" in capsys.readouterr().out


def test_an_environment_that_has_moved_is_made_anew(checkout: Checkout, capsys: pytest.CaptureFixture[str]) -> None:
    checkout.set_up()
    stamp = checkout.venv / "installed-from"
    stamp.write_text(stamp.read_text().replace(str(checkout.root), "/elsewhere"))

    checkout.dev.setup()

    assert not checkout.mark.exists()
    assert "the old one was made for /elsewhere" in capsys.readouterr().out


def test_two_setups_at_once_follow_one_another(checkout: Checkout, capsys: pytest.CaptureFixture[str]) -> None:
    with checkout.dev.one_at_a_time():
        second = threading.Thread(target=checkout.dev.setup)
        second.start()
        second.join(0.3)
        was_waiting = second.is_alive() and checkout.installs == 0
    second.join(60)

    assert was_waiting
    assert checkout.installs == 1
    assert "waiting for it" in capsys.readouterr().out


def test_the_script_lists_its_commands() -> None:
    done = subprocess.run([sys.executable, SCRIPT], capture_output=True, text=True, check=True)

    for command in ("setup", "up", "test", "check", "fmt", "bench", "docs", "lock"):
        assert f"\n  {command} " in done.stdout

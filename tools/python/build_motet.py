# SPDX-License-Identifier: BSL-1.0
"""Builds the wheel of the Python client, for pip (PEP 517, PEP 660). It needs Python alone, so that pip installs the
client on machines without a network, and downloads nothing on others."""
import base64
import hashlib
import pathlib
import zipfile

NAME, VERSION = "motet", "0.1.0"
METADATA = f"""Metadata-Version: 2.1
Name: {NAME}
Version: {VERSION}
Summary: Reaches running Motet programs: Python in their chares, a prompt, plots, Jupyter
License: BSL-1.0
Requires-Python: >=3.9
Provides-Extra: arrays
Requires-Dist: numpy; extra == "arrays"
Provides-Extra: jupyter
Requires-Dist: jupyter_client; extra == "jupyter"
Requires-Dist: pyzmq; extra == "jupyter"
"""
here = pathlib.Path(__file__).resolve().parent


def wheel(folder, files):
    """Writes the wheel with these files, texts by name, and what belongs to every wheel. Its name."""
    about = f"{NAME}-{VERSION}.dist-info"
    files = {**files, f"{about}/METADATA": METADATA,
             f"{about}/WHEEL": "Wheel-Version: 1.0\nGenerator: motet\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
             f"{about}/entry_points.txt": "[console_scripts]\nmotet = motet.__main__:main\n"}
    made = f"{NAME}-{VERSION}-py3-none-any.whl"
    with zipfile.ZipFile(pathlib.Path(folder) / made, "w", zipfile.ZIP_DEFLATED) as archive:
        record = ""
        for name, text in files.items():
            archive.writestr(name, text)
            digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")
            record += f"{name},sha256={digest},{len(text.encode())}\n"
        archive.writestr(f"{about}/RECORD", f"{record}{about}/RECORD,,\n")
    return made


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    return wheel(wheel_directory, {f"motet/{each.name}": each.read_text(encoding="utf-8")
                                   for each in sorted((here / "motet").glob("*.py"))})


def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    """What stands in the repository is what runs."""
    return wheel(wheel_directory, {f"{NAME}.pth": f"{here}\n"})

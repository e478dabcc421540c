"""LibreOffice without a window, for the tests and the pictures: files to PDF, PDF to text and pictures."""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

SOFFICE, TO_TEXT, TO_PICTURE, ABOUT = map(shutil.which, ("soffice", "pdftotext", "pdftoppm", "pdfinfo"))
MISSING = [name for name in ("soffice", "pdftotext", "pdftoppm", "pdfinfo") if shutil.which(name) is None]
FONTS = Path(__file__).parent / "fonts.conf"
SECONDS = 180


def as_pdf(files: Mapping[str, bytes], folder: Path) -> dict[str, Path]:
    """Each file by its name, converted, all at once; no two may differ by their ending alone."""
    assert SOFFICE
    for name, content in files.items():
        (folder / name).write_bytes(content)
    command = [SOFFICE, f"-env:UserInstallation=file://{folder}/profile", "--headless", "--convert-to", "pdf"]
    _run([*command, "--outdir", str(folder / "pdf"), *(str(folder / name) for name in files)])
    return {name: folder / "pdf" / f"{name.rpartition('.')[0]}.pdf" for name in files}


def pages(pdf: Path) -> list[str]:
    """The text of each page, without blanks."""
    assert TO_TEXT
    text = _run([TO_TEXT, "-layout", str(pdf), "-"])
    return [re.sub(r"[ \t　]+", "", page) for page in text.split("\f")[:-1]]


def sizes(pdf: Path, count: int) -> list[tuple[int, int]]:
    """Width and height of each page in mm."""
    assert ABOUT
    told = _run([ABOUT, "-f", "1", "-l", str(count), str(pdf)])
    found = re.findall(r"Page +\d+ size: +([\d.]+) x ([\d.]+)", told)
    return [(round(float(wide) / 72 * 25.4), round(float(high) / 72 * 25.4)) for wide, high in found]


def picture(pdf: Path, page: int, path: Path, dots: int = 75) -> None:
    """A page as PNG."""
    assert TO_PICTURE
    where = ["-f", str(page), "-l", str(page), "-r", str(dots), "-png", "-singlefile"]
    _run([TO_PICTURE, *where, str(pdf), str(path.with_suffix(""))])


def _run(command: list[str]) -> str:
    environment = {**os.environ, "FONTCONFIG_FILE": str(FONTS)}
    done = subprocess.run(command, env=environment, capture_output=True, timeout=SECONDS, check=True)
    return done.stdout.decode()

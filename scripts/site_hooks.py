"""What mkdocs.yml asks of MkDocs besides: the README is the front page, and links that lead out of docs/ go to the repository.

The Markdown is written for the repository, where links are relative to the file that they are in. On the site the README is a
page beside those of docs/, and what is neither, such as a record or a program, is linked where the repository is published. What is
not there is a warning, which the strict build makes an error. With the environment variable ORTHANT_BROWSER, the path of a WebAssembly
module, the site has the page of crates/browser too.
"""

import base64
import logging
import os
import re
from pathlib import Path, PurePosixPath

from mkdocs.structure.files import File

ROOT = Path(__file__).resolve().parents[1]
FRONT = "index.md"
BROWSER = os.environ.get("ORTHANT_BROWSER")
log = logging.getLogger("mkdocs.hooks.site")


def on_config(config):
    # the plugin `offline` has browsers load a script from elsewhere, which those of today do without
    config.extra["polyfills"] = []
    if BROWSER:
        config.nav.insert(2, {"In your browser": "browser.md"})
    return config


def on_files(files, config):
    files.append(File.generated(config, FRONT, abs_src_path=str(ROOT / "README.md")))
    if BROWSER:
        page = ROOT / "crates" / "browser" / "page"
        for name in ["browser.md", "browser.js"]:
            files.append(File.generated(config, name, abs_src_path=str(page / name)))
        # as text, since a page that is opened as a file may load scripts alone
        module = base64.b64encode(Path(BROWSER).read_bytes()).decode()
        files.append(File.generated(config, "orthant-wasm.js", content=f'globalThis.orthantWasm = "{module}";\n'))
    return files


def on_page_markdown(markdown, page, config, files):
    name = page.file.src_uri
    place = PurePosixPath("README.md" if name == FRONT else f"docs/{name}")

    def moved(link):
        return link[1] + target(link[2], place, name, config.extra["repository"]) + link[3]

    parts = re.split(r"^(```.*?^```$)", markdown, flags=re.MULTILINE | re.DOTALL)
    for i, part in enumerate(parts):
        if i % 2 == 0:
            parts[i] = re.sub(r"(\]\()([^)\s]+)(\))", moved, part)
        else:
            # what rustdoc is told of a block is no name of a language
            parts[i] = re.sub(r"\A```(\w+),.*", r"```\1", part)
    return "".join(parts)


def target(link, place, name, repository):
    """Where a link from `place` in the repository, which is the page `name` of the site, leads on the site."""
    path, mark, anchor = link.partition("#")
    if not path or re.match(r"[a-z]+:", link):
        return link
    there = PurePosixPath(os.path.normpath(place.parent / path))
    if there == PurePosixPath("README.md"):
        there = PurePosixPath(FRONT)
    elif there.is_relative_to("docs"):
        there = there.relative_to("docs")
    elif (ROOT / there).exists():
        kind = "tree" if (ROOT / there).is_dir() else "blob"
        return f"{repository}/{kind}/HEAD/{there}{mark}{anchor}"
    else:
        log.warning("Doc file '%s' contains a link '%s', but there is no '%s' in the repository.", name, link, there)
        return link
    return os.path.relpath(there, PurePosixPath(name).parent) + mark + anchor

"""Which files of trained weights a network of Gluon's model zoos is made with, and where they were published.

Reads ``in/params.json`` (``{"name", "weights": "pretrained"}``, perhaps ``"zoo"`` and ``"options"``, as the step
``export`` does). Writes ``out/published.json``: ``{"base": URL, "files": [{"file", "sha1", "path"}]}``, where
``path``, relative to ``base``, is a zip archive with the member ``file``. Neither needs nor uses a network.
"""

from __future__ import annotations

import json
from typing import Any

import cases
import zoo
from mxnet.gluon.model_zoo import model_store


def main() -> None:
    """Run the step in the working folder."""
    files: list[dict[str, Any]] = []
    params = cases.params()

    def note(published: zoo.Published) -> str:
        path = f"gluon/models/{published.stem}.zip"
        files.append({"file": f"{published.stem}.params", "sha1": published.sha1, "path": path})
        return ""

    try:
        zoo.build(params, find=note)
    except zoo.Unbuildable as error:
        # A few constructors read a file themselves, which is not there yet; by then it is noted.
        if not files:
            cases.refuse(str(error))
    if not files:
        zoo.refuse_unpublished(params["name"])
    with open("out/published.json", "w") as stream:
        json.dump({"base": model_store.apache_repo_url, "files": files}, stream, indent=2, sort_keys=True)
        stream.write("\n")


if __name__ == "__main__":
    main()

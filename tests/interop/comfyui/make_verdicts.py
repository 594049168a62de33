"""Writes tests/reference/graph-faults.json: what ComfyUI's own validation says of its default graph with one input changed.

Run with ComfyUI 0.3.64 in the working folder, and a base folder that has the files that the graph names:
python make_verdicts.py <base folder> <golden folder> <output>
"""
import asyncio
import copy
import json
import logging
import sys

base, golden, output = sys.argv[1:4]
sys.path.insert(0, ".")
sys.argv = ["main.py", "--cpu", "--disable-api-nodes", "--base-directory", base, "--database-url", "sqlite:///:memory:"]

import comfy.options

comfy.options.enable_args_parsing()
import execution
import nodes

VALUES = {
    "null": None, "true": True, "false": False, "zero": 0, "one": 1, "negative": -1, "fraction": 1.5,
    "large": 1000000, "2^64": 2**64, "2^64 - 1": 2**64 - 1, "1e30": 1e30, "word": "x", "empty text": "",
    "number in text": " 12 ", "fraction in text": "1.5", "exponent in text": "1e3", "infinity in text": "inf",
    "NaN in text": "nan", "underscore in text": "1_0", "object": {"a": 1}, "empty object": {},
    "wrapped number": {"__value__": 5}, "wrapped list": {"__value__": [1, 2]}, "wrapped null": {"__value__": None},
    "empty list": [], "list of one": [1], "list of three": [1, 2, 3], "id as a number": [4, 0],
    "output as text": ["4", "0"], "no output": ["4", None], "last output": ["4", -1], "output -9": ["4", -9],
    "output 99": ["4", 99], "output true": ["4", True], "node that is absent": ["404", 0], "null as id": [None, 0],
    "list as id": [["4", 0], 0], "object as id": [{}, 0], "a CONDITIONING": ["6", 0], "a MODEL": ["4", 0],
    "a CLIP": ["4", 1], "a VAE": ["4", 2],
}


async def verdict(graph):
    valid, _, outputs, errors = await execution.validate_prompt("x", copy.deepcopy(graph), None)
    found = sorted({f"{node} {error['type']}" for node, one in errors.items() for error in one["errors"]})
    return ", ".join(found) or ("valid" if valid and outputs == ["9"] else "invalid")


async def main():
    await nodes.init_extra_nodes(init_custom_nodes=False, init_api_nodes=False)
    logging.disable(logging.CRITICAL)
    cases = json.load(open(f"{golden}/graphs/validation.json"))["cases"]
    graph = next(one["graph"] for one in cases if one["id"] == "ok")
    verdicts = {}
    for node in graph:
        for name in graph[node]["inputs"]:
            of_input = verdicts.setdefault(f"{node}.{name}", {})
            for title, value in VALUES.items():
                changed = copy.deepcopy(graph)
                changed[node]["inputs"][name] = value
                of_input.setdefault(await verdict(changed), []).append(title)
            changed = copy.deepcopy(graph)
            del changed[node]["inputs"][name]
            of_input.setdefault(await verdict(changed), []).append("absent")
        for member in ("inputs", "class_type"):
            for title in ("absent", "empty object", "empty list", "null", "one", "word"):
                if member == "inputs" and title in ("one", "word", "empty list"):
                    continue  # Python's `in` has a meaning of its own for these
                changed = copy.deepcopy(graph)
                if title == "absent":
                    del changed[node][member]
                else:
                    changed[node][member] = VALUES[title]
                try:
                    said = await verdict(changed)
                except TypeError:
                    continue  # it answers 500
                verdicts.setdefault(f"{node} {member}", {}).setdefault(said, []).append(title)
    with open(output, "w") as file:
        json.dump({"graph": graph, "values": VALUES, "verdicts": verdicts}, file, separators=(",", ":"))


asyncio.run(main())

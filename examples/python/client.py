"""A stream and a job with Python's standard library.

    python3 examples/python/client.py [http://localhost:5000]

API_TOKEN is sent where it is set; MODEL chooses another model than the default. Writes segment.mp4 and picture.png.
"""

import base64
import itertools
import json
import os
import sys
import time
import urllib.error
import urllib.request
import uuid

SERVER = (sys.argv[1] if len(sys.argv) > 1 else "http://localhost:5000").rstrip("/")
HEADERS = {"Content-Type": "application/json"}
if os.environ.get("API_TOKEN"):
    HEADERS["Authorization"] = f"Bearer {os.environ['API_TOKEN']}"


def ask(method, path, body=None):
    """The JSON that the server answers. A failure ends the program with the server's sentence."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(SERVER + path, data, HEADERS, method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        sys.exit(f"{method} {path}: {json.load(error)['error']}")


def segments(channel):
    """Number and bytes of a channel's segments: -2 is the current one, and then one number after the other."""
    wanted = -2
    while True:
        with urllib.request.urlopen(f"{channel}/{wanted}", timeout=60) as answer:
            if "Lp-Trickle-Closed" in answer.headers:
                return
            wanted = int(answer.headers["Lp-Trickle-Seq"]) + 1
            yield wanted - 1, answer.read()


def events(stream_id, seconds):
    """What the model says of its frames, as server-sent events; only models with data outputs say anything."""
    request = urllib.request.Request(f"{SERVER}/stream/{stream_id}/data", headers=HEADERS)
    until = time.monotonic() + seconds
    try:
        with urllib.request.urlopen(request, timeout=seconds) as answer:
            for line in answer:
                if line.startswith(b"data: "):
                    yield json.loads(line[6:])
                if time.monotonic() > until:
                    return
    except TimeoutError:
        return  # nothing was said


# 1. Start: the stream draws the prompt and publishes to a channel of the server's own trickle server.
channel = f"{SERVER}/trickle/{uuid.uuid4()}"
body = {
    "prompts": [{"prompt": "northern lights over a frozen lake"}],
    "stream_url": channel,
    "width": 256,
    "height": 256,
}
if os.environ.get("MODEL"):
    body["model"] = os.environ["MODEL"]
started = ask("POST", "/stream/start", body)
stream_id = started["manifest_id"]
print(f"started {stream_id}: {started['stream']['status']}")

try:
    # 2. Read the video. Each segment plays by itself.
    for number, video in itertools.islice(segments(channel), 2):
        with open("segment.mp4", "wb") as file:
            file.write(video)
        print(f"segment {number}: {len(video)} bytes")

    # 3. Change it, from the next frame on.
    changed = ask("POST", f"/stream/{stream_id}/params", {"prompts": [{"prompt": "a desert at sunset"}]})
    print(f"changed: {json.dumps(changed['stream']['metadata']['prompts'])}")

    # 4. Data, and how the stream is doing.
    seen = list(itertools.islice(events(stream_id, 2), 3))
    for event in seen:
        print(f"data: {json.dumps(event)}")
    print(f"events: {len(seen)}")
    stream = ask("GET", f"/stream/{stream_id}/status")["stream"]
    print(f"{stream['status']}: {stream['stats']['frames_out']} frames, {stream['stats']['fps_out']} a second")
finally:
    # 5. Stop it; its channel goes with it.
    print(ask("DELETE", f"/stream/{stream_id}")["message"])

# 6. A batch job: a picture from a prompt, as a data URI.
prompt = {"prompts": [{"prompt": "a city at night in the rain"}], "width": 256, "height": 256}
for picture in ask("POST", "/c/comfystream-image", prompt)["images"]:
    with open("picture.png", "wb") as file:
        file.write(base64.b64decode(picture["data"].split(",", 1)[1]))
    print(f"picture: {picture['width']}x{picture['height']}")

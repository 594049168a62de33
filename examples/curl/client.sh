#!/usr/bin/env bash
# A stream and a job with curl.
#
#     examples/curl/client.sh [http://localhost:5000]
#
# API_TOKEN is sent where it is set; MODEL chooses another model than the default. Writes segment.mp4 and picture.png.
set -euo pipefail

server="${1:-http://localhost:5000}"
model="${MODEL:+, \"model\": \"$MODEL\"}"

ask() { # method, path and, if there is one, a JSON body; an error's own words go to stderr
  local answer
  answer="$(curl --silent --show-error --fail-with-body -X "$1" "$server$2" -H "Content-Type: application/json" \
    ${API_TOKEN:+-H "Authorization: Bearer $API_TOKEN"} ${3:+--data "$3"})" || { echo "$answer" >&2; return 1; }
  echo "$answer"
}
member() { # prints the first text member of this name
  grep -o "\"$1\":\"[^\"]*\"" | head -n 1 | cut -d '"' -f 4
}

# 1. Start: the stream draws the prompt and publishes to a channel of the server's own trickle server.
channel="$server/trickle/example-$$-$RANDOM"
id="$(ask POST /stream/start "{
  \"prompts\": [{\"prompt\": \"northern lights over a frozen lake\"}],
  \"stream_url\": \"$channel\", \"width\": 256, \"height\": 256 $model
}" | member manifest_id)"
echo "started $id"
trap 'ask DELETE "/stream/$id" > /dev/null' EXIT

# 2. Read the video: -2 is the current segment, and then one number after the other. Each plays by itself.
wanted=-2
for _ in 1 2; do
  seq="$(curl --silent --show-error --fail "$channel/$wanted" -D - -o segment.mp4 |
    tr -d '\r' | sed -n 's/^[Ll]p-[Tt]rickle-[Ss]eq: //p')"
  echo "segment $seq: $(wc -c < segment.mp4 | tr -d ' ') bytes"
  wanted=$((seq + 1))
done

# 3. Change it, from the next frame on.
echo "changed: $(ask POST "/stream/$id/params" '{"prompts": [{"prompt": "a desert at sunset"}]}' | member prompt)"

# 4. What the model says of its frames, as server-sent events; only models with data outputs say anything.
events="$(timeout 2 curl --silent --no-buffer "$server/stream/$id/data" \
  ${API_TOKEN:+-H "Authorization: Bearer $API_TOKEN"} | grep --line-buffered -m 3 '^data: ' || true)"
[ -z "$events" ] || echo "$events"
echo "events: $(grep -c . <<< "$events" || true)"
status="$(ask GET "/stream/$id/status")"
echo "$(member status <<< "$status"): $(grep -o '"frames_out":[0-9]*' <<< "$status" | head -n 1)"

# 5. Stop it; its channel goes with it.
ask DELETE "/stream/$id" | member message
trap - EXIT

# 6. A batch job: a picture from a prompt, as a data URI.
ask POST /c/comfystream-image '{"prompts": [{"prompt": "a city at night in the rain"}], "width": 256, "height": 256}' |
  member data | cut -d , -f 2 | base64 -d > picture.png
echo "picture: $(wc -c < picture.png | tr -d ' ') bytes"

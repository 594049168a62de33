"""The client side: sends a moving picture with a number in it, and reports every frame that it reads."""

import asyncio
import struct
import time
from fractions import Fraction

import av
from livepeer_gateway import (
    AudioOutputConfig,
    ChannelReader,
    JSONLReader,
    MediaOutput,
    MediaPublish,
    MediaPublishConfig,
    VideoOutputConfig,
    call_runner,
    discover_runners,
    reserve_session,
    stop_runner_session,
)
from livepeer_gateway.http import post_json

# Blocks that show a number: a white and a black one as a mark, then its bits.
BITS = 16
MARK = 0b10 << BITS - 2
AUDIO_RATE = 48_000


class Client:
    def __init__(self, tell):
        self.tell = tell
        self.session = None
        self.publisher = None
        self.sending = None
        self.output = None
        self.reading = None
        self.tasks = []

    async def reserve(self, orchestrator, app):
        self.session = await reserve_session(orchestrators=[orchestrator], app=app)
        return {"session_id": self.session.session_id, "app_url": self.session.app_url}

    async def post(self, path, payload, timeout=5.0):
        return await post_json(self.session.app_url + path, payload, timeout=timeout)

    async def call_once(self, orchestrator, app, path, payload):
        """Calls a single-shot app."""
        entries = await discover_runners(discovery_url=orchestrator + "/discovery", app=app)
        (runner,) = [runner for entry in entries for runner in entry["runners"]]
        result = await call_runner(runner["url"] + path, payload=payload)
        return result.data

    async def publish(self, url, width, height, fps, gop, audio=False):
        """Sends frames in real time until `finish`."""
        tracks = [VideoOutputConfig(fps=fps, keyframe_interval_s=gop, queue_size=30)]
        if audio:
            tracks.append(AudioOutputConfig())
        self.publisher = MediaPublish(url, config=MediaPublishConfig(tracks=tracks))
        self.sending = asyncio.create_task(self._send(width, height, fps, audio))

    async def finish(self):
        """Stops sending and closes the input channel. Returns the number of frames that went out."""
        self.sending.cancel()
        await asyncio.gather(self.sending, return_exceptions=True)
        stats = None
        while stats is None or any(track.queue_depth for track in stats.track_queue_stats):
            await asyncio.sleep(0.02)
            stats = self.publisher.get_stats()
        await self.publisher.close()
        stats = self.publisher.get_stats()
        dropped = sum(
            track.frames_dropped_overflow + track.frames_dropped_debt + track.frames_dropped_non_monotonic_pts
            for track in stats.track_queue_stats
        )
        frames = {track.label: track.frames_in for track in stats.track_queue_stats}
        return {"frames": frames, "dropped": dropped, "failed": stats.segments_failed}

    async def read(self, url):
        """Reports each decoded frame of the output."""
        self.output = MediaOutput(url)
        self.reading = asyncio.create_task(self._read())

    async def ended(self, timeout=10.0):
        """Waits for the end of the output."""
        await asyncio.wait_for(self.reading, timeout)
        await self.output.close()
        stats = self.output.get_stats()
        return {"video": stats.video_frames_decoded, "audio": stats.audio_frames_decoded}

    async def watch(self, url, kind):
        """Reports each object of an events or data channel."""
        reader = ChannelReader(url) if kind == "events" else JSONLReader(url)
        self.tasks.append(asyncio.create_task(self._watch(reader(start_seq=0), kind)))

    async def watched(self):
        """Waits for the end of these channels; raises what their readers raised."""
        await asyncio.gather(*self.tasks)

    async def stop(self):
        await stop_runner_session(self.session)

    async def _watch(self, messages, kind):
        async for message in messages:
            self.tell(**{kind: message})

    async def _send(self, width, height, fps, audio):
        begun = time.monotonic()
        samples = 0
        for number in range(MARK >> 1):
            await asyncio.sleep(max(0.0, begun + number / fps - time.monotonic()))
            frame = picture(width, height, number)
            frame.pts, frame.time_base = number, Fraction(1, fps)
            await self.publisher.write_frame(frame)
            if audio:
                samples = await self._send_sound(samples, (number + 1) / fps)

    async def _send_sound(self, samples, until):
        while samples < until * AUDIO_RATE:
            sound = av.AudioFrame(format="s16", layout="mono", samples=960)
            sound.planes[0].update(b"\0\x10\0\xf0" * 480)
            sound.sample_rate, sound.pts, sound.time_base = AUDIO_RATE, samples, Fraction(1, AUDIO_RATE)
            await self.publisher.write_frame(sound)
            samples += 960
        return samples

    async def _read(self):
        async for frame in self.output.frames():
            if frame.kind != "video":
                self.tell(sound=frame.pts_time)
                continue
            self.tell(
                frame=frame.pts_time,
                shows=number_in(frame.frame),
                colour=colour_of(frame.frame),
                size=[frame.width, frame.height],
            )


def picture(width, height, number):
    """A grey ramp; the number is drawn as a row of black and white blocks along the top."""
    frame = av.VideoFrame(width, height, "yuv420p")
    luma = frame.planes[0]
    block = width // BITS
    bits = b"".join(
        (b"\xeb" if (MARK | number) >> (BITS - 1 - at) & 1 else b"\x10") * block for at in range(BITS)
    )
    pad = bytes(luma.line_size - width)
    top = (bits + bytes(width - len(bits)) + pad) * (height // 4)
    row = bytes(60 + 120 * x // width for x in range(width)) + pad
    luma.update(top + row * (height - height // 4))
    for plane in frame.planes[1:]:
        plane.update(b"\x80" * plane.buffer_size)
    return frame


def number_in(frame):
    """The number that `picture` drew; None where a model or a fallback shows something else."""
    grey = frame.reformat(format="gray")
    plane = grey.planes[0]
    data, line = bytes(plane), (grey.height // 8) * plane.line_size
    block = grey.width // BITS
    number = 0
    for at in range(BITS):
        luma = data[line + at * block + block // 2]
        if 70 < luma < 180:
            return None
        number = number << 1 | (luma > 125)
    return number ^ MARK if number ^ MARK < MARK >> 1 else None


def colour_of(frame):
    """Mean red, green and blue of the lower half."""
    rgb = frame.reformat(width=16, height=16, format="rgb24")
    data = b"".join(struct.unpack_from("48s", rgb.planes[0], y * rgb.planes[0].line_size)[0] for y in range(8, 16))
    return [round(sum(data[channel::3]) / (len(data) / 3)) for channel in range(3)]

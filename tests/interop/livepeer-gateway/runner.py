"""The runner side: registers with an orchestrator, makes channels, and sends its input back as its output."""

import asyncio

from aiohttp import web
from livepeer_gateway import (
    TricklePublisher,
    TrickleSubscriber,
    create_proxy,
    create_trickle_channels,
    register_runner,
    remove_trickle_channels,
    stop_runner_session,
)

CHANNELS = [
    {"name": "in", "mime_type": "video/mp2t"},
    {"name": "out", "mime_type": "video/mp2t"},
    {"name": "spare", "mime_type": "application/json"},
]


class Runner:
    def __init__(self, tell):
        self.tell = tell
        self.registration = None
        self.site = None
        self.tasks = []

    async def register(self, orchestrator, secret, app, proxy=False):
        server = web.Application()
        server.add_routes([web.post("/stream", self._stream), web.post("/release", self._release)])
        runner = web.AppRunner(server)
        await runner.setup()
        self.site = web.TCPSite(runner, "127.0.0.1", 0)
        await self.site.start()
        port = runner.addresses[0][1]
        self.registration = await register_runner(
            orchestrator,
            secret=secret,
            runner_url=f"http://127.0.0.1:{port}",
            app=app,
            proxy=proxy,
            auto_detect_gpu=False,
            on_session_reserve=lambda event: self.tell(reserved=event.session_id),
            on_session_release=lambda event: self.tell(released=event.session_id),
        )
        return {
            "runner_id": self.registration.runner_id,
            "interval": self.registration.heartbeat_interval_s,
            "ttl": self.registration.heartbeat_ttl_s,
        }

    async def leave(self):
        await self.registration.close()
        await self.site.stop()

    async def _stream(self, request):
        made = await create_trickle_channels(request, CHANNELS)
        channels = {channel["name"]: channel for channel in made}
        removed = await remove_trickle_channels(request, ["spare"])
        proxy = await create_proxy(request)
        self.tasks.append(asyncio.create_task(self._echo(channels["in"], channels["out"])))
        return web.json_response(
            {
                "in": channels["in"]["url"],
                "out": channels["out"]["url"],
                "internal": "internal_url" in channels["in"],
                "removed": removed,
                "proxy": proxy.url,
            }
        )

    async def _release(self, request):
        await stop_runner_session(request)
        return web.json_response({"released": True})

    async def _echo(self, source, target):
        async with TrickleSubscriber(source["internal_url"], start_seq=0) as subscriber:
            async with TricklePublisher(target["internal_url"], "video/mp2t") as publisher:
                while (segment := await subscriber.next()) is not None:
                    reader = segment.make_reader()
                    async with await publisher.next() as writer:
                        while chunk := await reader.read(chunk_size=32768):
                            await writer.write(chunk)
        self.tell(echoed=True)

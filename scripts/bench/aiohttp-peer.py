"""text-reversal on aiohttp with the checks of http-peer.ts. Prints its URL."""
import asyncio
import base64
import json

from aiohttp import web


def is_job(header):
    try:
        job = json.loads(base64.b64decode(header, validate=True))
    except ValueError:
        return False
    if not isinstance(job, dict):
        return False
    seconds = job.get("timeout_seconds", 1)
    return all(
        isinstance(job.get(name, ""), str) for name in ("request", "parameters", "capability")
    ) and isinstance(seconds, int) and seconds > 0


async def reverse(request):
    header = request.headers.get("Livepeer")
    if header is None or not is_job(header):
        return web.json_response({"error": "Livepeer is not usable"}, status=400)
    try:
        body = await request.json()
    except ValueError:
        return web.json_response({"error": "body is not usable"}, status=400)
    text = body.get("text") if isinstance(body, dict) else None
    if not isinstance(text, str):
        return web.json_response({"error": "text is not usable"}, status=400)
    return web.json_response({"original": text, "reversed": text[::-1]})


async def main():
    app = web.Application()
    app.router.add_post("/process/request/text-reversal", reverse)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = site._server.sockets[0].getsockname()[:2]
    print(f"http://{host}:{port}", flush=True)
    await asyncio.Event().wait()


asyncio.run(main())

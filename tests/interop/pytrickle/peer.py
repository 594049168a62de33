"""pytrickle's publisher or subscriber, for tests that drive it from outside.

    peer.py publish URL            a segment for each line of standard input, its words one write each
    peer.py subscribe URL START    number and bytes of each segment, until the end of the channel
"""

import asyncio
import importlib.util
import sys
import types

# The package's own __init__ brings torch and codecs; these two modules need neither.
package = types.ModuleType("pytrickle")
package.__path__ = list(importlib.util.find_spec("pytrickle").submodule_search_locations)
sys.modules["pytrickle"] = package

from pytrickle.publisher import TricklePublisher  # noqa: E402
from pytrickle.subscriber import TrickleSubscriber  # noqa: E402


async def lines():
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        yield line.decode().strip()


async def publish(url):
    async with TricklePublisher(url, mime_type="video/mp2t", error_callback=tell) as publisher:
        async for line in lines():
            async with await publisher.next() as segment:
                for word in line.split(" "):
                    await segment.write(word.encode())
            print("sent", line, flush=True)


async def subscribe(url, start):
    async with TrickleSubscriber(url, start_seq=start, error_callback=tell) as subscriber:
        while segment := await subscriber.next():
            text = b""
            while part := await segment.read():
                text += part
            print(segment.seq(), text.decode(), flush=True)
    print("end of stream", flush=True)


async def tell(kind, error=None):
    print("error", kind, error, flush=True)


_, command, url, *rest = sys.argv
asyncio.run(publish(url) if command == "publish" else subscribe(url, int(rest[0])))

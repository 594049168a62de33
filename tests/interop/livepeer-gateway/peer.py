"""livepeer-gateway's own code for live runners, driven by a test: one JSON object a line on standard input and output.

    peer.py client    reserves a session, publishes and reads media, calls the app
    peer.py runner    registers a runner that sends its input back
"""

import asyncio
import json
import logging
import sys

logging.basicConfig(stream=sys.stderr, level=logging.WARNING)


def tell(**members):
    print(json.dumps(members), flush=True)


async def commands():
    reader = asyncio.StreamReader(limit=2**22)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        yield json.loads(line)


async def main(peer):
    """Answers each command with one line that has its number; lines without a number are what the peer saw meanwhile."""
    async for command in commands():
        number, name = command.pop("number"), command.pop("do")
        try:
            tell(number=number, result=await getattr(peer, name)(**command))
        except Exception as error:  # the test judges it
            tell(number=number, error=f"{type(error).__name__}: {error}", status=getattr(error, "status_code", None))


if __name__ == "__main__":
    if sys.argv[1] == "client":
        from client import Client as Peer
    else:
        from runner import Runner as Peer
    asyncio.run(main(Peer(tell)))

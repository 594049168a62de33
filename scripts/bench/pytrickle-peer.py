"""pytrickle's server on a free port, with a processor that returns each frame as it came. Prints its URL."""
import asyncio

from pytrickle import StreamProcessor


async def same_frame(frame):
    return frame


async def main():
    processor = StreamProcessor(
        video_processor=same_frame, name="no-op", host="127.0.0.1", port=0
    )
    # What `run_forever` does; its runner knows the port.
    runner = await processor.server.start_server()
    host, port = runner.addresses[0][:2]
    print(f"http://{host}:{port}", flush=True)
    await asyncio.Event().wait()


asyncio.run(main())

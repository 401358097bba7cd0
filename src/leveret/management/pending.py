"""The broker's answers, awaited."""

import asyncio

from leveret.broker.seams import Pending


async def answered(pending: Pending) -> object:
    """Wait for an answer; raises what it failed with."""
    future: asyncio.Future[object] = asyncio.get_running_loop().create_future()

    def succeed(value: object) -> None:
        # Whoever waited may have gone.
        if not future.done():
            future.set_result(value)

    def fail(error: Exception) -> None:
        if not future.done():
            future.set_exception(error)

    pending.then(succeed, fail)
    return await future

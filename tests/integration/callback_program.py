"""Lets a test of pika's callback-style adapters read from top to bottom.

A program is a generator. It yields operations, functions that take a callback, and goes on when
the callback is called, with its arguments:

    def program(connection):
        channel = yield open_channel(connection)
        declared = yield partial(channel.queue_declare, "hello")
"""

import asyncio
from collections import deque
from collections.abc import Callable, Generator
from functools import partial
from typing import Any

import pika
from pika.adapters.asyncio_connection import AsyncioConnection
from pika.adapters.select_connection import IOLoop

Operation = Callable[..., Any]
Program = Callable[[Any], Generator[Operation, Any, None]]


def open_channel(connection: Any, number: int | None = None) -> Operation:
    return lambda callback: connection.channel(number, on_open_callback=callback)


class Inbox:
    """Events in the order in which they came; `event = yield inbox.next` waits for one."""

    def __init__(self) -> None:
        self._events: deque[tuple[Any, ...]] = deque()
        self._waiting: Operation | None = None

    def __len__(self) -> int:
        return len(self._events)

    def put(self, *event: Any) -> None:
        if self._waiting is None:
            self._events.append(event)
        else:
            waiting, self._waiting = self._waiting, None
            waiting(*event)

    def next(self, callback: Operation) -> None:
        if self._events:
            callback(*self._events.popleft())
        else:
            self._waiting = callback


def run_program(
    adapter: type[pika.SelectConnection] | type[AsyncioConnection],
    parameters: pika.ConnectionParameters,
    program: Program,
    deadline_seconds: float = 20,
) -> None:
    """Connect, run the program to its end, close the connection."""
    if adapter is AsyncioConnection:
        loop: Any = asyncio.new_event_loop()
        start, call_soon = loop.run_forever, loop.call_soon
    else:
        loop = IOLoop()
        start, call_soon = loop.start, loop.add_callback_threadsafe
    run = _Run(adapter, parameters, program, loop, call_soon)
    loop.call_later(deadline_seconds, run.expire)
    try:
        start()
    finally:
        loop.close()
    if run.failure is not None:
        raise run.failure


class _Run:
    def __init__(
        self, adapter: Any, parameters: Any, program: Program, loop: Any, call_soon: Any
    ) -> None:
        self.failure: BaseException | None = None
        self._program = program
        self._loop = loop
        self._call_soon = call_soon
        self._steps: Generator[Operation, Any, None]
        self._ended = False
        self._connection = adapter(
            parameters,
            on_open_callback=self._opened,
            on_open_error_callback=self._closed,
            on_close_callback=self._closed,
            custom_ioloop=loop,
        )

    def expire(self) -> None:
        self._end(AssertionError("the program did not end before its deadline"))

    def _opened(self, connection: Any) -> None:
        self._steps = self._program(connection)
        self._step(None)

    def _resume(self, *event: Any) -> None:
        # Not from within the callback: pika forgets a closed channel only after its callbacks.
        result = event[0] if len(event) == 1 else event or None
        self._call_soon(partial(self._step, result))

    def _step(self, result: Any) -> None:
        if self._ended:
            return
        try:
            self._steps.send(result)(callback=self._resume)
        except StopIteration:
            self._end(None)
        except BaseException as error:
            self._end(error)

    def _end(self, failure: BaseException | None) -> None:
        if self._ended:  # the deadline passed while the connection was closing
            self.failure = self.failure or failure
            self._loop.stop()
            return
        self._ended = True
        self.failure = failure
        if self._connection.is_open:
            self._connection.close()
        else:
            self._loop.stop()

    def _closed(self, _connection: Any, reason: BaseException) -> None:
        if self._ended:
            self._loop.stop()
        else:
            self._call_soon(partial(self._closed_early, reason))

    def _closed_early(self, reason: BaseException) -> None:
        # A program that waited for the end of the connection has got it by now.
        if not self._ended:
            self._call_soon(partial(self._end, reason))

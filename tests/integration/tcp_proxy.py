"""A TCP proxy whose links a test can cut: how a pulled network cable looks to client and broker."""

import contextlib
import socket
import threading


class TcpProxy:
    """Listens on a port of its own and joins every connection to one upstream address."""

    def __init__(self, upstream_host: str, upstream_port: int) -> None:
        self._upstream = (upstream_host, upstream_port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._lock = threading.Lock()
        self._closing = False
        self._links: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self.host, self.port = self._listener.getsockname()
        self._start(self._accept)

    def cut(self) -> None:
        """Drop every link, without a word of AMQP to either side; new ones are still taken."""
        with self._lock:
            links, self._links = self._links, []
        for link in links:
            # Only shutdown wakes a thread that is blocked in recv; close alone would not.
            with contextlib.suppress(OSError):
                link.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._closing = True
        with socket.create_connection((self.host, self.port)):
            pass  # wakes the accepting thread
        self.cut()
        for thread in self._threads:
            thread.join()
        self._listener.close()

    def _start(self, target, *args) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            client, _ = self._listener.accept()
            if self._closing:
                client.close()
                return
            broker = socket.create_connection(self._upstream)
            for link in (client, broker):
                link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._links += [client, broker]
            self._start(self._join, client, broker)

    def _join(self, client: socket.socket, broker: socket.socket) -> None:
        answers = threading.Thread(target=_copy, args=(broker, client), daemon=True)
        answers.start()
        _copy(client, broker)
        answers.join()
        client.close()
        broker.close()


def _copy(source: socket.socket, destination: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            destination.sendall(data)
    # The other direction learns of the end only through its own sockets.
    for link in (source, destination):
        with contextlib.suppress(OSError):
            link.shutdown(socket.SHUT_RDWR)

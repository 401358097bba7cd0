"""Where a client finds the server, in the forms that clients ask for."""

from dataclasses import dataclass, replace
from urllib.parse import quote

from integration.tcp_proxy import TcpProxy


@dataclass(frozen=True)
class Server:
    host: str
    port: int
    username: str
    password: str
    vhost: str

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def url(self) -> str:
        vhost = quote(self.vhost, safe="")
        return f"amqp://{self.username}:{self.password}@{self.address}/{vhost}"

    def behind(self, proxy: TcpProxy) -> "Server":
        return replace(self, host=proxy.host, port=proxy.port)

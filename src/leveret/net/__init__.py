"""The only code that touches a socket: listeners and transports on asyncio."""

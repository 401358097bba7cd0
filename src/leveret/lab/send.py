"""Sends messages to a queue: its arguments, or else each line of its input.

This file is yours to change. It needs pika (pip install pika) and nothing else.
"""

import argparse
import os
import sys

try:
    import pika
    from pika import exceptions
except ImportError:
    sys.exit("This program needs pika: pip install pika")


def main():
    options = read_options()
    sys.stdout.reconfigure(line_buffering=True, errors="backslashreplace")
    try:
        with connect(options) as connection:
            send(connection.channel(), options)
    except KeyboardInterrupt:
        pass
    except exceptions.UnroutableError:
        sys.exit(f"Queue {options.queue!r} is gone: somebody has deleted it.")
    except (exceptions.ShortStringTooLong, UnicodeEncodeError):
        sys.exit("The name of a queue is UTF-8 text of at most 255 bytes. Check --queue.")
    except exceptions.ChannelClosedByBroker as closed:
        sys.exit(f"The server has closed the channel: {closed.reply_text}")
    except exceptions.ConnectionClosedByBroker as closed:
        sys.exit(f"The server has closed the connection: {closed.reply_text}")
    except exceptions.AMQPConnectionError:
        sys.exit(
            f"The connection to {options.host}:{options.port} is lost: the server has stopped or "
            "the network has failed."
        )


def send(channel, options):
    # Makes the queue unless it is there already; both sides may do so, in any order.
    channel.queue_declare(options.queue)
    # The server then confirms each message, and basic_publish waits for that. Without it, a
    # message that the server refuses is refused behind our back.
    channel.confirm_delivery()
    for body in messages(options):
        # The default exchange '' knows every queue by its name. A message that reaches no queue
        # would be dropped without a word if it were not mandatory.
        channel.basic_publish(exchange="", routing_key=options.queue, body=body, mandatory=True)
        print(f"Sent {body.decode(errors='replace')!r}")


def messages(options):
    """The bodies, which are bytes."""
    if options.message:
        yield from map(os.fsencode, options.message)
        return
    if sys.stdin.isatty():
        print("Each line that you type is a message. Ctrl-D ends.")
    for line in sys.stdin.buffer:
        yield line.rstrip(b"\r\n")


def connect(options):
    """A connection to the server, or a sentence that says why there is none."""
    credentials = pika.PlainCredentials(options.username, options.password)
    server = f"{options.host}:{options.port}"
    try:
        return pika.BlockingConnection(
            pika.ConnectionParameters(
                options.host,
                options.port,
                options.vhost,
                credentials,
                # While we wait for a line pika cannot run, so it cannot send heartbeats. With the
                # server's usual 60 seconds we would be taken for dead after two silent minutes.
                heartbeat=3600,
            )
        )
    except exceptions.ProbableAuthenticationError:
        sys.exit(
            f"The server at {server} refuses user {options.username!r} with this password. "
            "Check --username and --password."
        )
    except exceptions.ProbableAccessDeniedError:
        sys.exit(
            f"There is no vhost {options.vhost!r}, or user {options.username!r} has no permissions "
            "in it. Check --vhost."
        )
    except exceptions.IncompatibleProtocolError:
        sys.exit(f"What answers at {server} does not speak AMQP. Check --host and --port.")
    except UnicodeError:
        sys.exit("A name is not possible. Check --host, --username and --password.")
    except (exceptions.AMQPConnectionError, OSError):
        sys.exit(f"No server answers at {server}. Is it running? Check --host and --port.")


def read_options():
    parser = argparse.ArgumentParser(description="Sends messages to a queue.")
    parser.add_argument("--host", default="localhost")
    parser.add_argument("--port", type=port, default=5672)
    parser.add_argument("--vhost", default="/")
    parser.add_argument("--username", default="guest")
    parser.add_argument("--password", default="guest")
    parser.add_argument("--queue", default="hello")
    parser.add_argument("message", nargs="*", help="default: each line of standard input")
    return parser.parse_args()


def port(text):
    value = int(text)
    if not 1 <= value <= 65535:
        raise argparse.ArgumentTypeError(f"{text} is not between 1 and 65535")
    return value


if __name__ == "__main__":
    main()

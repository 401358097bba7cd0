"""A worker: takes messages from a queue and works on each for as many seconds as it has characters.

Start several of them on one queue, stop one, let one lose messages, and watch who does what.
This file is yours to change. It needs pika (pip install pika) and nothing else.
"""

import argparse
import signal
import sys
from collections import Counter

try:
    import pika
    from pika import exceptions
except ImportError:
    sys.exit("This program needs pika: pip install pika")


def main():
    options = read_options()
    # Lines appear at once, and whatever a message holds can be printed.
    sys.stdout.reconfigure(line_buffering=True, errors="backslashreplace")
    # `kill` ends us just as Ctrl-C does: with a KeyboardInterrupt.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with connect(options) as connection:
            work(connection, options)
    except KeyboardInterrupt:
        pass  # a second Ctrl-C, or one before there was a connection
    except exceptions.ChannelClosedByBroker as closed:
        sys.exit(why_closed(closed, options))
    except (exceptions.ShortStringTooLong, UnicodeEncodeError):
        sys.exit("The name of a queue is UTF-8 text of at most 255 bytes. Check --queue.")
    except exceptions.ConnectionClosedByBroker as closed:
        sys.exit(f"The server has closed the connection: {closed.reply_text}")
    except exceptions.AMQPConnectionError:
        sys.exit(
            f"The connection to {options.host}:{options.port} is lost: the server has stopped, "
            "the network has failed, or we were silent for too long (see connection.sleep below)."
        )


def work(connection, options):
    """Work on messages until Ctrl-C."""
    channel = connection.channel()
    count = Counter()

    def on_message(_channel, method, _properties, body):
        if channel.is_closed:
            return  # closed while we worked on another message: this one is not ours any more
        text = body.decode(errors="replace")
        count["received"] += 1
        if options.lose_every and count["received"] % options.lose_every == 0:
            # With automatic acknowledgement the message is gone for good. With --acknowledge the
            # server keeps it, until the delivery timeout or our end, and then gives it to another.
            count["dropped"] += 1
            print(f"Dropped {text!r} without working on it")
            return
        seconds = len(text) * options.seconds_per_character
        again = " again" if method.redelivered else ""
        print(f"Received {text!r}{again}, works {seconds:g} s")
        # This is the work. It is pika's own sleep, because that goes on answering the server's
        # heartbeats. Try time.sleep(seconds) with a long message: pika cannot run meanwhile, after
        # two missed heartbeats the server takes us for dead and cuts the connection, and the next
        # use of it raises StreamLostError. Real work belongs in a thread (see
        # connection.add_callback_threadsafe), or needs a longer heartbeat in connect() below:
        # ConnectionParameters(..., heartbeat=3600).
        connection.sleep(seconds)
        # Being alive is not enough: whoever does not acknowledge a message within the server's
        # delivery timeout (30 minutes, unless set otherwise) finds the channel closed, and
        # another worker has the message.
        if channel.is_closed:
            return  # start_consuming() below now raises the reason
        if options.acknowledge:
            # Only now does the server forget the message.
            channel.basic_ack(method.delivery_tag)
        count["done"] += 1
        print(f"Done with {text!r}")

    # How many messages we may hold unacknowledged. Without a limit the server sends us all it has,
    # and a worker that is started later gets none of those. Needs --acknowledge.
    if options.prefetch:
        channel.basic_qos(prefetch_count=options.prefetch)
    try:
        # With auto_ack the server forgets a message as soon as it has sent it.
        channel.basic_consume(options.queue, on_message, auto_ack=not options.acknowledge)
        print(f"Waiting for messages in queue {options.queue!r}. Ctrl-C ends.")
        channel.start_consuming()
    except KeyboardInterrupt:
        print(f"Stopped: {count['done']} done, {count['dropped']} dropped.")
        return
    sys.exit(f"Queue {options.queue!r} was deleted: there is nothing left to wait for.")


def connect(options):
    """A connection to the server, or a sentence that says why there is none."""
    credentials = pika.PlainCredentials(options.username, options.password)
    server = f"{options.host}:{options.port}"
    try:
        return pika.BlockingConnection(
            pika.ConnectionParameters(options.host, options.port, options.vhost, credentials)
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


def why_closed(closed, options):
    """What a channel.close of the server means to us."""
    if "timed out" in closed.reply_text:
        return (
            "We took longer than the delivery timeout. The server has closed the channel and "
            f"given the message to another worker: {closed.reply_text}"
        )
    if closed.reply_code == 404:
        return (
            f"There is no queue {options.queue!r} in vhost {options.vhost!r}. Check --queue, or "
            "make the queue by sending something to it with send.py."
        )
    return f"The server has closed the channel: {closed.reply_text}"


def read_options():
    parser = argparse.ArgumentParser(description="Works on the messages of a queue.")
    parser.add_argument("--host", default="localhost")
    parser.add_argument("--port", type=number(int, 1, 65535), default=5672)
    parser.add_argument("--vhost", default="/")
    parser.add_argument("--username", default="guest")
    parser.add_argument("--password", default="guest")
    parser.add_argument("--queue", default="hello")
    parser.add_argument(
        "--acknowledge", action="store_true", help="acknowledge each message after its work"
    )
    parser.add_argument(
        "--lose-every",
        metavar="N",
        type=number(int, 1),
        help="drop every Nth message without working on it",
    )
    parser.add_argument(
        "--prefetch",
        metavar="N",
        type=number(int, 0, 65535),
        default=0,
        help="hold at most N unacknowledged messages; 0: any number",
    )
    parser.add_argument(
        "--seconds-per-character",
        metavar="S",
        type=number(float, 0, 3600),
        default=1,
        help="how long the work is; default: 1",
    )
    return parser.parse_args()


def number(kind, lowest, highest=1_000_000):
    def number(text):
        value = kind(text)
        if not lowest <= value <= highest:
            raise argparse.ArgumentTypeError(f"{text} is not between {lowest} and {highest}")
        return value

    return number


if __name__ == "__main__":
    main()

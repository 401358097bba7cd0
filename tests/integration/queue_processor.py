"""The lab's worker program: reports on standard output, and fails on purpose when told to.

It runs as a process of its own, because a worker that is killed cannot be imitated inside one.
"""

import argparse
import os
import signal

import pika


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--vhost", required=True)
    parser.add_argument("--username", required=True)
    parser.add_argument("--password", required=True)
    parser.add_argument("--queue", required=True)
    parser.add_argument("--acknowledge", action="store_true")
    parser.add_argument("--lose-every", type=int, metavar="N")
    parser.add_argument("--hang", action="store_true", help="never finish a message")
    options = parser.parse_args()

    credentials = pika.PlainCredentials(options.username, options.password)
    connection = pika.BlockingConnection(
        pika.ConnectionParameters(
            options.host, options.port, options.vhost, credentials, heartbeat=3600
        )
    )
    channel = connection.channel()
    channel.basic_qos(prefetch_count=1)
    taken = 0

    def process(_channel, method, _properties, body) -> None:
        nonlocal taken
        taken += 1
        redelivered = " redelivered" if method.redelivered else ""
        print(f"took {body.decode()}{redelivered}", flush=True)
        if options.lose_every and taken % options.lose_every == 0:
            os._exit(1)  # dies with the message in hand
        if options.hang:
            signal.pause()
        print(f"done {body.decode()}", flush=True)
        if options.acknowledge:
            channel.basic_ack(method.delivery_tag)

    channel.basic_consume(options.queue, process, auto_ack=not options.acknowledge)
    print("waiting", flush=True)
    try:
        channel.start_consuming()
    except KeyboardInterrupt:
        os._exit(0)  # as the tutorials end: the socket just closes


if __name__ == "__main__":
    main()

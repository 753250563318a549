"""Publishers of one RabbitMQ queue, each with messages in flight until they are confirmed: the load for `bench.peers`.

    python -m bench.amqp port=N pid=N conns=N seconds=S [window=N | rate=N] [pad=N] [warm=S]

The options and the line of figures are those of `load.c`; `done` are confirmed messages, and latency counts from when
a message was due until its confirmation. Needs pika (``pip install twim[bench]``).
"""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Sequence

import pika
from pika.adapters.select_connection import IOLoop, SelectConnection

from bench.servers import cpu_seconds

ENVELOPE = 150  # bytes of a message of ours around its text
DRAIN_SECONDS = 3.0
WATCH_SECONDS = 0.1
DEFAULTS = {"window": 1.0, "rate": 0.0, "pad": 32.0, "warm": 1.0, "seconds": 5.0}
QUORUM = {"x-queue-type": "quorum"}


class Publisher:
    """One connection with one channel. `due` are the times of what isn't confirmed yet, the oldest first."""

    def __init__(self, load: AmqpLoad) -> None:
        self._load = load
        self._confirmed = 0
        self.due: deque[float] = deque()
        self.lost = 0
        SelectConnection(load.parameters, self._opened, load.failed, load.failed, custom_ioloop=load.loop)

    def say(self, due: float) -> None:
        """Publish one message."""
        self.due.append(due)
        self._channel.basic_publish("", self._load.queue, self._load.body, self._load.properties, mandatory=True)

    def _opened(self, connection: SelectConnection) -> None:
        connection.channel(on_open_callback=self._channel_opened)

    def _channel_opened(self, channel: pika.channel.Channel) -> None:
        self._channel = channel
        channel.add_on_return_callback(lambda *_: self._load.refuse())
        channel.confirm_delivery(self._answered, callback=lambda _: self._load.ready())

    def _answered(self, frame: pika.frame.Method) -> None:
        # Each tag once and in order, as RabbitMQ does for one queue: the confirmed are always the oldest.
        newest = frame.method.delivery_tag
        count = newest - self._confirmed if frame.method.multiple else 1
        self._confirmed += count
        if isinstance(frame.method, pika.spec.Basic.Nack):
            self._load.refuse()
        for _ in range(count):
            self._load.done_with(self, self.due.popleft())


class AmqpLoad:
    """All publishers, and what is counted."""

    def __init__(self, options: dict[str, float]) -> None:
        self._options = options
        self.parameters = pika.ConnectionParameters("127.0.0.1", int(options["port"]))
        self.properties = pika.BasicProperties(delivery_mode=pika.DeliveryMode.Persistent)
        self.body = b"x" * (ENVELOPE + int(options["pad"]))
        self.queue = f"bench-{time.time_ns()}"
        self.loop = IOLoop()
        self._ready = self._refused = self._done = self._turn = 0
        self._sending = self._measuring = False
        self._waits: list[float] = []

    def run(self) -> str:
        """The line of figures."""
        connection = pika.BlockingConnection(self.parameters)
        channel = connection.channel()
        channel.queue_declare(self.queue, durable=True, arguments=QUORUM)
        connection.close()
        self._publishers = [Publisher(self) for _ in range(int(self._options["conns"]))]
        self.loop.start()
        connection = pika.BlockingConnection(self.parameters)
        connection.channel().queue_delete(self.queue)
        connection.close()
        return figures(self._waits, self._took, self._cpu, self._own) + f" lost={self._lost} refused={self._refused}"

    def ready(self) -> None:
        """One more publisher is connected."""
        self._ready += 1
        if self._ready < len(self._publishers):
            return
        self._sending = True
        now = time.perf_counter()
        if self._options["rate"]:
            self._next = now
            self._at_rate()
        else:
            for _ in range(int(self._options["window"])):
                for publisher in self._publishers:
                    publisher.say(now)
        self.loop.call_later(self._options["warm"], self._begin)

    def failed(self, _: object, error: object) -> None:
        """A connection wasn't made, or ended."""
        raise SystemExit(f"RabbitMQ: {error}")

    def refuse(self) -> None:
        """A message wasn't taken."""
        self._refused += 1

    def done_with(self, publisher: Publisher, due: float) -> None:
        """A message is confirmed."""
        now = time.perf_counter()
        if self._measuring:
            self._waits.append(now - due)
        if self._sending and not self._options["rate"]:
            publisher.say(now)

    def _at_rate(self) -> None:
        while self._sending and self._next <= time.perf_counter():
            self._publishers[self._turn % len(self._publishers)].say(self._next)
            self._turn += 1
            self._next += 1 / self._options["rate"]
        if self._sending:
            self.loop.call_later(max(0.0, self._next - time.perf_counter()), self._at_rate)

    def _begin(self) -> None:
        self._measuring = True
        self._began = time.perf_counter(), cpu_seconds(int(self._options["pid"])), time.process_time()
        self.loop.call_later(self._options["seconds"], self._end)

    def _end(self) -> None:
        began, cpu, own = self._began
        self._took = time.perf_counter() - began
        self._cpu = cpu_seconds(int(self._options["pid"])) - cpu
        self._own = time.process_time() - own
        self._measuring = self._sending = False
        self._drain(time.perf_counter() + DRAIN_SECONDS)

    def _drain(self, until: float) -> None:
        self._lost = sum(len(publisher.due) for publisher in self._publishers)
        if self._lost and time.perf_counter() < until:
            self.loop.call_later(WATCH_SECONDS, lambda: self._drain(until))
        else:
            self.loop.stop()


def figures(waits: Sequence[float], took: float, cpu: float, own: float) -> str:
    """What `load.c` says of a run: seconds that each message waited, and those of the clock, the server's CPU and the
    load's own."""
    done = len(waits)
    waits = sorted(waits) or [0.0]
    parts = {"p50": 0.5, "p99": 0.99, "p999": 0.999, "max": 1.0}
    found = {
        "done": done,
        "per_s": done / took,
        "per_cpu_s": done / cpu if cpu else 0.0,
        "cpu_us": 1e6 * cpu / done if done else 0.0,
        "server_busy": cpu / took,
        "load_busy": own / took,
    } | {f"{name}_ms": 1e3 * waits[min(int(len(waits) * part), len(waits) - 1)] for name, part in parts.items()}
    return " ".join(f"{name}={value:.3f}" for name, value in found.items())


def options(words: Sequence[str]) -> dict[str, float]:
    """`name=value` words, and the defaults of what isn't named."""
    return DEFAULTS | {name: float(value) for name, _, value in (word.partition("=") for word in words)}


def main() -> None:
    """Run as the command line says; status 1 when something was lost or refused."""
    line = AmqpLoad(options(sys.argv[1:])).run()
    print(line)
    sys.exit(not line.endswith(" lost=0 refused=0"))


if __name__ == "__main__":
    main()

"""``twistd im``: the options, and the one place where the parts are put together."""

from __future__ import annotations

from typing import Any

from twisted.application.service import Service
from twisted.python import usage

from twim.config import ConfigError, read_config
from twim.node import NodeService, check_ports


class Options(usage.Options):
    """Every option; the environment (``TWIM_PORT``) and a config file say the same things."""

    optParameters = [  # noqa: RUF012 (twisted's way of declaring)
        ["config", "c", None, "A TOML file with any of the settings below"],
        ["port", "p", None, "Endpoint to listen on, such as tcp:8080 or ssl:443:privateKey=k.pem:certKey=c.pem;"
         " several are separated by spaces [default: tcp:8080]"],
        ["data", "d", None, "Folder of everything that isn't kept elsewhere [default: ./im-data]"],
        ["db", None, None, "sqlite:///FILE, mysql://USER:PASSWORD@HOST/NAME or postgresql://… [default: DATA/im.db]"],
        ["bus", None, None, "How nodes hear of each other: alone, udp://192.168.0.255:3000 or redis://HOST"
         " [default: alone]"],
        ["files", None, None, "Where uploads are kept: file:///FOLDER or s3://BUCKET/PREFIX?endpoint=… [default: DATA/mnt]"],
        ["views", None, None, "Folder of the pages' templates [default: the program's own]"],
        ["asset", None, None, "Folder of the static files [default: the program's own]"],
        ["friend", None, None, "open: adding a friend befriends at once; approve: it asks first [default: open]"],
        ["limits", None, None, "on or off: how often a client may ask for something [default: on]"],
        ["upload-limit", None, None, "The largest upload, in MiB [default: 20]"],
        ["proxies", None, None, "Addresses of proxies whose X-Forwarded-For is believed, such as 127.0.0.1"],
    ]

    longdesc = "The environment says the same with TWIM_PORT for --port and so on; the command line wins."

    def postOptions(self) -> None:
        """Refuse wrong values in one line."""
        try:
            self["config_read"] = read_config({k: v for k, v in self.items() if isinstance(v, (str, type(None)))})
            check_ports(self["config_read"])
        except ConfigError as error:
            raise SystemExit(f"twim: {error}") from None


def makeService(options: Any) -> Service:
    """The server of these options."""
    from twisted.internet import reactor

    return NodeService(options["config_read"], reactor)

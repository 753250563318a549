"""Makes ``twistd im`` known to twistd."""

from twisted.application.service import ServiceMaker

im = ServiceMaker("twim", "twim.tap", "An instant-messaging server for the browser, with SQLite inside.", "im")

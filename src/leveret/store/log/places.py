"""Where each stored message is: its location and size, by ticket.

Tickets ascend by one, so the table is an array in pages (a dict was measured at five times the
memory). A page is dropped with its last message. A page that is nearly empty while thousands of
later ones are full would cost kilobytes for a message: its few entries move to a dict, so that the
table's size follows the number of messages, whatever the order in which they are settled.
"""

from __future__ import annotations

from typing import Final

from librt.vecs import vec
from mypy_extensions import i32, i64

PAGE_BITS: Final = 10
PAGE_SIZE: Final = 1 << PAGE_BITS
PAGE_MASK: Final = PAGE_SIZE - 1
# A page that holds no more than this, once tickets have passed it, is taken apart.
SPARSE: Final = PAGE_SIZE // 16

_LOCATIONS: Final = [0] * PAGE_SIZE


class Page:
    """The places of 1024 tickets in a row; location 0 is none."""

    __slots__ = ("count", "locations", "sizes")

    def __init__(self) -> None:
        self.locations: vec[i64] = vec[i64](_LOCATIONS)
        self.sizes: vec[i32] = vec[i32](_LOCATIONS)
        self.count: i64 = 0


class Places:
    """`count` messages. Locations are never 0: a segment's number is at least 1."""

    def __init__(self) -> None:
        self.count: i64 = 0
        # Set by `find` and `take`.
        self.size: i64 = 0
        self._pages: dict[int, Page] = {}
        self._stragglers: dict[int, tuple[int, int]] = {}
        # The page of the last call: most calls are for a neighbour.
        self._page: Page | None = None
        self._page_number: i64 = -1
        self._highest: i64 = 0

    def put(self, ticket: i64, location: i64, size: i64) -> None:
        """A message is here now; it may have been elsewhere before."""
        if self._stragglers and int(ticket) in self._stragglers:
            self._stragglers[int(ticket)] = (int(location), int(size))
            return
        page = self._page_of(ticket)
        if page is None:
            number = ticket >> PAGE_BITS
            page = Page()
            self._pages[int(number)] = page
            self._page = page
            self._page_number = number
        at = ticket & PAGE_MASK
        if page.locations[at] == 0:
            page.count += 1
            self.count += 1
        page.locations[at] = location
        page.sizes[at] = i32(size)
        if ticket > self._highest:
            self._highest = ticket

    def find(self, ticket: i64) -> i64:
        """The location of a message, its size in `size`; 0 if it is not stored."""
        page = self._page_of(ticket)
        if page is not None:
            at = ticket & PAGE_MASK
            location = page.locations[at]
            if location != 0:
                self.size = i64(page.sizes[at])
                return location
        if not self._stragglers:
            return 0
        place = self._stragglers.get(int(ticket))
        if place is None:
            return 0
        self.size = place[1]
        return place[0]

    def take(self, ticket: i64) -> i64:
        """`find`, and the message is gone."""
        page = self._page_of(ticket)
        if page is None or page.locations[ticket & PAGE_MASK] == 0:
            place = self._stragglers.pop(int(ticket), None)
            if place is None:
                return 0
            self.count -= 1
            self.size = place[1]
            return place[0]
        at = ticket & PAGE_MASK
        location = page.locations[at]
        self.size = i64(page.sizes[at])
        page.locations[at] = 0
        page.count -= 1
        self.count -= 1
        if page.count <= SPARSE:
            number = ticket >> PAGE_BITS
            if page.count == 0:
                self._drop(number)
            elif number < self._highest >> PAGE_BITS:
                self._take_apart(number, page)
        return location

    def tidy(self) -> None:
        """Take apart the sparse pages that puts out of order have made, as recovery does."""
        for number, page in list(self._pages.items()):
            if page.count <= SPARSE and number < self._highest >> PAGE_BITS:
                self._take_apart(number, page)

    def tickets(self) -> list[int]:
        """Every ticket, in ascending order."""
        found = list(self._stragglers)
        for number, page in self._pages.items():
            at: i64 = 0
            while at < PAGE_SIZE:
                if page.locations[at] != 0:
                    found.append((number << PAGE_BITS) + int(at))
                at += 1
        found.sort()
        return found

    def _page_of(self, ticket: i64) -> Page | None:
        number = ticket >> PAGE_BITS
        if number == self._page_number:
            return self._page
        page = self._pages.get(int(number))
        if page is not None:
            self._page = page
            self._page_number = number
        return page

    def _drop(self, number: i64) -> None:
        del self._pages[int(number)]
        self._page = None
        self._page_number = -1

    def _take_apart(self, number: i64, page: Page) -> None:
        at: i64 = 0
        start = int(number) << PAGE_BITS
        while at < PAGE_SIZE:
            location = page.locations[at]
            if location != 0:
                self._stragglers[start + int(at)] = (int(location), int(page.sizes[at]))
            at += 1
        self._drop(number)

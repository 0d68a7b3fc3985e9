"""Finding data and taking it elsewhere: `browse`, `search`, `where_is`, `preview`, `copy`, `move`."""

from data_access.discover.catalog import browse
from data_access.discover.copying import copy, move
from data_access.discover.finding import search, where_is
from data_access.discover.previewing import preview

__all__ = ["browse", "copy", "move", "preview", "search", "where_is"]

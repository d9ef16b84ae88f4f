"""What all pages share: the style, the way between them, light and dark."""

from pathlib import Path
from typing import Any

from nicegui import ui

ASSETS = Path(__file__).with_name("assets")
PAGES = (("/", "Live"), ("/dead", "Dead letters"), ("/models", "Models"))
ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="8" fill="#0b6e72"/>'
    '<path d="M4 12c4-4 8-4 12 0s8 4 12 0M4 20c4-4 8-4 12 0s8 4 12 0" fill="none" stroke="#fff" stroke-width="3"'
    ' stroke-linecap="round"/></svg>'
)


class Header(ui.element, component=ASSETS / "header.js"):
    """The name of the house, the pages, how many dead letters there are, and the switch for light and dark."""

    def __init__(self, here: str) -> None:
        super().__init__()
        self._props["pages"] = [{"path": path, "name": name, "here": path == here} for path, name in PAGES]
        self._props["dead"] = 0

    def count(self, dead: int) -> None:
        """Show how many dead letters there are."""
        put(self, dead=dead)


def open_page(here: str) -> Header:
    """Begin a page: its style, its head."""
    ui.add_head_html(f"<style>{(ASSETS / 'console.css').read_text()}</style>")
    return Header(here)


def put(element: ui.element, **props: Any) -> None:
    """Give an element what it shows; nothing is sent where nothing has changed."""
    changed = {name: value for name, value in props.items() if element._props.get(name) != value}
    if changed:
        element._props.update(changed)
        element.update()

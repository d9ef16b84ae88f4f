"""What all pages share: styles, navigation, and the choice of light or dark colours."""

from pathlib import Path
from typing import Any

from nicegui import ui

ASSETS = Path(__file__).with_name("assets")
PAGES = (("/", "Live"), ("/dead", "Dead letters"), ("/sources", "Sources"), ("/models", "Models"))
ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="8" fill="#0b6e72"/>'
    '<path d="M4 12c4-4 8-4 12 0s8 4 12 0M4 20c4-4 8-4 12 0s8 4 12 0" fill="none" stroke="#fff" stroke-width="3"'
    ' stroke-linecap="round"/></svg>'
)


class Header(ui.element, component=ASSETS / "header.js"):
    """The head of a page: the name, the navigation, the number of dead letters, and the colour switch."""

    def __init__(self, here: str) -> None:
        super().__init__()
        self._props["pages"] = [{"path": path, "name": name, "here": path == here} for path, name in PAGES]
        self._props["dead"] = 0
        self._props["base"] = root_path()

    def count(self, dead: int) -> None:
        """Show this number of dead letters."""
        put(self, dead=dead)


def root_path() -> str:
    """The path below which a proxy serves the page that is being built; it goes before every link."""
    return str(ui.context.client.request.scope.get("root_path", ""))


def open_page(here: str) -> Header:
    """Begin a page with the styles and the header."""
    ui.add_head_html(f"<style>{(ASSETS / 'console.css').read_text()}</style>")
    return Header(here)


def put(element: ui.element, **props: Any) -> None:
    """Set an element's properties. Nothing is sent to the browser if nothing has changed."""
    changed = {name: value for name, value in props.items() if element._props.get(name) != value}
    if changed:
        element._props.update(changed)
        element.update()

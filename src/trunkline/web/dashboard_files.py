"""The built dashboard: its files, and the one page that answers every address of it.

Knows nothing of what the dashboard does. It is what the application falls back to when no route wants a
request, so an address of the API that does not exist stays an error of the API.
"""

from __future__ import annotations

import mimetypes
import secrets
from pathlib import Path, PurePosixPath

from starlette.datastructures import Headers
from starlette.responses import FileResponse, HTMLResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

FOLDER = Path(__file__).parent / "dashboard"

_OTHERS = (
    "/api", "/hooks", "/media", "/docs", "/metrics", "/health", "/ready", "/openapi.json", "/admin/rq",
)  # fmt: skip
"""Where addresses begin that are never the dashboard's: what is not found there is not found."""

_NONCE_MARK = "%NONCE%"
_POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; "
    "style-src 'self' 'nonce-{nonce}'; object-src 'none'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'"
)
_UNCHANGING = "public, max-age=31536000, immutable"
_REVALIDATED = "no-cache"
_ENCODINGS = (("br", ".br"), ("gzip", ".gz"))

_NOT_BUILT = (
    "The dashboard has not been built. Run `make dashboard` in the source folder, and load this page again.\n"
    "(The API works without it.)\n"
)


class DashboardFiles:
    """An ASGI application over a folder that Vite has built; `otherwise` answers all that is not its."""

    def __init__(self, otherwise: ASGIApp, folder: Path = FOLDER) -> None:
        self._otherwise = otherwise
        self._folder = folder

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = self._answer(scope) if scope["type"] == "http" else None
        await (answer or self._otherwise)(scope, receive, send)

    def _answer(self, scope: Scope) -> Response | None:
        path: str = scope["path"]
        if scope["method"] not in {"GET", "HEAD"} or _is_anothers(path):
            return None
        name = PurePosixPath(path.lstrip("/"))
        if ".." in name.parts or "\x00" in path:
            return None
        if name.suffix:
            return self._file(name, Headers(scope=scope))
        return self._page()

    def _file(self, name: PurePosixPath, headers: Headers) -> Response | None:
        """Return a file of the build, in the smallest form that the browser takes."""
        file = self._folder / name
        if name.suffix == ".html" or not file.is_file():
            return None
        ours = {"Cache-Control": _UNCHANGING if name.parts[0] == "assets" else _REVALIDATED}
        kind = mimetypes.guess_type(name.name)[0] or "application/octet-stream"
        accepted = {word.split(";")[0].strip() for word in headers.get("accept-encoding", "").split(",")}
        for encoding, suffix in _ENCODINGS:
            packed = file.with_name(file.name + suffix)
            if packed.is_file():
                ours["Vary"] = "Accept-Encoding"
                if encoding in accepted:
                    return FileResponse(
                        packed, media_type=kind, headers=ours | {"Content-Encoding": encoding}
                    )
        return FileResponse(file, media_type=kind, headers=ours)

    def _page(self) -> Response:
        """Return the page with a nonce of its own, without which no style but its files' takes effect."""
        index = self._folder / "index.html"
        if not index.is_file():
            return PlainTextResponse(_NOT_BUILT, status_code=503, headers={"Cache-Control": "no-store"})
        nonce = secrets.token_urlsafe(16)
        return HTMLResponse(
            index.read_text("utf-8").replace(_NONCE_MARK, nonce),
            headers={
                "Cache-Control": _REVALIDATED,
                "Content-Security-Policy": _POLICY.format(nonce=nonce),
            },
        )


def _is_anothers(path: str) -> bool:
    return any(path == other or path.startswith(f"{other}/") for other in _OTHERS)

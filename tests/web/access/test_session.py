"""The console's cookie: it is found beside any others, and servers of one host don't overwrite each other's."""

import anyio
import httpx
import pytest
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse

from headrace.web.access.guard import AccessGuard
from headrace.web.access.login import Login
from headrace.web.access.session import Session
from headrace.web.services import ServerSettings

TOKEN = "a long random word"
OWN = Session(TOKEN).set_cookie("/", encrypted=False).partition(";")[0]
NAME, _, VALUE = OWN.partition("=")


def guarded(token: str = TOKEN, **more: object) -> AccessGuard:
    return AccessGuard(PlainTextResponse("in"), ServerSettings(token=token, **more), Login())  # type: ignore[arg-type]


def status(*headers: tuple[bytes, bytes]) -> int:
    async def ask() -> int:
        transport = httpx.ASGITransport(guarded())
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8000") as client:
            return (await client.get("/v1/results", headers=list(headers))).status_code

    return anyio.run(ask)


@pytest.mark.parametrize(
    "others",
    [
        b'a={"b":1}',
        "namn=åäö".encode(),
        b"\xff\xfe=\x80",
        b'$Version="1"; $Path="/"',
        b"=nameless",
        b"nameless",
        b";;;",
        b'quoted="a b, c\\"d"',
        b"a=1=2=3",
        b"headrace=of an earlier version",
        NAME.encode() + b"=of another server",
        NAME.encode() + b"x=" + VALUE.encode(),
        b"a=" + b"x" * 4000,
    ],
)
def test_other_cookies_are_passed_over(others: bytes) -> None:
    own = OWN.encode()
    assert status((b"cookie", others)) == 401
    assert status((b"cookie", others + b"; " + own)) == 200
    assert status((b"cookie", own + b";" + others)) == 200
    assert status((b"cookie", others + b"; " + own + b"; " + others)) == 200
    assert status((b"cookie", others), (b"cookie", own)) == 200


def test_a_quoted_value_is_the_same_value() -> None:
    assert status((b"cookie", f'{NAME}="{VALUE}"'.encode())) == 200


@pytest.mark.parametrize("cookie", [f"{NAME}=", f"{NAME}", f"{NAME}={VALUE[:-1]}", f"{NAME}={VALUE}x", f"x{OWN}"])
def test_nothing_else_is_the_cookie(cookie: str) -> None:
    assert status((b"cookie", cookie.encode())) == 401


def test_a_token_beyond_ascii_is_known_in_utf_8() -> None:
    session = Session("nyckel å")
    assert session.is_known(Headers(raw=[(b"authorization", "Bearer nyckel å".encode())]))
    assert not session.is_known(Headers(raw=[(b"authorization", "Bearer nyckel å".encode("latin-1"))]))


def test_signing_in_to_one_server_of_a_host_does_not_sign_out_of_another() -> None:
    """Browsers send the cookies of all ports of a host to each of them, and so does this client."""

    async def visit() -> None:
        one = httpx.ASGITransport(guarded("the token of the first"))
        other = httpx.ASGITransport(guarded("the token of the second"))
        mounts = {"http://localhost:8000": one, "http://localhost:9000": other}
        async with httpx.AsyncClient(mounts=mounts, trust_env=False) as browser:
            for port, word in ((8000, "first"), (9000, "second")):
                answer = await browser.post(
                    f"http://localhost:{port}/enter", data={"token": f"the token of the {word}"}
                )
                assert answer.status_code == 303
            for port in (8000, 9000):
                assert (await browser.get(f"http://localhost:{port}/v1/results")).text == "in"

    anyio.run(visit)


def test_the_cookie_of_an_encrypted_page_does_not_stand_in_the_way_of_one_without_encryption() -> None:
    """A browser lets no page without encryption overwrite a cookie with `Secure`."""
    secure = Session(TOKEN).set_cookie("/headrace", encrypted=True)
    assert secure.startswith("__Secure-headrace-")
    assert "; Secure" in secure
    assert "; Path=/headrace;" in secure
    assert secure.partition("=")[0] != NAME
    assert status((b"cookie", secure.partition(";")[0].encode())) == 200


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_the_cookie_of_a_form_on_an_encrypted_page_is_secure_though_no_proxy_says_so(scheme: str) -> None:
    async def sign_in() -> str:
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(guarded()), base_url="http://localhost:8000"
        ) as client:
            origin = {"origin": f"{scheme}://localhost:8000"}
            answer = await client.post("/enter", data={"token": TOKEN}, headers=origin)
            return answer.headers["set-cookie"]

    assert ("; Secure" in anyio.run(sign_in)) == (scheme == "https")

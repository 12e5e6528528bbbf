"""A message handed to a real mail server, as servers are: encrypted or not, slow, picky, and dying at any moment."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from jobs.notification.mail_server import parse_mail_server
from tests.support.mail_server import PASSWORD, USER, Postbox, Stage, authority_of, mail_server
from worker.notify.sending import SendFailed
from worker.notify.smtp import MailRoute

MESSAGE = b"Subject: Hello\r\n\r\n.one\r\ntwo\r\n"
QUOTED = "ada%40shop.example:p%40ss%2Fw%C3%B6rd%3A1"
SHORT = timedelta(milliseconds=300)
LONG = timedelta(seconds=20)


def route(
    port: int,
    *,
    scheme: str = "smtp",
    credentials: str = "",
    starttls: bool | None = None,
    tls: ssl.SSLContext | None = None,
    within: timedelta = LONG,
) -> MailRoute:
    server = parse_mail_server(f"{scheme}://{credentials}{'@' if credentials else ''}127.0.0.1:{port}")
    return MailRoute(server, starttls, tls or ssl.create_default_context(), within)


async def failure(way: MailRoute) -> SendFailed:
    with pytest.raises(SendFailed) as caught:
        await way.send("pressrun@shop.example", "ada@shop.example", MESSAGE)
    return caught.value


@pytest.fixture
async def postbox() -> AsyncIterator[Postbox]:
    async with mail_server(Postbox()) as box:
        yield box


async def test_a_message_is_taken_and_the_servers_answer_is_told(postbox: Postbox) -> None:
    sent = await route(postbox.port).send("pressrun@shop.example", "ada@shop.example", MESSAGE)
    assert (sent.status, sent.answer) == (250, "Taken as 4711")
    assert [message["Subject"] for message in postbox.messages] == ["Hello"]
    assert postbox.messages[0].get_content().splitlines() == [".one", "two"]
    assert postbox.recipients == ["ada@shop.example"]


@pytest.mark.parametrize("how", ["smtps", "starttls"])
async def test_a_connection_is_encrypted_and_the_certificate_looked_at(how: str) -> None:
    theirs, authority = authority_of()
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    at_once = how == "smtps"
    scheme = "smtps" if at_once else "smtp"
    tls, later = (theirs, None) if at_once else (None, theirs)
    async with mail_server(Postbox(), tls=tls, starttls=later, password=PASSWORD) as box:
        for starttls in (None, True):
            way = route(box.port, scheme=scheme, credentials=QUOTED, starttls=starttls, tls=trusting)
            await way.send("pressrun@shop.example", "ada@shop.example", MESSAGE)
        assert box.encrypted == [True, True]
        failed = await failure(route(box.port, scheme=scheme, credentials=QUOTED))
        assert "certificate" in failed.sentence
        assert (failed.permanent, len(box.messages)) == (False, 2)


async def test_what_must_be_encrypted_is_not_sent_where_the_server_offers_no_starttls(postbox: Postbox) -> None:
    failed = await failure(route(postbox.port, starttls=True))
    assert "STARTTLS" in failed.sentence
    assert postbox.messages == []


def test_a_password_goes_to_another_machine_only_encrypted() -> None:
    own, far = parse_mail_server("smtp://u:p@127.0.0.1"), parse_mail_server("smtp://u:p@mail.example")
    context = ssl.create_default_context()
    assert MailRoute(far, None, context).starttls is True
    assert MailRoute(far, False, context).starttls is False
    assert MailRoute(own, None, context).starttls is None
    assert MailRoute(parse_mail_server("smtp://mail.example"), None, context).starttls is None


async def test_wrong_credentials_are_the_operators_affair_and_may_be_right_tomorrow() -> None:
    async with mail_server(Postbox(), password=PASSWORD, auth_needs_tls=False) as box:
        await route(box.port, credentials=QUOTED).look()
        await route(box.port, credentials=QUOTED).send("pressrun@shop.example", "ada@shop.example", MESSAGE)
        failed = await failure(route(box.port, credentials="ada:wrong-secret"))
        assert failed.sentence == "The mail server does not take Pressrun's credentials (535)."
        assert not failed.permanent
        assert "wrong-secret" not in repr(vars(failed))
        assert (await failure(route(box.port))).status == 530
        with pytest.raises(SendFailed, match="credentials"):
            await route(box.port, credentials="ada:wrong-secret").look()
        assert len(box.messages) == 1
        assert USER not in repr(vars(failed))


async def test_a_refused_recipient_is_refused_for_good(postbox: Postbox) -> None:
    postbox.answers["RCPT"] = ["550 5.1.1 No such user"]
    failed = await failure(route(postbox.port))
    assert (failed.permanent, failed.status, failed.answer) == (True, 550, "5.1.1 No such user")
    assert failed.sentence == "The mail server does not take mail for this address (550)."


@pytest.mark.parametrize("stage", ["MAIL", "RCPT", "DATA"])
async def test_greylisting_is_waited_out(postbox: Postbox, stage: Stage) -> None:
    postbox.answers[stage] = ["451 4.7.1 Come back later"]
    failed = await failure(route(postbox.port))
    assert (failed.permanent, failed.status) == (False, 451)
    await route(postbox.port).send("pressrun@shop.example", "ada@shop.example", MESSAGE)
    assert len(postbox.messages) == 1


async def test_a_refused_message_is_refused_for_good_and_a_refused_sender_is_not(postbox: Postbox) -> None:
    postbox.answers = {"DATA": ["554 5.7.1 Spam"], "MAIL": ["550 5.7.1 Who are you?"]}
    of_sender = await failure(route(postbox.port))
    assert (of_sender.permanent, of_sender.status) == (False, 550)
    of_message = await failure(route(postbox.port))
    assert (of_message.permanent, of_message.status) == (True, 554)


@pytest.mark.parametrize("stage", ["EHLO", "MAIL", "RCPT", "DATA"])
async def test_a_server_that_hangs_is_left_in_time(postbox: Postbox, stage: Stage) -> None:
    postbox.hangs_at = stage
    failed = await failure(route(postbox.port, within=SHORT))
    assert failed.sentence == "The mail server did not take the message within 0.3 seconds."
    assert not failed.permanent


async def test_a_server_that_never_greets_is_left_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        failed = await failure(route(silent.getsockname()[1], within=SHORT))
    assert "within 0.3 seconds" in failed.sentence


@pytest.mark.parametrize("stage", ["EHLO", "MAIL", "RCPT", "DATA"])
async def test_of_a_server_that_dies_nobody_knows_so_it_is_tried_again(postbox: Postbox, stage: Stage) -> None:
    postbox.dies_at = stage
    failed = await failure(route(postbox.port))
    assert failed.sentence == "The mail server ended the connection before it had taken the message."
    assert not failed.permanent
    postbox.dies_at = None
    await route(postbox.port).send("pressrun@shop.example", "ada@shop.example", MESSAGE)


async def test_a_server_that_dies_amid_the_message_has_not_taken_it() -> None:
    async def die(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.test\r\n")
        while line := await reader.readline():
            writer.write(b"354 Go on\r\n" if line.startswith(b"DATA") else b"250 OK\r\n")
            if line.startswith(b"DATA"):
                await reader.read(10)
                writer.transport.abort()

    async with await asyncio.start_server(die, "127.0.0.1", 0) as server:
        way = route(server.sockets[0].getsockname()[1])
        with pytest.raises(SendFailed, match="ended the connection") as caught:
            await way.send("pressrun@shop.example", "ada@shop.example", MESSAGE + b"x" * 2**22)
    assert not caught.value.permanent


async def test_where_nothing_listens_the_sentence_names_no_address() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    failed = await failure(route(port))
    assert failed.sentence == "The mail server cannot be reached (Connection refused)."
    assert not failed.permanent


@pytest.mark.parametrize("address", ["ada@shop.example> SIZE=1", "a\r\nRCPT TO:<eve@x.example>", "no address"])
async def test_an_address_that_could_smuggle_a_command_is_never_sent(postbox: Postbox, address: str) -> None:
    with pytest.raises(SendFailed) as caught:
        await route(postbox.port).send("pressrun@shop.example", address, MESSAGE)
    assert caught.value.permanent
    assert postbox.recipients == []

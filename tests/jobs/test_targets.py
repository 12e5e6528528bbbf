"""Targets: whose they are, how many, and what becomes of their secrets. On both stores."""

from __future__ import annotations

import asyncio
import base64
from datetime import timedelta

import pytest

from jobs.errors import NameTaken, NoEncryptionKey, NotFound, SecretUnreadable, TooMany
from jobs.notification.signing_secrets import MOST_VALID
from jobs.notification.targets import MOST, Targets
from jobs.storage.encryption import Cipher
from jobs.system import System
from tests.support.clock import MovableClock

OWNER = "owner"
OTHER = "other"
URL = "https://cms.example/publish?token=t0k3n"


async def test_a_secret_is_shown_once_and_stored_encrypted(system: System) -> None:
    target, secret = await system.targets.register(OWNER, "site", URL)
    assert secret.startswith("whsec_")
    assert len(base64.b64decode(secret.removeprefix("whsec_"))) == 32
    (stored,) = await system.store.collection("targets").find({})
    assert secret.removeprefix("whsec_") not in repr(stored)
    assert (await system.targets.signing(OWNER, "site")).secrets == [secret]
    assert secret not in repr(target) + repr(await system.targets.find(OWNER, "site"))


async def test_what_is_handed_to_the_worker_shows_nothing_where_it_is_printed(system: System) -> None:
    await system.targets.register(OWNER, "site", URL)
    assert repr(await system.targets.signing(OWNER, "site")) == "Signing()"
    assert "a key of the tests" not in repr(Cipher(["a key of the tests"]))


async def test_an_owner_sees_their_own_targets_by_name_and_nobody_elses(system: System) -> None:
    for owner, name in ((OWNER, "zoo"), (OWNER, "a-1"), (OTHER, "b_2")):
        await system.targets.register(owner, name, URL)
    assert [target.name for target in await system.targets.list(OWNER)] == ["a-1", "zoo"]
    assert (await system.targets.find(OTHER, "b_2")).url == URL
    for ask in (system.targets.find, system.targets.signing, system.targets.rotate, system.targets.remove):
        with pytest.raises(NotFound, match="no such target"):
            await ask(OWNER, "b_2")
    assert (await system.targets.find(OTHER, "b_2")).rotated_at is None


@pytest.mark.parametrize("name", ["", "x" * 61, "Site", "a b", "a.b", "a\0", "é", "-a", "a\n"])
async def test_a_name_that_no_target_can_have_is_not_found(system: System, name: str) -> None:
    with pytest.raises(NotFound):
        await system.targets.find(OWNER, name)
    with pytest.raises(NotFound):
        await system.targets.remove(OWNER, name)


async def test_of_ten_who_register_one_name_at_once_one_does(system: System) -> None:
    wanted = (system.targets.register(OWNER, "site", f"https://cms.example/{number}") for number in range(10))
    results = await asyncio.gather(*wanted, return_exceptions=True)
    assert [type(result) for result in results if isinstance(result, BaseException)] == [NameTaken] * 9
    (target,) = await system.targets.list(OWNER)
    (won,) = [result for result in results if not isinstance(result, BaseException)]
    assert won[0] == target
    assert (await system.targets.signing(OWNER, "site")).secrets == [won[1]]


async def test_no_owner_gets_more_than_fifty_however_many_register_at_once(system: System) -> None:
    for number in range(MOST - 3):
        await system.targets.register(OWNER, f"t{number}", URL)
    await system.targets.register(OTHER, "site", URL)
    results = await asyncio.gather(
        *(system.targets.register(OWNER, f"more{number}", URL) for number in range(8)), return_exceptions=True
    )
    assert [type(result) for result in results if isinstance(result, BaseException)] == [TooMany] * 5
    assert len(await system.targets.list(OWNER)) == MOST
    await system.targets.remove(OWNER, "t7")
    await system.targets.register(OWNER, "again", URL)
    with pytest.raises(TooMany, match="as many targets as there can be: 50 are allowed"):
        await system.targets.register(OWNER, "one-too-many", URL)


async def test_a_removed_target_is_gone_and_its_name_is_free(system: System) -> None:
    _, first = await system.targets.register(OWNER, "site", URL)
    await system.targets.remove(OWNER, "site")
    with pytest.raises(NotFound):
        await system.targets.signing(OWNER, "site")
    with pytest.raises(NotFound):
        await system.targets.remove(OWNER, "site")
    _, second = await system.targets.register(OWNER, "site", URL)
    assert (await system.targets.signing(OWNER, "site")).secrets == [second] != [first]


async def test_an_old_secret_signs_for_a_day_after_its_rotation(system: System, clock: MovableClock) -> None:
    _, first = await system.targets.register(OWNER, "site", URL)
    clock.move(timedelta(days=400))
    target, second = await system.targets.rotate(OWNER, "site")
    assert (target.rotated_at, target.old_secret_valid_until) == (clock.now(), clock.now() + timedelta(hours=24))
    clock.move(timedelta(hours=12))
    _, third = await system.targets.rotate(OWNER, "site")
    assert (await system.targets.signing(OWNER, "site")).secrets == [third, second, first]
    clock.move(timedelta(hours=12))
    assert (await system.targets.signing(OWNER, "site")).secrets == [third, second]
    clock.move(timedelta(hours=12))
    assert (await system.targets.signing(OWNER, "site")).secrets == [third]
    assert (await system.targets.find(OWNER, "site")).old_secret_valid_until is None


async def test_two_rotations_at_once_lose_no_secret(system: System) -> None:
    _, first = await system.targets.register(OWNER, "site", URL)
    rotated = await asyncio.gather(*(system.targets.rotate(OWNER, "site") for _ in range(3)))
    signing = await system.targets.signing(OWNER, "site")
    assert sorted(signing.secrets) == sorted([first, *(secret for _, secret in rotated)])
    assert signing.secrets[-1] == first


async def test_a_secret_that_was_promised_a_day_is_not_pushed_out(system: System, clock: MovableClock) -> None:
    await system.targets.register(OWNER, "site", URL)
    for _ in range(MOST_VALID - 1):
        await system.targets.rotate(OWNER, "site")
    before = await system.targets.signing(OWNER, "site")
    with pytest.raises(TooMany):
        await system.targets.rotate(OWNER, "site")
    assert await system.targets.signing(OWNER, "site") == before
    clock.move(timedelta(hours=24))
    await system.targets.rotate(OWNER, "site")


async def test_a_key_that_is_followed_by_another_still_reads_what_it_encrypted(
    system: System, clock: MovableClock
) -> None:
    old, new = "the old key of the operator", "the new key of the operator"
    before = Targets(system.store, clock, Cipher([old]))
    after = Targets(system.store, clock, Cipher([new, old]))
    _, first = await before.register(OWNER, "site", URL)
    assert (await after.signing(OWNER, "site")).secrets == [first]
    _, second = await after.register(OWNER, "other", URL)
    assert (await Targets(system.store, clock, Cipher([new])).signing(OWNER, "other")).secrets == [second]
    with pytest.raises(SecretUnreadable, match="PRESSRUN_ENCRYPTION__KEYS"):
        await before.signing(OWNER, "other")


async def test_without_a_key_no_secret_is_made_and_the_setting_is_named(system: System, clock: MovableClock) -> None:
    keyless = Targets(system.store, clock, Cipher(()))
    with pytest.raises(NoEncryptionKey, match="PRESSRUN_ENCRYPTION__KEYS"):
        await keyless.register(OWNER, "site", URL)
    assert await keyless.list(OWNER) == []
    await system.targets.register(OWNER, "site", URL)
    with pytest.raises(NoEncryptionKey):
        await keyless.rotate(OWNER, "site")
    with pytest.raises(NoEncryptionKey):
        await keyless.signing(OWNER, "site")


def test_the_same_secret_is_never_encrypted_the_same_way_twice() -> None:
    cipher = Cipher(["a key of the tests"])
    encrypted = {cipher.encrypt("whsec_x") for _ in range(5)}
    assert len(encrypted) == 5
    assert {cipher.decrypt(one) for one in encrypted} == {"whsec_x"}


@pytest.mark.parametrize("garbage", ["", "x", "gAAAAA", "\ud83d\ude00"])
def test_what_was_never_encrypted_cannot_be_read(garbage: str) -> None:
    with pytest.raises(SecretUnreadable):
        Cipher(["a key of the tests"]).decrypt(garbage.encode("utf-16", "surrogatepass").decode("utf-16"))

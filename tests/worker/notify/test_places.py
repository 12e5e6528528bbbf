"""Who gets a place: no recipient more than its own, and those that fail together no more than half."""

from __future__ import annotations

from worker.notify.places import MOST_REMEMBERED, Places


def fail(places: Places, recipient: str) -> None:
    places.take(recipient)
    places.give_back(recipient, went_well=False)


def test_a_recipient_has_eight_places_and_gets_one_back_with_each_end() -> None:
    places = Places()
    for _ in range(7):
        places.take("a")
    assert "a" not in places.closed
    places.take("a")
    assert set(places.closed) == {"a"}
    places.give_back("a", went_well=True)
    assert not places.closed


def test_all_places_together_are_fifty() -> None:
    places = Places()
    for number in range(49):
        places.take(f"r{number}")
    assert not places.full
    places.take("last")
    assert places.full
    places.give_back("last", went_well=True)
    assert not places.full


def test_a_recipient_that_fails_has_one_place_until_one_goes_well() -> None:
    places = Places()
    fail(places, "a")
    assert not places.closed
    places.take("a")
    assert set(places.closed) == {"a"}
    places.give_back("a", went_well=True)
    for _ in range(3):
        places.take("a")
    assert not places.closed


def test_however_many_recipients_hang_the_others_find_room() -> None:
    places = Places(at_once=10, per_recipient=4, for_troubled=5)
    for number in range(20):
        fail(places, f"t{number}")
    for number in range(5):
        assert not places.closed or f"t{number}" not in places.closed
        places.take(f"t{number}")
    assert {f"t{number}" for number in range(20)} <= set(places.closed)
    assert "healthy" not in places.closed
    assert not places.full
    places.give_back("t0", went_well=False)
    assert "t10" not in places.closed


def test_what_is_remembered_of_failures_is_bounded() -> None:
    places = Places()
    for number in range(MOST_REMEMBERED + 10):
        fail(places, f"r{number}")
    assert len(places._troubled) == MOST_REMEMBERED
    assert "r5" not in places._troubled


def test_who_has_no_place_gets_none_and_nothing_is_learnt_from_what_was_not_sent() -> None:
    places = Places(at_once=3, per_recipient=2, for_troubled=1)
    assert [places.take("a") for _ in range(3)] == [True, True, False]
    assert [places.take("b"), places.take("c")] == [True, False]
    places.give_back("a")
    assert places.take("a")
    places.give_back("a", went_well=False)
    places.give_back("b", went_well=False)
    assert not places.take("b")  # the one place for those in trouble is held by the other
    places.give_back("a")
    assert places.take("b")

"""Since when a request to be forgotten counts whose time cannot be read."""

from __future__ import annotations

from datetime import timedelta

from tests.pipelines.crm.side_by_side import side_by_side
from tests.pipelines.crm.test_lifted import known
from tests.pipelines.crm.test_pull import AS_OF, LINES, NOBODY, Read, night, who

#: After all first days below.
YES = "zoe,,ads_upload,,granted,2025-06-10"
#: After the first two of these.
LATER = f"zoe,,ads_upload,,granted,{AS_OF + timedelta(days=2)}"
PHONE = "06 99 99 99 99"
Night = tuple[list[str], list[str]]
Known = tuple[set[str], set[str]]


def nights(reading: Read, each: list[Night], customers: list[list[str]] | None = None) -> list[Known]:
    """Who is among the customers, and which requests are known, after each night; in: requests and consents of each,
    and its customers."""
    stones, found = NOBODY, []
    for day, (requests, said) in enumerate(each):
        read = reading(
            erasures=requests,
            consents=said,
            customers=customers[day] if customers else LINES["customers"],
            as_of=AS_OF + timedelta(days=day),
        )
        tables = night(read, stones)
        stones = known(tables)
        found.append((set(who(tables["customers"])), set(stones["request_id"])))
    return found


def back(reading: Read, each: list[Night], customers: list[list[str]] | None = None) -> list[bool]:
    """Whether Zoe is among the customers after each night."""
    return ["zoe" in there for there, _ in nights(reading, each, customers)]


def test_a_request_without_a_readable_time_is_of_no_time_that_another_row_of_its_name_had(reading: Read) -> None:
    undated = (["r1,zoe,,,soon"], [YES])
    assert back(reading, [(["r1,bob,,,2025-06-01"], [YES]), undated, undated])[1:] == [False, False]


def test_a_request_keeps_its_time_when_that_cannot_be_read_any_more(reading: Read) -> None:
    """A night that reads no time must not undo all that people have consented to since."""
    apart = side_by_side(["r1,zoe,,", "r1,zoe,none@none.com,0000"])
    dated = [own(f"{named},2025-06-01") for named, own in apart]
    undated = [own(f"{named},soon") for named, own in apart]
    said = [own(YES) for _, own in apart]
    customers = [LINES["customers"][0], *(own(line) for _, own in apart for line in LINES["customers"][1:])]
    each: list[Night] = [(dated, said), (undated, said), (undated, []), (dated, said)]
    found = nights(reading, each, [customers] * len(each))
    assert {named: [own("zoe") in there for there, _ in found] for named, own in apart} == {
        named: [True, True, False, True] for named, _ in apart
    }


#: Two requests by one name, the later one without a readable time, and what is said from the first on.
HAD_THE_NAME = {
    "nothing else had its name": ("r1,zoe,,,soon", "r1,zoe,,,soon", []),
    "another one stands": ("r1,bob,,,2025-06-01", "r1,zoe,,,soon", []),
    "another one was lifted": ("r1,bob,,,2025-06-01", "r1,zoe,,,soon", ["bob" + YES[3:]]),
    "it stood with a day": ("r1,zoe,,,2025-06-01", "r1,zoe,,,soon", []),
    "it names several addresses": (
        "r1,zoe,,,2025-06-01",
        f'r1,zoe,"zoe@x.fr, ann@x.fr",{PHONE},soon',
        [YES],
    ),
}


def test_who_consents_after_a_request_without_a_readable_time_stays_back_whatever_had_its_name(reading: Read) -> None:
    apart = side_by_side(HAD_THE_NAME)
    customers, firsts, asked = [LINES["customers"][0]], list[str](), list[str]()
    said, later = list[str](), list[str]()
    for how, own in apart:
        first, undated, before = HAD_THE_NAME[how]
        customers += map(own, LINES["customers"][1:])
        firsts.append(own(first))
        # A row that means nobody is no later day of the others.
        asked += map(own, [undated, "r1,,,0000,soon"])
        said += map(own, before)
        later += map(own, [*before, LATER])
    each: list[Night] = [(firsts, said), (asked, said), (asked, said), (asked, later), (asked, later)]
    found = nights(reading, each, [customers] * len(each))
    assert {how: [own("zoe") in there for there, _ in found[1:]] for how, own in apart} == {
        how: [False, False, True, True] for how in HAD_THE_NAME
    }
    # Nor is it asked anew each night.
    second, last = (
        {how: {name for name in names if name.startswith(own("r1"))} for how, own in apart}
        for _, names in (found[1], found[-1])
    )
    assert second == last
    assert set().union(*last.values()) == found[-1][1]


def test_a_phone_without_country_code_stays_one_request_though_customers_live_in_other_countries_by_now(
    reading: Read,
) -> None:
    # It is a number of France and of Belgium.
    asked, there = ["r1,,,0470 12 34 56,soon"], [LINES["customers"][0], "zoe,,0470 12 34 56,FR,"]
    each: list[Night] = [(asked, []), (asked, []), (asked, [LATER]), (asked, [LATER])]
    found = nights(reading, each, [there, there, there, [*there, "eve,eve@x.fr,,BE,"]])
    assert ["zoe" in there for there, _ in found] == [False, False, True, True]


def test_a_row_that_names_somebody_else_too_is_another_one(reading: Read) -> None:
    # Whose address it was may have asked by it, and come back by it.
    each = [(["r1,bob,zoe@x.fr,,soon"], []), (["r1,zoe,zoe@x.fr,,soon"], []), (["r1,zoe,zoe@x.fr,,soon"], [])]
    assert back(reading, each) == [True, False, False]


def test_a_request_of_a_repeated_name_keeps_the_day_that_can_be_read(reading: Read) -> None:
    repeated = ["r1,bob,,,2025-06-01", "r1,zoe,,,2025-06-20"]
    assert back(reading, [(["r1,bob,,,2025-06-01"], [YES]), (repeated, [YES])]) == [True, False]

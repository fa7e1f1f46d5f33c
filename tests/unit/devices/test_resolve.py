# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What selectors mean on a host with pins, and plans for hosts whose hardware has changed since these were made."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.xen.pciback.plugins.module_utils.devices.model import Device
from ansible_collections.xen.pciback.plugins.module_utils.devices.pins import KnownAs, Pin, from_mapping
from ansible_collections.xen.pciback.plugins.module_utils.devices.resolve import resolve
from ansible_collections.xen.pciback.plugins.module_utils.devices.selectors import parse_selector
from ansible_collections.xen.pciback.plugins.module_utils.engines.observe import resolve_wanted
from ansible_collections.xen.pciback.plugins.module_utils.engines.start_up import read_attachments
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address, parse_address
from ansible_collections.xen.pciback.plugins.module_utils.formats.attachments import render
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.edit import hide
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.read import BootCfg
from ansible_collections.xen.pciback.plugins.module_utils.formats.config_space import ConfigSpace
from ansible_collections.xen.pciback.plugins.module_utils.formats.xl_cfg.document import XlConfig
from ansible_collections.xen.pciback.plugins.module_utils.formats.xl_cfg.edit import with_pci
from ansible_collections.xen.pciback.plugins.module_utils.planning.observed import Observed, RunningGuest
from ansible_collections.xen.pciback.plugins.module_utils.planning.plan import Plan
from ansible_collections.xen.pciback.plugins.module_utils.planning.wanted import Wanted, WantedDevice, WantedGuest
from tests.unit.plans import changed, make_plan, netbsd

BOOT = b"menu=Xen:load /n;multiboot /xen.gz dom0_mem=512M\ntimeout=5\n"
GUESTS = ("firewall", "storage", "router")


@dataclass(frozen=True)
class Card:
    """A network card, told apart by its number; ``driver`` is the name without the unit."""

    number: int
    id: str = "8086:100e"
    driver: str = "wm"
    serial: bool = False

    @property
    def mac(self) -> str:
        return f"52:54:00:00:00:{self.number:02x}"

    def config(self) -> ConfigSpace:
        registers = {0x2C: 0x11001AF4}
        if self.serial:
            registers.update({0x100: 0x00010003, 0x104: self.number, 0x108: 0xABCD})
        return ConfigSpace(registers)


@dataclass
class Machine:
    """A dom0 with a slot behind each of some bridges: what is in it, which bus it got, and what is hidden.

    ``slots`` holds a card, or nothing, by the number of the bridge; every plan is carried out by :meth:`apply`.
    """

    slots: dict[int, Card]
    boot_config: bytes = BOOT
    hidden: tuple[Address, ...] = ()
    pins: dict[Address, Pin] = field(default_factory=dict)
    files: dict[str, bytes] = field(
        default_factory=lambda: {f"/{name}": f"name = '{name}'\n".encode() for name in GUESTS}
    )
    running: tuple[RunningGuest, ...] = ()
    attachments: bytes | None = None

    def address(self, slot: int) -> Address:
        """Buses are numbered in the order of the bridges that have a card."""
        return Address(0, 1 + sorted(self.slots).index(slot), 0, 0)

    def where(self, card: Card) -> Address:
        return next(self.address(slot) for slot, each in self.slots.items() if each == card)

    def power_cycle(self) -> None:
        """What is hidden is what the boot configuration names, whoever is there now."""
        addresses = {self.address(slot) for slot in self.slots}
        text = self.boot_config.decode().split("\n", 1)[0]
        _head, _option, value = text.partition("pciback.hide=")
        listed = [parse_address(part.rstrip(")")) for part in value.partition(";")[0].split("(")[1:]]
        self.hidden = tuple(sorted(address for address in listed if address in addresses))
        self.running = ()

    def devices(self) -> tuple[Device, ...]:
        found, units = [], {"wm": 0, "re": 0, "pciback": 0}
        for slot, card in sorted(self.slots.items()):
            address = self.address(slot)
            held = address in self.hidden
            base = "pciback" if held else card.driver
            vendor, product = (int(part, 16) for part in card.id.split(":"))
            found.append(
                Device(
                    address,
                    vendor,
                    product,
                    0x020000,
                    name=f"card {card.id}",
                    driver=f"{base}{units[base]}",
                    config=card.config(),
                    mac=None if held else card.mac,
                    slot=f"0000:00/{slot:02x}.0/00.0",
                )
            )
            units[base] += 1
        return tuple(found)

    def observed(self) -> Observed:
        return netbsd(
            devices=self.devices(),
            claims=self.hidden or None,
            boot_path="/boot.cfg",
            boot_config=self.boot_config,
            guest_configs=dict(self.files),
            running=self.running,
            pins=dict(self.pins),
            attachments=self.attachments,
        )

    def plan(self, wanted: Wanted) -> Plan:
        observed = self.observed()
        plan = make_plan(wanted, observed)
        if not plan.refusals:
            missing = any(not planned.held for planned in plan.devices)
            selection = resolve_wanted(wanted, observed, units=True)
            assert bool(selection.unclaimed) == missing
        return plan

    def apply(self, wanted: Wanted) -> Plan:
        """Carry a plan out; what it names is all that is changed."""
        plan = self.plan(wanted)
        assert not plan.refusals, plan.refusals
        for action in plan.actions:
            arguments = action.arguments
            if action.kind == "hide":
                addresses = [parse_address(text) for text in arguments["devices"]]
                self.boot_config = hide(BootCfg.parse(self.boot_config), addresses).boot_cfg.render()
                self.pins = from_mapping(arguments["pins"])
            elif action.kind == "configure":
                for domain in arguments["domains"]:
                    moves = {parse_address(old): parse_address(new) for old, new in domain.get("moves", {}).items()}
                    config = XlConfig.parse(self.files[domain["config"]], domain["config"])
                    self.files[domain["config"]] = with_pci(config, domain["devices"], moves).render()
            elif action.kind == "start_up":
                self.attachments = render(read_attachments(arguments))
            elif action.kind == "reboot":
                self.power_cycle()
            elif action.kind == "run":
                started = [domain["name"] for domain in arguments["domains"]]
                self.running = tuple(
                    RunningGuest(name, number, tuple(self.listed(name))) for number, name in enumerate(started, 1)
                )
        return plan

    def listed(self, guest: str) -> list[Address]:
        """What a guest's file lists."""
        found = re.findall(r"[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]", self.files[f"/{guest}"].decode())
        return [parse_address(text) for text in found]

    def cards(self, guest: str) -> list[Card]:
        """The physical cards that a guest's file lists, if pciback holds them."""
        at = {self.address(slot): card for slot, card in self.slots.items()}
        assert set(self.listed(guest)) <= set(self.hidden)
        return [at[address] for address in self.listed(guest)]


def wanting(*selectors: dict[str, object], follow: bool = False, allow: tuple[str, ...] = (), **more: object) -> Wanted:
    """The first guest gets what the first selector says, and so on."""
    guests = tuple(
        WantedGuest(name, f"/{name}", "running", (WantedDevice(parse_selector(selector)),) if selector else ())
        for name, selector in zip(GUESTS, selectors, strict=False)
    )
    return Wanted(
        guests=guests,
        reboot=str(more.get("reboot", "when_needed")),
        # Wanting nothing at all is a story of its own.
        allow=(("nothing-wanted", None), *(("identity-changed", parse_address(address)) for address in allow)),
        follow_moves=follow,
    )


RED, BLUE, GREY = Card(1), Card(2, "10ec:8139", "re"), Card(3)
BY_ADDRESS = ({"address": "01:00.0"}, {"address": "02:00.0"}, {"address": "03:00.0"})
BY_FACTS = ({"driver": "wm0"}, {"id": "10ec:8139"}, {"mac": GREY.mac})


def machine(*cards: Card, wanted: Wanted) -> Machine:
    """A host as wanted, its cards behind bridges 8, 9 and so on."""
    made = Machine(dict(enumerate(cards, 8)))
    made.apply(wanted)
    assert made.plan(wanted).actions == ()
    return made


def only_refusal(plan: Plan):
    assert plan.actions == () and not plan.changed
    (refusal,) = plan.refusals
    return refusal


@pytest.mark.parametrize("selectors", [BY_ADDRESS, BY_FACTS])
def test_pins_hold_what_is_known_before_hiding(selectors):
    host = machine(RED, BLUE, GREY, wanted=wanting(*selectors))
    assert [str(address) for address in host.pins] == ["0000:01:00.0", "0000:02:00.0", "0000:03:00.0"]
    assert host.pins[host.where(RED)] == Pin(
        "8086:100e", "1af4:1100", "020000", "wm0", "0000:00/08.0/00.0", RED.mac, None, None
    )


@pytest.mark.parametrize("selectors", [BY_ADDRESS, BY_FACTS])
def test_a_shift_is_refused_then_followed_and_then_nothing_is_left_to_do(selectors):
    host = machine(RED, BLUE, GREY, wanted=wanting(*selectors))
    host.slots[3] = Card(9)
    host.power_cycle()
    before = (host.boot_config, host.pins, host.files)
    refused = host.plan(wanting(*selectors))
    assert refused.actions == () and {refusal.code for refusal in refused.refusals} == {"identity-changed"}
    assert [refusal.device for refusal in refused.refusals] == ["01:00.0", "02:00.0", "03:00.0"]
    assert (host.boot_config, host.pins, host.files) == before
    wanted = wanting(*selectors, follow=True)
    plan = host.apply(wanted)
    assert [action.kind for action in plan.actions] == ["hide", "configure", "start_up", "reboot", "run"]
    assert [(str(move.old)[5:], str(move.new)[5:]) for move in plan.moves] == [
        ("01:00.0", "02:00.0"),
        ("02:00.0", "03:00.0"),
        ("03:00.0", "04:00.0"),
    ]
    assert any("01:00.0 is held by pciback and wanted by nobody" in reason for reason in plan.reasons)
    assert [host.cards(guest) for guest in GUESTS] == [[RED], [BLUE], [GREY]]
    assert [host.pins[host.where(card)].mac for card in (RED, BLUE, GREY)] == [RED.mac, BLUE.mac, GREY.mac]
    for again in (wanted, wanting(*selectors)):
        later = host.plan(again)
        assert (later.actions, later.refusals, later.moves) == ((), (), ())


def test_evidence_and_remedy_of_a_shift():
    host = machine(RED, wanted=wanting(BY_ADDRESS[0]))
    host.slots[3] = Card(9, "10ec:8139", "re")
    host.power_cycle()
    refusal = only_refusal(host.plan(wanting(BY_ADDRESS[0])))
    assert refusal.message == (
        "guest firewall: 01:00.0 is pinned as 8086:100e (subsystem 1af4:1100, class 020000, driver wm0, "
        "slot 0000:00/08.0/00.0, MAC 52:54:00:00:00:01); "
        "there is 01:00.0 (pcictl 001:00:0) 10ec:8139 card 10ec:8139 [pciback0] now, "
        "with id 10ec:8139 instead of 8086:100e, slot 0000:00/03.0/00.0 instead of 0000:00/08.0/00.0; "
        "pciback holds that one, because the boot configuration hides 01:00.0; "
        "the pinned device is at 02:00.0 now, its MAC address says so"
    )
    assert refusal.remedy == (
        "set pciback_follow_moves: true if the device is to be followed, or "
        "allow code 'identity-changed' for 01:00.0 if what is there now is to be taken"
    )


def test_after_a_move_the_inventory_is_told_to_follow():
    host = machine(RED, BLUE, wanted=wanting(*BY_ADDRESS[:2]))
    host.slots[3] = Card(9)
    host.power_cycle()
    old = wanting(*BY_ADDRESS[:2], follow=True)
    host.apply(old)
    assert host.pins[host.where(RED)].known_as == KnownAs("firewall", Address(0, 1, 0, 0))
    plan = host.plan(old)
    assert plan.actions == () and plan.warnings == (
        "guest firewall: 01:00.0 in the inventory means 02:00.0 (pcictl 002:00:0) 8086:100e card 8086:100e [pciback0], "
        "which was there when it was given away; correct the address",
        "guest storage: 02:00.0 in the inventory means 03:00.0 (pcictl 003:00:0) 10ec:8139 card 10ec:8139 [pciback1], "
        "which was there when it was given away; correct the address",
    )
    # 02:00.0 meant storage's card a moment ago, and means firewall's now.
    corrected = wanting({"address": "02:00.0"}, {"address": "03:00.0"})
    plan = host.apply(corrected)
    assert [action.summary for action in plan.actions] == ["pin 02:00.0 03:00.0"] and not plan.warnings
    assert host.plan(corrected).actions == ()
    assert [host.cards(guest) for guest in GUESTS[:2]] == [[RED], [BLUE]]


def test_an_address_that_another_guest_had_before_the_move_is_refused():
    host = machine(RED, BLUE, wanted=wanting(*BY_ADDRESS[:2]))
    host.slots[3] = Card(9)
    host.power_cycle()
    host.apply(wanting(*BY_ADDRESS[:2], follow=True))
    other = wanting({}, {"address": "02:00.0"}, {"address": "01:00.0"})
    refusal = only_refusal(host.plan(other))
    assert (refusal.code, refusal.device) == ("identity-changed", "01:00.0")
    assert "guest router: 01:00.0 was the address of 8086:100e" in refusal.message
    assert "which guest firewall had and which was followed to 02:00.0" in refusal.message
    assert refusal.remedy == (
        "write 02:00.0 if the device that was followed is meant; "
        "if it is the one there now, allow code 'identity-changed' for 01:00.0"
    )
    host.apply(replace(other, allow=(("identity-changed", parse_address("01:00.0")),)))
    assert host.cards("router") == [Card(9)]


def test_identical_cards_that_were_swapped_and_have_serial_numbers():
    one, two = Card(1, serial=True), Card(2, serial=True)
    wanted = wanting(*BY_ADDRESS[:2], follow=True)
    host = machine(one, two, wanted=wanted)
    host.slots.update({8: two, 9: one})
    host.power_cycle()
    refused = host.plan(wanting(*BY_ADDRESS[:2]))
    assert [refusal.code for refusal in refused.refusals] == ["identity-changed"] * 2
    assert "serial 00-00-ab-cd-00-00-00-02 instead of 00-00-ab-cd-00-00-00-01" in refused.refusals[0].message
    plan = host.apply(wanted)
    assert "reboot" not in [action.kind for action in plan.actions], "the list hides the same two"
    assert [host.cards(guest) for guest in GUESTS[:2]] == [[one], [two]]
    assert host.plan(wanted).actions == ()
    corrected = wanting({"address": "02:00.0"}, {"address": "01:00.0"})
    host.apply(corrected)
    assert host.plan(corrected).actions == ()
    assert [host.cards(guest) for guest in GUESTS[:2]] == [[one], [two]]


def test_a_hidden_card_that_was_swapped_with_an_identical_one_of_dom0():
    host = machine(RED, GREY, wanted=wanting(BY_ADDRESS[0]))
    host.slots.update({8: GREY, 9: RED})
    host.power_cycle()
    refusal = only_refusal(host.plan(wanting(BY_ADDRESS[0])))
    assert "[pciback0] now, which looks the same; pciback holds that one" in refusal.message
    assert "the pinned device is at 02:00.0 now, its MAC address says so" in refusal.message
    wanted = wanting(BY_ADDRESS[0], follow=True)
    host.apply(wanted)
    assert host.cards("firewall") == [RED] and host.plan(wanted).actions == ()


@pytest.mark.parametrize("selector", [{"address": "01:00.0"}, {"class": "ethernet"}, {"slot": "00/08.0/00.0"}])
def test_a_replaced_card_is_accepted_by_an_override_for_its_address(selector):
    host = machine(RED, wanted=wanting(selector))
    host.slots[8] = BLUE
    host.power_cycle()
    for follow in (False, True):
        refusal = only_refusal(host.plan(wanting(selector, follow=follow)))
        assert (refusal.code, refusal.device) == ("identity-changed", "01:00.0")
        assert "the pinned device is nowhere on the bus" in refusal.message
        assert refusal.remedy == "allow code 'identity-changed' for 01:00.0 if what is there now is to be taken"
    assert only_refusal(host.plan(wanting(selector, allow=("02:00.0",)))).code == "identity-changed"
    wanted = wanting(selector, allow=("01:00.0",))
    plan = host.apply(wanted)
    assert plan.warnings[0].startswith("overridden by the owner: identity-changed for 01:00.0: 01:00.0 is pinned as")
    assert host.cards("firewall") == [BLUE]
    assert (host.pins[Address(0, 1, 0, 0)].id, host.pins[Address(0, 1, 0, 0)].driver) == (BLUE.id, None)
    again = host.plan(wanted)
    assert again.actions == () and again.warnings == (
        "overridden by the owner: identity-changed for 01:00.0; take it out of pciback_allow, "
        "or the next card at this address is accepted as well",
    )
    assert host.plan(wanting(selector)).actions == ()


def test_a_selector_that_names_the_new_card_needs_no_override():
    host = machine(RED, wanted=wanting(BY_ADDRESS[0]))
    host.slots[8] = BLUE
    host.power_cycle()
    wanted = wanting({"address": "01:00.0", "id": BLUE.id})
    host.apply(wanted)
    assert host.cards("firewall") == [BLUE] and host.plan(wanted).actions == ()


def test_a_card_that_vanished_is_named():
    host = machine(RED, BLUE, wanted=wanting(*BY_ADDRESS[:1]))
    host.slots, host.hidden = {}, ()
    refusal = only_refusal(host.plan(wanting(*BY_ADDRESS[:1], follow=True)))
    assert (refusal.code, refusal.device) == ("no-such-device", "01:00.0")
    assert refusal.message.startswith("guest firewall: 01:00.0 is pinned as 8086:100e (")
    assert refusal.message.endswith("no device is at 01:00.0 now; the pinned device is nowhere on the bus")
    assert refusal.remedy == "put the card back, or take the device out of the inventory"


@pytest.mark.parametrize("selector", [{"driver": "wm0"}, {"id": RED.id}, {"mac": RED.mac}])
def test_a_vanished_card_is_not_replaced_by_one_that_the_selector_happens_to_fit(selector):
    host = machine(RED, BLUE, wanted=wanting(selector))
    host.slots, host.hidden = {9: GREY}, ()
    host.pins = {Address(0, 5, 0, 0): pin for pin in host.pins.values()}
    refusal = only_refusal(host.plan(wanting(selector, follow=True)))
    assert "05:00.0 is pinned as 8086:100e" in refusal.message
    if selector.get("mac"):
        assert refusal.code == "no-such-device"
    else:
        assert refusal.code == "identity-changed"
        assert "now finds 01:00.0" in refusal.message and refusal.remedy == (
            "name the device by the address that it has now, if it is the right one"
        )


def test_it_may_be_one_of_several():
    host = machine(RED, wanted=wanting(BY_ADDRESS[0]))
    host.slots = {3: Card(5), 4: Card(6), 5: Card(7)}
    host.hidden = tuple(host.address(slot) for slot in host.slots)
    refusal = only_refusal(host.plan(wanting(BY_ADDRESS[0], follow=True)))
    assert "the pinned device may be at 01:00.0, 02:00.0, 03:00.0" in refusal.message
    assert "name the device by a mac, serial, slot or address that it has now" in refusal.remedy


def test_a_slot_means_the_place_and_is_not_followed():
    one, two = Card(1, serial=True), Card(2, serial=True)
    wanted = wanting({"slot": "00/08.0/00.0"}, {"slot": "00/09.0/00.0"}, follow=True)
    host = machine(one, two, wanted=wanted)
    host.slots = {3: Card(9), **host.slots}
    host.power_cycle()
    host.apply(wanted)
    assert [host.cards(guest) for guest in GUESTS[:2]] == [[one], [two]], "slots stay when buses shift"
    host.slots.update({8: two, 9: one})
    host.power_cycle()
    refused = host.plan(wanted)
    assert [refusal.code for refusal in refused.refusals] == ["identity-changed"] * 2
    assert "slot 0000:00/08.0/00.0 now finds 02:00.0" in refused.refusals[0].message
    assert "follow" not in refused.refusals[0].remedy


def test_all_of_a_kind_are_what_is_there():
    wanted = wanting({"driver": "wm", "all": True}, follow=True)
    host = machine(RED, GREY, BLUE, wanted=wanted)
    host.slots = {9: GREY, 10: BLUE}
    host.power_cycle()
    assert only_refusal(host.plan(replace(wanted, follow_moves=False))).device == "02:00.0"
    plan = host.apply(wanted)
    assert any("MAC 52:54:00:00:00:01" in text and "nowhere on the bus" in text for text in plan.warnings)
    assert host.cards("firewall") == [GREY] and host.plan(wanted).actions == ()


def test_pins_of_devices_that_nobody_wants_and_nobody_holds_are_dropped():
    host = machine(RED, BLUE, wanted=wanting(*BY_ADDRESS[:2]))
    less = wanting(BY_ADDRESS[0], {}, reboot="never")
    host.apply(less)
    assert set(host.pins) == set(host.hidden), "still held"
    host.power_cycle()
    assert [action.summary for action in host.apply(less).actions if action.kind == "hide"] == ["pin 01:00.0"]
    assert set(host.pins) == {host.where(RED)}
    host.slots[9] = GREY
    host.power_cycle()
    host.apply(wanting(*BY_ADDRESS[:2]))
    assert host.cards("storage") == [GREY], "a card put there later is no stranger"
    host.apply(wanting({}, {}))
    assert host.pins == {} and host.hidden == ()


def test_a_driver_that_was_numbered_anew_before_the_reboot_still_means_the_pinned_card():
    wanted = wanting({"driver": "wm0"}, reboot="never")
    host = Machine({8: RED, 9: BLUE})
    host.apply(wanted)
    # Somebody adds a card; the pinned one is wm1 now, and not hidden, for the list names its old address.
    host.slots = {3: Card(9), **host.slots}
    follow = replace(wanted, follow_moves=True)
    assert only_refusal(host.plan(wanted)).code == "identity-changed"
    plan = host.apply(follow)
    assert [planned.device.address for planned in plan.devices] == [host.where(RED)]
    assert host.pins[host.where(RED)].driver == "wm0" and host.plan(follow).actions == ()


def test_without_a_reboot_the_move_is_prepared_and_pending():
    wanted = wanting(BY_ADDRESS[0], follow=True, reboot="never")
    host = machine(RED, wanted=wanting(BY_ADDRESS[0]))
    host.slots[3] = Card(9)
    host.power_cycle()
    plan = host.apply(wanted)
    assert [action.kind for action in plan.actions] == ["hide", "configure", "start_up"] and plan.reboot_required
    assert set(host.pins) == {host.where(RED)} and host.listed("firewall") == [host.where(RED)]
    again = host.plan(wanted)
    assert (again.actions, again.moves, again.reboot_required) == ((), (), True)
    host.power_cycle()
    assert host.cards("firewall") == [RED]


def test_two_pins_never_have_the_same_driver_instance():
    """Units are numbered anew: with wm0 hidden, the next card is wm0, and is hidden later."""
    first, both = wanting({"driver": "wm0"}), wanting({"driver": "wm0"}, {"mac": GREY.mac, "driver": "wm"})
    host = machine(RED, GREY, wanted=first)
    host.apply(both)
    assert [host.pins[host.where(card)].driver for card in (RED, GREY)] == ["wm0", "wm"]
    assert host.plan(both).actions == () and [host.cards(guest) for guest in GUESTS[:2]] == [[RED], [GREY]]


def test_guards_judge_the_device_that_is_followed():
    host = machine(RED, BLUE, wanted=wanting(BY_ADDRESS[0]))
    host.slots[3] = Card(9)
    host.power_cycle()
    bridge = [replace(each, class_code=0x060000) if each.mac == RED.mac else each for each in host.devices()]
    pins = {address: replace(pin, class_="060000") for address, pin in host.pins.items()}
    seen = changed(host.observed(), devices=tuple(bridge), pins=pins)
    plan = make_plan(wanting(BY_ADDRESS[0], follow=True), seen)
    assert [(refusal.code, refusal.device) for refusal in plan.refusals] == [("bridge", "02:00.0")]


def test_an_unwanted_pin_is_not_compared():
    host = machine(RED, BLUE, wanted=wanting(*BY_ADDRESS[:2]))
    host.slots[8] = GREY
    host.power_cycle()
    assert not host.plan(wanting({}, BY_ADDRESS[1])).refusals


CARDS = [Card(1), Card(2), Card(3, "10ec:8139", "re"), Card(4, serial=True), Card(5, serial=True)]


@given(
    cards=st.permutations(CARDS).flatmap(lambda cards: st.integers(1, 5).map(lambda count: tuple(cards[:count]))),
    added=st.sets(st.integers(1, 20).filter(lambda slot: not 8 <= slot <= 12), min_size=1, max_size=4),
    kind=st.sampled_from([CARDS[0], CARDS[2]]),
    by=st.lists(st.sampled_from(["address", "mac", "slot", "driver"]), min_size=3, max_size=3),
)
def test_after_any_shift_each_guest_has_the_card_it_had(cards, added, kind, by):
    fresh = Machine(dict(enumerate(cards, 8)))
    facts = {
        device.mac: {"address": str(device.address), "mac": device.mac, "slot": device.slot, "driver": device.driver}
        for device in fresh.devices()
    }
    selectors = [{key: facts[card.mac][key]} for card, key in zip(cards, by, strict=False)]
    host = machine(*cards, wanted=wanting(*selectors))
    had = [host.cards(guest) for guest in GUESTS[: len(selectors)]]
    assert had == [[card] for card in cards[:3]]
    moved = any(slot < 8 for slot in added)
    for number, slot in enumerate(sorted(added), 20):
        host.slots[slot] = replace(kind, number=number)
    host.power_cycle()
    assert bool(host.plan(wanting(*selectors)).refusals) == moved
    wanted = wanting(*selectors, follow=True)
    host.apply(wanted)
    assert [host.cards(guest) for guest in GUESTS[: len(selectors)]] == had
    assert host.plan(wanted).actions == () and host.plan(wanting(*selectors)).actions == ()


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_cards_with_serial_numbers_are_followed_into_any_order(order):
    cards = [Card(number, serial=True) for number in (1, 2, 3)]
    wanted = wanting(*BY_ADDRESS, follow=True)
    host = machine(*cards, wanted=wanted)
    host.slots = {8 + place: cards[number] for place, number in enumerate(order)}
    host.power_cycle()
    assert bool(host.plan(wanting(*BY_ADDRESS)).refusals) == (list(order) != [0, 1, 2])
    host.apply(wanted)
    assert [host.cards(guest) for guest in GUESTS] == [[card] for card in cards]
    assert host.plan(wanted).actions == ()


def test_each_request_is_answered_in_its_place():
    devices = Machine({8: RED, 9: BLUE, 10: GREY}).devices()
    wanted = [{"id": BLUE.id}, {"address": "1f:00.0"}, {"id": RED.id}, {"driver": "wm", "all": True}]
    requests = [("firewall" if index % 2 else None, parse_selector(each)) for index, each in enumerate(wanted)]
    selection = resolve(requests, devices, {}, (devices[0].address,))
    assert [(answer.guest, answer.selector) for answer in selection.answers] == requests
    assert [answer.error and answer.error.code for answer in selection.answers] == [
        None,
        "no-such-device",
        "ambiguous-selector",
        None,
    ]
    assert [each.address for answer in selection.answers for each in answer.devices] == [
        devices[1].address,
        devices[0].address,
        devices[2].address,
    ]
    assert [each.address for each in selection.unclaimed] == [devices[1].address, devices[2].address]


def test_pins_have_what_was_read_after_the_devices_were_found():
    devices = Machine({8: Card(1, serial=True), 9: BLUE}).devices()
    unread = [replace(each, config=None) for each in devices]
    found = resolve([("firewall", parse_selector({"address": "01:00.0"}))], unread, {}, ())
    here = parse_address("01:00.0")
    pin = found.record(keep_held=False)[here]
    assert (pin.subsystem, pin.serial) == (None, None)
    pin = found.with_devices(devices).record(keep_held=False)[here]
    assert (pin.subsystem, pin.serial) == ("1af4:1100", "00-00-ab-cd-00-00-00-01")


def test_pins_of_what_is_held_and_wanted_by_nobody_are_kept_if_asked_for():
    host = machine(RED, BLUE, wanted=wanting(*BY_ADDRESS[:2]))
    found = resolve([("firewall", parse_selector(BY_ADDRESS[0]))], host.devices(), host.pins, host.hidden)
    assert set(found.record(keep_held=True)) == {host.where(RED), host.where(BLUE)}
    assert set(found.record(keep_held=False)) == {host.where(RED)}

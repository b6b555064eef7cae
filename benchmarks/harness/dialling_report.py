"""The figures of the dialler as tables for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.claims import OURS, Claimant
from harness.report import table


def show(figures: dict[str, Any], claimants: Sequence[Claimant]) -> None:
    """Print everything that was measured."""
    machine = figures["machine"]
    print(f"Python {machine['python']}, {machine['cpus']} processors, load {machine['load']} at the start")
    print(machine["servers"])
    if "claims" in figures:
        _show_claims(figures["claims"], claimants)
    if "day" in figures:
        _show_day(figures["day"])


def _show_claims(claims: dict[str, Any], claimants: Sequence[Claimant]) -> None:
    for past, by_claimers in claims["by_history"].items():
        for claimers, by_name in by_claimers.items():
            plural = "s" if claimers != "1" else ""
            print(f"\nClaims, {int(past):,} finished before, {claimers} claimer{plural}")
            mine = by_name[OURS]["p50_ms"]
            table(
                ("", "claims/s", "least", "most", "p50 ms", "p99 ms", "ours takes", "processor us", "others"),
                [
                    (name, row["per_s"], row["least"], row["most"], row["p50_ms"], row["p99_ms"],
                     f"{mine / row['p50_ms']:.2f} x", row["cpu_us"], f"{row['others']:.0%}")
                    for name, row in by_name.items()
                ],
            )  # fmt: skip
    print(f"\nA claim with {claims['history']:,} finished, as a multiple of one with none")
    table(
        ("", "1 claimer p50", "p99", "2 claimers p50", "p99"),
        [
            (claimant.name, *(claims["drift"][n][claimant.name][cut] for n in "12" for cut in ("p50", "p99")))
            for claimant in claimants
        ],
    )
    print("\nWhat each does for one")
    for claimant in claimants:
        print(f"{claimant.name}: {claimant.does}")
    profile = claims["profile"]
    share = profile["us_waited"] / profile["us"]
    print(
        f"\nOurs: {profile['round_trips']:.1f} round trips a claim, the begin aside; {share:.0%} of its"
        f" {profile['us']:.0f} us are spent waiting for them"
    )
    table(("us", "statement"), [(us, name) for name, us in profile["by_statement"].items()])


def _show_day(day: dict[str, Any]) -> None:
    print(
        f"\nThe day: {day['businesses']} businesses, {day['leads']:,} leads, {day['account_lines']} lines,"
        f" {day['pace']:.0f} dials a second at most;\n{day['virtual_hours']} virtual hours in"
        f" {day['wall_s']:.0f} s, {day['dials']:,} dials"
    )
    claim = day["claim_ms"]
    table(
        ("", ""),
        [
            ("lines in use, of those that could be", f"{day['slot_use']:.2%}"),
            ("most lines in use at once", day["most_live"]),
            ("a claim, ms", f"{claim['p50']} (p99 {claim['p99']})"),
            ("the last tenth's claim by the first's", day["last_by_first"]),
        ],
    )
    print("\nClaims that were denied")
    table(
        ("", "times", "p50 ms", "seconds in all"),
        [(why, row["times"], row["p50"], row["in_all_s"]) for why, row in claim["denied"].items()],
    )
    print("\nHow lines were shared while there were too few, among those who could always use all of theirs")
    table(
        ("minutes", "businesses", "Jain of lines", "Jain of dials", "most by least lines", "by dials"),
        [tuple(row.values()) for row in day["fairness"]],
    )

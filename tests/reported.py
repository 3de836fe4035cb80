"""What reports are made of in tests: names that mean harm, and a leaderboard."""

CLASSES = ("<img src=x onerror=alert(1)>", "\"'><script>alert(2)<&script>")
WARNING = "</style></script><script>alert(3)</script> {{ 7 * 7 }} {% raise %}"


def a_row(label, value, *, better="lower", floor=None):
    record = {"metric": "x", "options": {}, "data": "d", "split": "train", "shape": [1, 8, 8], "n": 10, "n_real": 10}
    return {"label": label, "key": "x", "value": value, "better": better, "floor": floor, "record": record}


def leaderboard(runs=()):
    """Three cells with numbers, the second and third in the wrong order, and one without."""

    def cell(name, values, status="complete", reason=None):
        seeds = [
            {
                "seed": number,
                "status": "finished" if value is not None else "diverged",
                "reason": reason if value is None else None,
                "run": runs[0] if runs and value is not None else None,
                "seconds": None if value is None else 60.0 + 10 * value,
                "steps": 100,
                "values": [] if value is None else [a_row("fd@10", value, floor=0.5)],
                "best": {} if value is None else {"fd@10": {"step": 50, "value": value - 1}},
            }
            for number, value in enumerate(values)
        ]
        known = [value for value in values if value is not None]
        mean = {"fd@10": sum(known) / len(known)} if known else {}
        interval = {"fd@10": [min(known) - 1, max(known) + 1]} if known else {}
        return {"name": name, "status": status, "seeds": seeds, "mean": mean, "interval": interval}

    return {
        "name": "losses <i>",
        "data": {"name": "digits"},
        "budget": {"kind": "steps", "words": "100 steps each"},
        "metrics": ["fd@10"],
        "better": {"fd@10": "lower"},
        "cells": [
            cell("alpha", [2.0, 4.0]),
            cell("gamma <script>alert(5)</script>", [30.0, 34.0]),
            cell("beta", [5.0, None], "partial", "d/total is not finite"),
            cell("delta", [None, None], "failed", "out of memory"),
        ],
        "indistinguishable": [{"cells": ["alpha", "beta"], "label": "fd@10", "p": 0.4}],
        "verdict": "alpha is best.",
    }

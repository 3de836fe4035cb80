"""What a report holds: pictures within bounds, equal records together, real data only if they are the run's."""

import json
import re
import shutil
from html.parser import HTMLParser

import numpy as np
import pytest
import yaml
from PIL import Image
from reported import CLASSES, WARNING, a_row, leaderboard

from ganzoo.errors import ConfigError
from ganzoo.registry import Registry
from ganzoo.report import embedding
from ganzoo.report.comparison_page import comparison_page
from ganzoo.report.leaderboard import read_leaderboard
from ganzoo.report.measured import during_training, measured_of
from ganzoo.report.run_page import run_page
from ganzoo.runs.run import Run


def noise(side, seed=0):
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8))


class TestPictures:
    def test_noise_is_as_small_as_anything(self):
        shown = embedding.embedded(noise(1500))
        assert len(shown.source) <= embedding.MOST_BYTES * 4 / 3 + 100
        assert max(shown.width, shown.height) <= embedding.SIDE

    def test_what_is_small_loses_nothing(self):
        import base64
        import io

        picture = noise(40)
        source = embedding.embedded(picture).source
        head, _, content = source.partition(",")
        assert head == "data:image/png;base64"
        with Image.open(io.BytesIO(base64.b64decode(content))) as back:
            assert np.array_equal(np.asarray(back), np.asarray(picture))

    def test_of_many_grids_some_are_chosen_from_the_first_to_the_last(self, tmp_path):
        for step in range(0, 1000, 10):
            noise(4).save(tmp_path / f"step-{step:07d}.png")
        (tmp_path / "step-0000990.png").write_bytes(b"cut off")
        grids = sorted(tmp_path.iterdir())
        steps = [frame.step for frame in embedding.frames(grids)]
        assert (len(steps), steps[0], steps[-1]) == (embedding.MOST_FRAMES - 1, 0, 950)
        assert max(np.diff(steps)) - min(np.diff(steps)) <= 10


class TestMeasured:
    def test_unlike_records_are_kept_apart(self):
        rows = [
            {"step": step, "seed": 0, **a_row("fd@10", value)} for step, value in ((100, 9.0), (200, 4.0), (300, 5.0))
        ]
        other = {"step": 300, "seed": 0, **a_row("fd@10", 1.0)}
        other["record"] = {**other["record"], "truncation": 0.5}
        first, second = measured_of([*rows, other])
        assert (first.last, first.last_step, first.best, first.best_step) == (5.0, 300, 4.0, 200)
        assert (second.last, second.steps) == (1.0, {300: 1.0})

    def test_the_newest_of_one_step_counts(self):
        rows = [{"step": 100, "seed": 0, **a_row("fd@10", value)} for value in (9.0, 8.0)]
        [one] = measured_of([{}, *rows, {"label": "torn"}])
        assert one.last == 8.0

    @pytest.mark.parametrize(("better", "best"), [("lower", 1.0), ("higher", 3.0), (None, None)])
    def test_best_is_what_the_metric_says(self, better, best):
        rows = [{"step": step, **a_row("x@10", value, better=better)} for step, value in ((1, 3.0), (2, 1.0), (3, 2.0))]
        assert measured_of(rows)[0].best == best

    def test_metrics_of_the_training_where_they_were_measured_last(self):
        rows = [{"step": 1, "metric/a/b_c": 1.0}, {"step": 2, "metric/a/b_c": 2.0, "metric/d": 4.0}, {"step": 3}]
        rows[1]["floor/a/b_c"] = 0.5
        assert during_training(rows) == [("a/b c", 2, 2.0, 0.5), ("d", 2, 4.0, None)]


class Elements(HTMLParser):
    """All elements of a page with their attributes."""

    def __init__(self, page):
        super().__init__()
        self.found = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


class TestARun:
    def test_no_element_and_no_address_is_a_strangers(self, hostile_page):
        page = hostile_page.read_text(encoding="utf-8")
        elements = Elements(page).found
        assert [tag for tag, _ in elements].count("script") == 1
        assert {name for _, attributes in elements for name in attributes if name.startswith("on")} == set()
        addresses = [
            value for _, attributes in elements for name, value in attributes.items() if name in ("src", "href")
        ]
        assert all(one.startswith(("data:image/", "#")) for one in addresses)
        assert "://" not in re.sub(r"data:[^\"]+", "", page)
        assert {"style"} & {name for _, attributes in elements for name in attributes} == set()
        for name in (*CLASSES, WARNING):
            assert name not in page

    def test_it_says_how_the_run_ended_and_what_it_does_not_know(self, hostile_page):
        page = hostile_page.read_text(encoding="utf-8")
        assert "The run finished 4 of 4 steps on 16 real images" in page
        assert "has not been measured after the training" in page
        assert "All 3 grids." in page
        assert "1 warning was given" in page
        assert "among 16 training pictures, which are all" in page

    def test_the_verdict_stands_first_and_everything_has_its_section(self, hostile_page):
        page = hostile_page.read_text(encoding="utf-8")
        assert re.findall(r'<section id="(\w+)"', page) == [
            "verdict", "samples", "neighbors", "metrics", "curves", "configuration", "warnings", "provenance",
        ]  # fmt: skip
        assert "Grid of real pictures" in page

    def test_values_of_the_configuration_stand_beside_what_decided_them(self, hostile_page):
        page = hostile_page.read_text(encoding="utf-8")
        part = page[page.index('<section id="configuration"') :]
        cells = re.findall(
            r"<tr><th scope=\"row\"><code>(.*?)</code></th><td><code>(.*?)</code></td><td>(.*?)</td>", part
        )
        rows = {path: (value, origin) for path, value, origin in cells}
        assert rows["train.steps"] == ("4", rows["discriminator.ndf"][1])
        assert rows["discriminator.ndf"][1] not in ("default", "")
        assert rows["seed"] == ("0", "default")

    def test_numbers_stand_beside_real_against_real_and_their_record(self, hostile_run, tmp_path):
        run = Run(shutil.copytree(hostile_run.path, tmp_path / "0001-measured"))
        rows = [{"step": 4, "seed": 0, **a_row("fd@10", 2.5, floor=0.75), "floor_of": "10 of test"}]
        (run.path / "evaluations.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n", encoding="utf-8")
        page = run_page(Registry.load(plugins=False), run)
        part = page[page.index('<section id="metrics"') : page.index('<section id="curves"')]
        assert re.search(r'<th scope="row">fd@10</th><td class="n">2.5</td>.*<td class="n">0.75</td></tr>', part)
        assert "Real against real" in part
        assert "<dt>real against real</dt><dd>10 of test</dd>" in part
        assert "<dt>n</dt><dd>10</dd>" in part

    def test_the_verdict_says_what_to_bear_in_mind_once_for_all_numbers(self, hostile_run, tmp_path):
        run = Run(shutil.copytree(hostile_run.path, tmp_path / "0001-measured"))
        rows = [{"step": 4, **a_row(label, 2.5), "warnings": ["10 samples are too few"]} for label in ("fd@10", "p@10")]
        (run.path / "evaluations.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n", encoding="utf-8")
        page = run_page(Registry.load(plugins=False), run)
        verdict = page[page.index('<section id="verdict"') : page.index('<section id="samples"')]
        assert verdict.count("Bear in mind for fd@10 and p@10: 10 samples are too few.") == 1

    def test_real_data_that_are_gone_or_others_are_not_shown(self, hostile_run, tmp_path):
        registry = Registry.load(plugins=False)
        run = Run(shutil.copytree(hostile_run.path, tmp_path / "0001-copy"))
        manifest = run.directory.read_manifest()
        other = {**manifest, "data": {**manifest["data"], "fingerprint": "0" * 64}, "status": "running", "ended": None}
        run.directory.write_manifest(other)
        page = run_page(registry, run)
        assert "Real pictures are not shown: the data at" in page
        assert "have changed since" in page
        assert "The run was killed after 4 of 4 steps" in page
        config = yaml.safe_load(run.directory.config.read_text(encoding="utf-8"))
        config["data"]["path"] = str(tmp_path / "gone")
        run.directory.config.write_text(yaml.safe_dump(config), encoding="utf-8")
        page = run_page(registry, Run(run.path))
        assert "are not where they should be" in page
        assert "Grid of generated samples at step 4" in page

    def test_what_was_measured_during_the_training_is_told(self, hostile_run, tmp_path):
        run = Run(shutil.copytree(hostile_run.path, tmp_path / "0001-measured"))
        with run.directory.metrics.open("a", encoding="utf-8") as file:
            file.write('{"step": 5, "metric/a/b_c": 2.5, "floor/a/b_c": 0.25}\n')
        page = run_page(Registry.load(plugins=False), run)
        assert "During it, a/b c came to 2.5 at step 5 (real data in place of samples: 0.25)." in page

    def test_real_data_are_shown_whatever_chose_the_checkpoints(self, hostile_run, tmp_path):
        run = Run(shutil.copytree(hostile_run.path, tmp_path / "0001-best"))
        config = yaml.safe_load(run.directory.config.read_text(encoding="utf-8"))
        config["train"]["keep"], config["metrics"] = "best", {"ms-ssim": {}}
        run.directory.config.write_text(yaml.safe_dump(config), encoding="utf-8")
        assert "Grid of real pictures" in run_page(Registry.load(plugins=False), Run(run.path))

    def test_a_row_that_is_being_written_is_left_out(self, hostile_run, tmp_path):
        run = Run(shutil.copytree(hostile_run.path, tmp_path / "0001-live"))
        with run.directory.metrics.open("a", encoding="utf-8") as file:
            file.write('{"step": 5, "d_st')
        assert [row["step"] for row in run.metrics()] == [1, 2, 3, 4]
        assert "4 of 4 steps" in run_page(Registry.load(plugins=False), run)

    def test_a_run_that_has_nothing_yet(self, hostile_run, tmp_path):
        path = tmp_path / "0001-empty"
        path.mkdir()
        shutil.copy(hostile_run.directory.config, path)
        page = run_page(Registry.load(plugins=False), Run(path))
        assert "There are no sample grids yet." in page
        assert "has not written any numbers yet" in page


class TestAComparison:
    def test_cells_are_ranked_and_those_without_numbers_stand_last(self, comparison):
        board = read_leaderboard(comparison)
        assert [cell.name[:5] for cell in board.cells] == ["alpha", "beta", "gamma", "delta"]
        content = {**leaderboard(), "better": {"fd@10": "higher"}}
        (comparison / "leaderboard.json").write_text(json.dumps(content), encoding="utf-8")
        assert [cell.name[:5] for cell in read_leaderboard(comparison).cells] == ["gamma", "beta", "alpha", "delta"]

    def test_failures_ties_and_the_best_step_are_told(self, comparison):
        page = comparison_page(comparison, read_leaderboard(comparison))
        assert re.findall(r'<th scope="row">(\w+) <abbr title="cannot be told from the first">', page) == ["beta"]
        assert "Not every run has numbers: beta and delta." in page
        assert "seeds 0, 1 diverged: out of memory" in page
        assert "seed 1 diverged: d/total is not finite" in page
        assert "<dt>fd@10</dt><dd>alpha and beta (p = 0.4)</dd>" in page
        assert 'aria-label="alpha: 3, 95 % interval 1 to 5"' in page

    def test_the_verdict_stands_first_and_quality_is_drawn_against_time(self, comparison):
        page = comparison_page(comparison, read_leaderboard(comparison))
        assert re.findall(r'<section id="(\w+)"', page) == [
            "verdict", "leaderboard", "intervals", "gallery", "time", "chance", "failures",
        ]  # fmt: skip
        spots = re.findall(r"<g><title>(.*?)</title><circle", page)
        assert spots[:0:-1] == ["1. alpha: 3 in 1.5 min", "2. beta: 5 in 1.83 min"], (
            "the best is drawn last, over others"
        )
        assert spots[0].startswith("3. gamma")

    def test_what_is_told_apart_and_where_intervals_are_cut_off(self, comparison):
        apart = {"distinguishable": [{"cells": ["alpha", "gamma"], "label": "fd@10", "p": 0.001}]}
        (comparison / "leaderboard.json").write_text(
            json.dumps(leaderboard() | apart | {"ranges": {"fd@10": [0, 1]}}), encoding="utf-8"
        )
        page = comparison_page(comparison, read_leaderboard(comparison))
        told, alike = (
            page.index("These pairs differ by more than seeds do"),
            page.index("These pairs are not told apart"),
        )
        assert told < page.index("alpha and gamma (p = 0.001)") < alike < page.index("alpha and beta (p = 0.4)")
        assert "which are cut off at the ends of what a number can be: fd@10 from 0 to 1." in page

    def test_what_is_refused_waiting_or_unranked_is_told(self, comparison):
        content = leaderboard()
        content["cells"][0]["seeds"][1] |= {"status": "waiting", "values": [], "reason": None}
        content["cells"][3] |= {"status": "refused", "seeds": [], "reason": "wgan-gp needs a critic without BatchNorm"}
        content |= {"unranked": {"kd@10": "they were not measured alike"}, "test": "Welch's t-test"}
        (comparison / "leaderboard.json").write_text(json.dumps(content), encoding="utf-8")
        page = comparison_page(comparison, read_leaderboard(comparison))
        assert "1 of the runs are not done yet." in page
        assert "Not every run has numbers: beta and delta." in page
        assert "refused<br>wgan-gp needs a critic without BatchNorm" in page
        assert "Cells are not ranked by kd@10: they were not measured alike." in page
        assert "Welch&#39;s t-test." in page

    @pytest.mark.parametrize("compared", [False, True])
    def test_a_verdict_is_good_only_where_the_best_is_told_from_another(self, comparison, compared):
        """Where one cell alone has numbers, nothing is compared."""
        first, second, *_ = (cell.name for cell in read_leaderboard(comparison).cells)
        told = [{"cells": [first, second], "label": "fd@10", "p": 0.01}] if compared else []
        content = leaderboard() | {"distinguishable": told, "indistinguishable": []}
        (comparison / "leaderboard.json").write_text(json.dumps(content), encoding="utf-8")
        page = comparison_page(comparison, read_leaderboard(comparison))
        assert ('<li class="good">' in page) == compared

    def test_that_runs_are_not_done_is_said_once(self, comparison):
        content = leaderboard() | {"verdict": "alpha is best. This is preliminary: 1 run is not done."}
        content["cells"][0]["seeds"][1] |= {"status": "waiting", "values": [], "reason": None}
        (comparison / "leaderboard.json").write_text(json.dumps(content), encoding="utf-8")
        page = comparison_page(comparison, read_leaderboard(comparison))
        assert page.count("not done") == 1

    def test_the_gallery_shows_the_last_grid(self, comparison, hostile_run, tmp_path):
        shutil.copytree(hostile_run.path, comparison / "runs" / "0001")
        content = leaderboard(runs=["runs/0001"])
        (comparison / "leaderboard.json").write_text(json.dumps(content), encoding="utf-8")
        page = comparison_page(comparison, read_leaderboard(comparison))
        assert page.count('alt="Last sample grid of') == 3
        assert "seed 0, step 4" in page

    @pytest.mark.parametrize("content", ["", "[]", "{}", '{"cells": [{"seeds": [{"values": [{}]}]}]}'])
    def test_another_file_is_refused(self, comparison, content):
        (comparison / "leaderboard.json").write_text(content, encoding="utf-8")
        with pytest.raises(ConfigError, match="is not the leaderboard of a comparison"):
            read_leaderboard(comparison)

    @pytest.mark.parametrize("change", [{"better": {}}, {"better": {"fd@10": None}}, {"metrics": ["fd@10", [1]]}])
    def test_metrics_of_which_it_does_not_say_what_is_better_have_a_page(self, comparison, change):
        (comparison / "leaderboard.json").write_text(json.dumps(leaderboard() | change), encoding="utf-8")
        assert "fd@10" in comparison_page(comparison, read_leaderboard(comparison))

    @pytest.mark.parametrize("change", [{"seconds": [1]}, {"steps": "a"}])
    def test_seeds_with_other_values_than_numbers_are_refused(self, comparison, change):
        content = leaderboard()
        content["cells"][0]["seeds"][0] |= change
        (comparison / "leaderboard.json").write_text(json.dumps(content), encoding="utf-8")
        with pytest.raises(ConfigError, match="is not the leaderboard of a comparison"):
            read_leaderboard(comparison)

    def test_a_pair_whose_p_is_no_number_is_refused(self, comparison):
        pairs = [{"cells": ["alpha", "beta"], "label": "fd@10", "p": [1]}]
        content = leaderboard() | {"distinguishable": pairs}
        (comparison / "leaderboard.json").write_text(json.dumps(content), encoding="utf-8")
        with pytest.raises(ConfigError, match="is not the leaderboard of a comparison"):
            read_leaderboard(comparison)

    @pytest.mark.parametrize("cells", [[], [{"name": "a", "seeds": []}]])
    def test_one_without_numbers_has_a_page(self, comparison, cells):
        (comparison / "leaderboard.json").write_text(json.dumps({"cells": cells}), encoding="utf-8")
        page = comparison_page(comparison, read_leaderboard(comparison))
        assert "No cell has numbers yet." in page
        assert "chance" not in page

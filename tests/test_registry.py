"""What names mean. How plugins are loaded is in test_broken_plugins.py."""

import dataclasses
import json
import logging
import shlex
import subprocess
import sys
from types import SimpleNamespace
from typing import get_args

import pytest
from broken_plugins.install import SOURCES, PluginFolder
from hypothesis import assume, given
from hypothesis import strategies as st

from ganzoo.component import KINDS, Component, Options, RegularizerOptions
from ganzoo.errors import ConfigError, PluginError, UnknownNameError
from ganzoo.registry import Entry, LoadedEntryPoint, Problem, Registry, loading, parse_kind
from ganzoo.registry.discovery import installed
from ganzoo.registry.origin import Origin
from ganzoo.registry.problem import Refused, Stage
from ganzoo.registry.records import checked


class SomeOptions(Options):
    """Options to be found by import string."""


class SomeRegularizer(RegularizerOptions):
    """A regularizer's options."""


class NotOptions:
    """Something else."""


def entry(name="focal", distribution="ganzoo", kind="loss", target=f"{__name__}:SomeOptions", **fields):
    component = Component(kind=kind, name=name, target=target, summary="…", **fields)
    return Entry(component=component, distribution=distribution, version="1.0", entry_point="main")


class TestParseKind:
    @pytest.mark.parametrize(
        ("word", "kind"),
        [
            ("loss", "loss"),
            ("losses", "loss"),
            ("disc", "discriminator"),
            ("discriminators", "discriminator"),
            ("gen", "generator"),
            ("reg", "regularizer"),
            ("data", "dataset"),
            (" Recipes ", "recipe"),
        ],
    )
    def test_names_plurals_and_short_forms(self, word, kind):
        assert parse_kind(word).name == kind

    def test_an_unknown_word(self):
        with pytest.raises(
            UnknownNameError, match="no kind of component called 'discriminater'; did you mean"
        ) as caught:
            parse_kind("discriminater")
        assert "'discriminator'" in caught.value.message
        assert caught.value.exit_code == 2
        usable = [kind.plural for kind in KINDS]
        assert caught.value.allowed == f"{', '.join(usable)}, or the singular"


class TestNames:
    def test_a_name_an_alias_and_a_qualified_name_mean_the_same(self):
        hinge = entry("margin-hinge", aliases=("mse", "least_squares"))
        registry = Registry([entry(), hinge])
        words = ("margin-hinge", "margin_hinge", "mse", "least-squares", "least_squares", " mse ")
        for word in (*words, *(f"ganzoo/{word}" for word in words)):
            assert registry.get("losses", word) is hinge

    def test_the_distribution_is_read_in_any_spelling(self):
        registry = Registry([entry(distribution="acme-gan")])
        assert registry.get("loss", "Acme_GAN/focal").qualified == "acme-gan/focal"

    def test_a_name_of_another_kind_does_not_count(self):
        registry = Registry([entry("dcgan", kind="generator"), entry("dcgan", kind="discriminator")])
        assert registry.get("gen", "dcgan").kind == "generator"
        with pytest.raises(UnknownNameError, match="'dcgan' is a discriminator and a generator, not a loss"):
            registry.get("loss", "dcgan")
        with pytest.raises(UnknownNameError, match="not an extractor"):
            registry.get("extractor", "dcgan")

    def test_a_misspelt_name(self):
        registry = Registry([entry("hinge"), entry("wgan", aliases=("wasserstein",))])
        with pytest.raises(UnknownNameError) as caught:
            registry.get("loss", "Hing")
        assert caught.value.message == "there is no loss called 'Hing'; did you mean 'hinge'?"
        assert (caught.value.allowed, caught.value.hint) == ("hinge, wgan", "ganzoo list losses")
        with pytest.raises(UnknownNameError, match="did you mean 'wasserstein'"):
            registry.get("loss", "waserstein")

    @pytest.mark.parametrize("word", ["", "/", "focal/", "/focal/", "a/b/c", "ganzoo/", "☃", "x" * 1000, "a\nb"])
    def test_words_that_cannot_be_names(self, word):
        with pytest.raises(UnknownNameError):
            Registry([entry()]).get("loss", word)

    def test_an_empty_registry_still_answers(self):
        with pytest.raises(UnknownNameError):
            Registry([]).get("loss", "hinge")
        with pytest.raises(UnknownNameError, match="there is no component called 'hinge'"):
            Registry([]).find("hinge")

    @given(st.text(max_size=20))
    def test_any_other_text_is_unknown(self, word):
        assume(word.strip().replace("_", "-") not in ("known", "other", "ganzoo/known", "ganzoo/other"))
        with pytest.raises(UnknownNameError, match="there is no loss called"):
            Registry([entry("known", aliases=("other",))]).get("loss", word)

    def test_find_gives_one_of_each_kind(self):
        pair = [entry("dcgan", kind="discriminator"), entry("dcgan", kind="generator")]
        registry = Registry([entry(), *pair])
        assert registry.find("dcgan") == pair
        assert registry.find("ganzoo/dcgan") == pair
        with pytest.raises(UnknownNameError, match="did you mean 'dcgan'"):
            registry.find("dcgen")


class TestClashes:
    def test_first_party_keeps_the_short_name(self):
        own, other = entry(), entry(distribution="acme")
        for order in ([own, other], [other, own]):
            registry = Registry(order)
            assert registry.get("loss", "focal") is own
            assert registry.get("loss", "acme/focal") is other
            assert (registry.shortest(own), registry.shortest(other)) == ("focal", "acme/focal")
            assert (registry.status(own), registry.status(other)) == ("ok", "shadowed")

    def test_two_third_parties_are_an_error_that_prints_both(self):
        registry = Registry([entry(distribution="beta"), entry(distribution="acme")])
        with pytest.raises(ConfigError, match="2 plugins provide a loss called 'focal'") as caught:
            registry.get("loss", "focal")
        assert not isinstance(caught.value, UnknownNameError)
        assert set(caught.value.allowed.split(", ")) == {"acme/focal", "beta/focal"}
        assert registry.get("loss", "beta/focal").distribution == "beta"
        assert {registry.status(one) for one in registry.entries()} == {"ambiguous"}
        assert {registry.shortest(one) for one in registry.entries()} == {"acme/focal", "beta/focal"}

    def test_an_alias_never_hides_a_name(self):
        own, other = entry("wgan", aliases=("wasserstein",)), entry("wasserstein", distribution="acme")
        registry = Registry([own, other])
        assert registry.get("loss", "wasserstein") is other
        assert registry.status(other) == "ok"

    def test_an_alias_of_a_third_party_does_not_take_a_first_party_alias(self):
        own = entry("lsgan", aliases=("mse",))
        registry = Registry([entry("focal", distribution="acme", aliases=("mse",)), own])
        assert registry.get("loss", "mse") is own
        assert registry.get("loss", "acme/mse").name == "focal"

    def test_two_third_parties_with_one_alias(self):
        registry = Registry([entry(name, distribution=name, aliases=("mse",)) for name in ("one", "two")])
        with pytest.raises(ConfigError, match="2 plugins provide a loss called 'mse'") as caught:
            registry.get("loss", "mse")
        assert caught.value.allowed == "one/one, two/two"

    @given(st.lists(st.tuples(st.sampled_from(["ganzoo", "acme", "beta"]), st.sampled_from("abc")), unique=True))
    def test_the_shortest_name_always_leads_back(self, pairs):
        registry = Registry([entry(name, distribution=distribution) for distribution, name in pairs])
        for one in registry.entries():
            assert registry.get("loss", registry.shortest(one)) is one
            assert registry.get("loss", one.qualified) is one


class TestEntries:
    def test_by_kind_in_the_order_of_the_contract_then_by_name(self):
        names = [("b", "acme", "loss"), ("b", "ganzoo", "loss"), ("a", "acme", "recipe"), ("a", "acme", "loss")]
        registry = Registry([entry(name, distribution, kind) for name, distribution, kind in names])
        listed = [(one.name, one.distribution, one.kind) for one in registry.entries()]
        assert listed == [names[3], names[1], names[0], names[2]]
        assert [one.kind for one in registry.entries("recipes")] == ["recipe"]
        assert registry.entries("generator") == []

    def test_an_unknown_kind(self):
        with pytest.raises(UnknownNameError, match="no kind of component called 'colour'"):
            Registry([]).entries("colour")


class TestStatus:
    def test_a_required_package_that_is_missing(self):
        assert Registry([]).status(entry(requires=("json", "no_such_package.part"))) == "missing"
        assert entry(requires=("json", "no_such_package.part")).missing() == ("no_such_package.part",)
        assert Registry([one := entry(requires=("json",))]).status(one) == "ok"

    def test_deprecated(self, caplog, monkeypatch):
        monkeypatch.setattr(logging.getLogger("ganzoo"), "propagate", True)  # a command run before may have cut it off
        registry = Registry([old := entry("old", deprecated_for="new")])
        assert registry.status(old) == "deprecated"
        with caplog.at_level(logging.WARNING, logger="ganzoo"):
            assert registry.get("loss", "old") is old
            registry.get("loss", "old")
        # The same record may be caught twice, at the logger and at its root, after a command in this process.
        assert [record.getMessage() for record in dict.fromkeys(caplog.records)] == [
            "loss 'old' is deprecated; use 'new'"
        ]


class TestProblems:
    problem = Problem(
        distribution="acme", version="2", entry_point="x", stage="import", message="ImportError: no", traceback="…"
    )

    def test_asking_the_broken_part_is_a_plugin_error(self):
        registry = Registry([entry("focal", "acme")], problems=[self.problem])
        assert registry.get("loss", "acme/focal").name == "focal"
        for ask in (lambda: registry.get("loss", "acme/hinge"), lambda: registry.find("acme/hinge")):
            with pytest.raises(PluginError, match="plugin acme 2: left out at stage 'import'") as caught:
                ask()
            assert (caught.value.exit_code, caught.value.hint) == (4, "ganzoo doctor")

    def test_asking_for_what_a_broken_entry_point_is_called_is_a_plugin_error(self):
        registry = Registry([entry("focal", "other")], problems=[self.problem])
        with pytest.raises(PluginError, match="plugin acme 2: left out") as caught:
            registry.get("loss", "x")
        assert caught.value.hint == "ganzoo doctor"
        with pytest.raises(UnknownNameError, match="not searched: entry point 'x' of acme 2"):
            registry.get("loss", "y")

    def test_a_warning_is_no_reason_to_blame_the_plugin(self):
        warning = Problem(
            distribution="acme", version="2", entry_point="", stage="metadata", message="stale", severity="warning"
        )
        with pytest.raises(UnknownNameError):
            Registry([entry("focal", "acme")], problems=[warning]).get("loss", "acme/hinge")

    def test_a_disabled_plugin_is_no_unknown_one(self):
        registry = Registry([], disabled={"acme": "--no-plugins"})
        with pytest.raises(ConfigError, match="plugin acme is disabled by --no-plugins"):
            registry.get("loss", "acme/focal")


class TestTargets:
    def test_options(self):
        assert Registry([entry()]).options("loss", "focal") is SomeOptions
        nested = entry(target=f"{__name__}:TestTargets.Nested")
        assert nested.options() is TestTargets.Nested

    class Nested(Options):
        pass

    @pytest.mark.parametrize(
        ("kind", "target", "message"),
        [
            ("loss", f"{__name__}:NotOptions", r"is not a subclass of ganzoo\.component\.Options"),
            ("loss", f"{__name__}:entry", r"is not a subclass of ganzoo\.component\.Options"),
            ("regularizer", f"{__name__}:SomeOptions", r"is not a subclass of ganzoo\.component\.RegularizerOptions"),
            ("dataset", f"{__name__}:SomeOptions", r"is not a subclass of ganzoo\.component\.DatasetOptions"),
            ("loss", "no_such_module_here:X", "ModuleNotFoundError: No module named 'no_such_module_here'"),
            ("loss", f"{__name__}:Gone", "has no attribute 'Gone'"),
        ],
    )
    def test_a_target_that_cannot_serve(self, kind, target, message):
        with pytest.raises(PluginError, match=message):
            entry(kind=kind, target=target).options()

    def test_a_regularizers_options_serve(self):
        regularizer = entry(kind="regularizer", target=f"{__name__}:SomeRegularizer")
        assert regularizer.options() is SomeRegularizer

    def test_a_missing_requirement_is_named_before_anything_is_imported(self):
        with pytest.raises(
            PluginError, match=r"loss 'focal' of ganzoo 1\.0 needs no_such, which is not installed"
        ) as caught:
            entry(target="no_such.module:X", requires=("no_such",)).options()
        assert "python -m pip install no_such" in caught.value.hint

    def test_recipes(self, tmp_path, monkeypatch):
        (tmp_path / "some_recipes" / "deep").mkdir(parents=True)
        (tmp_path / "some_recipes" / "__init__.py").touch()
        (tmp_path / "some_recipes" / "deep" / "one.yaml").write_text("loss: hinge  # — with dashes\n", encoding="utf-8")
        monkeypatch.syspath_prepend(tmp_path)
        one = entry("one", kind="recipe", target="some_recipes:deep/one.yaml")
        two = entry("two", kind="recipe", target="some_recipes:two.yaml")
        registry = Registry([one, two, entry()])
        assert registry.file_text("one") == "loss: hinge  # — with dashes\n"
        with pytest.raises(PluginError, match=r"recipe 'two' of ganzoo 1\.0 cannot be loaded .*FileNotFoundError"):
            registry.file_text("two")
        with pytest.raises(ConfigError, match="recipe 'one' is a configuration file"):
            registry.options("recipe", "one")
        with pytest.raises(ConfigError, match="loss 'focal' is not a recipe"):
            registry.get("loss", "focal").file_text()

    @pytest.mark.parametrize(
        ("origin", "package"),
        [
            (None, "acme==1.0"),
            (Origin(name="acme", version="1.0"), "acme==1.0"),
            (Origin(name="acme", version="1.0", url="file:///my/acme", editable=True), "-e /my/acme"),
        ],
    )
    def test_a_broken_component_is_mended_from_where_it_came(self, origin, package):
        broken = dataclasses.replace(entry(distribution="acme", target=f"{__name__}:Gone"), origin=origin)
        with pytest.raises(PluginError) as caught:
            broken.options()
        reinstall = f"python -m pip install --force-reinstall --no-deps {package}"
        assert caught.value.hint == f"{reinstall}, or report this to its authors"

    def test_an_installed_component_knows_where_it_came_from(self, tmp_path, monkeypatch):
        folder = PluginFolder(tmp_path)
        folder.install("healthy", distribution="placed")
        record = {"url": "file:///my/placed", "dir_info": {"editable": True}}
        (tmp_path / "placed-1.0.dist-info" / "direct_url.json").write_text(json.dumps(record))
        monkeypatch.syspath_prepend(tmp_path)
        with pytest.raises(PluginError) as caught:
            Registry.load().options("loss", "placed/absent")
        assert "--no-deps -e /my/placed" in caught.value.hint

    @pytest.mark.parametrize(
        ("url", "kept"),
        [
            ("https://me:hunter2@host.org/a.zip", "https://host.org/a.zip"),
            ("https://hunter2@host.org:8080/a.zip?token=hunter2#hunter2", "https://host.org:8080/a.zip"),
            ("https://${NAME}:${TOKEN}@host.org/a.zip", "https://${NAME}:${TOKEN}@host.org/a.zip"),
            ("ssh://git@host.org/a.git", "ssh://git@host.org/a.git"),
            ("file:///my/a%3Fb", "file:///my/a%3Fb"),
        ],
    )
    def test_no_password_or_token_goes_into_a_manifest_or_a_hint(self, url, kept, tmp_path, monkeypatch):
        folder = PluginFolder(tmp_path)
        folder.install("healthy", distribution="placed")
        (tmp_path / "placed-1.0.dist-info" / "direct_url.json").write_text(json.dumps({"url": url}))
        monkeypatch.syspath_prepend(tmp_path)
        found = Registry.load().get("loss", "placed/absent")
        assert found.requirement == f"placed @ {kept}"
        with pytest.raises(PluginError) as caught:
            found.options()
        assert "hunter2" not in str(caught.value)

    def test_blame_lets_interrupts_and_ganzoos_own_errors_pass(self):
        for error in (KeyboardInterrupt(), ConfigError("too small")):
            with pytest.raises(type(error)), entry().blamed("is odd"):
                raise error
        with (
            pytest.raises(PluginError, match=r"loss 'focal' of ganzoo 1\.0 is odd: SystemExit: 3"),
            entry().blamed("is odd"),
        ):
            raise SystemExit(3)


class TestRecords:
    anything = st.one_of(
        st.none(), st.integers(), st.text(), st.tuples(st.text()), st.dictionaries(st.text(), st.text())
    )

    @given(
        st.fixed_dictionaries(
            {"kind": anything | st.just("loss"), "name": anything, "target": anything, "summary": anything},
            optional=dict.fromkeys(("aliases", "tags", "suggests", "paper", "requires", "deprecated_for"), anything),
        )
    )
    def test_whatever_a_record_holds_it_is_refused_or_sound(self, fields):
        """No record that passes can break ``list`` later on."""
        try:
            components, notes = checked([Component(**fields)])
        except Refused:
            return
        assert len(components) + len(notes) == 1
        sound = [Entry(component=one, distribution="acme", version="1", entry_point="x") for one in components]
        registry = Registry(sound)
        for one in registry.entries():
            assert registry.get(one.kind, one.name) is one
            assert registry.status(one) in ("ok", "missing", "deprecated")

    @pytest.mark.parametrize("target", ["p:C", "p.q:C", "_p.q1:C.D"])
    def test_good_targets(self, target):
        assert checked([entry(target=target).component])[0]

    @pytest.mark.parametrize("target", ["", "p", ":C", "p:", "p q:C", "p:C()", "p/q:C", "p:C:D", "p..q:C"])
    def test_bad_targets(self, target):
        with pytest.raises(Refused, match="target"):
            checked([entry(target=target).component])

    @pytest.mark.parametrize("target", ["p:../secret.yaml", "p:/etc/one.yaml", "p:one.json", "p:.hidden.yaml", "p:one"])
    def test_bad_recipe_targets(self, target):
        with pytest.raises(Refused, match=r"package:file\.yaml"):
            checked([entry(kind="recipe", target=target).component])


class TestTheInstalledRegistry:
    def test_every_first_party_entry_point_loads(self):
        registry = Registry.load(plugins=False)
        assert [str(problem) for problem in registry.problems] == []
        assert {entry.distribution for entry in registry.entries()} == {"ganzoo"}

    def test_names_and_kinds_are_answered_without_torch(self):
        code = """
import json, sys
import ganzoo, ganzoo.registry
from ganzoo.errors import UnknownNameError
registry = ganzoo.registry.Registry.load(plugins=False)
for ask in (lambda: registry.get("loss", "hing"), lambda: registry.entries("colour"), lambda: registry.find("x")):
    try:
        ask()
    except UnknownNameError:
        pass
    else:
        raise SystemExit("found")
statuses = {entry.qualified: registry.status(entry) for entry in registry.entries()}
print(json.dumps([sorted({"torch", "numpy", "PIL"} & set(sys.modules)), len(statuses)]))
"""
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
        heavy, number = json.loads(done.stdout)
        assert heavy == []
        assert number > 0


class TestOutcomes:
    """What an entry point came to, from real files; the rows made of it are in cli/test_plugins.py."""

    @pytest.fixture
    def folder(self, tmp_path, monkeypatch):
        modules = set(sys.modules)
        monkeypatch.syspath_prepend(tmp_path / "site-packages")
        yield PluginFolder(tmp_path / "site-packages")
        for name in set(sys.modules) - modules:
            if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
                del sys.modules[name]

    def outcomes(self, **arguments):
        return {one.source.distribution: one for one in Registry.load(**arguments).entry_points}

    def test_every_entry_point_has_one_in_the_order_of_loading_the_disabled_last(self, folder):
        for source in ("healthy", "other_api", "import_error"):
            folder.install(source)
        registry = Registry.load(environ={"GANZOO_DISABLE_PLUGINS": "healthy"})
        names = [one.source.distribution for one in registry.entry_points]
        assert [name for name in names if name != "ganzoo"][-3:] == ["import-error", "other-api", "healthy"]
        assert names[0] == "ganzoo"
        assert registry.entry_points[-1].disabled_by == "GANZOO_DISABLE_PLUGINS"
        assert [entry for one in registry.entry_points for entry in one.entries if entry.kind == "loss"]

    def test_entries_and_problems_of_the_registry_are_those_of_its_outcomes(self, folder):
        for source in ("healthy", "other_api", "unknown_kind", "raising_hook"):
            folder.install(source)
        registry = Registry.load()
        entries = [entry for one in registry.entry_points for entry in one.entries]
        assert sorted(map(id, entries)) == sorted(map(id, registry.entries()))
        assert tuple(problem for one in registry.entry_points for problem in one.problems) == registry.problems

    def test_the_import_is_what_is_measured(self, folder, monkeypatch):
        """The clock moves by 250 ms at the import, and by more when the hook is called."""
        clock = SimpleNamespace(now=1.0)
        monkeypatch.setattr(loading, "time", SimpleNamespace(perf_counter=lambda: clock.now))
        monkeypatch.setitem(sys.modules, "the_clock", clock)
        for name, ending in (("slow", ""), ("failing", "raise ValueError\n")):
            (folder.path / f"{name}.py").write_text(
                "import the_clock\nfrom ganzoo.hookspecs import hookimpl\nGANZOO_API = 1\nthe_clock.now += 0.25\n"
                "@hookimpl\ndef ganzoo_components():\n    the_clock.now += 5\n    return []\n" + ending
            )
            folder.announce(name, {"main": name})
        found = self.outcomes()
        assert found["slow"].import_ms == pytest.approx(250)
        assert (found["failing"].import_ms, found["failing"].status) == (pytest.approx(250), "failed")

    def test_every_problem_says_what_mends_it(self, folder):
        for source in {path.stem for path in SOURCES.glob("*.py")} - {"install"}:
            folder.install(source)
        folder.announce("healthy", {"main": "healthy"}, version="0.1")
        registry = Registry.load(environ={"GANZOO_DISABLE_PLUGINS": "nobody"})
        assert {problem.stage for problem in registry.problems} == set(get_args(Stage))
        assert [str(problem) for problem in registry.problems if not all(problem.fixes) or not problem.fixes] == []

    @pytest.mark.parametrize(
        ("severities", "status"),
        [
            ((), "ok"),
            (("note",), "ok"),
            (("note", "warning"), "warning"),
            (("warning", "failure"), "failed"),
        ],
    )
    def test_the_worst_problem_decides(self, severities, status):
        [source, *_], _ = installed()
        problems = tuple(dataclasses.replace(TestProblems.problem, severity=severity) for severity in severities)
        assert LoadedEntryPoint(source=source, problems=problems).status == status
        assert LoadedEntryPoint(source=source, problems=problems, disabled_by="--no-plugins").status == "disabled"


class TestOrigin:
    """Commands for a shell. Lines for pip's files are in cli/test_plugins.py, given to pip."""

    index = Origin(name="acme", version="1.2")
    repository = Origin(name="acme", version="1.2", url="https://host/a.git", vcs="git", commit="0abc")
    folder = Origin(name="acme", version="1.2", url="file:///my%20plugins/a", editable=True)

    @pytest.mark.parametrize(
        ("origin", "pinned", "newest"),
        [
            (index, ["acme==1.2"], ["acme"]),
            (Origin(name="acme", version="unknown"), ["acme"], ["acme"]),
            (repository, ["acme @ git+https://host/a.git@0abc"], ["acme @ git+https://host/a.git"]),
            (folder, ["-e", "/my plugins/a"], ["-e", "/my plugins/a"]),
        ],
    )
    def test_a_shell_reads_what_is_meant(self, origin, pinned, newest):
        pip = ["python", "-m", "pip", "install"]
        assert shlex.split(origin.reinstall) == [*pip, "--force-reinstall", "--no-deps", *pinned]
        assert shlex.split(origin.upgrade) == [*pip, "--upgrade", *newest]
        assert shlex.split(origin.uninstall) == ["python", "-m", "pip", "uninstall", "acme"]

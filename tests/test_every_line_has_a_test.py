"""Which test holds each line of D, E and F of issue 10. Those of A, B and C are in ``test_what_ganzoo_reads.py``."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

HERE = Path(__file__).parent

HOLDERS = {
    "D1 another place of the same data": "cli/test_resume.py::test_data_may_have_moved",
    "D1 data that are gone": "cli/test_resume.py::test_data_that_are_gone_are_asked_for",
    "D1 other data": "cli/test_resume.py::test_other_data_in_another_place_are_refused",
    "D1 samples without data": "cli/test_sample.py::test_a_run_folder_on_another_machine_samples_without_its_data",
    "D2 a step": "cli/test_sample.py::test_an_earlier_step",
    "D2 last, every k, all": "test_rundir.py::test_which_checkpoints_stay",
    "D2 best": "test_judging.py::test_best_and_newest_checkpoints_stay",
    "D2 grids go": "test_runs.py::test_steps_that_are_done_again_leave_nothing_of_the_first_time",
    "D3 truths": "test_numbers.py::test_no_option_reads_a_truth_as_a_number",
    "D3 YAML": "test_numbers.py::test_numbers_that_yaml_reads_otherwise_are_refused_with_their_line",
    "D4": "test_undisturbed.py::test_a_process_is_as_it_would_be_without_the_plugin",
    "D5": "test_sampling.py::test_batch_norm_is_estimated_under_the_classes_of_training_and_samples_follow_the_data",
    "D6": "test_rules.py::test_it_applies_and_says_what_to_do",
    "D7": "test_augmenting.py::test_micro_batches_see_the_augmentation_of_the_whole_batch",
    "D8": "plugins/test_recipes.py::test_what_differs_from_the_authors_is_said",
    "D9 truncation": "test_truncation.py::test_samples_of_narrow_latents_are_those_of_the_generator_at_them",
    "D9 walk": "cli/test_walk_command.py::test_an_endless_animation",
    "D9 names on grids": "cli/test_sample.py::test_a_grid_of_several_classes_names_them",
    "D9 steps on frames": "test_pictures.py::test_every_frame_of_a_film_bears_its_own_step",
    "D10 before the first checkpoint": "cli/test_sample.py::test_a_run_before_its_first_checkpoint",
    "D10 the folder in hints": "cli/test_sample.py::test_hints_keep_the_folder_of_runs",
    "D10 a place that is taken": "cli/test_sample.py::test_a_file_in_the_way_is_called_one",
    "D10 space": "test_files.py::test_only_a_full_disk_asks_for_space",
    "D10 a batch of one": "cli/test_run.py::test_what_compares_samples_refuses_a_batch_of_one_before_there_is_a_folder",
    "D10 an option without a value": "cli/test_usage.py::test_a_usage_error_says_what_to_type_next",
    "D11 chosen": "test_cores.py::test_threads_spin_on_free_cores_alone_and_are_one_more_than_these",
    "D11 the user": "test_cores.py::test_whoever_sets_a_variable_has_chosen",
    "D11 manifest": "test_cores.py::test_the_manifest_says_what_was_chosen",
    "E1 no scalar": "test_guards.py::test_a_loss_that_is_no_scalar_is_refused_by_name",
    "E1 in place": "test_guards.py::test_a_loss_that_changes_logits_is_refused",
    "E1 second derivative": "test_guards.py::test_a_critic_without_a_second_derivative_is_named_with_the_operation",
    "E1 NaN": "test_guards.py::test_nan_at_the_first_update_is_traced_to_its_module",
    "E2 raises": "test_blame.py::test_a_loss_that_raises_is_named_and_the_run_goes_on_as_if_it_had_not",
    "E2 prints": "test_blame.py::test_parts_print_to_stderr_and_a_metric_that_raises_costs_a_warning",
    "E2 only what took part": "cli/test_failure.py::test_a_bug_in_which_a_plugin_took_part_may_be_the_plugins",
    "E3": "authors/test_releases.py::test_an_old_run_goes_on_bit_by_bit",
    "E4 several of a kind": "test_scaffold.py::test_several_of_a_kind_by_their_names",
    "E4 into a package": "cli/test_new_component.py::test_its_file_its_test_and_its_record",
    "E4 --only": "cli/test_check.py::test_some_checks_alone",
    "E4 --fail-fast": "cli/test_check.py::test_the_first_failure_ends_it",
    "E4 aliases": "cli/test_list.py::test_an_alias_that_means_another_component_is_not_listed",
    "E4 a value that a recipe lacks": "cli/test_check.py::test_a_recipe_that_leaves_a_value_to_its_users",
    "E5 second derivatives": "test_plugin_guide.py::test_what_the_guide_says_of_second_derivatives_is_so",
    "E5 several heads": "test_plugin_guide.py::test_receptive_field_is_that_of_the_first_head",
    "E5 state": "test_plugin_guide.py::test_state_changes_when_the_guide_says",
    "E5 plots": "test_component_pictures.py::test_the_plot_of_a_loss_shows_what_it_is",
    "E5 drawings": "test_component_pictures.py::test_drawings_of_discriminators_are_up_to_date",
    "F1": "test_makefile.py::test_a_run_installs_the_package_alone",
    "F2 resume": "cli/test_resume.py::test_nothing_points_to_what_cannot_change",
    "F2 start": "cli/test_run.py::test_it_starts_from_the_weights_of_a_run",
    "F2 shapes": "test_ancestry.py::test_what_does_not_fit_is_named_with_both_shapes",
    "F2 heads": "test_ancestry.py::test_heads_and_embeddings_may_differ",
    "F2 ancestry": "test_ancestry.py::test_the_line_of_ancestors",
    "F3 runs": "cli/test_runs_command.py::test_a_run_in_json",
    "F3 overlays": "cli/test_plot.py::test_several_runs_over_each_other",
    "F3 the generator": "test_runs.py::test_the_generator_is_the_module_that_samples_come_from",
    "F3 classes by name": "test_runs.py::test_classes_are_asked_for_by_name",
    "F3 --runs": "cli/test_resume.py::test_the_folder_of_runs_by_its_new_name_and_its_old",
    "F4 uneven classes": "test_remarks.py::test_uneven_classes",
    "F4 few pictures": "test_remarks.py::test_few_images",
    "F4 enlarged": "test_remarks.py::test_a_recipe_that_enlarges_is_named",
    "F4 a class that is not known": "test_remarks.py::test_classes_that_nobody_will_be_able_to_ask_for",
    "F4 a column": "plugins/test_datasets_csv.py::test_columns_that_could_be_classes_are_named",
    "F4 six days": "test_remarks.py::test_six_days_on_a_cpu",
    "F5 options": "cli/test_usage.py::test_a_usage_error_says_what_to_type_next",
    "F5 doctor": "cli/test_doctor.py::test_where_nothing_is_wrong",
    "F5 40 lines": "cli/test_dry_run.py::test_it_fits_a_terminal_unless_all_of_it_is_asked_for",
    "F5 progress": "cli/test_dry_run.py::test_progress_is_shown_on_stderr_while_it_measures",
    "F5 a recipe for a laptop": "plugins/test_recipes.py::test_every_word_of_it_is_in_the_plan",
    "F6": "examples/test_does_augmentation_help.py::test_it_writes_a_page_and_does_nothing_twice",
}

LINES = [f"{part}{number}" for part, last in (("D", 11), ("E", 5), ("F", 6)) for number in range(1, last + 1)]


@cache
def functions_of(file: str) -> set[str]:
    tree = ast.parse((HERE / file).read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("clause", HOLDERS)
def test_the_test_of_a_clause_exists(clause):
    file, _, name = HOLDERS[clause].partition("::")
    assert name in functions_of(file)


def test_every_line_has_one():
    assert sorted({clause.split()[0] for clause in HOLDERS}) == sorted(LINES)

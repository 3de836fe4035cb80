"""Which test holds each line of D, E and F of issue 10, each clause of what issues 11 to 13 ask, and A of issue 15.

Those of A, B and C of issue 10 are in ``test_what_ganzoo_reads.py``.
"""

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

OF_ISSUE_11 = {
    "cli/test_evaluate.py": {
        "Extractors: named in every value": "test_samples_in_a_folder_have_the_values_of_their_run",
        "Extractors: --weights FILE": "test_a_file_of_weights_chooses_the_extractor_that_takes_one",
        "Commands: evaluate RUN": "test_a_table_for_people_and_lines_in_the_folder_of_the_run",
        "Commands: evaluate FOLDER": "test_samples_in_a_folder_have_the_values_of_their_run",
        "Commands: --step all": "test_numbers_of_every_checkpoint",
        "Commands: runs beside each other": "test_several_runs_beside_each_other",
        "Commands: evaluate tells its progress": "test_progress_is_told_on_stderr_and_not_beside_json",
        "Metrics: unlike records are refused in evaluate": (
            "test_what_was_not_measured_alike_is_not_put_beside_each_other"
        ),
    },
    "plugins/test_extractors.py": {
        "Extractors: weights of efficientnet-lite0": "test_other_weights_are_refused_before_they_are_read",
        "Extractors: its features": "test_features_are_what_the_classifier_is_given",
        "Extractors: its preprocessing": "test_it_resizes_as_pillow_does",
        "Extractors: its classes of three photographs": "test_it_knows_what_is_on_photographs",
        "Extractors: inception is torch-fidelity's": "test_features_are_theirs",
        "Extractors: inception is not fetched": "test_missing_weights_are_named_and_not_fetched",
        "Extractors: random-conv is orthogonal": "test_weights_are_orthogonal_times_the_root_of_2",
    },
    "plugins/test_extractors_classifier.py": {
        "Extractors: the classifier is trained once, its accuracy told": "test_it_is_trained_once",
        "Extractors: refused below twice chance": "test_accuracy_is_that_on_pictures_it_was_not_trained_on",
        "Extractors: its pictures of a group are on one side": "test_patients_are_not_split",
    },
    "test_choice.py": {
        "Extractors: without extras": "test_an_extractor_that_cannot_be_had_gives_way_to_the_one_that_always_can",
    },
    "kit/test_faulty_extractors.py": {
        "Extractors: of plugins": "test_sound_extractor_passes",
        "Shown: conformance of extractors": "test_every_check_of_extractors_has_its_fault",
    },
    "test_judging.py": {
        "Extractors: features of real data are kept": "test_real_pictures_are_looked_at_once",
        "Extractors: by data and extractor": "test_what_they_depend_on_makes_others",
        "Metrics: the record": "test_a_value_comes_back_from_its_row",
        "Metrics: what differs is named": "test_what_differs_is_named",
        "Metrics: real against real": "test_the_floor_is_the_same_number_for_held_out_data",
        "Metrics: one half of it against the other": ("test_without_held_out_data_one_half_is_compared_with_the_other"),
        "Metrics: names of numbers": "test_fewer_generated_pictures_than_asked_for_are_counted_as_they_are",
        "Shown: the size of batches": "test_the_size_of_chunks_changes_nothing",
        "Metrics: real against real in training": "test_a_floor_is_found_once_and_in_training_only_if_it_is_of_as_many",
        "Commands: best and newest are kept": "test_best_and_newest_checkpoints_stay",
        "Python twins: evaluate": "test_the_same_evaluation_twice_has_the_same_numbers",
    },
    "plugins/test_metrics_frechet_distance.py": {
        "Metrics: Fréchet distance": "test_gaussians_of_known_moments",
        "Metrics: covariances without full rank": "test_2048_features_of_500_samples",
        "Metrics: float64": "test_far_from_the_origin_it_keeps_its_digits",
        "Metrics: too few for the dimension, KID is offered": "test_a_covariance_of_too_few_samples_is_warned_of",
        "Shown: order and threads, Fréchet distance": "test_neither_order_nor_threads_matter",
    },
    "plugins/test_metrics_kernel_distance.py": {
        "Metrics: KID is unbiased": "test_equal_distributions_have_expectation_0_and_the_stated_error",
        "Metrics: KID has a spread": "test_its_error_is_a_jackknife_that_leaves_out_a_group_at_a_time",
        "Shown: order and threads, kernel distance": "test_neither_order_nor_threads_matter",
    },
    "plugins/test_metrics_precision_recall.py": {
        "Metrics: precision and recall": "test_it_is_the_rule_applied_sample_by_sample",
    },
    "peers/test_torchmetrics.py": {
        "Shown: torchmetrics' Fréchet distance": "test_frechet_distances_agree_where_covariances_have_full_rank",
        "Shown: its kernel distance": "test_kernel_distances_agree_where_the_subset_is_everything",
        "Shown: its MS-SSIM": "test_ms_ssim_agrees_but_for_mirrored_edges",
    },
    "peers/test_torch_fidelity.py": {
        "Shown: torch-fidelity's Fréchet distance": "test_frechet_distances_agree_where_covariances_have_full_rank",
        "Shown: its precision and recall": "test_precision_and_recall_agree",
    },
    "peers/test_prdc.py": {"Shown: prdc's four": "test_all_four_agree_where_there_are_no_ties"},
    "examples/test_which_metric_notices.py": {
        "Shown: the order of degradations": "test_distances_grow_with_the_strength",
        "Shown: which metric notices what": "test_a_number_notices_what_is_worse_than_every_clean_draw",
    },
    "examples/test_distances_benchmark.py": {"Shown: how speed is measured": "test_times_and_ratios_of_every_round"},
    "examples/test_does_augmentation_help.py": {
        "Shown: does augmentation help": "test_it_writes_a_page_and_does_nothing_twice",
    },
    "plugins/test_metrics_density_coverage.py": {
        "Metrics: density and coverage": "test_it_is_the_rule_applied_sample_by_sample",
    },
    "plugins/test_metrics_class_score.py": {
        "Metrics: class score": "test_the_score_is_the_formula_sample_by_sample_and_within_its_range",
        "Metrics: class score by a labelled classifier alone": "test_without_probabilities_there_is_no_score",
    },
    "plugins/test_metrics_intra_class_frechet_distance.py": {
        "Metrics: intra-class Fréchet distance": "test_it_is_the_mean_over_the_classes_that_real_data_have",
    },
    "plugins/test_metrics_ms_ssim.py": {
        "Metrics: MS-SSIM": "test_pairs_are_of_two_samples_and_alike_where_all_samples_are",
    },
    "plugins/test_metrics_sliced_wasserstein.py": {
        "Metrics: sliced Wasserstein": "test_it_is_a_mean_of_distances_between_sorted_projections",
    },
    "plugins/test_metrics_nearest_neighbor.py": {
        "Metrics: nearest neighbors": "test_it_is_the_rule_applied_sample_by_sample",
        "Metrics: memorization, beside held-out data": "test_of_data_of_the_same_kind_about_the_quantile_are_copies",
    },
    "report/test_report_neighbors.py": {
        "Metrics: their pairs are found": "test_a_copy_is_at_0_and_of_equal_ones_the_first_comes_first",
    },
    "plugins/test_metrics_mode_coverage.py": {
        "Metrics: modes covered": "test_it_is_the_rule_applied_sample_by_sample",
    },
    "plugins/test_metrics_downstream.py": {
        "Metrics: downstream use": "test_good_samples_teach_and_wrong_labels_do_harm",
        "Metrics: real and synthetic together": "test_samples_help_where_a_class_has_hardly_a_picture",
        "Metrics: recalls and seeds": "test_accuracy_is_the_mean_of_the_recalls_and_spreads_are_over_seeds",
    },
    "test_held_out.py": {
        "Metrics: groups are not split": "test_pictures_of_a_patient_who_was_seen_are_not_held_out",
        "Metrics: downstream use of a run": "test_downstream_use_of_a_run",
    },
    "test_measuring.py": {
        "Metrics: draws of their own": "test_each_metric_draws_by_itself_and_alike_in_every_run",
        "Commands: eval.every": "test_a_measure_stands_in_the_rows_at_which_samples_are_due_and_in_the_last",
        "Commands: measuring does not disturb": "test_measuring_changes_nothing_that_is_trained",
    },
    "test_leaderboard.py": {
        "Metrics: unlike records are not ranked": "test_values_that_were_not_measured_alike_are_not_ranked",
        "Commands: failed cells stay": "test_runs_without_values_are_kept_with_the_reason",
        "Commands: means and intervals": "test_means_intervals_and_order",
        "Commands: what chance may have done": "test_what_chance_may_have_done",
        "Commands: CSV, JSON, Markdown": "test_files",
        "Commands: table": "test_the_tables_of_the_command_fit_a_terminal",
        "Commands: intervals of shares": "test_intervals_of_shares_stay_shares",
        "Commands: nothing is claimed without a test": "test_nothing_is_claimed_without_a_test",
    },
    "report/test_report_contents.py": {
        "Commands: best beside final, intervals as a picture": "test_failures_ties_and_the_best_step_are_told",
        "Commands: what is told apart": "test_what_is_told_apart_and_where_intervals_are_cut_off",
        "Commands: no external address, escaped": "test_no_element_and_no_address_is_a_strangers",
        "Commands: verdict first, real pictures, neighbors": (
            "test_the_verdict_stands_first_and_everything_has_its_section"
        ),
        "Commands: the verdict in words, warnings, neighbors of how many": (
            "test_it_says_how_the_run_ended_and_what_it_does_not_know"
        ),
        "Commands: metrics with real against real and record": (
            "test_numbers_stand_beside_real_against_real_and_their_record"
        ),
        "Commands: configuration with origins": ("test_values_of_the_configuration_stand_beside_what_decided_them"),
        "Commands: quality against time": ("test_the_verdict_stands_first_and_quality_is_drawn_against_time"),
        "Commands: gallery": "test_the_gallery_shows_the_last_grid",
    },
    "test_comparison_grid.py": {
        "Commands: the grid": "test_every_combination_once_and_the_last_axis_first",
        "Commands: --set key=a,b": "test_settings_and_axes_of_set",
        "Commands: --reg": "test_choices_of_regularizers",
        "Commands: equal budgets": "test_equal_budgets",
        "Commands: equal minutes": "test_equal_time",
    },
    "cli/test_compare.py": {
        "Commands: diverged cells stay": "test_a_run_that_diverges_is_kept_and_not_run_again",
        "Commands: killed at any instant": "test_killed_at_any_instant_it_goes_on",
        "Commands: each cell its own run folder, measured afterwards": "test_json_of_a_finished_comparison",
        "Commands: what it will cost": "test_a_dry_run_shows_the_grid_and_writes_nothing",
    },
    "test_cores.py": {
        "Commands: threads are divided": "test_threads_are_shared_and_do_not_spin_beside_each_other",
    },
    "test_compare_ray.py": {
        "Commands: Ray": "test_a_driver_and_a_node_are_killed_and_the_numbers_are_those_of_one_machine",
    },
    "test_driving.py": {
        "Commands: Ray without room": "test_without_a_node_it_says_once_what_a_run_needs_and_what_there_is",
    },
    "cli/test_report_command.py": {
        "Commands: report RUN": "test_a_run_and_never_over_another_file",
        "Commands: report COMPARISON": "test_a_comparison_by_name_and_by_path",
    },
    "report/test_report_in_a_browser.py": {
        "Commands: content security policy": "test_a_script_that_got_in_would_not_run",
        "Commands: slider and keyboard": "test_the_slider_follows_the_keyboard",
        "Commands: sortable leaderboard": "test_columns_are_sorted_by_click_and_by_key",
        "Commands: light and dark": "test_contrast_is_enough_to_read",
        "Commands: phone width": "test_a_phone_scrolls_in_one_direction",
    },
    "report/test_report_chart.py": {
        "Commands: curves with equilibrium": "test_a_single_goal_is_always_seen",
        "Commands: metrics of the training with floor": "test_a_metric_of_the_training_has_its_floor",
    },
    "test_health.py": {
        "Health: D won, G's gradient gone": "test_a_d_that_wins_against_a_saturating_loss",
        "Health: D blind": "test_a_d_that_is_blind",
        "Health: diversity falling": "test_samples_that_become_alike",
        "Health: oscillation": "test_players_that_overtake_each_other",
        "Health: memorizing": "test_a_generator_that_learns_its_pictures_by_heart",
        "Health: NaN": "test_a_number_that_is_not_finite",
        "Health: no false alarm": "test_nothing_is_said_of_a_healthy_run",
        "Health: the loss's own equilibrium": "test_a_loss_that_states_nothing_is_asked",
        "Health: the command for it": "test_every_command_can_be_run",
        "Health: live": "test_live_and_afterwards_are_the_same",
        "Health: in the console line": "test_the_phrase_of_the_line",
    },
    "examples/test_healthy_seeds.py": {
        "Health: ten seeds by one command": "test_runs_are_listed_and_not_trained_twice",
    },
    "examples/test_which_pair.py": {
        "Python twins: compare": "test_it_compares_writes_a_page_and_does_nothing_twice",
    },
    "test_alone.py": {
        "Python twins: metrics on arrays": "test_arrays_and_tensors_have_the_distance_of_their_gaussians",
    },
}
OF_ISSUE_12 = {
    "test_adversary.py": {
        "1 an update leaves no gradient on the generator": "test_an_update_leaves_none_on_the_generator",
        "1 a push leaves nothing": "test_the_generators_loss_leaves_none_on_critics_and_moves_nothing_in_them",
        "1 gradients through features": "test_gradients_through_features_reach_the_fakes",
        "1 detached in D's step": "test_a_loop_of_both_has_the_gradients_of_each_alone",
        "2 either order": "test_stopped_anywhere_it_goes_on_bit_for_bit",
        "2 accumulation": "test_parts_of_a_batch_add_up_to_the_whole",
        "2 spectral norm in parts": "test_spectral_norm_moves_once_for_all_parts",
        "3 nothing moves before the start": "test_nothing_moves_before_it",
        "3 an exact 0 that back-propagates": "test_the_zero_back_propagates",
        "3 Adam's first real step": "test_adams_first_real_step_is_the_learning_rate",
        "3 two starts and a ramp": "test_two_starts_and_a_ramp",
        "4 resume": "test_stopped_anywhere_it_goes_on_bit_for_bit",
        "4 no frozen backbone": "test_a_frozen_backbone_is_not_in_it",
        "4 critics_only": "test_critics_alone",
        "5 terms add up": "test_they_add_up",
        "5 gradient norm of each term": "test_the_norm_of_the_gradient_of_each_term",
        "5 a verdict from the loss's own equilibrium": "test_it_is_that_of_the_loss",
        "6 last-layer": "test_last_layer_is_the_ratio_of_gradients_at_the_weight",
        "6 its clamp": "test_the_clamp_of_last_layer",
        "6 gradient-normalization": "test_gradient_normalization_makes_the_gradient_that_of_a_mean",
        "6 balancer": "test_the_balancer_gives_the_adversarial_gradient_its_share_of_the_norm",
        "7 autocast": "test_under_autocast_critics_are_computed_in_full",
        "8 any rank": "test_any_rank_and_any_length",
        "zoo: condition images": "test_a_condition_goes_with_both_sides",
        "zoo: maps sum or mean": "test_several_maps_are_added_or_averaged",
        "zoo: losses chosen apart": "test_the_sides_of_two_losses",
    },
    "test_adversary_attacked.py": {
        "7 compiled critics": "test_compiled_critics_and_their_penalties",
        "7 FSDP2 refused": "test_a_critic_of_which_each_process_has_a_part_is_refused",
        "7 one pass where nothing couples": "test_real_and_fake_are_apart_where_a_critic_of_the_zoo_couples_them",
        "8 unequal pairs": "test_unequal_batches_are_refused_where_pairs_are_compared",
        "critics in every form": "test_every_form_of_a_verdict_is_understood",
    },
    "test_adversary_told.py": {
        "all of it in the first step": "test_what_does_not_fit_is_refused_in_the_first_step_and_nothing_moves",
        "3 trying leaves no trace": "test_what_is_tried_in_the_first_step_leaves_no_trace",
        "4 states of others": "test_they_are_refused_and_nothing_changes",
    },
    "test_adversary_processes.py": {"7 two gloo processes": "test_two_processes_equal_one"},
    "examples/test_adversary_programs.py": {
        "7 Lightning": "test_in_lightning_the_critic_learns_and_is_in_the_checkpoint",
        "7 Accelerate": "test_in_accelerate_the_state_is_saved_with_the_rest",
        "shown: a VQ autoencoder": "test_the_autoencoder_is_compared_with_and_without_its_critic",
        "shown: pix2pix, inpainting, super-resolution": "test_pictures_are_compared_with_and_without_a_critic",
        "shown: CycleGAN": "test_classes_are_translated_both_ways",
        "shown: volumes": "test_volumes_are_compared_with_and_without_critics",
        "shown: 120 lines": "test_each_program_is_short",
    },
    "examples/test_adversary_benchmark.py": {"shown: loops by hand": "test_all_loops_train_both_networks_alike"},
    "test_feature_groups.py": {"zoo: features of each sub-critic": "test_averages_of_published_works"},
    "plugins/test_regularizers_outputs.py": {
        "zoo: feature-matching of pairs": "test_pairs_where_each_fake_has_its_target",
        "zoo: variants of lecam": "test_each_by_hand",
        "zoo: centering": "test_pairs_are_pulled_to_be_opposite",
    },
    "plugins/test_losses.py": {
        "zoo: scale, and the generator of hinge": "test_the_scale_is_of_the_discriminator_alone",
        "zoo: reduce": "test_the_mean_logit_of_a_sample_by_hand",
    },
    "test_image_pool.py": {"zoo: image pool": "test_conditions_go_with_their_fakes"},
    "test_part_critics.py": {
        "zoo: slice critics": "test_all_slices_are_a_loop_by_hand",
        "zoo: crop critics": "test_crops_are_a_loop_by_hand",
    },
    "plugins/test_regularizers_gradients.py": {
        "zoo: estimate, share": "test_a_difference_looks_at_the_first_samples",
        "zoo: estimate beside the exact term": "test_a_difference_teaches_the_critic_what_the_exact_term_does",
        "zoo: estimate with the same augmentation": "test_a_loop_that_cannot_augment_alike_is_told_so",
    },
    "test_adversary_arranged.py": {
        "zoo: skip_below": "test_a_critic_that_wins_is_not_stepped_and_nothing_moves",
        "zoo: mismatch": "test_real_data_with_the_condition_of_a_neighbor_is_a_fake",
        "zoo: pac": "test_a_critic_judges_joined_samples_and_its_penalty_is_of_them",
    },
    "plugins/test_presets.py": {
        "presets: vqgan, ldm, rae": "test_tokenizers_with_an_adaptive_weight",
        "presets: llamagen": "test_llamagen",
        "presets: open-magvit2": "test_open_magvit2",
        "presets: pix2pix": "test_pix2pix",
        "presets: cyclegan": "test_cyclegan",
        "presets: pix2pixhd": "test_pix2pixhd",
        "presets: spade": "test_spade",
        "presets: esrgan, relativistic-average with detached means": "test_esrgan",
        "presets: real-esrgan": "test_real_esrgan",
        "presets: monai-autoencoder": "test_monai_autoencoder",
        "presets: hifigan, dac": "test_vocoders_and_codecs_of_least_squares",
        "presets: encodec": "test_encodec",
        "presets: vocos": "test_vocos",
        "presets: afm": "test_afm",
        "presets: they say where they differ": "test_its_head_says_where_it_differs",
        "presets: their own critics": "test_it_trains_with_its_own_critic",
    },
    "test_popular_mistakes.py": {
        "page: LlamaGen": "test_fakes_push_the_critic_up_to_the_wrong_side_of_zero",
        "page: MONAI": "test_hinge_has_a_margin_and_its_generator_a_constant_slope",
        "page: BasicSR": "test_a_gradient_penalty_is_0_where_the_slope_of_each_sample_is_1",
        "page: gigagan-pytorch": "test_a_penalty_is_proportional_to_its_weight",
        "page: audiocraft": "test_every_scale_sees_another_picture",
        "page: diffusers": "test_the_generator_hears_nothing_of_the_critics_own_loss",
        "page: taming-transformers": "test_the_first_real_step_of_adam_is_the_learning_rate",
        "page: an early VQGAN": "test_the_critic_is_not_told_that_fakes_are_real",
    },
    "plugins/test_discriminators_patch_ranks.py": {
        "zoo: patch critics of any rank": "test_a_map_has_the_axes_of_the_data",
        "zoo: anisotropic strides": "test_a_thin_axis_is_not_halved",
        "zoo: tags of ranks": "test_a_wrong_rank_is_refused_with_those_that_take_it",
    },
    "kit/test_preset_checks.py": {"plugins: faulty presets": "test_every_check_of_presets_has_its_fault"},
}
OF_ISSUE_15 = {
    "test_full_disk.py": {
        "A1 at every file": "test_whichever_file_cannot_be_written",
        "A1 what was lost first, and its size": "test_the_message_names_what_was_lost_first_not_what_failed_after_it",
        "A1 files of tensors outside of runs": "test_what_the_caches_cannot_write_is_told_as_a_full_disk",
        "A10 weights that are not finite": "test_weights_that_are_not_finite_are_not_kept",
        "A11 permissions": "test_every_file_of_a_run_is_for_the_same_people",
    },
    "test_rundir.py": {"A2 before the manifest": "test_what_ended_before_it_began_is_not_the_newest_run"},
    "test_cut_short.py": {
        "A2 a lost manifest": "test_a_run_that_lost_its_manifest_goes_on_and_writes_it_again",
        "A3": "test_killed_after_its_last_checkpoint_it_is_finished_and_has_its_film",
        "A5 refused": "test_checkpoints_that_are_gone_do_not_cost_the_rows",
        "A5 meant": "test_a_run_can_be_begun_again",
        "A7 another run": "test_another_run_whose_manifest_is_damaged_stops_nothing",
    },
    "test_strange_checkpoints.py": {
        "A4 checkpoints": "test_a_copy_beside_checkpoints_is_kept_and_no_checkpoint",
        "A4 grids": "test_a_copy_beside_grids_is_kept_and_no_grid",
        "A6 unlisted": "test_a_file_that_the_list_does_not_name_is_not_loaded",
        "A6 an empty list": "test_an_empty_list_verifies_nothing",
        "A6 special files": "test_a_pipe_is_never_waited_for",
        "A6 counters": "test_counters_are_counters",
        "B security: links of runs": "test_a_run_writes_and_removes_nothing_through_a_link",
        "B security: links of comparisons": "test_a_strangers_comparison_does_not_go_on_in_folders_of_mine",
        "B security: pipes": "test_no_pipe_in_the_folder_of_a_run_or_a_comparison_is_waited_for",
    },
    "test_one_damaged_file.py": {
        "A7 grids and rows": "test_a_damaged_grid_and_a_damaged_row_do_not_stop_the_training",
        "A7 not UTF-8": "test_files_that_are_not_utf_8",
        "A11 grids of long runs": "test_grids_of_a_long_run_have_a_bound",
    },
    "test_files.py": {
        "A7 flushed before it is renamed": "test_content_is_on_disk_before_it_takes_the_name",
        "B leftovers": "test_what_a_killed_process_left_half_written_is_removed_a_day_later",
    },
    "cli/test_hostile_names.py": {
        "A8 folders and files": "test_whoever_trains_on_a_strangers_folder",
        "A8 the command line": "test_words_on_the_command_line_and_in_files",
        "A8 one way to a terminal": "test_there_is_no_other_way_to_a_terminal",
    },
    "test_no_blame.py": {
        "A9 YAML": "test_a_configuration_with_a_slip_of_the_pen",
        "A9 bounds": "test_every_number_that_asks_for_work_has_a_bound",
        "A9 no home folder": "test_without_a_home_folder",
        "A9 long names": "test_a_run_that_no_file_system_holds",
        "A9 paths that are not UTF-8": "test_a_folder_whose_name_is_not_utf_8",
    },
    "test_rollback.py": {
        "A10 the hint": "test_no_more_often_than_was_allowed_and_the_hint_works",
        "A10 the rate in force": "test_the_hint_names_half_the_rate_in_force_where_a_schedule_moves_it",
        "A10 going back by itself": "test_training_goes_back_until_it_stays_finite",
        "A10 the last good step": "test_a_run_that_diverged_goes_on_from_its_last_good_step",
    },
    "faults/test_faults.py": {
        "B runs": "test_a_run_that_meets_a_fault_at_any_operation_ends_in_words_or_goes_on_to_the_same_numbers",
        "B caches and archives": "test_what_is_killed_outside_of_runs_comes_to_the_same",
    },
    "test_tracking.py": {"B security: secrets": "test_what_a_tracker_is_given_and_the_environment_are_in_no_file"},
    "test_compare_ray.py": {"B Ray": "test_a_driver_and_a_node_are_killed_and_the_numbers_are_those_of_one_machine"},
}
"""Of B only the faults, and what security says of run folders and secrets; fuzzing and long runs are elsewhere."""
TRUSTED = {clause: f"{file}::{name}" for file, tests in OF_ISSUE_15.items() for clause, name in tests.items()}
OF_ISSUE_13 = {
    "plugins/test_discriminators_signal.py": {
        "audio: parameter counts": "test_parameters_are_those_of_the_published_code",
        "audio: output shapes at three sizes": "test_maps_of_three_lengths",
        "audio: receptive fields": "test_fields_are_those_of_the_gradient",
        "audio: padding of a whole period": "test_a_period_folds_the_signal_into_columns",
        "audio: scale": "test_scales_hear_averages",
        "audio: stft": "test_magnitudes_are_convolved_along_time",
        "audio: stft-complex": "test_complex_transforms_are_convolved_along_frequency",
        "audio: stft-bands": "test_bands_have_weights_of_their_own",
        "audio: ensemble": "test_an_ensemble_weighs_the_maps_of_its_members",
        "audio: double backward": "test_r1_of_silence_and_of_signals_is_finite",
        "audio: bf16": "test_in_bfloat16_it_says_nearly_the_same",
    },
    "plugins/test_presets.py": {
        "audio: presets hifigan, bigvgan, dac": "test_vocoders_and_codecs_of_least_squares",
        "audio: preset encodec": "test_encodec",
        "audio: preset vocos": "test_vocos",
        "audio: their critics": "test_the_critics_of_audio_presets_are_those_of_their_sources",
    },
    "plugins/test_discriminators_restoration.py": {
        "pictures: sizes of unet-sn and vgg-style": "test_sizes_are_the_published_ones",
        "pictures: shapes of logits": "test_shapes_of_logits",
        "pictures: receptive field of patchgan-blur": "test_patchgan_blur_sees_what_its_page_says",
        "pictures: patchgan-blur judges samples alone": "test_patchgan_blur_does_not_see_other_samples_in_training",
    },
    "plugins/test_discriminators_stylegan2.py": {
        "pictures: size of stylegan2": "test_sizes_are_those_that_the_authors_print",
        "pictures: shapes of stylegan2": "test_shapes_of_maps_and_logits",
        "pictures: stylegan2's formula": "test_it_computes_its_formula",
    },
    "plugins/test_networks_r3gan.py": {
        "pictures: size of r3gan": "test_sizes_without_classes_are_those_of_table_9",
        "pictures: r3gan's initialization": "test_a_block_begins_as_the_identity_and_its_variance_is_fixups",
    },
    "test_patch_nce.py": {"pictures: patch-nce": "test_the_value_is_that_of_the_formula_with_its_heads_written_out"},
    "plugins/test_discriminators_frozen.py": {
        "frozen: never trained, never in the state": "test_only_heads_are_trained_and_saved",
        "frozen: any module": "test_a_module_of_ones_own_is_copied_and_stays_as_it_is",
        "frozen: preprocessing": "test_lite0_sees_pictures_as_its_extractor_does",
        "frozen: projected mixes": "test_levels_are_mixed_across_channels_and_then_from_coarse_to_fine",
        "frozen: size of projected": "test_the_size_of_projected_gan",
        "shown: frozen critics learn": "test_it_tells_held_out_digits_from_grainy_ones",
    },
    "plugins/test_biggan.py": {
        "systems: size of biggan": "test_sizes_at_128_px_are_those_that_biggan_pytorch_prints",
        "systems: widths of biggan": "test_widths_are_those_of_the_papers_tables",
        "systems: hierarchical latents": "test_each_part_of_z_enters_at_its_own_block",
    },
    "plugins/test_networks_progressive.py": {
        "systems: size of progressive": "test_sizes_at_1024_are_those_of_table_2",
        "systems: fade-in": "test_what_fades_in_is_a_blend_of_the_two_levels",
        "systems: resumed in a fade": "test_a_run_that_is_cut_in_the_middle_of_a_fade_resumes_bit_by_bit",
    },
    "plugins/test_multi_hinge.py": {"heads: multi-hinge": "test_the_terms_by_hand"},
    "plugins/test_losses_top_k.py": {
        "heads: top-k": "test_the_generator_learns_from_the_best_and_the_discriminator_from_all",
    },
    "plugins/test_recipes.py": {
        "recipes: a table for each": "test_its_table_leaves_out_nothing",
        "recipes: it is true": "test_its_table_of_what_is_as_in_the_paper_is_true",
        "recipes: --config r3gan": "test_hyper_parameters",
    },
    "plugins/test_picture_critics_learn.py": {"shown: critics of pictures learn": "test_it_tells_real_from_fake"},
    "examples/test_adversary_programs.py": {
        "shown: a vocoder": "test_a_vocoder_is_compared_with_and_without_critics",
        "shown: text to image": "test_captions_are_painted_with_and_without_wrong_ones_for_the_critics",
        "shown: speech": "test_pieces_of_speech_are_by_voices_that_differ",
    },
    "examples/test_projected_example.py": {"shown: projected": "test_it_compares_both_critics_and_writes_a_page"},
    "examples/test_audio_critics.py": {"shown: critics of signals learn": "test_it_tells_real_from_fake"},
    "plugins/test_class_embeddings.py": {
        "heads: d2d-ce": "test_d2d_ce_is_the_sum_written_out",
        "heads: contrastive": "test_contrastive_is_the_sum_written_out",
    },
    "plugins/test_regularizers_weights.py": {
        "systems: orthogonal regularization": "test_orthogonal_gradient_is_that_of_the_authors",
    },
    "test_truncation.py": {
        "systems: truncation": "test_samples_of_narrow_latents_are_those_of_the_generator_at_them",
    },
    "test_plotting.py": {
        "schedules: drawn by plot": "test_schedules_have_panels_and_those_that_move_alike_share_one",
    },
    "test_schedules.py": {
        "schedules: data of the configuration": "test_every_number_is_in_effect_in_the_step_it_is_written_for",
        "schedules: checkpointed": "test_a_run_that_is_cut_in_the_middle_of_schedules_resumes_bit_by_bit",
    },
}
IN_EVERY_FIELD = {clause: f"{file}::{name}" for file, tests in OF_ISSUE_13.items() for clause, name in tests.items()}
DROPPING_IN = {clause: f"{file}::{name}" for file, tests in OF_ISSUE_12.items() for clause, name in tests.items()}
MEASURING = {clause: f"{file}::{name}" for file, tests in OF_ISSUE_11.items() for clause, name in tests.items()}

LINES = [f"{part}{number}" for part, last in (("D", 11), ("E", 5), ("F", 6)) for number in range(1, last + 1)]


@cache
def functions_of(file: str) -> set[str]:
    tree = ast.parse((HERE / file).read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("clause", [*HOLDERS, *MEASURING, *DROPPING_IN, *IN_EVERY_FIELD, *TRUSTED])
def test_the_test_of_a_clause_exists(clause):
    file, _, name = {**HOLDERS, **MEASURING, **DROPPING_IN, **IN_EVERY_FIELD, **TRUSTED}[clause].partition("::")
    assert name in functions_of(file)


def test_every_line_has_one():
    assert sorted({clause.split()[0] for clause in HOLDERS}) == sorted(LINES)
    assert {clause.split()[0] for clause in TRUSTED} == {*(f"A{number}" for number in range(1, 12)), "B"}
